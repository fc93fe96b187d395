//! The place of an error: the innermost frame of the application.

use ticket_core::record::{Frame, Location};
use ticket_core::{Record, SmolStr};

/// Makes the innermost frame of the application the location of a record, since it says more than where the error was
/// logged. That place is kept in the attributes `logged_at.…`.
pub(crate) fn locate(record: &mut Record) {
    let Some(frame) = record.backtrace.iter().find(|frame| frame.in_app) else { return };
    let location = place(frame);
    let before = std::mem::replace(&mut record.location, location);
    let Location { file, line, function, module, .. } = before;
    let parts = [("file", file), ("function", function), ("module", module)];
    let parts = parts.into_iter().filter_map(|(name, value)| Some((name, value?.into())));
    for (name, value) in parts.chain(line.map(|line| ("line", i64::from(line).into()))) {
        record.traits.insert_new(format!("logged_at.{name}").into(), value);
    }
}

fn place(frame: &Frame) -> Location {
    let mut location = Location::new();
    location.file = frame.file.as_deref().map(without_release);
    location.line = frame.line;
    location.function = Some(without_numbers(&frame.function)).filter(|name| !name.is_empty());
    location
}

/// Removes what compilers number: `lambda$pay$0`, `main.func1.2`, `<Pay>d__7`, `b__0_1`, `Lambda$14/0x08`. These numbers
/// change when another function is added.
fn without_numbers(function: &str) -> SmolStr {
    let mut name = String::with_capacity(function.len());
    let mut rest = function;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, digits) = rest.split_at(at);
        name.push_str(before);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let is_numbered =
            ["$", "__", "_", ".func", "func", "/0x", "."].iter().any(|mark| name.ends_with(mark))
                || name.ends_with("Accessor")
                || name.ends_with("Proxy");
        if name.ends_with("/0x") {
            let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
            name.truncate(name.len() - 3);
            rest = &digits[end..];
            continue;
        }
        if !is_numbered || name.chars().all(|c| c == '_') {
            name.push_str(&digits[..end]);
        }
        rest = &digits[end..];
    }
    name.push_str(rest);
    name.into()
}

/// Replaces folders that are named after a release or a build: `/srv/releases/20261121/cart.rb`.
fn without_release(file: &str) -> SmolStr {
    let is_build = |part: &str| {
        part.len() >= 8
            && part.bytes().all(|byte| byte.is_ascii_hexdigit() || b"-_.T".contains(&byte))
            && part.bytes().filter(u8::is_ascii_digit).count() >= 4
    };
    if !file.split(['/', '\\']).any(is_build) {
        return file.into();
    }
    let parts: Vec<&str> =
        file.split('/').map(|part| if is_build(part) { "*" } else { part }).collect();
    parts.join("/").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_compilers_give_are_no_part_of_a_place() {
        for (function, place) in [
            ("com.shop.Cart.lambda$pay$0", "com.shop.Cart.lambda$pay$"),
            ("main.main.func1.2", "main.main.func."),
            ("Shop.Cart.<Pay>d__7.MoveNext", "Shop.Cart.<Pay>d__.MoveNext"),
            ("com.shop.Cart$$Lambda$14/0x000008.run", "com.shop.Cart$$Lambda$.run"),
            ("pay2", "pay2"),
            ("shop::utf8::read", "shop::utf8::read"),
            ("pay", "pay"),
        ] {
            assert_eq!(without_numbers(function), place, "{function}");
        }
    }

    #[test]
    fn a_release_is_no_part_of_a_place() {
        for (file, place) in [
            ("/srv/releases/20261121104720/app/cart.rb", "/srv/releases/*/app/cart.rb"),
            ("/srv/3f2a91bc04/cart.js", "/srv/*/cart.js"),
            ("/srv/app/cart.js", "/srv/app/cart.js"),
            ("src/v2/cart.rs", "src/v2/cart.rs"),
        ] {
            assert_eq!(without_release(file), place);
        }
    }
}
