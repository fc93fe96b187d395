//! The pieces of a head after its level.

use super::Head;
use super::before::looks_like_id;
use super::words::{Scan, Word, is_logger, is_name, is_name_byte, pairs, process};
use crate::{time, trace};

/// The number of pieces after a level.
const PIECES: usize = 8;

impl<'a> Head<'a> {
    /// Reads the time, thread, process, spans, logger and place after the level. What is none of them begins the
    /// message.
    pub(super) fn after_level(&mut self, scan: &mut Scan<'a>) {
        self.tight_logger(scan);
        self.logger_in_brackets(scan);
        // After the separator that ends a logger, only a place or time is a piece, and no more brackets.
        let mut is_closed = false;
        for _ in 0..PIECES {
            let is_column = scan.rest().starts_with(['\t', '|']);
            scan.skip_separators();
            if scan.rest().is_empty() {
                break;
            }
            let before = *scan;
            let is_piece = self.time_after(scan)
                || (!is_closed && self.numbers(scan))
                || (!is_closed && self.group_after(scan))
                || self.place_in_brackets(scan)
                || self.span(scan)
                || self.bare_spans(scan)
                || self.thread_id(scan)
                || self.module(scan, &mut is_closed)
                || self.place_after(scan)
                || self.logger(scan, is_column, &mut is_closed)
                || (is_column && self.id(scan));
            if !is_piece {
                *scan = before;
                break;
            }
        }
        self.message = scan.rest().trim_start();
        self.trailing_logger();
    }

    /// Reads the logger right behind the level: `ERROR:root:text`, as Python writes it.
    fn tight_logger(&mut self, scan: &mut Scan<'a>) {
        let rest = scan.rest();
        if rest.starts_with(' ') || self.channel.is_some() {
            return;
        }
        if let Some((name, _)) = rest.split_once(':')
            && !name.is_empty()
            && name.bytes().all(is_name_byte)
            && !rest[name.len()..].starts_with("::")
        {
            self.channel = Some(name);
            scan.at += name.len() + 1;
        }
    }

    /// Reads the logger in brackets right behind the level if the thread is known already, or in a column:
    /// `[Nest] 7  - 21/11/2026, 10:47:20 ERROR [Cart] text`.
    fn logger_in_brackets(&mut self, scan: &mut Scan<'a>) {
        let mut behind = *scan;
        behind.skip_separators();
        let is_column = behind.column;
        if self.channel.is_some() || !behind.rest().starts_with('[') {
            return;
        }
        let Some(group) = behind.group() else { return };
        let is_column = is_column && behind.rest().starts_with('\t');
        let is_logger =
            is_name(group.text) && !group.text.bytes().any(|byte| byte.is_ascii_digit());
        if is_logger && (is_column || self.thread.is_some() && behind.rest().starts_with(' ')) {
            self.channel = Some(group.text);
            *scan = behind;
        }
    }

    fn time_after(&mut self, scan: &mut Scan<'a>) -> bool {
        if self.time.is_some() {
            return false;
        }
        if let Some((time, end)) = time::parse_prefix(scan.rest()) {
            self.time = Some(time);
            scan.at += end;
            return true;
        }
        let clock = time::clock_prefix(scan.rest()).filter(|_| !self.clock);
        if let Some(end) = clock {
            self.clock = true;
            scan.at += end;
        }
        clock.is_some()
    }

    /// Reads nginx's `12#34: ` and the number before Spring's dashes, `12 --- `.
    fn numbers(&mut self, scan: &mut Scan<'a>) -> bool {
        let rest = scan.rest();
        if let Some((numbers, behind)) = rest.split_once(": ")
            && let Some((number, thread)) = numbers.split_once('#')
            && !thread.is_empty()
            && thread.bytes().all(|byte| byte.is_ascii_digit())
            && self.set_process(number)
        {
            // The number of the connection: `12#34: *56 text`
            let number = behind.strip_prefix('*').and_then(|rest| rest.split_once(' '));
            let behind = match number.filter(|(number, _)| process(number).is_some()) {
                Some((number, behind)) => {
                    self.pairs.push(("connection", number));
                    behind
                }
                None => behind,
            };
            scan.at = scan.line.len() - behind.len();
            return true;
        }
        // The worker of fluentd: `[error]: #0 text`
        if scan.line[..scan.at].trim_end().ends_with("]:")
            && let Some((number, behind)) =
                rest.strip_prefix('#').and_then(|rest| rest.split_once(' '))
            && process(number).is_some()
        {
            self.pairs.push(("worker", number));
            scan.at = scan.line.len() - behind.len();
            return true;
        }
        // HAProxy: the day of the year with the time of day
        if let Some((date, behind)) = rest.split_once(' ')
            && let Some((day, clock)) = date.split_once('/')
            && (day.len(), clock.len()) == (3, 6)
            && process(day).and(process(clock)).is_some()
            && behind.starts_with('(')
        {
            scan.at += date.len();
            return true;
        }
        if let Some((number, behind)) = rest.split_once(" --- ")
            && let Some(process) = process(number.trim())
        {
            self.process = self.process.or(Some(process));
            scan.at = scan.line.len() - behind.len();
            return true;
        }
        false
    }

