//! Plain lines: which of them form one record, and what it says.

use std::borrow::Cow;

use ticket_core::{Level, SmolStr};

use crate::draft::Draft;
use crate::head::{self, Head};
use crate::trace::{self, Follower, Part};

/// The plain lines of one record: the first line and those that continue it.
///
/// A line continues the record before it if it is indented, if it is a known part of a stack trace, or if
/// the record began with a time and this line begins with neither a time nor a level.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    first: String,
    rest: String,
    /// The number of lines that were dropped because the record is too long.
    dropped: u64,
    /// The `DETAIL:` of PostgreSQL and so on, with their texts.
    labels: Vec<(String, String)>,
    timed: bool,
    process: Option<u32>,
    follower: Follower,
}

/// The number of bytes that are kept of the lines after the first. It is more than a trait holds, because the
/// frames of a stack trace are also read from it.
const REST: usize = 128 * 1024;

impl Lines {
    /// Begins a record with its first line.
    pub(crate) fn new(line: &str) -> Self {
        let line = plain(line);
        let head = head::read(&line);
        let (timed, process) = (head.time.is_some(), head.process);
        let follower = Follower::new(head.message, head.level);
        Self {
            first: line.into_owned(),
            rest: String::new(),
            dropped: 0,
            labels: Vec::new(),
            timed,
            process,
            follower,
        }
    }

    /// Returns `true` if a line is indented. After a plain line, it belongs to that line whatever it contains.
    pub(crate) fn is_indented(line: &str) -> bool {
        line.starts_with([' ', '\t'])
    }

    /// Takes another line if it belongs to this record, and returns whether it does.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let line = plain(line);
        let head = head::read(&line);
        if let Some(label) = head.label.filter(|_| self.timed && head.process == self.process) {
            self.labels.push((label.to_ascii_lowercase(), head.message.to_owned()));
            return true;
        }
        if !self.is_continued_by(&line, &head) {
            return false;
        }
        self.follower.push(&line);
        let labelled = self.labels.last_mut().map(|(_, text)| text);
        let text = labelled.unwrap_or(&mut self.rest);
        if text.len() + line.len() > REST {
            self.dropped += 1;
        } else {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line);
        }
        true
    }

    fn is_continued_by(&self, line: &str, head: &Head<'_>) -> bool {
        if Self::is_indented(line) {
            return true;
        }
        if head.time.is_some() {
            return false;
        }
        match self.follower.part(line, head.level.is_some()) {
            Part::Continues => true,
            Part::Begins => false,
            Part::Other => self.timed && head.level.is_none(),
        }
    }

    /// Reads what the lines say together.
    pub(crate) fn finish(self) -> Draft {
        let head = head::read(&self.first);
        let mut draft = Draft::new();
        draft.time = head.time;
        draft.level = head.level;
        let record = &mut draft.record;
        let owned = |text: Option<&str>| text.map(SmolStr::new);
        record.channel = head.channel.unwrap_or_default().into();
        record.host = owned(head.host);
        record.process = head.process;
        record.thread = owned(head.thread);
        record.location.file = owned(head.file);
        record.location.line = head.line;
        record.location.function = owned(head.function);
        if let Some(context) = head.context {
            draft.keep("context", context);
        }
        for (name, text) in self.labels {
            draft.keep(&name, text);
        }

        let mut trace = trace::read(&format!("{}\n{}", head.message, self.rest));
        if trace.is_empty() {
            draft.record.message = head.message.into();
            if !self.rest.is_empty() {
                draft.keep("more_lines", self.rest);
            }
        } else {
            if trace.is_panic() && draft.level.is_none() {
                draft.level = Some(Level::Critical);
            }
            draft.record.message = trace.message.take().unwrap_or_default();
            let other = std::mem::take(&mut trace.other);
            trace.apply(&mut draft);
            draft.message_from_error();
            for (name, lines) in [("stack_trace", self.rest), ("more_lines", other)] {
                if !lines.is_empty() {
                    draft.keep(name, lines);
                }
            }
        }
        if draft.level.is_none() && trace::begins(head.message) {
            draft.level = Some(Level::Error);
        }
        if self.dropped > 0 {
            draft.keep("lines_left_out", self.dropped);
        }
        draft
    }
}

/// Removes the escape sequences that colour a line on a terminal.
fn plain(line: &str) -> Cow<'_, str> {
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
