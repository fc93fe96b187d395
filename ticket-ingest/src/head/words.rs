//! [`Scan`]: the words and separators of a head, and the forms of its pieces.

/// The longest text in brackets that is a piece of a head.
const GROUP: usize = 160;

/// A position in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    pub(super) line: &'a str,
    pub(super) at: usize,
    /// A bar or tab stands before the position, so that the next word may be a column.
    pub(super) column: bool,
}

/// A word or the text in brackets, and how it is set off from its neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// The bracket that opens before it.
    pub(super) bracket: Option<u8>,
    /// A colon follows.
    pub(super) colon: bool,
    /// It stands between bars or tabs, or in brackets.
    pub(super) column: bool,
    /// A dash follows, as in `shop - ERROR - `.
    pub(super) dash: bool,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(line: &'a str) -> Self {
        Self { line, at: 0, column: false }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// Skips spaces and what only separates: bars, dashes, colons, commas, arrows.
    pub(super) fn skip_separators(&mut self) {
        let start = self.at;
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '|', ';', ',']);
            let trimmed = [
                "--- ", "-- ", "- ", "==> ", "=> ", "-> ", "> ", "» ", ": ", "* ", "⋮ ", "## ",
                "##[",
            ]
            .iter()
            .find_map(|separator| trimmed.strip_prefix(separator))
            .map_or(trimmed, |rest| {
                // The bracket of `##[error]` belongs to the next word.
                if trimmed.starts_with("##[") { &trimmed[2..] } else { rest }
            });
            // logback writes `|-ERROR` about itself.
            let is_behind_bar = self.line[..self.line.len() - trimmed.len()].ends_with('|');
            let trimmed = trimmed.strip_prefix('-').filter(|_| is_behind_bar).unwrap_or(trimmed);
            if trimmed.len() == rest.len() {
                break;
            }
            self.at = self.line.len() - trimmed.len();
        }
        self.column = self.line[start..self.at].contains(['\t', '|']);
    }

    /// Reads the text in brackets at the position. `[[x]]` is one text in brackets.
    pub(super) fn group(&mut self) -> Option<Word<'a>> {
        let bytes = self.rest().as_bytes();
        let open = *bytes.first()?;
        let close = match open {
            b'[' => b']',
            b'(' => b')',
            b'<' => b'>',
            b'{' => b'}',
            _ => return None,
        };
        let mut depth = 0;
        let end = bytes.iter().take(GROUP).position(|byte| {
            depth += i32::from(*byte == open) - i32::from(*byte == close);
            depth == 0
        })?;
        let text = &self.line[self.at + 1..self.at + end];
        self.at += end + 1;
        let rest = self.rest();
        let colon = rest.starts_with(':');
        self.at += usize::from(colon);
        let dash = rest.starts_with(" - ");
        Some(Word { text: text.trim(), bracket: Some(open), colon, column: true, dash })
    }

    /// Reads the word at the position.
    pub(super) fn word(&mut self) -> Option<Word<'a>> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || "|[](),;<>\"".contains(c))
            .unwrap_or(rest.len());
        let text = rest[..end].trim_end_matches(':');
        if text.is_empty() {
            return None;
        }
        let colon = text.len() < end;
        self.at += if colon { text.len() + 1 } else { end };
        let behind = self.rest();
        let blank = behind.trim_start_matches(' ');
        let column =
            self.column && (behind.starts_with('\t') || blank.starts_with('|') || blank.is_empty());
        let dash = blank.starts_with("- ") && behind.starts_with(' ');
        Some(Word { text, bracket: None, colon, column, dash })
    }
}

/// Reads a process id: `123`, `#123`, `pid 123`, `pid=123`.
pub(super) fn process(text: &str) -> Option<u32> {
    let text = ["pid ", "pid:", "pid=", "PID ", "PID:", "PID=", "#", "process:"]
        .iter()
        .find_map(|label| text.strip_prefix(label))
        .unwrap_or(text);
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Reads pairs such as `order=17 name='a b'`. Returns `None` if there is anything else.
pub(crate) fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, behind) = rest.split_once('=').filter(|(key, _)| is_name(key))?;
        let quote = behind.chars().next().filter(|c| ['"', '\''].contains(c));
        let (value, behind) = match quote {
            Some(quote) => {
                // A quote within the value has a backslash.
                let inner = &behind[1..];
                let mut ends = inner.match_indices(quote).map(|(end, _)| end);
                let end = ends.find(|end| !inner[..*end].ends_with('\\'))?;
                (&inner[..end], &inner[end + 1..])
            }
            None => behind.split_once(' ').unwrap_or((behind, "")),
        };
        pairs.push((key, value));
        rest = behind.trim_start();
    }
    Some(pairs)
}

/// Reads a place such as `src/cart.go:42` or `web.py:7:3`, also with `@` or a line in parentheses.
pub(super) fn place(text: &str) -> Option<(&str, u32)> {
    let (file, line) = text.split_once([':', '@'])?;
    let line = line.split(':').next()?;
    let (_, extension) = file.rsplit_once('.')?;
    let is_file = (1..=5).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && extension.starts_with(|c: char| c.is_ascii_alphabetic())
        && !file.contains(|c: char| c.is_whitespace() || "()[]\"'=".contains(c))
        && !file.starts_with("http");
    is_file.then(|| Some((file, line.parse().ok()?)))?
}

/// Returns `true` for the name of a logger in which the parts are separated: `com.shop.Cart`, `shop::cart`.
pub(super) fn is_logger(text: &str) -> bool {
    let parts_begin_well = |separator: &str| {
        text.contains(separator)
            && text.split(separator).all(|part| {
                part.starts_with(|c: char| c.is_ascii_alphabetic() || "_$<".contains(c))
            })
    };
    is_name(text)
        && if text.contains(':') {
            parts_begin_well("::") && !text.replace("::", "").contains(':')
        } else {
            parts_begin_well(".") && !is_address(text)
        }
}

/// Returns `true` for a text that may be the name of a logger.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| is_name_byte(byte) || byte == b':')
}

/// Returns `true` for what is rather a file or a host.
fn is_address(text: &str) -> bool {
    ["com", "org", "net", "log", "internal", "local", "lan"]
        .iter()
        .any(|end| text.rsplit_once('.').is_some_and(|(_, last)| last == *end))
}

pub(super) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'/' | b'-' | b'@' | b'+')
}

/// Returns `true` for a number with separators that is a date in a form that is not known, such as
/// `2026.31.12-10h47`.
pub(super) fn is_date_like(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).count();
    digits >= 5
        && parts >= 3
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"-/.:,_TZhms+".contains(&byte))
        && !is_ip(text)
}

fn is_ip(text: &str) -> bool {
    text.split_once(':').map_or(text, |(host, _)| host).parse::<std::net::Ipv4Addr>().is_ok()
}