    /// Reads what is in brackets: a time, a process, a logger, a thread.
    fn group_after(&mut self, scan: &mut Scan<'a>) -> bool {
        let is_glued = scan.line[..scan.at].ends_with(']');
        let Some(group) = scan.group() else { return false };
        let Word { text, bracket, colon, .. } = group;
        // What follows the brackets without a space is a part of the same word.
        let ends =
            colon || scan.rest().is_empty() || scan.rest().starts_with([' ', '\t', '[', '(', '|']);
        // Erlang writes `<0.123.0>` for a process; other angles are a part of the message.
        let is_text = match bracket {
            Some(b'{') => true,
            Some(b'<') => !text.starts_with(|c: char| c.is_ascii_digit()),
            _ => false,
        };
        let is_tomcat = text.contains(".[") && self.channel.is_none();
        if is_text || !ends || (text.len() > 96 && !is_tomcat) {
            return false;
        }
        if self.time.is_none()
            && let Some((time, end)) = time::parse_prefix(text)
        {
            self.time = Some(time);
            let left = text[end..].trim();
            if !left.is_empty() {
                self.context.push(left);
            }
            return true;
        }
        if !self.clock && self.time.is_none() && time::clock_prefix(text) == Some(text.len()) {
            self.clock = true;
            return true;
        }
        // ROS writes the time of a simulation behind that of the clock.
        if self.stamp(text.split_once(", ").map_or(text, |(time, _)| time)) {
            return true;
        }
        if self.set_process(text) || self.set_client(text) {
            return true;
        }
        let is_lasting = self.thread.is_none() || (is_logger(text) && self.channel.is_none());
        // A second one is a part of the message, unless more pieces follow it.
        let rest = scan.rest().trim_start();
        let is_before_logger = rest.split_once([' ', ':']).is_some_and(|(name, behind)| {
            is_logger(name) && behind.trim_start().starts_with([':', '-'])
        });
        // `[ERROR][shop][main][7f3a] text`, and the fields of GlassFish: `[tid: 7] [levelValue: 1000]`
        let field =
            text.split_once(": ").filter(|(name, _)| is_name(name) && rest.starts_with('['));
        if let Some(field) = field {
            self.pairs.push(field);
            return true;
        }
        if !is_lasting && is_glued && !text.contains(' ') {
            self.context.push(text);
            return true;
        }
        if !is_lasting && !is_before_logger && !rest.starts_with(['-', '[', ':']) {
            return false;
        }
        // Spring writes the name of the application before the thread.
        if is_before_logger && let Some(application) = self.thread.replace(text) {
            self.context.push(application);
            return true;
        }
        self.named_group(text);
        true
    }

    /// Reads a place in brackets behind a logger: `shop::cart: [src/cart.rs:42] text`.
    fn place_in_brackets(&mut self, scan: &mut Scan<'a>) -> bool {
        let mut behind = *scan;
        let is_place = scan.rest().starts_with('[')
            && behind.group().is_some_and(|group| self.set_place(group.text));
        if is_place {
            *scan = behind;
        }
        is_place
    }

    /// Reads the spans of `tracing`: `request{id=7}:pay{card="x"}: `.
    fn span(&mut self, scan: &mut Scan<'a>) -> bool {
        let rest = scan.rest();
        let Some(open) = rest.find('{') else { return false };
        let name = &rest[..open];
        if !is_name(name) || name.ends_with(':') {
            return false;
        }
        let mut is_quoted = false;
        let mut previous = 0;
        let mut depth = 0;
        let end = rest.bytes().enumerate().skip(open).find_map(|(at, byte)| {
            is_quoted ^= byte == b'"' && previous != b'\\';
            previous = byte;
            if !is_quoted {
                depth += i32::from(byte == b'{') - i32::from(byte == b'}');
            }
            (depth == 0 && !is_quoted).then_some(at)
        });
        let Some(end) = end.filter(|end| rest[end + 1..].starts_with(':')) else { return false };
        self.spans.push((name, &rest[open + 1..end]));
        scan.at += end + 2;
        true
    }

