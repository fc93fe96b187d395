//! The beginnings of syslog lines in three forms, and of the loggers of Google and Kubernetes.

use super::{Head, Words, clock_length, is_clock, is_name_byte, trim_separators};
use crate::{level, time};

impl<'a> Head<'a> {
    /// Reads the facility and severity `<34>` and returns the rest of the line.
    pub(super) fn priority(&mut self, line: &'a str) -> &'a str {
        let read = || {
            let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
            let number: i64 = number.parse().ok().filter(|number| (0..=191).contains(number))?;
            Some((level::from_syslog(number % 8), rest))
        };
        let Some((level, rest)) = read() else { return line };
        self.level = level;
        self.message = rest;
        rest
    }

    /// Reads `host program[123]: message` after the time.
    ///
    /// The number may be missing only after a time in the form of syslog (`own_time`), since other loggers write
    /// two words and a colon as well.
    pub(super) fn syslog(&mut self, rest: &'a str, own_time: bool) -> bool {
        let mut read = || {
            let (host, behind) = rest.strip_prefix(' ')?.split_once(' ')?;
            let (tag, message) = behind.split_once(": ")?;
            let (name, number) = match tag.strip_suffix(']').and_then(|tag| tag.split_once('[')) {
                Some((name, number)) => (name, Some(number.parse().ok()?)),
                None => (tag, None),
            };
            let is_tag = !name.is_empty()
                && name.bytes().all(|byte| is_name_byte(byte) || b"@()".contains(&byte));
            let is_host = !host.is_empty()
                && host.bytes().all(|byte| is_name_byte(byte) || byte == b':')
                && !host.ends_with(':')
                && level::parse(host).is_none();
            if !is_host || !is_tag || !(own_time || number.is_some()) {
                return None;
            }
            self.host = Some(host);
            self.channel = Some(name);
            self.process = number;
            self.message = message;
            Some(())
        };
        if read().is_none() {
            return false;
        }
        // The message of the program may begin with a level: `error: …`, `[error] …`.
        let mut words = Words { rest: self.message, tab: false };
        if self.level.is_none()
            && let Some(word) = words.next()
            && let Some((_, level)) = word.level(false)
        {
            self.level = Some(level);
            self.message = trim_separators(words.rest);
        }
        true
    }

    /// Reads `<165>1 2026-11-21T10:47:20Z host program process message-id [data] message`.
    pub(super) fn syslog_5424(&mut self, line: &'a str) -> bool {
        let mut read = || {
            let (number, rest) = line.strip_prefix('<')?.split_once(">1 ")?;
            let number: i64 = number.parse().ok()?;
            let mut parts = rest.splitn(6, ' ');
            let time = time::parse(parts.next()?)?;
            let known = |text: &'a str| (text != "-").then_some(text);
            let host = known(parts.next()?);
            let channel = known(parts.next()?);
            let process = parts.next()?.parse().ok();
            let _message_id = parts.next()?;
            let rest = parts.next()?;
            let message = match rest.strip_prefix("- ") {
                Some(message) => message,
                None => rest.split_once("] ").map_or(rest, |(_, message)| message),
            };
            let level = level::from_syslog(number % 8);
            let message = message.trim_start_matches('\u{feff}');
            *self = Head {
                time: Some(time),
                level,
                host,
                channel,
                process,
                message,
                ..Head::default()
            };
            Some(())
        };
        read().is_some()
    }

    /// Reads `E1121 10:47:20.123456   12345 file.go:123] message`, as Google's and Kubernetes' loggers write it.
    pub(super) fn klog(&mut self, line: &'a str) -> bool {
        let mut read = || {
            let level = level::parse(line.get(..1)?).filter(|_| "IWEF".contains(&line[..1]))?;
            let (month, day) = (line.get(1..3)?.parse().ok()?, line.get(3..5)?.parse().ok()?);
            let rest = line.get(5..)?.strip_prefix(' ')?;
            if !is_clock(rest) {
                return None;
            }
            let (clock, rest) = rest.split_at(clock_length(rest));
            // The date does not matter for reading the time of day.
            let clock = time::parse(&format!("1970-01-01 {clock}"))?.as_micros();
            let (thread, rest) = rest.trim_start().split_once(' ')?;
            let (place, message) = rest.split_once("] ")?;
            let (file, number) = place.split_once(':')?;
            self.time = time::last(month, day, clock);
            self.level = Some(level);
            self.thread = Some(thread);
            self.file = Some(file);
            self.line = number.parse().ok();
            self.message = message;
            Some(())
        };
        read().is_some()
    }
}
