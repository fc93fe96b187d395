//! The beginning of a plain line: time, level, logger and so on, in the orders that loggers use.

mod system;

use ticket_core::{Level, Timestamp};

use crate::{level, time, trace};

/// What the beginning of a plain line says, and the message after it.
#[derive(Debug, Default)]
pub(crate) struct Head<'a> {
    pub(crate) time: Option<Timestamp>,
    pub(crate) level: Option<Level>,
    pub(crate) channel: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) process: Option<u32>,
    pub(crate) thread: Option<&'a str>,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: Option<u32>,
    pub(crate) function: Option<&'a str>,
    /// A word before the level that is none of the above, such as `user@database`.
    pub(crate) context: Option<&'a str>,
    /// The label of a line with which PostgreSQL continues the message before, such as `DETAIL`.
    pub(crate) label: Option<&'a str>,
    pub(crate) message: &'a str,
}

/// The labels of lines that PostgreSQL writes after a message.
const LABELS: [&str; 6] = ["DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY", "LOCATION"];

/// The number of words after the time among which a level is looked for.
const WORDS: usize = 6;

/// Reads the beginning of a line.
pub(crate) fn read(line: &str) -> Head<'_> {
    let mut head = Head { message: line, ..Head::default() };
    if head.klog(line) || head.syslog_5424(line) {
        return head;
    }
    let line = head.priority(line);
    let (before, rest) = head.time(line);
    if head.time.is_some() || before {
        if !head.syslog(rest, line.starts_with(|c: char| c.is_ascii_alphabetic()))
            && !head.level_after_time(rest)
        {
            head.message = trim_separators(rest);
        }
    } else {
        head.level_at_start(line);
    }
    head
}

impl<'a> Head<'a> {
    /// Reads the time at the start, which may be in brackets, and returns the rest of the line.
    ///
    /// Also returns `true` for a time of day without a date. It does not count as a time, but shows that a level
    /// may follow.
    fn time(&mut self, line: &'a str) -> (bool, &'a str) {
        // Ruby: E, [2026-11-21T10:47:20.123456 #1234] ERROR -- : message
        let line = match line.as_bytes() {
            [b'D' | b'I' | b'W' | b'E' | b'F' | b'A', b',', b' ', b'[', ..] => &line[3..],
            _ => line,
        };
        let inner = line.strip_prefix('[').unwrap_or(line);
        if let Some((time, end)) = time::parse_prefix(inner) {
            let rest = &inner[end..];
            self.time = Some(time);
            // If the bracket closes here, it held only the time. If not, it is ignored.
            return (true, rest.strip_prefix(']').unwrap_or(rest));
        }
        (is_clock(inner), inner.get(clock_length(inner)..).unwrap_or(inner))
    }

    /// Looks for a level among the next words.
    fn level_after_time(&mut self, rest: &'a str) -> bool {
        let mut words = Words { rest, tab: false };
        let mut found = Head::default();
        for index in 0..WORDS {
            let Some(word) = words.next() else { return false };
            if LABELS.contains(&word.text) && word.colon {
                found.label = Some(word.text);
            } else if let Some((channel, level)) = word.level(index == 0) {
                found.level = Some(level);
                found.channel = found.channel.or(channel);
            } else {
                found.word(&word);
                continue;
            }
            *self = Head { time: self.time, ..found };
            self.message = words.rest;
            self.after_level();
            return true;
        }
        false
    }

    /// Takes a word that is not a level.
    fn word(&mut self, word: &Word<'a>) {
        let text = word.text;
        if let Some(process) = process(text) {
            self.process = self.process.or(Some(process));
        } else if !word.bracketed && is_logger(text) && self.channel.is_none() {
            self.channel = Some(text);
        } else if word.bracketed && self.thread.is_none() {
            self.thread = Some(text);
        } else if self.context.is_none() && !text.is_empty() {
            self.context = Some(text);
        }
    }