    /// Reads spans without fields, as the compact form of `tracing` writes them: `request:pay: shop::cart: `. The target
    /// behind them is what tells them from a target.
    fn bare_spans(&mut self, scan: &mut Scan<'a>) -> bool {
        let Some((spans, behind)) = scan.rest().split_once(": ") else { return false };
        let is_target = behind
            .split_once(": ")
            .is_some_and(|(target, _)| target.contains("::") && is_logger(target));
        if !is_target || !self.spans.is_empty() || !spans.split(':').all(is_name) {
            return false;
        }
        self.spans.extend(spans.split(':').map(|span| (span, "")));
        scan.at = scan.line.len() - behind.len();
        true
    }

    /// Reads the thread that `tracing` writes before the target: `ThreadId(02) `, and its name before that.
    fn thread_id(&mut self, scan: &mut Scan<'a>) -> bool {
        let Some((thread, behind)) = scan.rest().split_once(") ") else { return false };
        let Some((name, number)) = thread.split_once("ThreadId(") else { return false };
        if process(number).is_none() || !(name.is_empty() || is_name(name.trim_end())) {
            return false;
        }
        self.thread =
            Some(if name.is_empty() { &scan.rest()[..thread.len() + 1] } else { name.trim_end() });
        scan.at = scan.line.len() - behind.len();
        true
    }

    /// Reads a module with its line, and with the function between them: `shop.cart:28: text`,
    /// `shop:<module>:28 - text`. Flask writes `in shop: text`.
    fn module(&mut self, scan: &mut Scan<'a>, is_closed: &mut bool) -> bool {
        let rest = scan.rest();
        if self.channel.is_some() || *is_closed {
            return false;
        }
        let is_module = |name: &str| is_name(name) && !name.contains([':', '/', '@']);
        // pytest: `shop.cart:cart.py:12 text`
        if let Some((place, _)) = rest.split_once(' ')
            && let Some((name, place)) = place.split_once(':')
            && is_module(name)
            && self.set_place(place)
        {
            self.channel = Some(name);
            *is_closed = true;
            scan.at += name.len() + 1 + place.len();
            return true;
        }
        let ends = [" - ", ": "].into_iter().filter_map(|end| rest.split_once(end));
        let Some((pieces, behind)) = ends.min_by_key(|(pieces, _)| pieces.len()) else {
            return false;
        };
        // logback: `in ch.qos.Interpreter@3:16 - text`
        if let Some((name, _)) = pieces.strip_prefix("in ").and_then(|name| name.split_once('@'))
            && is_logger(name)
        {
            self.channel = Some(name);
            *is_closed = true;
            scan.at = scan.line.len() - behind.len();
            return true;
        }
        if let Some(name) = pieces.strip_prefix("in ").filter(|name| is_module(name))
            && self.time.is_some()
        {
            self.channel = Some(name);
        } else {
            let Some((name, line)) = pieces.rsplit_once(':') else { return false };
            let Ok(line) = line.parse() else { return false };
            let (name, function) = match name.split_once(':') {
                Some((name, function)) => (name, Some(function)),
                None => (name, None),
            };
            let is_piece = match function {
                Some(function) => !function.is_empty() && !function.contains([' ', ':']),
                None => is_logger(name) && !is_source(name),
            };
            if !is_module(name) || !is_piece {
                return false;
            }
            (self.channel, self.function, self.line) = (Some(name), function, Some(line));
        }
        *is_closed = true;
        scan.at = scan.line.len() - behind.len();
        true
    }

    /// Reads the place before the message: `cart.go:42\ttext`, `src/cart.rs:42: text`, `cart.go:42 > text`.
    fn place_after(&mut self, scan: &mut Scan<'a>) -> bool {
        let mut behind = *scan;
        let Some(word) = behind.word() else { return false };
        let rest = behind.rest();
        let blank = rest.trim_start_matches(' ');
        let ends = word.colon
            || rest.starts_with(['\t', ']', '|'])
            || ["> ", "- ", "| ", "» ", ": "].iter().any(|end| blank.starts_with(end))
            || blank.is_empty();
        if !ends || !self.set_place(word.text) {
            return false;
        }
        if rest.starts_with(']') {
            behind.at += 1;
        }
        *scan = behind;
        true
    }

