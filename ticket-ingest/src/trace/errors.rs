//! Recognises the line of an error, `Type: text`, and places in source files.

use ticket_core::SmolStr;
use ticket_core::record::ErrorCause;

/// Returns `true` for a type with the name of an exception, with or without a text: `ValueError: text`,
/// `java.lang.IllegalStateException`.
pub(super) fn is_exception(text: &str) -> bool {
    let (name, _) = name_and_text(text);
    let last = last_part(name);
    is_type(name)
        && last.starts_with(|c: char| c.is_ascii_uppercase())
        && ["Error", "Exception", "Throwable", "Failure"].iter().any(|end| last.ends_with(end))
}

/// Returns `true` for a qualified type, with or without a text: `com.shop.NoCard: text`.
pub(super) fn is_qualified(text: &str) -> bool {
    let (name, _) = name_and_text(text);
    is_type(name)
        && name.contains(['.', '\\'])
        && last_part(name).starts_with(|c: char| c.is_ascii_uppercase())
}

/// Returns `true` for any type that begins with a capital, with or without a text: `NoCard: text`.
///
/// This is enough only where a frame follows.
pub(super) fn is_capitalised(text: &str) -> bool {
    let (name, _) = name_and_text(text);
    is_type(name) && last_part(name).starts_with(|c: char| c.is_ascii_uppercase())
}

/// Reads an error of the form `type: text`, a type, or a text.
pub(super) fn exception(text: &str) -> ErrorCause {
    let text = text.trim();
    match name_and_text(text) {
        (name, message) if is_type(name) => ErrorCause::new(Some(name.into()), message),
        _ => ErrorCause::new(None, text),
    }
}

/// Splits `Type: text` and `Type [CODE]: text`, where the code belongs to the type.
fn name_and_text(text: &str) -> (&str, &str) {
    match text.split_once(": ") {
        Some((name, text)) => (name, text.trim_start()),
        None => (text.trim_end_matches(':'), ""),
    }
}

fn last_part(name: &str) -> &str {
    let name = without_code(name);
    name.rsplit(['.', ':', '$', '\\', '+']).next().unwrap_or(name)
}

/// Removes the code that Node writes behind a type: `TypeError [ERR_INVALID_ARG_TYPE]`.
fn without_code(name: &str) -> &str {
    match name.strip_suffix(']').and_then(|name| name.split_once(" [")) {
        Some((name, code)) if !code.contains(' ') => name,
        _ => name,
    }
}

pub(super) fn is_type(name: &str) -> bool {
    let name = without_code(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '\\')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$:\\`+".contains(&byte))
}

/// Reads `src/main.rs:4:5` or `src/main.rs:4`.
pub(super) fn file_and_line(place: &str) -> (Option<SmolStr>, Option<u32>) {
    let number = |text: &str| text.parse::<u32>().ok();
    let (rest, last) = place.rsplit_once(':').unwrap_or((place, ""));
    let (file, line) = match (number(last), rest.rsplit_once(':')) {
        (Some(_), Some((file, line))) if number(line).is_some() => (file, number(line)),
        (Some(line), _) => (rest, Some(line)),
        (None, _) => (place, None),
    };
    ((!file.is_empty()).then(|| file.into()), line)
}

/// Returns the text with forward slashes, as a file is compared with the folders of libraries.
pub(super) fn slashes(file: &str) -> std::borrow::Cow<'_, str> {
    if file.contains('\\') { file.replace('\\', "/").into() } else { file.into() }
}
