//! Heads in which a sign or a letter means something that it means nowhere else.

use ticket_core::Level;

use super::Head;
use super::words::place;
use crate::{level, time};

impl<'a> Head<'a> {
    /// Reads a line whose head has a form of its own.
    pub(super) fn special(&mut self, line: &'a str) -> bool {
        let read = match line.as_bytes() {
            [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', ..] => self.google(line),
            [b'=', b'A'..=b'Z', ..] => self.erlang(line),
            [b'V' | b'D' | b'I' | b'W' | b'E' | b'F', b'/', ..] => self.android_brief(line),
            [b'D' | b'I' | b'W' | b'E' | b'F' | b'A', b',', b' ', b'[', ..] => self.ruby(line),
            [b'0'..=b'9', ..] => self.redis(line).or_else(|| self.android(line)),
            _ => self.php(line).or_else(|| self.npm(line)),
        };
        read.is_some()
    }

    /// Reads `E1121 10:47:20.123456   12345 file.go:123] message`, as Google's and Kubernetes' loggers write it, with or
    /// without a year.
    fn google(&mut self, line: &'a str) -> Option<()> {
        let level = level::letter(&line[..1])?;
        let (date, rest) = line[1..].split_once(' ')?;
        let clock_end = time::clock_prefix(rest)?;
        let (clock, rest) = rest.split_at(clock_end);
        let time = match date.len() {
            4 => time::parse_prefix(&format!("{}-{} {clock}", date.get(..2)?, date.get(2..)?)),
            8 => time::parse_prefix(&format!("{date} {clock}")),
            _ => None,
        };
        let (thread, rest) = rest.trim_start().split_once(' ')?;
        let (at, message) = rest.split_once(']')?;
        let (file, number) = place(at.trim())?;
        self.time = Some(time?.0);
        self.level = Some(level);
        self.thread = Some(thread);
        (self.file, self.line) = (Some(file), Some(number));
        self.message = message.trim_start();
        Some(())
    }

    /// Reads `03-17 16:15:29.173  2626  2643 W Tag: message`.
    fn android(&mut self, line: &'a str) -> Option<()> {
        let (time, end) = time::parse_prefix(line)?;
        let mut rest = line[end..].trim_start();
        let mut next = || {
            let (word, behind) = rest.split_once(' ')?;
            rest = behind.trim_start();
            Some(word)
        };
        let process = next()?.parse().ok()?;
        let thread = next()?;
        thread.parse::<u32>().ok()?;
        let level = level::letter(next()?)?;
        self.tagged(rest)?;
        self.time = Some(time);
        self.level = Some(level);
        self.process = Some(process);
        self.thread = Some(thread);
        Some(())
    }

    /// Reads `W/Tag( 2626): message`.
    fn android_brief(&mut self, line: &'a str) -> Option<()> {
        let level = level::letter(&line[..1])?;
        let rest = &line[2..];
        let end = rest.find(['(', ':'])?;
        if rest[end..].starts_with('(') {
            let (number, message) = rest[end + 1..].split_once("): ")?;
            self.process = Some(number.trim().parse().ok()?);
            self.channel = Some(rest[..end].trim_end());
            self.message = message;
        } else {
            self.tagged(rest)?;
        }
        self.level = Some(level);
        Some(())
    }

    fn tagged(&mut self, rest: &'a str) -> Option<()> {
        let (tag, message) =
            rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, "")))?;
        self.channel = Some(tag.trim_end()).filter(|tag| !tag.is_empty() && tag.len() <= 64);
        self.message = message;
        Some(())
    }

    /// Reads `E, [2026-11-21T10:47:20.123456 #1234] ERROR -- progname: message`.
    fn ruby(&mut self, line: &'a str) -> Option<()> {
        let (inner, rest) = line[4..].split_once("] ")?;
        let (time, end) = time::parse_prefix(inner)?;
        let (name, rest) = rest.trim_start().split_once(" -- ")?;
        let (program, message) = rest.split_once(':')?;
        self.level = Some(level::parse(name).or_else(|| level::letter(&line[..1]))?);
        self.time = Some(time);
        self.process = inner[end..].trim().strip_prefix('#').and_then(|number| number.parse().ok());
        self.channel = Some(program.trim()).filter(|program| !program.is_empty());
        self.message = message.trim_start();
        self.has_empty_lines = true;
        self.tags();
        Some(())
    }

    /// Takes the tags before a message that identify a request: `[6f1c9a2b] `. Others are a part of the message.
    fn tags(&mut self) {
        let start = self.message;
        while let Some((tag, behind)) =
            self.message.strip_prefix('[').and_then(|rest| rest.split_once("] "))
            && tag.contains(|c: char| c.is_ascii_digit())
            && !tag.contains([' ', '['])
        {
            self.context.push(tag);
            self.message = behind;
        }
        self.tags = &start[..start.len() - self.message.len()];
    }

    /// Reads `1255:M 14 Oct 2026 03:00:46.069 # message`. The sign is the level.
    fn redis(&mut self, line: &'a str) -> Option<()> {
        let (number, rest) = line.split_once(':')?;
        let (role, rest) = rest.split_at_checked(1)?;
        let rest = rest.strip_prefix(' ').filter(|_| "MSCX".contains(role))?;
        let (time, end) = time::parse_prefix(rest)?;
        let (sign, message) = rest[end..].trim_start().split_once(' ')?;
        self.level = Some(match sign {
            "." => Level::Debug,
            "-" => Level::Info,
            "*" => Level::Notice,
            "#" => Level::Warning,
            _ => return None,
        });
        self.process = Some(number.parse().ok()?);
        self.time = Some(time);
        self.message = message;
        Some(())
    }

    /// Reads `=ERROR REPORT==== 21-Nov-2026::10:47:20.123 ===`. The text is in the lines that follow.
    fn erlang(&mut self, line: &'a str) -> Option<()> {
        let (name, rest) = line[1..].split_once(" REPORT==== ")?;
        let (time, _) = time::parse_prefix(rest)?;
        self.level = Some(match name {
            "CRASH" | "SUPERVISOR" => Level::Error,
            "PROGRESS" => Level::Info,
            name => level::parse(name)?,
        });
        self.time = Some(time);
        self.message = "";
        Some(())
    }

    /// Reads `npm ERR! message`, `npm error message`.
    fn npm(&mut self, line: &'a str) -> Option<()> {
        let (name, message) = line.strip_prefix("npm ")?.split_once(' ')?;
        self.level = Some(level::parse(name)?);
        self.channel = Some("npm");
        self.message = message;
        Some(())
    }

    /// Reads `PHP Fatal error:  message in /srv/cart.php on line 7`, also without `PHP` where the program itself writes
    /// it.
    fn php(&mut self, line: &'a str) -> Option<()> {
        let (inner, rest) = match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((inner, rest)) => (Some(inner), rest),
            None => (None, line),
        };
        let own = rest.strip_prefix("PHP ");
        let (name, message) =
            own.unwrap_or(rest).split_once(":  ").or_else(|| own?.split_once(": "))?;
        self.level = Some(match name {
            "Fatal error"
            | "Parse error"
            | "Compile error"
            | "Core error"
            | "User error"
            | "Catchable fatal error"
            | "Recoverable fatal error" => Level::Error,
            "Warning" | "Core warning" | "Compile warning" | "User warning" => Level::Warning,
            "Notice" | "User notice" | "Strict Standards" | "Deprecated" => Level::Notice,
            _ => return None,
        });
        if let Some(inner) = inner {
            let (time, end) = time::parse_prefix(inner)?;
            // The zone may have a name such as `Europe/Berlin`, whose offset is not known here.
            let zone = inner[end..].trim();
            if !zone.is_empty() {
                self.context.push(zone);
            }
            self.time = Some(time);
        }
        self.channel = Some("php");
        self.message = message;
        if message.starts_with("Uncaught ") {
            // The whole line is the beginning of a trace.
            self.message = rest;
            return Some(());
        }
        if let Some((text, line)) = message.rsplit_once(" on line ")
            && let Some((text, file)) = text.rsplit_once(" in ")
            && let Ok(line) = line.parse()
        {
            (self.file, self.line) = (Some(file), Some(line));
            self.message = text;
        }
        Some(())
    }
}
