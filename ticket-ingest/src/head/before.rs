//! The pieces of a head up to its level.

use ticket_core::{Level, Timestamp};

use super::Head;
use super::words::{Scan, Word, is_date_like, is_logger, is_name, place, process};
use crate::{level, time, trace};

/// The number of pieces among which a level is looked for.
const PIECES: usize = 12;
/// The number of ordinary words that may stand between a time and a level.
const WORDS: usize = 3;

/// The labels of lines that PostgreSQL writes after a message.
const LABELS: [&str; 6] = ["DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY", "LOCATION"];

/// A level as it is written, and what is written in one word with it.
struct Found<'a> {
    level: Level,
    channel: Option<&'a str>,
    thread: Option<&'a str>,
    /// The number of bytes of the word that belong to what follows, as in `ERROR:root:text`.
    left: usize,
}

impl<'a> Head<'a> {
    /// Reads the pieces before the level, and the level. Returns `true` if more pieces may follow.
    ///
    /// Without a level, only a time counts, and the message begins behind it: other pieces are not told from the
    /// words of a message then.
    pub(super) fn before_level(&mut self, scan: &mut Scan<'a>) -> bool {
        let mut found = Head::default();
        let mut behind_time = *scan;
        // Ordinary words before the level, and where the first one begins.
        let (mut words, mut first_word) = (0, scan.at);
        // The line begins with the name of a program, which is one only before a time and a level.
        let mut is_named = false;
        if let Some((time, end)) = date_and_clock_in_brackets(scan.line) {
            found.time = Some(time);
            scan.at = end;
            behind_time = *scan;
        }
        for index in 0..PIECES {
            scan.skip_separators();
            if scan.rest().is_empty() {
                break;
            }
            let dated = found.time.is_some() || found.clock;
            if (!dated || found.time.is_none()) && words == 0 && found.time_at(scan) {
                // Jetty writes `TIME:WARN:logger: text`.
                scan.at += usize::from(scan.rest().starts_with(':'));
                behind_time = *scan;
                continue;
            }
            // The type of an exception may look like a level, but says more than that.
            let is_trace = !dated && index == 0 && trace::begins(scan.rest());
            if is_trace && !scan.rest().starts_with("Error:") {
                break;
            }
            let start = scan.at;
            if let Some(group) = scan.group() {
                if let Some(is_open) = found.level_in_group(&group) {
                    found.message = scan.rest();
                    *self = found;
                    return is_open && self.begin_after_group(scan, &group);
                }
                if (found.time.is_some() || found.clock) && !dated {
                    behind_time = *scan;
                }
                continue;
            }
            let Some(word) = scan.word() else { break };
            if LABELS.contains(&word.text) && word.colon && dated {
                found.label = Some(word.text);
                found.message = scan.rest().trim_start();
                *self = found;
                return false;
            }
            let dated = found.time.is_some() || found.clock;
            let is_near = if dated { words <= WORDS } else { words == 0 };
            if is_near && let Some(level) = level_of(&word, index, dated, scan) {
                scan.at -= level.left;
                found.level = Some(level.level);
                found.channel = level.channel.or(found.channel);
                found.thread = found.thread.or(level.thread);
                found.is_sign = is_sign(word.text);
                *self = found;
                if words > usize::from(is_set_off(&word) || is_in_capitals(word.text)) {
                    // It is a text, and the level one of its words.
                    self.context.clear();
                    self.message = &scan.line[first_word..];
                    return false;
                }
                self.message = scan.rest();
                return true;
            }
            // dovecot: `imap(user)<17><4a>: Error: text`
            let mut behind = *scan;
            let brackets = std::iter::from_fn(|| behind.group()).last();
            if index == 0 && is_name(word.text) && brackets.is_some_and(|group| group.colon) {
                found.channel = Some(word.text);
                found.context.push(&scan.line[start..behind.at - 1]);
                *scan = behind;
                continue;
            }
            if !found.piece(&word, dated) {
                if words == 0 {
                    first_word = start;
                }
                words += 1;
                // `shop 10:47:20.12 ERROR text`
                if !dated && is_name(word.text) && found.clock_behind(scan) {
                    (found.channel, words, is_named) = (Some(word.text), 0, true);
                    found.context.clear();
                } else if words > WORDS || !dated {
                    break;
                }
            }
        }
        if is_named {
            return false;
        }
        (self.time, self.clock) = (found.time, found.clock);
        if self.time.is_some() || self.clock {
            self.process = found.process.filter(|_| behind_time.at > first_word);
            *scan = behind_time;
            self.without_level(scan);
        }
        false
    }

