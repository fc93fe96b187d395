//! Heads in which a sign or a letter means something that it means nowhere else.

use ticket_core::Level;

use super::Head;
use super::words::{pairs, place};
use crate::{level, time};

impl<'a> Head<'a> {
    /// Reads a line whose head has a form of its own.
    pub(super) fn special(&mut self, line: &'a str) -> bool {
        let read = match line.as_bytes() {
            [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', ..] => self.google(line),
            [b'V' | b'D' | b'I' | b'W' | b'E', b' ', b'(', b'0'..=b'9', ..] => self.espressif(line),
            [b'=', b'A'..=b'Z', ..] => self.erlang(line),
            [b'V' | b'D' | b'I' | b'W' | b'E' | b'F', b'/', ..] => self.android_brief(line),
            [b'D' | b'I' | b'W' | b'E' | b'F' | b'A', b',', b' ', b'[', ..] => self.ruby(line),
            [b'0'..=b'9', ..] => self.redis(line).or_else(|| self.monitored(line)).or_else(|| {
                let (time, end) = time::parse_prefix(line)?;
                let rest = line[end..].trim_start_matches(':').trim_start();
                self.android(rest).or_else(|| self.apple(rest))?;
                self.time = Some(time);
                Some(())
            }),
            [b't', b'y', b'p', b'e', b'=', ..] => self.audit(line),
            [b'<' | b'#', ..] => self.weblogic(line),
            [b'(' | b'/', ..] => self.warning(line),
            [b'[', ..] => self.websphere(line).or_else(|| self.php(line)),
            _ => self
                .php(line)
                .or_else(|| self.npm(line))
                .or_else(|| self.event_viewer(line))
                .or_else(|| self.warning(line)),
        };
        read.is_some()
    }

    /// Reads `E1121 10:47:20.123456   12345 file.go:123] message`, as Google's and Kubernetes' loggers write it, with or
    /// without a year, and CockroachDB's `E261121 10:47:20.123456 12 file.go:123 ⋮ [n1] 45  message`.
    fn google(&mut self, line: &'a str) -> Option<()> {
        let level = level::letter(&line[..1])?;
        let (date, rest) = line[1..].split_once(' ')?;
        let clock_end = time::clock_prefix(rest)?;
        let (clock, rest) = rest.split_at(clock_end);
        let time = match date.len() {
            4 => time::parse_prefix(&format!("{}-{} {clock}", date.get(..2)?, date.get(2..)?)),
            6 | 8 => time::parse_prefix(&format!("{date} {clock}")),
            _ => None,
        };
        let (thread, rest) = rest.trim_start().split_once(' ')?;
        let bracket = rest.split_once(']').filter(|(at, _)| !at.contains(' '));
        let (at, message) = bracket.or_else(|| rest.split_once(' ').filter(|_| date.len() == 6))?;
        let (file, number) = place(at.trim())?;
        self.time = Some(time?.0);
        self.level = Some(level);
        self.thread = Some(thread);
        (self.file, self.line) = (Some(file), Some(number));
        self.message = message.trim_start();
        if bracket.is_none() {
            self.tags_and_count();
        }
        // `"message" name="value"`
        if let Some((text, fields)) =
            self.message.strip_prefix('"').and_then(|text| text.split_once("\" "))
            && let Some(fields) = pairs(fields)
        {
            self.message = text;
            self.pairs = fields;
        }
        Some(())
    }

    /// Takes what CockroachDB writes between the place and the message: tags and the number of the line.
    fn tags_and_count(&mut self) {
        let text = self.message.trim_start_matches(['⋮', ' ']);
        let Some((tags, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']'))
        else {
            return;
        };
        self.context.push(tags);
        let rest = rest.trim_start();
        let count = rest.split_once(' ').filter(|(count, _)| count.parse::<u64>().is_ok());
        self.message = count.map_or(rest, |(_, message)| message).trim_start();
    }

    /// Reads `10:47:20.123 -> E (1234) tag: message`: a monitor writes when a line came.
    fn monitored(&mut self, line: &'a str) -> Option<()> {
        let end = time::clock_prefix(line)?;
        self.espressif(line[end..].strip_prefix(" -> ")?)
    }

    /// Reads `E (1234) tag: message`, with the milliseconds since the start or a time of day. Libraries leave the space behind
    /// the tag out.
    fn espressif(&mut self, line: &'a str) -> Option<()> {
        let level = level::letter(line.get(..1)?)?;
        let (stamp, rest) = line[1..].strip_prefix(" (")?.split_once(") ")?;
        let (tag, message) = rest.split_once(':')?;
        if stamp.contains(' ') || tag.contains(' ') {
            return None;
        }
        self.clock = true;
        (self.level, self.channel) = (Some(level), Some(tag));
        self.message = message.trim_start();
        Some(())
    }

    /// Reads what Android writes behind the time: `2626  2643 W Tag: message`, with or without the number of the user in
    /// front, `W/Tag( 2626): message`, `2626-2643/com.shop W/Tag: message` or `2626-2643 Tag  com.shop  W  message`.
    fn android(&mut self, mut rest: &'a str) -> Option<()> {
        if rest.as_bytes().get(1) == Some(&b'/') {
            return self.android_brief(rest);
        }
        if let Some((word, behind)) = rest.split_once(' ')
            && let Some((process, thread)) = word.split_once('-')
            && let Ok(process) = process.parse()
        {
            let thread = thread.split('/').next().filter(|thread| thread.parse::<u32>().is_ok())?;
            let behind = behind.trim_start();
            if word.contains('/') {
                self.android_brief(behind)?;
            } else {
                self.android_column(behind)?;
            }
            (self.process, self.thread) = (Some(process), Some(thread));
            return Some(());
        }
        let mut next = || {
            let (word, behind) = rest.split_once(' ')?;
            rest = behind.trim_start();
            Some(word)
        };
        let mut process = next()?.parse().ok()?;
        let mut thread = next()?;
        let number: u32 = thread.parse().ok()?;
        let mut word = next()?;
        if word.parse::<u32>().is_ok() {
            (process, thread) = (number, word);
            word = next()?;
        }
        let level = level::letter(word)?;
        self.tagged(rest)?;
        self.level = Some(level);
        self.process = Some(process);
        self.thread = Some(thread);
        Some(())
    }

    /// Reads `Tag  com.shop  W  message`.
    fn android_column(&mut self, rest: &'a str) -> Option<()> {
        let (tag, rest) = rest.split_once("  ")?;
        let (_, rest) = rest.trim_start().split_once("  ")?;
        let (letter, message) = rest.trim_start().split_once("  ")?;
        self.level = Some(level::letter(letter)?);
        self.channel = Some(tag);
        self.message = message.trim_start();
        Some(())
    }

    /// Reads `W/Tag( 2626): message`.
    fn android_brief(&mut self, line: &'a str) -> Option<()> {
        let level = level::letter(line.get(..1)?)?;
        let rest = line[1..].strip_prefix('/')?;
        let end = rest.find(['(', ':'])?;
        if rest[end..].starts_with('(') {
            let (number, message) = rest[end + 1..].split_once("): ")?;
            self.process = Some(number.trim().parse().ok()?);
            self.channel = Some(rest[..end].trim_end());
            self.message = message.trim_start();
        } else {
            self.tagged(rest)?;
        }
        self.level = Some(level);
        Some(())
    }

    /// Reads what Apple's systems write: `TIME shop[7:1a2b] message`, with a type before the program in the compact form, and
    /// `TIME 0x1a2b Error 0x0 7 0 shop: (Library) [com.shop:pay] message`.
    fn apple(&mut self, rest: &'a str) -> Option<()> {
        let (first, behind) = rest.split_once(' ')?;
        let level = |name: &str| match name {
            "Default" | "Df" | "Activity" | "A" | "Info" | "I" => Some(Level::Info),
            "Debug" | "Db" => Some(Level::Debug),
            "Error" | "E" | "Er" => Some(Level::Error),
            "Fault" | "F" | "Ft" => Some(Level::Critical),
            _ => None,
        };
        let message = if first.starts_with("0x") {
            let mut columns = behind.split_ascii_whitespace();
            let (kind, activity) = (columns.next()?, columns.next()?);
            let (process, _) = (columns.next()?, columns.next()?);
            let program = columns.next().filter(|_| activity.starts_with("0x"))?;
            self.level = Some(level(kind)?);
            self.process = Some(process.parse().ok()?);
            let (_, message) = behind.split_once(program)?;
            self.channel = Some(program.strip_suffix(':')?);
            message
        } else {
            let kind = level(first);
            let (program, message) = match kind {
                Some(_) => behind.trim_start().split_once("] ")?,
                None => rest.split_once("] ")?,
            };
            let (name, numbers) = program.split_once('[')?;
            let (process, thread) = numbers.split_once(':')?;
            let is_hexadecimal = thread.bytes().all(|byte| byte.is_ascii_hexdigit());
            if name.is_empty() || name.contains([':', '[']) || !is_hexadecimal {
                return None;
            }
            self.process = Some(process.parse().ok()?);
            (self.channel, self.thread, self.level) = (Some(name), Some(thread), kind);
            message
        };
        self.message = message.trim_start();
        if let Some((library, rest)) =
            self.message.strip_prefix('(').and_then(|text| text.split_once(") "))
            && first.starts_with("0x")
        {
            self.context.push(library);
            self.message = rest;
        }
        if let Some((logger, rest)) =
            self.message.strip_prefix('[').and_then(|text| text.split_once("] "))
            && logger.contains('.')
            && logger.contains(':')
            && !logger.contains(' ')
        {
            self.channel = Some(logger);
            self.message = rest;
        }
        Some(())
    }

    /// Reads `Error,11/21/2026 10:47:20 AM,Source,1000,(100),"message"`, the row of an exported Windows event log, with
    /// commas or tabs.
    fn event_viewer(&mut self, line: &'a str) -> Option<()> {
        let (name, rest) = line.split_once([',', '\t'])?;
        let separator = line.as_bytes()[name.len()] as char;
        let level = level::parse(name).filter(|_| name.len() > 4)?;
        let (time, end) = time::parse_prefix(rest)?;
        let mut columns = rest[end..].strip_prefix(separator)?.splitn(4, separator);
        let (source, number) = (columns.next()?, columns.next()?);
        let (_, message) = (columns.next()?, columns.next()?);
        number.parse::<u32>().ok()?;
        (self.level, self.time) = (Some(level), Some(time));
        self.channel = Some(source);
        self.pairs.push(("event_id", number));
        self.message = message.trim_matches('"');
        Some(())
    }

    /// Reads the warnings of Node and Python: `(node:7) [DEP0005] DeprecationWarning: text`,
    /// `/srv/cart.py:7: UserWarning: text`.
    fn warning(&mut self, line: &'a str) -> Option<()> {
        let node = line.strip_prefix("(node:").and_then(|rest| rest.split_once(") "));
        let (at, text) = match node {
            Some((_, text)) if text.starts_with('[') => (None, text.split_once("] ")?.1),
            Some((_, text)) => (None, text),
            None => {
                let (at, text) = line.split_once(": ")?;
                (Some(place(at).filter(|(file, _)| file.ends_with(".py"))?), text)
            }
        };
        let (name, _) = text.split_once(": ")?;
        // A rejected promise is an error.
        if !name.ends_with("Warning") || name.contains(' ') || name.starts_with("Unhandled") {
            return None;
        }
        self.level = Some(Level::Warning);
        self.process = node.and_then(|(number, _)| number.parse().ok());
        if let Some((file, number)) = at {
            (self.file, self.line) = (Some(file), Some(number));
        }
        self.message = text;
        Some(())
    }

    /// Reads the message of PHP behind the head of the server that forwards it.
    pub(super) fn forwarded_php(&mut self) {
        let text = self.message.strip_prefix("FastCGI sent in stderr: \"").unwrap_or(self.message);
        let Some(text) = text.strip_prefix("PHP message: ") else { return };
        let text = text.split_once("\" while reading ").map_or(text, |(text, _)| text);
        let mut inner = Head::default();
        if inner.php(text).is_some() {
            self.level = inner.level;
            self.channel = inner.channel;
            (self.file, self.line) = (inner.file, inner.line);
            self.message = inner.message;
        }
    }

    /// Reads `type=AVC msg=audit(1795258040.123:45): message`.
    fn audit(&mut self, line: &'a str) -> Option<()> {
        let (name, rest) = line.strip_prefix("type=")?.split_once(" msg=audit(")?;
        let (stamp, message) = rest.split_once("): ")?;
        let (time, number) = stamp.split_once(':')?;
        self.time = Some(time::epoch(time)?);
        self.channel = Some(name);
        self.pairs.push(("serial", number));
        self.message = message.trim_start();
        Some(())
    }

    /// Reads `####<Nov 21, 2026 10:47:20 AM UTC> <Error> <HTTP> <…> <BEA-101020> <message>` of WebLogic, with more or fewer
    /// columns.
    fn weblogic(&mut self, line: &'a str) -> Option<()> {
        let inner = line.trim_start_matches('#').strip_prefix('<')?.trim_end();
        let inner = inner.strip_suffix('>').unwrap_or(inner);
        let columns: Vec<&str> = inner.split("> <").collect();
        let [date, name, subsystem, .., code, message] = columns.as_slice() else { return None };
        let (time, _) = time::parse_prefix(date)?;
        self.level = Some(level::parse(name)?);
        self.time = Some(time);
        self.channel = Some(subsystem);
        self.context.push(code);
        if let [_, _, _, _, _, thread, ..] = columns.as_slice()
            && columns.len() > 8
        {
            self.thread = Some(thread);
        }
        self.message = message.trim();
        Some(())
    }

    /// Reads `[11/21/26 10:47:20:123 UTC] 0000001f Cart          E message` of WebSphere.
    fn websphere(&mut self, line: &'a str) -> Option<()> {
        let (date, rest) = line.strip_prefix('[')?.split_once("] ")?;
        let (thread, rest) = rest.split_at_checked(8)?;
        let (name, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
        let (letter, message) = rest.trim_start().split_at_checked(1)?;
        if !thread.bytes().all(|byte| byte.is_ascii_hexdigit()) || !message.starts_with(' ') {
            return None;
        }
        let (time, _) = time::parse_prefix(date)?;
        self.level = Some(match letter {
            // What a program prints
            "O" | "A" => Level::Info,
            "R" => Level::Error,
            letter => level::letter(letter)?,
        });
        self.time = Some(time);
        self.thread = Some(thread);
        self.channel = Some(name);
        self.message = message.strip_prefix("   ").unwrap_or(&message[1..]);
        Some(())
    }

    fn tagged(&mut self, rest: &'a str) -> Option<()> {
        let (tag, message) =
            rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, "")))?;
        self.channel = Some(tag.trim_end()).filter(|tag| !tag.is_empty() && tag.len() <= 64);
        self.message = message.trim_start();
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