    /// Reads the id of a request in a column, as AWS Lambda writes it.
    fn id(&mut self, scan: &mut Scan<'a>) -> bool {
        let mut behind = *scan;
        let Some(word) = behind.word() else { return false };
        let is_id = behind.rest().starts_with('\t') && looks_like_id(word.text);
        if is_id {
            self.context.push(word.text);
            *scan = behind;
        }
        is_id
    }

    /// Reads the logger before the message: `shop::cart: text`, `com.shop.Cart - text`, `shop.cart:pay:12 - text`,
    /// `Shop.Cart|text`, `Category[7]`.
    fn logger(&mut self, scan: &mut Scan<'a>, is_column: bool, is_closed: &mut bool) -> bool {
        if self.channel.is_some() || *is_closed {
            return false;
        }
        let rest = scan.rest();
        if self.peculiar_logger(scan) {
            *is_closed = true;
            return true;
        }
        let end = rest
            .bytes()
            .position(|byte| !(is_name_byte(byte) || byte == b':'))
            .unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let trimmed = name.trim_end_matches(':');
        if !is_name(trimmed) {
            return false;
        }
        let is_qualified = is_logger(trimmed);
        let blank = behind.trim_start_matches(' ');
        let is_spaced = blank.len() < behind.len();
        // .NET writes the number of the event behind the category: `Shop.Cart[7]`
        let event = behind.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        if let Some((number, left)) = event
            && process(number).is_some()
            && (left.trim().is_empty() || (is_qualified && left.starts_with([':', ' '])))
        {
            self.channel = Some(trimmed);
            scan.at = scan.line.len() - left.len();
            *is_closed = true;
            return true;
        }
        let dash = ["- ", ": ", "| ", "-- ", "> "].iter().find(|dash| blank.starts_with(**dash));
        let is_component = trimmed.len() > 1
            && trimmed.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            && behind.starts_with(' ')
            && blank.starts_with('[')
            && self.time.is_some();
        if is_component {
            // MongoDB: `I NETWORK  [conn1] text`
            self.channel = Some(trimmed);
            scan.at += end;
            return true;
        }
        let column = behind.trim_start_matches(' ').strip_prefix(['|', '\t']);
        let next = column.and_then(|rest| rest.split_once(['|', '\t']));
        if !is_qualified
            && self.thread.is_none()
            && next.is_some_and(|(next, _)| is_logger(next.trim()))
        {
            // A thread: the logger is in the next column.
            self.thread = Some(trimmed);
            scan.at += end;
            return true;
        }
        let is_last = |rest: &str| rest.trim_start().starts_with('{') || looks_like_id(trimmed);
        let ends = if is_column && let Some(rest) = column {
            if is_last(rest) {
                return false;
            }
            // In a column, one more follows with the message.
            Some(0)
        } else if let (Some(dash), true) = (dash, is_spaced || is_qualified) {
            Some(behind.len() - blank.len() + dash.len())
        } else if behind.starts_with("] ") && (self.time.is_some() || is_qualified) {
            // env_logger opens a bracket before the time and closes it here.
            Some(2)
        } else if name.ends_with(':')
            && (behind.starts_with(' ') || (behind.is_empty() && is_qualified))
        {
            // `tracing` and others write the bare name of a crate in lower case.
            let is_crate = (self.time.is_some() || self.clock)
                && trimmed
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || b"_-./0123456789".contains(&byte));
            let is_class = (self.time.is_some() || self.clock)
                && trimmed.starts_with(|c: char| c.is_ascii_uppercase())
                && trimmed.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && !trace::begins(rest);
            // The name of a function or module, which no word of a text has: `executeQuery: text`
            let is_camel = (self.time.is_some() || self.clock)
                && trimmed.starts_with(|c: char| c.is_ascii_lowercase())
                && trimmed.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && trimmed.bytes().any(|byte| byte.is_ascii_uppercase());
            (is_qualified || is_crate || is_class || is_camel).then_some(0)
        } else if is_spaced && is_unmistakable(trimmed) && !trace::begins(rest) {
            // Tomcat separates class and method from the message by nothing but a space.
            Some(0)
        } else if is_spaced && is_qualified && (blank.starts_with(['[', '('])) {
            // The thread follows.
            self.channel = Some(trimmed);
            scan.at += end;
            return true;
        } else {
            None
        };
        let Some(ends) = ends else { return false };
        *is_closed = true;
        let mut parts = trimmed.split(':').filter(|_| !trimmed.contains("::"));
        if let (Some(name), Some(function), Some(line), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        {
            (self.channel, self.function) = (Some(name), Some(function));
            self.line = line.parse().ok();
        } else if is_unmistakable(trimmed)
            && let Some((class, method)) = trimmed.rsplit_once('.')
            && method.starts_with(|c: char| c.is_ascii_lowercase())
        {
            (self.channel, self.function) = (Some(class), Some(method));
        } else {
            self.channel = Some(trimmed);
        }
        scan.at += end + ends;
        true
    }