    /// Reads a time at the position.
    fn time_at(&mut self, scan: &mut Scan<'a>) -> bool {
        let rest = scan.rest();
        let ends_well =
            |end: usize| !rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
        if let Some((time, end)) = time::parse_prefix(rest).filter(|(_, end)| ends_well(*end)) {
            self.time = Some(time);
            scan.at += end;
            return true;
        }
        if self.clock {
            return false;
        }
        if let Some((time, end)) = time::epoch_prefix(rest)
            && rest[end..].starts_with([' ', ':', '\t', ']', '|'])
        {
            self.time = Some(time);
            scan.at += end;
            return true;
        }
        let clock = time::clock_prefix(rest).or_else(|| {
            // Of numbers at the beginning of a line, only those with a unit.
            time::uptime_prefix(rest).filter(|end| scan.at == 0 && rest[..*end].ends_with('s'))
        });
        let end = clock.filter(|end| ends_well(*end)).or_else(|| {
            let end = rest.find([' ', '\t', '|', ']']).unwrap_or(rest.len());
            is_date_like(&rest[..end]).then_some(end)
        });
        if let Some(end) = end {
            self.clock = true;
            scan.at += end;
        }
        end.is_some()
    }

    /// Reads the time of day behind the name of a program with which a line begins.
    fn clock_behind(&mut self, scan: &mut Scan<'a>) -> bool {
        let Some(rest) = scan.rest().strip_prefix(' ') else { return false };
        let end = time::clock_prefix(rest).filter(|end| rest[*end..].starts_with(' '));
        scan.at += end.map_or(0, |end| end + 1);
        self.clock |= end.is_some();
        end.is_some()
    }

    /// Takes a time as a number in brackets: seconds since 1970, or since the start of a program or a kernel.
    pub(super) fn stamp(&mut self, text: &str) -> bool {
        if self.time.is_some() || self.clock {
            return false;
        }
        self.time = time::epoch(text);
        self.clock = self.time.is_none() && time::uptime_prefix(text) == Some(text.len());
        self.time.is_some() || self.clock
    }

    /// Reads what is in brackets before the level. Returns `Some` if the level is in it, with whether other pieces may
    /// follow the brackets.
    fn level_in_group(&mut self, group: &Word<'a>) -> Option<bool> {
        if let Some(level) = whole_level(group) {
            self.level = Some(level.level);
            self.channel = level.channel.or(self.channel);
            self.thread = self.thread.or(level.thread);
            return Some(true);
        }
        if self.stamp(group.text) || self.set_process(group.text) || self.set_client(group.text) {
            return None;
        }
        if self.time.is_none() || group.text.contains(' ') {
            let mut inner = Head::default();
            let mut scan = Scan::new(group.text);
            if inner.before_level(&mut scan) {
                inner.after_level(&mut scan);
            }
            if inner.level.is_some() || inner.time.is_some() || (inner.clock && !self.clock) {
                return self.take_inner(inner).then_some(true);
            }
        }
        self.named_group(group.text);
        None
    }

    /// Takes what stands in brackets with a time or level. Returns `true` if there is a level.
    fn take_inner(&mut self, inner: Head<'a>) -> bool {
        let Head { time, clock, level, channel, process, thread, file, line, function, .. } = inner;
        self.is_bracketed |= inner.is_bracketed && self.thread.is_none();
        self.time = self.time.or(time);
        self.clock |= clock;
        self.level = level;
        self.channel = channel.or(self.channel);
        self.process = process.or(self.process);
        self.thread = thread.or(self.thread);
        if file.is_some() {
            (self.file, self.line, self.function) = (file, line, function);
        }
        self.pairs.extend(inner.pairs);
        self.context.extend(inner.context);
        // What is left: `[2026-11-21T10:47:20Z ERROR shop::cart]`, `[E 261121 10:47:20 web:7]`, `[… #1234]`.
        let left = inner.message.trim().trim_end_matches(':');
        let module_and_line = module_and_line(left);
        if left.is_empty() || self.set_process(left) || self.set_place(left) {
        } else if let Some((module, line)) = module_and_line {
            (self.file, self.line) = (Some(module), Some(line));
        } else if is_name(left) && self.channel.is_none() {
            self.channel = Some(left);
        } else {
            self.context.push(left);
        }
        level.is_some()
    }

    /// Takes the text in brackets: a logger, a thread, or something else.
    pub(super) fn named_group(&mut self, text: &'a str) {
        if text.is_empty() || text == "-" || self.set_place(text) {
        } else if let Some((name, line)) = module_and_line(text).filter(|_| self.file.is_none()) {
            (self.file, self.line) = (Some(name), Some(line));
            if is_logger(name) {
                self.channel = self.channel.or(Some(name));
            }
        } else if is_code(text) {
            self.context.push(text);
        } else if (is_logger(text)
            || text.split_once(".[").is_some_and(|(name, _)| is_logger(name)))
            && self.channel.is_none()
        {
            // Tomcat names its loggers after its containers, in brackets: `org.apache.Base.[shop].[/]`
            self.channel = Some(text);
        } else if self.thread.is_none() {
            self.thread = Some(text);
            self.is_bracketed = true;
        } else {
            self.context.push(text);
        }
    }

