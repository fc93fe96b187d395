//! Plain lines: which of them form one record, and what it says.

use ticket_core::record::Span;
use ticket_core::{Level, SmolStr};

use crate::draft::Draft;
use crate::format;
use crate::head::Head;
use crate::peel::Origin;
use crate::trace::{self, Follower, Part};

/// The plain lines of one record: the first line and those that continue it.
///
/// A line continues the record before it if it is indented, if it belongs to a trace, or if the record began with a
/// time and this line begins with neither a time nor a level. A line with a time and a level of its own begins a
/// record, unless it is a line of a trace that the logger writes with the same head.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    draft: Draft,
    message: String,
    rest: String,
    /// The number of lines that were dropped because the record is too long.
    dropped: u64,
    /// The `DETAIL:` of PostgreSQL and so on, with their texts.
    labels: Vec<(String, String)>,
    /// What stands before each line of the message.
    tags: String,
    is_timed: bool,
    is_indented: bool,
    /// The line begins with `Error: `, which is a level, or the type of an error that a trace follows.
    is_error: bool,
    /// What stands before each line of a report of the kernel.
    stamp: Option<Stamp>,
    follower: Follower,
}

/// What stands before a line of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    /// `[   12.345678]`, or a date in brackets.
    Brackets,
    /// A date.
    Date,
    Nothing,
}

impl Stamp {
    /// Returns what stands before `text` in `line`.
    fn of(line: &str, text: &str) -> Self {
        match line.len() > text.len() {
            true if line.starts_with('[') => Self::Brackets,
            true => Self::Date,
            false => Self::Nothing,
        }
    }
}

/// The number of bytes that are kept of the lines after the first. It is more than a trait holds, because the
/// frames of a stack trace are also read from it.
const REST: usize = 128 * 1024;

impl Lines {
    /// Begins a record with its first line. `origin` is what the wrappers of the line state.
    pub(crate) fn new(line: &str, mut head: Head<'_>, origin: &Origin) -> Self {
        let level = origin.level;
        let program = origin.program.as_deref();
        let text = trace::behind_head(line);
        if program.is_none_or(|program| program == "kernel")
            && trace::begins_report(text, program.is_some() || text.len() < line.len())
        {
            return Self { stamp: Some(Stamp::of(line, text)), ..Self::report(text.trim(), &head) };
        }
        if level.is_some() && !head.is_recognized() {
            head.category();
        }
        let follower = Follower::new(head.message, head.level.or(level));
        let is_timed = head.time.is_some() || head.clock;
        let is_error = !is_timed && line.strip_prefix("Error: ") == Some(head.message);
        let (message, tags) = (head.message.to_owned(), head.tags.to_owned());
        Self {
            draft: draft(head),
            message,
            rest: String::new(),
            dropped: 0,
            labels: Vec::new(),
            tags,
            is_timed,
            is_indented: is_indented(line),
            is_error,
            stamp: None,
            follower,
        }
    }

    /// Begins a report of the kernel, whose title is all that the head of the line stands before.
    fn report(text: &str, head: &Head<'_>) -> Self {
        let Head { time, clock, thread, .. } = *head;
        let is_timed = time.is_some() || clock;
        Self {
            draft: draft(Head { time, clock, thread, ..Head::default() }),
            message: text.to_owned(),
            rest: String::new(),
            dropped: 0,
            labels: Vec::new(),
            tags: String::new(),
            is_timed,
            is_indented: false,
            is_error: false,
            stamp: None,
            follower: Follower::of_kernel(text),
        }
    }

    /// Takes another line if it belongs to this record, and returns whether it does.
    pub(crate) fn take(&mut self, line: &str, head: &Head<'_>) -> bool {
        if self.follower.decides_alone() {
            let is_of_kernel = self.follower.is_of_kernel();
            let text = if is_of_kernel { trace::behind_head(line) } else { line };
            // All lines of a report have the time of the log, or none, except for further lines of one message, which are
            // indented.
            let stamp = is_of_kernel.then(|| Stamp::of(line, text));
            let is_of_line_before = stamp == Some(Stamp::Nothing) && is_indented(line);
            let is_of_report = if is_of_kernel {
                stamp == self.stamp || is_of_line_before
            } else {
                !head.begins_record()
            };
            if !is_of_report {
                return false;
            }
            let continues =
                text.trim().is_empty() || self.follower.part(text, true) == Part::Continues;
            if continues {
                self.add(text);
            }
            return continues;
        }
        if let Some(label) =
            head.label.filter(|_| self.is_timed && head.process == self.draft.record.process)
        {
            self.labels.push((label.to_ascii_lowercase(), head.message.to_owned()));
            return true;
        }
        if self.take_level(line, head) {
            return true;
        }
        let line = line.strip_prefix(&*self.tags).unwrap_or(line);
        // A line of a trace may have the head of the record, which is no part of the trace.
        let is_headed = head.begins_record() || (head.level.is_some() && !is_indented(line));
        let text = if is_headed && self.has_head_of(head) && !self.is_repeated_by(line) {
            body(line, head.message)
        } else {
            line
        };
        // Rails logs an exception between empty lines, each with the head of the record.
        let is_within = head.has_empty_lines
            && self.has_head_of(head)
            && self.is_empty() != text.trim().is_empty();
        if !is_within && !self.is_continued_by(text, head, line) {
            return false;
        }
        // A word with a colon is the title of a report, whose error says more.
        let is_title = text
            .trim()
            .strip_suffix(':')
            .is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
        if self.is_empty() && !is_title {
            // .NET and others write the message in the line below.
            let text = text.trim();
            let text = text.strip_suffix("]]").filter(|text| !text.contains('[')).unwrap_or(text);
            self.message = text.to_owned();
            self.follower = Follower::new(&self.message, self.draft.level);
        } else if !text.trim().is_empty() {
            self.add(text);
        }
        true
    }