    /// Reads the level with which a line without a time begins: `ERROR: …`, `[error] …`, `error: …`.
    fn level_at_start(&mut self, line: &'a str) {
        let mut words = Words { rest: line, tab: false };
        let Some(word) = words.next() else { return };
        // The type of an exception may look like a level, but says more than that.
        if trace::begins(line) && !line.starts_with("Error:") {
            return;
        }
        // A word in capitals without punctuation may begin a sentence.
        if let Some((channel, level)) = word.level(false) {
            self.level = Some(level);
            self.channel = channel;
            self.message = words.rest;
            self.after_level();
        }
    }

    /// Reads the logger, thread and place that a logger writes after the level.
    fn after_level(&mut self) {
        // The default of Python: ERROR:root:message
        if self.time.is_none()
            && let Some((name, rest)) = self.message.split_once(':')
            && !self.message.starts_with(' ')
            && !name.is_empty()
            && name.bytes().all(is_name_byte)
        {
            self.channel = Some(name);
            self.message = rest;
            return;
        }
        let mut rest = trim_separators(self.message);
        // nginx: 1234#1234: *5 message
        if let Some((numbers, behind)) = rest.split_once(": ")
            && let Some((process, thread)) = numbers.split_once('#')
            && thread.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(process) = process.parse()
        {
            self.process = Some(process);
            rest = behind;
        }
        // Spring: 1234 --- [main] com.shop.Cart : message
        if let Some((number, behind)) = rest.split_once(" --- ")
            && let Ok(process) = number.trim().parse()
        {
            self.process = Some(process);
            rest = behind.trim_start();
        }
        while let Some((inner, behind)) =
            rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        {
            if inner.len() > 64 || !(behind.starts_with([' ', ':'])) {
                break;
            }
            match process(inner) {
                Some(process) => self.process = self.process.or(Some(process)),
                None if self.thread.is_none() => self.thread = Some(inner),
                None => break,
            }
            rest = trim_separators(behind);
        }
        self.message = self.logger(rest).unwrap_or(rest);
    }

    /// Reads the logger in `shop::cart: message`, `com.shop.Cart - message`, `shop.cart:pay:12 - message` and
    /// `shop::cart] message`, and returns the message.
    fn logger(&mut self, rest: &'a str) -> Option<&'a str> {
        let end = rest.bytes().position(|byte| !(is_name_byte(byte) || byte == b':'))?;
        let (name, behind) = rest.split_at(end);
        let trimmed = name.trim_end_matches(':');
        if trimmed.is_empty() || self.channel.is_some() {
            return None;
        }
        let closed = behind.trim_start();
        let dashed = ["- ", ": ", "| "]
            .iter()
            .find_map(|dash| closed.strip_prefix(dash).filter(|_| behind.starts_with(' ')));
        if let Some(message) = dashed {
            let mut parts = trimmed.split(':').filter(|_| !trimmed.contains("::"));
            if let (Some(name), Some(function), Some(line), None) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            {
                self.channel = Some(name);
                self.function = Some(function);
                self.line = line.parse().ok();
            } else {
                self.channel = Some(trimmed);
            }
            return Some(message);
        }
        // env_logger opens a bracket before the time and closes it here.
        if let Some(message) = behind.strip_prefix("] ").filter(|_| self.time.is_some()) {
            self.channel = Some(trimmed);
            return Some(message);
        }
        if name.ends_with(':') && behind.starts_with(' ') {
            let qualified = trimmed.contains("::") || is_logger(trimmed);
            // `tracing` and others write the bare name of a crate in lower case.
            let plain = self.time.is_some()
                && trimmed.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if qualified || plain {
                self.channel = Some(trimmed);
                return Some(closed);
            }
        }
        None
    }
}

/// One word at the beginning of a line. What is in brackets is one word.
struct Word<'a> {
    text: &'a str,
    bracketed: bool,
    colon: bool,
    /// The word is a column, separated by tabs or bars.
    column: bool,
}

