//! The beginning of a plain line: a small grammar of what loggers write before a message.
//!
//! A head is a sequence of pieces: a time, a level, a thread, a logger, a process, a place, spans. Loggers write them
//! in any order, separate them with spaces, tabs, bars, dashes or colons, and put any of them in brackets. So each piece
//! is recognised by its own form, and not by the program that wrote it. The level divides the head: before it stand
//! only pieces, and few of them; after it, the first text that is no piece begins the message.

mod after;
mod before;
mod special;
mod words;

use std::borrow::Cow;

use ticket_core::{Level, Timestamp};

use self::words::Scan;

/// What the beginning of a plain line says, and the message after it.
#[derive(Debug, Default)]
pub(crate) struct Head<'a> {
    pub(crate) time: Option<Timestamp>,
    /// The line has a time of day without a date, or a date in a form that is not known.
    pub(crate) clock: bool,
    pub(crate) level: Option<Level>,
    pub(crate) channel: Option<&'a str>,
    pub(crate) process: Option<u32>,
    pub(crate) thread: Option<&'a str>,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: Option<u32>,
    pub(crate) function: Option<&'a str>,
    /// The spans of `tracing`, the outermost first: name and fields.
    pub(crate) spans: Vec<(&'a str, &'a str)>,
    /// Pairs such as `request_id=7` before the level.
    pub(crate) pairs: Vec<(&'a str, &'a str)>,
    /// The thread is a name in brackets, which may be that of a logger.
    pub(crate) is_bracketed: bool,
    /// What stands before the level and is none of the above, such as `user@database`.
    pub(crate) context: Vec<&'a str>,
    /// The tags that Rails writes before each line of a message, with the space behind them: `[6f1c9a2b] [shop] `.
    pub(crate) tags: &'a str,
    /// The level is a sign, with which a record begins, such as `⚠`.
    pub(crate) is_sign: bool,
    /// The logger writes empty lines within a record, each with a head.
    pub(crate) has_empty_lines: bool,
    /// The label of a line with which PostgreSQL continues the message before, such as `DETAIL`.
    pub(crate) label: Option<&'a str>,
    pub(crate) message: &'a str,
}

/// Reads the beginning of a line.
pub(crate) fn read(line: &str) -> Head<'_> {
    let mut head = Head { message: line, ..Head::default() };
    if head.special(line) {
        return head;
    }
    // What was read of a form that the line does not have.
    head = Head { message: line, ..Head::default() };
    let mut scan = Scan::new(line);
    if head.before_level(&mut scan) {
        head.after_level(&mut scan);
    }
    head.settle_name();
    head.forwarded_php();
    head
}

impl<'a> Head<'a> {
    /// Returns `true` if the line states a time and a level, which only the first line of a record does.
    pub(crate) const fn begins_record(&self) -> bool {
        (self.time.is_some() || self.clock || self.is_sign) && self.level.is_some()
    }

    /// Returns `true` if the line states a time, a time without a date, or a level.
    pub(crate) const fn is_recognized(&self) -> bool {
        self.time.is_some() || self.clock || self.level.is_some()
    }

    /// Reads the category of .NET before the message of a line whose wrapper states the level: `Shop.Cart[7] text`.
    pub(crate) fn category(&mut self) {
        if let Some((name, rest)) = self.message.split_once('[')
            && let Some((number, message)) = rest.split_once("] ")
            && words::is_logger(name)
            && words::process(number).is_some()
        {
            (self.channel, self.message) = (Some(name), message);
        }
    }

    /// Takes a name in brackets as the logger if there is no other: `[shop] [error] text`.
    fn settle_name(&mut self) {
        const THREADS: [&str; 6] = ["main", "thread", "worker", "pool", "process", "exec"];
        let is_logger = |name: &str| {
            let lower = name.to_ascii_lowercase();
            name.len() > 2
                && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
                && !THREADS.iter().any(|of| lower.contains(of))
        };
        if self.is_bracketed
            && self.level.is_some()
            && self.channel.is_none()
            && self.thread.is_some_and(is_logger)
        {
            self.channel = self.thread.take();
        }
        // GlassFish opens two brackets around the lines of a message.
        if self.message == "[[" {
            self.message = "";
        }
    }

    fn set_process(&mut self, text: &str) -> bool {
        let process = words::process(text);
        self.process = self.process.or(process);
        process.is_some()
    }

    /// Takes the address of a client, as Apache writes it.
    fn set_client(&mut self, text: &'a str) -> bool {
        let client = text.strip_prefix("client ");
        self.pairs.extend(client.map(|client| ("client", client)));
        client.is_some()
    }

    fn set_place(&mut self, text: &'a str) -> bool {
        let Some((file, line)) = words::place(text).filter(|_| self.file.is_none()) else {
            return false;
        };
        (self.file, self.line) = (Some(file), Some(line));
        true
    }
}

/// Removes the escape sequences that colour a line on a terminal.
pub(crate) fn without_colours(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            text.push(c);
        } else if chars.clone().next() == Some('[') {
            // A letter ends the sequence.
            chars.next();
            chars.find(|c| ('@'..='~').contains(c));
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests;
