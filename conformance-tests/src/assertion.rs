//! The suite's own `assert_eq!`.
//!
//! The one of `std` prints both values and does not say which of them is right. Somebody who writes a backend wants to
//! know what was asked, what the contract expects, and where a ticket of 15 fields or a list of 300 occurrences differs.

use std::fmt::{Arguments, Debug};

/// The longest text of a value that is shown as a whole.
const SHORT: usize = 160;

/// Asserts that the first value, which comes from the backend, equals the second one, which the contract expects.
macro_rules! assert_eq {
    ($found:expr, $expected:expr $(,)?) => {
        assert_eq!($found, $expected, "")
    };
    ($found:expr, $expected:expr, $($message:tt)+) => {
        match (&$found, &$expected) {
            (found, expected) => {
                if *found != *expected {
                    let message = format_args!($($message)+);
                    $crate::assertion::fail(stringify!($found), &found, &expected, message);
                }
            }
        }
    };
}

/// Panics with the difference between two values.
#[track_caller]
pub(crate) fn fail(
    what: &str,
    found: &dyn Debug,
    expected: &dyn Debug,
    message: Arguments<'_>,
) -> ! {
    let difference = difference(found, expected);
    match message.to_string() {
        message if message.is_empty() => panic!("{what}\n{difference}"),
        message => panic!("{what}: {message}\n{difference}"),
    }
}

/// Shows two values whole if they are short, and otherwise where they first differ.
fn difference(found: &dyn Debug, expected: &dyn Debug) -> String {
    let [whole_found, whole_expected] = [found, expected].map(|value| format!("{value:?}"));
    if whole_found.len().max(whole_expected.len()) <= SHORT {
        return format!("  expected: {whole_expected}\n  found:    {whole_found}");
    }
    let [found, expected] = [found, expected].map(|value| format!("{value:#?}"));
    let [found, expected] = [&found, &expected].map(|text| text.lines().collect::<Vec<_>>());
    let same = found.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    let [found_line, expected_line] = [&found, &expected]
        .map(|lines| lines.get(same).map(|line| line.trim()).filter(|line| !closes(line)));
    let place = place(&expected[..same], expected_line.or(found_line).unwrap_or_default());
    let [found, expected] = [found_line, expected_line].map(|line| line.map_or("nothing", value));
    let (found, expected) = around_the_difference(found, expected);
    format!("  first difference: {place}\n  expected: {expected}\n  found:    {found}")
}

/// Returns the path to a line of a value's pretty `Debug` text, such as `[2].record.level`.
fn place(before: &[&str], line: &str) -> String {
    // The enclosing values: the label of each, how many items without a name it has so far, and if these are shown.
    let mut open: Vec<(String, usize, bool)> = Vec::new();
    let label = |line: &str, open: &mut Vec<(String, usize, bool)>| {
        if let Some((name, _)) = named(line) {
            return format!(".{name}");
        }
        match open.last_mut() {
            Some((_, items, true)) => {
                *items += 1;
                format!("[{}]", *items - 1)
            }
            _ => String::new(),
        }
    };
    for line in before.iter().map(|line| line.trim()) {
        if closes(line) {
            open.pop();
            continue;
        }
        let label = label(line, &mut open);
        if line.ends_with(['{', '[', '(']) {
            // `Some(` and the like have one item, whose place says nothing.
            let is_numbered = value(line) == "(" || line.ends_with('[');
            open.push((label, 0, is_numbered));
        }
    }
    let last = label(line, &mut open);
    let path: String =
        open.iter().map(|(label, ..)| label.as_str()).chain([last.as_str()]).collect();
    path.trim_start_matches('.').to_owned()
}

fn closes(line: &str) -> bool {
    line.starts_with(['}', ']', ')'])
}

/// Splits the line of a field, or of a map's entry, into name and value.
fn named(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(": ")?;
    let is_name = name.starts_with('"') || name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then_some((name, value))
}

fn value(line: &str) -> &str {
    let value = named(line).map_or(line, |(_, value)| value);
    value.strip_suffix(',').unwrap_or(value)
}

/// Cuts two long texts down to where they differ.
fn around_the_difference(found: &str, expected: &str) -> (String, String) {
    let same = found.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
    let start = same.saturating_sub(SHORT / 4);
    let cut = |text: &str| {
        let mut shown: String = text.chars().skip(start).take(SHORT).collect();
        if start > 0 {
            shown.insert(0, '…');
        }
        if text.chars().count() > start + SHORT {
            shown.push('…');
        }
        shown
    };
    (cut(found), cut(expected))
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::support::{expected, new, record, series, stored};

    #[test]
    fn a_short_value_is_shown_as_a_whole() {
        let failure = catch_unwind(|| assert_eq!(1 + 1, 3, "in round {}", 7)).unwrap_err();
        let text = failure.downcast_ref::<String>().unwrap();
        let lines: Vec<_> = text.lines().collect();
        std::assert_eq!(lines, ["1 + 1: in round 7", "  expected: 3", "  found:    2"]);
        assert_eq!(1 + 1, 2);
    }

    #[test]
    fn the_first_difference_of_a_ticket_is_named() {
        let ticket = expected(&series("it", 0..3));
        let mut other = ticket.clone();
        other.occurrence_count = 9;
        other.reopened_count = 1;
        let lines = ["  first difference: occurrence_count", "  expected: 3", "  found:    9"];
        assert_eq!(difference(&other, &ticket).lines().collect::<Vec<_>>(), lines);
        let text = difference(&Some(&other), &Some(&ticket));
        assert!(text.contains("first difference: occurrence_count\n"), "{text}");
        let text = difference(&None::<()>, &Some(&ticket));
        assert!(text.contains("expected: Some(\n  found:    None"), "{text}");
    }

    #[test]
    fn the_first_difference_of_a_list_has_its_index() {
        let all = stored(&series("it", 0..3));
        let mut other = all.clone();
        other[1].record.release = Some("1.4.0".into());
        let text = difference(&(7, &other), &(7, &all));
        assert!(text.contains("first difference: [1][1].record.release\n"), "{text}");
        assert!(text.contains("expected: None\n  found:    Some("), "{text}");
        let text = difference(&all[..2].to_vec(), &all);
        assert!(
            text.contains("difference: [2]\n  expected: Occurrence {\n  found:    nothing"),
            "{text}"
        );
        let text = difference(&all, &[(); 0]);
        assert!(text.contains("expected: []\n  found:    ["), "{text}");
    }

    #[test]
    fn a_long_text_is_shown_around_its_difference() {
        let of = |end: &str| {
            let mut record = record("it", 0);
            record.message = format!("{}{end}", "é".repeat(8_000)).into();
            record.id = new("it", 0).record().id;
            record
        };
        let text = difference(&of("x").message, &of("y").message);
        assert!(text.contains("ééy\"\n  found:    …éé") && text.len() < 500, "{text}");
    }
}