    /// Reads loggers with signs that no other one has: Tomcat's, which are named after containers,
    /// `o.a.Base.[shop].[/]  : text`, and those with a method, `com.shop.Cart#pay: text`.
    fn peculiar_logger(&mut self, scan: &mut Scan<'a>) -> bool {
        let rest = scan.rest();
        if let Some((name, behind)) = rest.split_once(": ")
            && let Some((class, method)) = name.split_once('#')
            && is_logger(class)
            && is_name(method)
        {
            (self.channel, self.function) = (Some(class), Some(method));
            scan.at = scan.line.len() - behind.len();
            return true;
        }
        let tomcat = rest.split_once(" : ").map(|(name, behind)| (name.trim_end(), behind));
        if let Some((name, behind)) = tomcat
            && !name.contains(' ')
            && name.split_once(".[").is_some_and(|(name, _)| is_logger(name))
        {
            self.channel = Some(name);
            scan.at = scan.line.len() - behind.len();
            return true;
        }
        false
    }

    /// Reads the logger behind the message, as Kafka writes it: `text (kafka.server.Log)`.
    fn trailing_logger(&mut self) {
        if self.channel.is_none()
            && let Some((message, name)) =
                self.message.strip_suffix(')').and_then(|text| text.rsplit_once(" ("))
            && (is_unmistakable(name) || name.split('.').count() > 2 && is_logger(name))
        {
            (self.channel, self.message) = (Some(name), message);
        }
        self.trailing_pairs();
        self.trailing_error();
    }

    /// Takes the fields behind a message if one of them is an error: `cannot pay err="no card" order=17`.
    fn trailing_error(&mut self) {
        let Some((text, _)) = self.message.split_once('=') else { return };
        let Some((text, _)) = text.rsplit_once(' ') else { return };
        let Some(pairs) = pairs(&self.message[text.len()..]) else { return };
        let is_error = |name: &str| ["err", "error", "error_class"].contains(&name);
        // `width=3, height=4` is a text.
        let are_fields = pairs.iter().any(|(name, _)| is_error(name))
            && !pairs.iter().any(|(_, value)| value.ends_with(','));
        if are_fields && !text.is_empty() {
            self.pairs.extend(pairs);
            self.message = text.trim_end();
        }
    }

    /// Reads the logger and the fields that structlog writes behind a message that it fills with spaces:
    /// `cannot pay            [shop.cart] order=17`.
    fn trailing_pairs(&mut self) {
        let Some((message, behind)) = self.message.split_once("  ") else { return };
        let behind = behind.trim_start();
        let (name, fields) = match behind.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, fields)) if is_name(name) && self.channel.is_none() => (Some(name), fields),
            _ => (None, behind),
        };
        let Some(pairs) = pairs(fields).filter(|pairs| name.is_some() || !pairs.is_empty()) else {
            return;
        };
        self.pairs.extend(pairs);
        self.channel = self.channel.or(name);
        self.message = message;
    }
}

/// Returns `true` for the name of a source file, which is not the name of a logger.
fn is_source(name: &str) -> bool {
    const ENDS: [&str; 28] = [
        "c", "cc", "clj", "cpp", "cs", "cxx", "dart", "erl", "ex", "exs", "go", "h", "hpp", "hs",
        "java", "js", "kt", "lua", "m", "mjs", "php", "pl", "py", "rb", "rs", "scala", "swift",
        "ts",
    ];
    name.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
}

/// Returns `true` for the name of a class in two packages or more, which is no word of a text:
/// `org.apache.Foo`, `org.apache.Foo.bar`.
fn is_unmistakable(name: &str) -> bool {
    is_logger(name)
        && !name.contains("::")
        && name.split('.').count() >= 3
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('.').any(|part| part.starts_with(|c: char| c.is_ascii_uppercase()))
}
