//! Recognises the lines of a stack trace by their form.

use ticket_core::SmolStr;
use ticket_core::record::{ErrorCause, Frame};

/// Returns `true` if a line begins a stack trace, or an error that is printed with one.
pub(crate) fn begins(line: &str) -> bool {
    line.starts_with("Traceback (most recent call last)")
        || line.starts_with("Exception in thread \"")
        || line.starts_with("panic: ")
        || line.starts_with("fatal error: ")
        || rust_panic(line).is_some()
        || is_exception(line)
}

/// Reads `thread 'main' panicked at …` and returns the thread and the rest.
pub(super) fn rust_panic(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("thread '")?;
    let (thread, rest) = rest.split_once('\'')?;
    let rest = rest.trim_start();
    // Since Rust 1.91, the id of the thread follows its name: thread 'main' (4711) panicked at
    let rest = match rest.strip_prefix('(') {
        Some(number) => number.split_once(") ")?.1,
        None => rest,
    };
    Some((thread, rest.strip_prefix("panicked at ")?))
}

/// Returns `true` for the line that Python writes between two exceptions of a chain.
pub(super) fn is_python_link(text: &str) -> bool {
    text.starts_with("During handling of the above exception")
        || text.starts_with("The above exception was the direct cause")
}

/// Returns `true` for a type with the name of an exception, with or without a message: `ValueError: text`,
/// `java.lang.IllegalStateException`.
pub(super) fn is_exception(text: &str) -> bool {
    let name = text.split_once(": ").map_or(text.trim_end_matches(':'), |(name, _)| name);
    let last = name.rsplit(['.', ':', '$']).next().unwrap_or(name);
    is_type(name)
        && last.starts_with(|c: char| c.is_ascii_uppercase())
        && ["Error", "Exception", "Throwable", "Failure"].iter().any(|end| last.ends_with(end))
}

/// Returns `true` for a qualified type, with or without a message: `com.shop.NoCard: text`.
pub(super) fn is_qualified(text: &str) -> bool {
    let name = text.split_once(": ").map_or(text, |(name, _)| name);
    is_type(name)
        && name
            .rsplit_once('.')
            .is_some_and(|(_, last)| last.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$:".contains(&byte))
}

/// Reads an error of the form `type: text`, a type, or a text.
pub(super) fn exception(text: &str) -> ErrorCause {
    match text.split_once(": ") {
        Some((name, message)) if is_type(name) => ErrorCause::new(Some(name.into()), message),
        _ if is_type(text.trim_end_matches(':')) => {
            ErrorCause::new(Some(text.trim_end_matches(':').into()), "")
        }
        _ => ErrorCause::new(None, text),
    }
}

/// Reads `File "app.py", line 3, in main`.
pub(super) fn python_frame(text: &str) -> Option<Frame> {
    let (file, rest) = text.strip_prefix("File \"")?.split_once("\", line ")?;
    let (line, function) = rest.split_once(", in ").unwrap_or((rest, ""));
    let mut frame = Frame::new(function);
    frame.in_app = !["site-packages/", "dist-packages/", "/lib/python", "<frozen"]
        .iter()
        .any(|part| file.contains(part));
    frame.file = Some(file.into());
    frame.line = line.parse().ok();
    Some(frame)
}

/// Reads `com.shop.Cart.pay(Cart.java:12)`, `pay (src/cart.js:3:14)` or `src/cart.js:3:14`.
pub(super) fn frame_at(place: &str) -> Frame {
    let (function, at) = match place.strip_suffix(')').and_then(|place| place.rsplit_once('(')) {
        Some((function, at)) => (function.trim_end(), at),
        None => ("", place),
    };
    let mut frame = Frame::new(function);
    if !matches!(at, "Native Method" | "Unknown Source" | "<anonymous>" | "native") {
        (frame.file, frame.line) = file_and_line(at);
    }
    let foreign = ["java.", "javax.", "jdk.", "sun.", "kotlin.", "scala."];
    frame.in_app = !foreign.iter().any(|name| function.starts_with(name))
        && !at.starts_with("node:")
        && !at.contains("/node_modules/")
        && frame.file.is_some();
    frame
}

/// Returns `true` if what follows `at` is a frame and not a word of a sentence.
pub(super) fn is_place(place: &str) -> bool {
    place.ends_with(')') || file_and_line(place).1.is_some()
}

/// Reads `0: name`, or `3: 0x55d0c - name` with an address.
pub(super) fn numbered(text: &str) -> Option<(u32, &str)> {
    let (number, name) = text.split_once(": ")?;
    let name = name.trim_start();
    let name = match name.strip_prefix("0x").and_then(|rest| rest.split_once(" - ")) {
        Some((_, name)) => name,
        None => name,
    };
    Some((number.parse().ok()?, name))
}

pub(super) fn is_own_rust(file: &str) -> bool {
    !["/rustc/", ".cargo/registry/", "/rustlib/"].iter().any(|part| file.contains(part))
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
