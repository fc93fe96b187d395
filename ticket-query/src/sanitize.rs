//! Makes stored text safe to look at.
//!
//! Logs contain what strangers typed. An escape sequence must not move the cursor, and an invisible or
//! reversing character must not make a text look like another one.

use std::fmt::Write;

/// Returns `true` if a character acts on a terminal or is invisible: control characters (C0, DEL, C1), text
/// directions, characters of zero width, fillers and tags.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns a text on one line: a line break becomes `↵`, a tab a space, and any other unsafe character an
/// escape such as `\u{1b}`.
#[must_use]
pub fn line(text: &str) -> String {
    // Most texts are plain, and a page has hundreds.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => clean.push('↵'),
            '\t' => clean.push(' '),
            c => push(&mut clean, c),
        }
    }
    clean
}

/// Returns the first characters of a text on one line, with `…` for the rest.
#[must_use]
pub fn beginning(text: &str, max_chars: usize) -> String {
    // No text has more characters than bytes.
    if text.len() <= max_chars {
        return line(text);
    }
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => line(&text[..end]) + "…",
        None => line(text),
    }
}

/// Returns the lines of a text, each of them safe. A tab becomes four spaces.
pub fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| {
        let mut clean = String::with_capacity(line.len());
        for c in line.chars() {
            match c {
                '\t' => clean.push_str("    "),
                c => push(&mut clean, c),
            }
        }
        clean
    })
}

/// Returns a text in quotes, as [`parse`](crate::parse) reads it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => push(&mut quoted, c),
        }
    }
    quoted.push('"');
    quoted
}

fn push(clean: &mut String, c: char) {
    if is_unsafe(c) {
        // Writing to a string cannot fail.
        let _ = write!(clean, "\\u{{{:x}}}", u32::from(c));
    } else {
        clean.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_unsafe_character_gets_through() {
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            for clean in [line(&text), quoted(&text), lines(&text).collect(), beginning(&text, 2)] {
                assert!(!clean.contains(is_unsafe), "{c:?} gives {clean:?}");
            }
        }
    }

    #[test]
    fn invisible_characters_become_visible() {
        assert_eq!(line("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(line("invoice\u{202e}fdp.exe"), "invoice\\u{202e}fdp.exe");
        assert_eq!(line("pass\u{200b}word \u{9b}2J"), "pass\\u{200b}word \\u{9b}2J");
        assert_eq!(line("a\r\nb\tc\rd"), "a↵b c\\u{d}d");
    }

    #[test]
    fn ordinary_text_of_any_script_is_kept() {
        for text in ["grüße", "日本語", "שלום", "🚀 ❤️", "C:\\temp", "␀"] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(beginning("ééé", 2), "éé…");
        assert_eq!(beginning("éé", 2), "éé");
    }

    #[test]
    fn quoted_text_stays_on_one_line() {
        assert_eq!(quoted("a \"b\"\n\\ \u{1b}"), r#""a \"b\"\n\\ \u{1b}""#);
    }
}