    /// Returns `true` if nothing but the head of the record was read.
    fn is_empty(&self) -> bool {
        self.message.trim().is_empty() && self.rest.is_empty()
    }

    /// Adds a line that belongs to this record.
    pub(crate) fn add(&mut self, text: &str) {
        self.follower.push(text);
        let labelled = self.labels.last_mut().map(|(_, text)| text);
        let rest = labelled.unwrap_or(&mut self.rest);
        if rest.len() + text.len() > REST {
            self.dropped += 1;
        } else {
            if !rest.is_empty() {
                rest.push('\n');
            }
            rest.push_str(text);
        }
    }

    fn is_continued_by(&self, text: &str, head: &Head<'_>, line: &str) -> bool {
        if head.begins_record() {
            // The frames of fluentd are indented before their heads.
            let continues = |own_head| self.follower.part(text, own_head) == Part::Continues;
            return self.has_head_of(head)
                && (continues(true) || is_indented(line) && continues(false));
        }
        // A level may be filled with a space to the width of the others: ` WARN shop::cart > text`
        let is_filled = head.level.is_some() && head.channel.is_some() && !line.starts_with("  ");
        if is_indented(line) && !is_filled {
            return true;
        }
        if head.time.is_some() || head.clock {
            return false;
        }
        match self.follower.part(line, head.level.is_some() && !self.is_repeated_by(line)) {
            Part::Continues => true,
            Part::Begins => false,
            Part::Other => self.is_timed && head.level.is_none(),
        }
    }

    /// Returns `true` for the first line of a stack that repeats the message, which loggers of Node write above it.
    fn is_repeated_by(&self, line: &str) -> bool {
        line.strip_prefix("Error: ") == Some(&self.message) && self.rest.is_empty()
    }

    fn has_head_of(&self, head: &Head<'_>) -> bool {
        self.draft.level == head.level
            && self.draft.record.channel == head.channel.unwrap_or_default()
    }

    /// Takes the second line of `java.util.logging`, which has level and message: the first one has time, class and
    /// method.
    fn take_level(&mut self, line: &str, head: &Head<'_>) -> bool {
        // Oracle writes the time in a line of its own.
        if self.is_timed
            && self.is_empty()
            && self.draft.level.is_none()
            && head.level.is_some()
            && head.time.is_none()
            && !head.clock
        {
            self.draft.level = head.level;
            self.draft.record.channel = head.channel.unwrap_or_default().into();
            self.message = head.message.to_owned();
            self.follower = Follower::new(&self.message, self.draft.level);
            return true;
        }
        if self.draft.level.is_some()
            || !self.is_timed
            || !self.rest.is_empty()
            || head.time.is_some()
            || is_indented(line)
        {
            return false;
        }
        let Some(level) = head.level else { return false };
        let Some((class, method)) = self.message.split_once(' ') else { return false };
        let is_java = class.contains('.')
            && class.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._$".contains(&byte))
            && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$<>".contains(&byte));
        if !is_java || !line.contains(": ") {
            return false;
        }
        self.draft.level = Some(level);
        let record = &mut self.draft.record;
        record.channel = class.into();
        record.location.function = Some(method.into());
        // A word before a colon is a logger in other heads, and here a part of the message.
        self.message = line.split_once(": ").map_or(line, |(_, message)| message).to_owned();
        self.follower = Follower::new(&self.message, Some(level));
        true
    }