    /// After a level in brackets, what is glued to it in brackets is the logger: `[ERROR][config] text`.
    fn begin_after_group(&mut self, scan: &mut Scan<'a>, level: &Word<'a>) -> bool {
        let mut glued = *scan;
        if level.bracket == Some(b'[')
            && !level.colon
            && self.channel.is_none()
            && glued.rest().starts_with('[')
            && let Some(group) = glued.group()
            && is_name(group.text)
        {
            self.channel = Some(group.text);
            *scan = glued;
            self.message = scan.rest();
        }
        true
    }

    /// Takes a word before the level that is more than a word of a text.
    fn piece(&mut self, word: &Word<'a>, dated: bool) -> bool {
        let text = word.text;
        if let Some(process) = process(text) {
            self.process = self.process.or(Some(process));
        } else if let Some((key, value)) =
            text.split_once('=').filter(|(key, _)| is_name(key) && dated)
        {
            match key {
                "pid" => self.process = value.parse().ok(),
                "tid" | "thread" => self.thread = Some(value),
                _ => self.pairs.push((key, value)),
            }
        } else if place(text).is_some() && self.set_place(text) {
        } else if is_logger(text) && self.channel.is_none() {
            self.channel = Some(text);
        } else if text.starts_with("0x") || text == "---" || text == "-" {
            self.context.push(text);
        } else if (word.dash || word.colon || (word.column && !looks_like_id(text)))
            && is_name(text)
        {
            match self.channel {
                None => self.channel = Some(text),
                Some(_) => self.context.push(text),
            }
        } else {
            // It may be a word of a message, so it is kept only if it is the only one.
            self.context.push(text);
            return word.column;
        }
        true
    }

    /// Begins the message of a line that has a time and no level.
    fn without_level(&mut self, scan: &mut Scan<'a>) {
        // The kernel may write the task or the processor: `[   12.345678][  T818] text`.
        let mut glued = *scan;
        if glued.rest().starts_with('[')
            && let Some(group) = glued.group()
            && trace::is_task(group.text)
        {
            self.thread = Some(group.text.trim());
            *scan = glued;
        }
        scan.skip_separators();
        let mut behind = *scan;
        if let Some(word) = behind.word()
            && word.colon
            && behind.rest().starts_with(' ')
        {
            // The place that Go writes, or a logger.
            if self.set_place(word.text) {
                *scan = behind;
            } else if is_logger(word.text) {
                self.channel = Some(word.text);
                *scan = behind;
            }
        }
        self.message = scan.rest().trim_start();
    }
}

/// Returns the level that is the whole text in brackets, such as `ERR`, `core:error` or `ERROR/MainProcess`.
fn whole_level<'a>(group: &Word<'a>) -> Option<Found<'a>> {
    let found = |level, channel, thread| Found { level, channel, thread, left: 0 };
    // `[Server thread/ERROR]`
    if let Some((thread, name)) = group.text.rsplit_once('/')
        && let Some(level) = level::parse(name).filter(|_| is_in_capitals(name))
    {
        return Some(found(level, None, Some(thread)));
    }
    if group.text.len() > 64 || group.text.contains(' ') {
        return None;
    }
    if let Some(level) = level::parse(group.text) {
        return Some(found(level, None, None));
    }
    if group.bracket == Some(b'<') {
        return None;
    }
    if let Some((channel, name)) = group.text.rsplit_once([':', '.'])
        && let Some(level) = level::parse(name).filter(|_| name.len() > 2)
    {
        return Some(found(level, Some(channel), None));
    }
    let (name, thread) = group.text.split_once('/')?;
    Some(found(level::parse(name).filter(|_| name.len() > 2)?, None, Some(thread)))
}