impl<'a> Word<'a> {
    /// Returns the level that the word names, with the channel before it as in Apache's `[core:error]`.
    ///
    /// A word in capitals is a level anywhere. Any other spelling has to be in brackets, in a column, or before
    /// a colon. A single letter has to be the first word and a column.
    fn level(&self, first: bool) -> Option<(Option<&'a str>, Level)> {
        let (channel, name) = match self.text.rsplit_once(':') {
            Some((channel, name)) if self.bracketed => (Some(channel), name),
            _ => (None, self.text),
        };
        let capitals = name.bytes().all(|byte| byte.is_ascii_uppercase());
        let set_off = self.bracketed || self.colon || self.column;
        let known = name.len() > 2 && (capitals || set_off) || (first && capitals && self.column);
        known.then(|| level::parse(name)).flatten().map(|level| (channel, level))
    }
}

struct Words<'a> {
    rest: &'a str,
    tab: bool,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let before = self.rest;
        let text = trim_separators(before);
        let skipped = &before[..before.len() - text.len()];
        let column = self.tab || skipped.contains(['\t', '|']);
        let first = text.chars().next()?;
        let close = match first {
            '[' => Some(']'),
            '(' => Some(')'),
            _ => None,
        };
        if let Some(close) = close
            && let Some(end) = text.find(close).filter(|end| *end <= 64)
        {
            self.rest = &text[end + 1..];
            let colon = self.rest.starts_with(':');
            self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
            return Some(Word { text: &text[1..end], bracketed: true, colon, column });
        }
        let end = text.find([' ', '\t', '|', ':', '[', ']', ',']).unwrap_or(text.len());
        // A name with colons in it, or a word with a bracket behind it, is one word.
        let end = if text[end..].starts_with("::") {
            text.find([' ', '\t', '|']).unwrap_or(text.len())
        } else {
            end
        };
        if end == 0 {
            return None;
        }
        let word = text[..end].trim_end_matches(':');
        let behind = &text[word.len()..];
        let colon = behind.starts_with(':');
        self.tab = behind.starts_with('\t') || behind.trim_start_matches(' ').starts_with('|');
        self.rest = behind.strip_prefix([':', ']', ',']).unwrap_or(behind);
        Some(Word { text: word, bracketed: false, colon, column: column && self.tab })
    }
}

/// Skips spaces, and bars, dashes and colons that only separate.
fn trim_separators(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let trimmed = ["- ", "| ", "-- ", "--- ", ": ", "» "]
            .iter()
            .find_map(|separator| rest.strip_prefix(separator));
        match trimmed {
            Some(trimmed) => rest = trimmed.trim_start(),
            None => return rest,
        }
    }
}

/// Reads a process id: `123`, `#123`, `pid 123:tid 456`.
fn process(text: &str) -> Option<u32> {
    let text = text.strip_prefix("pid ").or_else(|| text.strip_prefix('#')).unwrap_or(text);
    text.split([':', '#', '-']).next()?.parse().ok()
}

/// Returns `true` for a name with dots or colons inside: `com.shop.Cart`, `shop::cart`.
fn is_logger(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| is_name_byte(byte) || byte == b':')
        && (text.contains("::") || text.trim_end_matches('.').contains('.'))
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'/' | b'-')
}

/// Returns `true` if the text begins with a time of day such as `10:47:20`.
fn is_clock(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let colon = |index: usize| bytes.get(index) == Some(&b':');
    [0, 1, 3, 4, 6, 7].into_iter().all(digit) && colon(2) && colon(5)
}

fn clock_length(text: &str) -> usize {
    if !is_clock(text) {
        return 0;
    }
    text.bytes()
        .position(|byte| !(byte.is_ascii_digit() || b":.,".contains(&byte)))
        .unwrap_or(text.len())
}