    /// Reads what the lines say together.
    pub(crate) fn finish(mut self) -> Draft {
        if self.is_indented && self.take_pretty() {
            self.rest.clear();
        }
        let Self { mut draft, message, rest, dropped, labels, is_error, follower, .. } = self;
        for (name, text) in labels {
            draft.keep(&name, text);
        }
        if dropped > 0 {
            draft.keep("lines_left_out", dropped);
        }
        // The message is that of the first line, so that what follows it does not change the ticket. Fields behind it
        // may hold an error, of which nothing may be lost.
        draft.record.message = message.into();
        let is_of_kernel = follower.is_of_kernel();
        if !is_of_kernel {
            format::fields_behind(&mut draft);
        }
        let message = draft.record.message.clone();
        let text = format!("{message}\n{rest}");
        let mut trace = if is_of_kernel { trace::read_report(&text) } else { trace::read(&text) };
        let is_traced = !trace.is_empty();
        if is_traced && is_error && trace.message.as_deref() == Some(&*message) {
            trace = trace::read(&format!("Error: {message}\n{rest}"));
        }
        let (mut text, mut others) = (SmolStr::from(message.trim_end()), rest.as_str());
        let other = std::mem::take(&mut trace.other);
        if is_traced {
            draft.level = draft.level.or(trace.level).or(Some(Level::Error));
            draft.is_recognized = true;
            text = trace.message.take().unwrap_or_default();
            others = &other;
        }
        draft.record.message = text;
        trace.apply(&mut draft);
        draft.message_from_error();
        if !others.is_empty() {
            draft.keep("more_lines", others);
        }
        if is_traced {
            // With what the first line says of the error.
            let behind = message.strip_prefix(draft.record.message.as_str()).unwrap_or_default();
            let lines: Vec<_> =
                [behind.trim(), &rest].into_iter().filter(|text| !text.is_empty()).collect();
            if !lines.is_empty() {
                draft.keep("stack_trace", lines.join("\n"));
            }
        }
        draft
    }

    /// Takes the lines below an event of `tracing`'s pretty format: its place and its spans.
    fn take_pretty(&mut self) -> bool {
        let mut lines = self.rest.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        let Some(at) = lines.next_if(|line| line.starts_with("at ")) else {
            return false;
        };
        let at = at[3..].split(" on ").next().unwrap_or_default();
        let Some((file, line)) = at.rsplit_once(':') else { return false };
        let Ok(line) = line.parse() else { return false };
        let mut spans = Vec::new();
        for line in lines {
            let Some(span) = line.strip_prefix("in ") else { return false };
            let (name, fields) = span.split_once(" with ").unwrap_or((span, ""));
            let (target, name) = name.rsplit_once("::").unwrap_or(("", name));
            let mut span = Span::new(name);
            span.target = target.into();
            for (name, value) in fields.split(", ").filter_map(|pair| pair.split_once(": ")) {
                span.traits.insert(name.into(), value.trim_matches('"').into());
            }
            spans.push(span);
        }
        // The innermost is written first.
        spans.reverse();
        let record = &mut self.draft.record;
        record.location.file = Some(file.into());
        record.location.line = Some(line);
        record.spans = spans;
        true
    }
}

/// Returns `true` if a line is indented. After a plain line, it belongs to that line unless it has a head.
pub(crate) fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

/// Returns the message of a line with its indentation behind the head, of which one space separates.
fn body<'a>(line: &'a str, message: &'a str) -> &'a str {
    let Some(before) = line.strip_suffix(message) else { return message };
    let head = before.trim_end_matches([' ', '\t']).len();
    let indented = &line[head..];
    indented.strip_prefix(' ').unwrap_or(indented)
}

/// Takes what a head says.
fn draft(head: Head<'_>) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = head.is_recognized();
    let Head {
        time,
        clock: _,
        level,
        channel,
        process,
        thread,
        is_bracketed: _,
        is_sign: _,
        file,
        line,
        function,
        spans,
        pairs,
        context,
        tags: _,
        has_empty_lines: _,
        label: _,
        message: _,
    } = head;
    draft.time = time;
    draft.level = level;
    let record = &mut draft.record;
    record.channel = channel.unwrap_or_default().into();
    record.process = process;
    let owned = |text: Option<&str>| text.map(SmolStr::new);
    record.thread = owned(thread);
    record.location.file = owned(file);
    record.location.line = line;
    record.location.function = owned(function);
    for (name, fields) in spans {
        let mut span = Span::new(name);
        format::pairs(fields, &mut span.traits);
        record.spans.push(span);
    }
    for (name, value) in pairs {
        match name {
            "error_class" => draft.error().type_name = Some(value.into()),
            "err" | "error" => draft.error().message = value.replace("\\\"", "\"").into(),
            name => draft.keep(name, value),
        }
    }
    if !context.is_empty() {
        draft.keep("context", context.join(" "));
    }
    draft
}

#[cfg(test)]
mod tests;