/// Returns the level that a word names.
///
/// A word in capitals is a level anywhere. Any other spelling has to be set off: in brackets, in a column, before a
/// colon or a dash, or as the first word after the time. A single letter needs more.
fn level_of<'a>(word: &Word<'a>, index: usize, dated: bool, scan: &Scan<'a>) -> Option<Found<'a>> {
    let text = word.text;
    let found = |level, left| Found { level, channel: None, thread: None, left };
    // Telegraf writes `E!`.
    if let [_] | [_, b'!'] = text.as_bytes() {
        let level = level::letter(text.trim_end_matches('!'))?;
        let next = scan.rest().trim_start_matches(' ').as_bytes();
        let is_word_in_capitals =
            next.iter().take(2).filter(|byte| byte.is_ascii_uppercase()).count() == 2;
        let is_set_off = if dated {
            let is_marked = text.len() > 1 || word.colon;
            is_marked || matches!(next, [b'[' | b'(' | b'-' | b'|', ..]) || is_word_in_capitals || {
                let next = scan.rest().trim_start_matches(' ').split([' ', '\t']).next();
                next.is_some_and(|next| next.ends_with(':') || is_logger(next))
            }
        } else {
            // apt: `E: text`; cups: `E [21/Nov/2026:10:47:20 +0100] text`; tornado: `E 261121 10:47:20 web:7`
            index == 0
                && (word.colon
                    || matches!(next, [b'[', b'0'..=b'9', ..])
                    || time::parse_prefix(scan.rest().trim_start()).is_some())
        };
        return (word.column || is_set_off).then(|| found(level, 0));
    }
    let is_level = |name: &str| level::parse(name).filter(|_| name.len() > 2);
    // The level of Unreal that is between a log and a warning.
    if text == "Display" && word.colon && dated {
        return Some(found(Level::Info, 0));
    }
    if let Some(level) = is_level(text) {
        // Only names that rarely begin a sentence.
        let is_usual = || {
            [
                "error",
                "warn",
                "warning",
                "info",
                "information",
                "debug",
                "trace",
                "verbose",
                "fatal",
                "critical",
                "crit",
                "severe",
                "err",
                "notice",
            ]
            .contains(&text.to_ascii_lowercase().as_str())
        };
        let is_wide = || scan.rest().starts_with("  ");
        let is_before_time = || {
            let next = scan.rest().trim_start_matches([' ', '[']);
            index == 0 && time::parse_prefix(next).is_some()
        };
        let is_level = is_in_capitals(text)
            || is_set_off(word)
            || (dated && (is_usual() || is_wide()))
            || (!dated && is_before_time());
        return is_level.then(|| found(level, 0));
    }
    // ERROR:root:text
    if let Some((name, rest)) = text.split_once(':')
        && let Some(level) = is_level(name).filter(|_| is_in_capitals(name) || dated)
        && !rest.starts_with(':')
    {
        return Some(found(level, rest.len() + usize::from(word.colon)));
    }
    // log4j:WARN text
    if let Some((channel, name)) = text.split_once(':')
        && let Some(level) = is_level(name).filter(|_| is_in_capitals(name) && is_name(channel))
    {
        return Some(Found { channel: Some(channel), ..found(level, 0) });
    }
    // local.ERROR: text
    if word.colon
        && let Some((channel, name)) = text.rsplit_once('.')
        && let Some(level) = is_level(name).filter(|_| is_in_capitals(name))
    {
        return Some(Found { channel: Some(channel), ..found(level, 0) });
    }
    // ERROR/MainProcess, W/Tag
    let (name, rest) = text.split_once('/')?;
    if let Some(level) = is_level(name).filter(|_| is_in_capitals(name)) {
        return Some(Found { thread: Some(rest), ..found(level, 0) });
    }
    None
}

/// Returns `true` if signs set a word off from those around it, or if it is written like a level.
fn is_set_off(word: &Word<'_>) -> bool {
    is_sign(word.text) || word.colon || word.column || word.dash || word.text.ends_with('!')
}

/// Returns `true` for a sign such as `⚠`, which is no letter of any language.
fn is_sign(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_ascii() || c.is_alphanumeric())
}

fn is_in_capitals(name: &str) -> bool {
    name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'!')
}

/// Reads a date and a time of day with brackets of their own: `[2026-11-21][10:47:20]`.
fn date_and_clock_in_brackets(line: &str) -> Option<(Timestamp, usize)> {
    let (date, rest) =
        line.strip_prefix('[')?.split_once("][").filter(|(date, _)| date.len() <= 12)?;
    let (clock, rest) = rest.split_once(']').filter(|(clock, _)| clock.len() <= 18)?;
    let joined = format!("{date} {clock}");
    let (time, end) = time::parse_prefix(&joined)?;
    (end == joined.len()).then_some((time, line.len() - rest.len()))
}

/// Reads the name of a module and a line in it: `web:1871`, `django.request:241`.
fn module_and_line(text: &str) -> Option<(&str, u32)> {
    let (module, line) = text.split_once(':')?;
    Some((module, line.parse().ok()?)).filter(|(module, _)| is_name(module))
}

/// Returns `true` for the code of an error, such as `MY-010119`.
fn is_code(text: &str) -> bool {
    text.split_once('-').is_some_and(|(name, number)| {
        (1..=6).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.len() >= 3
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Returns `true` for what identifies one request rather than a part of a program.
pub(super) fn looks_like_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= 16 && digits >= 4
}
