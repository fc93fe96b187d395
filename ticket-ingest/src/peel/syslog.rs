//! The forms of syslog, and of what resembles it.

use super::{Layer, Origin};
use crate::{level, time};

/// Reads the beginning of a line of syslog: a priority, RFC 5424, RFC 3164 with any form of time.
pub(super) fn read(text: &str) -> Option<Layer<'_>> {
    let (priority, rest) = priority(text);
    let mut layer = match (five424(rest), priority) {
        (Some(layer), Some(_)) => layer,
        (_, priority) => match (three164(rest), priority) {
            (Some(layer), _) => layer,
            // The priority alone is what a service writes to standard error for the journal.
            (None, Some(_)) => Layer::new(Origin::default(), rest),
            (None, None) => return None,
        },
    };
    layer.origin.level = priority.and_then(|number| level::from_syslog(number % 8));
    Some(layer)
}

/// Reads the facility and severity `<34>`.
fn priority(text: &str) -> (Option<i64>, &str) {
    let read = || {
        let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
        let is_number =
            (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|number| is_number && *number <= 191)?;
        Some((number, rest))
    };
    read().map_or((None, text), |(number, rest)| (Some(number), rest))
}

/// Reads `1 2026-11-21T10:47:20Z host program process message-id [data] message`.
fn five424(text: &str) -> Option<Layer<'_>> {
    let mut parts = text.strip_prefix("1 ")?.splitn(6, ' ');
    let known = |text: &str| (text != "-").then(|| text.into());
    let time = parts.next()?;
    let time = if time == "-" { None } else { Some(time::parse(time)?) };
    let host = known(parts.next()?);
    let program = known(parts.next()?);
    let process = parts.next()?;
    let mut origin = Origin { time, host, program, ..Origin::default() };
    match process.parse() {
        Ok(number) => origin.process = Some(number),
        Err(_) => origin.source = known(process),
    }
    if let Some(id) = known(parts.next()?) {
        origin.traits.insert("message_id".into(), ticket_core::Value::Text(id));
    }
    let rest = parts.next()?;
    let message = match rest.strip_prefix('-') {
        Some(message) => message,
        None => structured_data(rest, &mut origin)?,
    };
    let message = message.strip_prefix(' ').unwrap_or(message).trim_start_matches('\u{feff}');
    Some(Layer::new(origin, message))
}

/// Reads `[id name="value" …][…]` and returns the rest.
fn structured_data<'a>(text: &'a str, origin: &mut Origin) -> Option<&'a str> {
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix('[') {
        let end = inner.find([' ', ']'])?;
        let id = &inner[..end];
        rest = &inner[end..];
        while let Some(pair) = rest.strip_prefix(' ') {
            let (name, quoted) = pair.split_once("=\"")?;
            let mut value = String::new();
            let mut chars = quoted.char_indices();
            let end = loop {
                match chars.next()? {
                    (at, '"') => break at,
                    (_, '\\') => value.extend(chars.next().map(|(_, c)| c)),
                    (_, c) => value.push(c),
                }
            };
            origin.traits.insert(format!("{id}.{name}").into(), value.into());
            rest = &quoted[end + 1..];
        }
        rest = rest.strip_prefix(']')?;
    }
    Some(rest)
}

/// Reads `TIME host program[123]: message`.
///
/// The number may be missing only after a time in a form of syslog itself, since loggers write two words and a
/// colon too. The host may be missing if the program has a number.
fn three164(text: &str) -> Option<Layer<'_>> {
    let (time, end) = time::parse_prefix(text)?;
    let is_own_form = is_own_form(&text[..end]);
    let rest = text[end..].strip_prefix(' ')?;
    let (first, behind) = rest.split_once(' ')?;
    let (host, tag, message) = match first.strip_suffix(':') {
        Some(tag) => (None, tag, behind),
        None => {
            let (tag, message) = match behind.split_once(": ") {
                Some(parts) => parts,
                None => (behind.strip_suffix(':')?, ""),
            };
            (Some(first), tag, message)
        }
    };
    let (name, number) = match tag.strip_suffix(']').and_then(|tag| tag.split_once('[')) {
        Some((name, number)) => (name, Some(number)),
        None => (tag, None),
    };
    let is_word = |text: &str, more: &[u8]| {
        !text.is_empty()
            && text.len() <= 255
            && text.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || b"_.$/-@+".contains(&byte) || more.contains(&byte)
            })
    };
    let is_tag = is_word(name, b"()\\:") && level::parse(name).is_none() && !name.ends_with(':');
    let is_host = host.is_none_or(|host| {
        is_word(host, b":") && !host.ends_with(':') && level::parse(host).is_none()
    });
    let is_named = match host {
        Some(_) => is_own_form || number.is_some() || name == "kernel",
        // A logger may write `name: text` after its time, but not `name[7]: text`.
        None => number.is_some() || (is_own_form && text.starts_with(|c: char| c.is_alphabetic())),
    };
    let is_number = number.is_none_or(|number| {
        number.starts_with(|c: char| c.is_ascii_alphanumeric()) && !number.contains(' ')
    });
    if !is_tag || !is_host || !is_named || !is_number {
        return None;
    }
    let mut origin = Origin {
        time: Some(time),
        host: host.map(Into::into),
        program: Some(name.into()),
        ..Origin::default()
    };
    match number.map(|number| (number, number.parse())) {
        Some((_, Ok(number))) => origin.process = Some(number),
        // The process of a platform: `app[web.1]`
        Some((text, Err(_))) => origin.source = Some(text.into()),
        None => {}
    }
    let mut message = message;
    if name == "kernel" {
        message = without_uptime(message);
    }
    Some(Layer::new(origin, message))
}

/// Returns `true` for the times that syslog itself writes: `Nov 21 10:47:20`, and
/// `2026-11-21T10:47:20.123456+00:00` with six digits and an offset in numbers.
fn is_own_form(time: &str) -> bool {
    if time.starts_with(|c: char| c.is_alphabetic()) {
        return true;
    }
    let Some((_, fraction)) = time.split_once('.').filter(|_| time.contains('T')) else {
        // Without a fraction, as busybox and systemd write it.
        let has_offset = time.get(19..).is_some_and(|offset| offset.starts_with(['+', '-']));
        return matches!(time.len(), 24 | 25) && time.contains('T') && has_offset;
    };
    matches!(fraction.len(), 11 | 12) && fraction[6..].starts_with(['+', '-'])
}

/// Reads `kern  :warn  : [ 12.345678] message`, as `dmesg` decodes the priority of a line.
pub(super) fn decoded(text: &str) -> Option<Layer<'_>> {
    const FACILITIES: [&str; 12] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp",
    ];
    let (facility, rest) = text.split_once(':').filter(|(name, _)| name.len() <= 8)?;
    let (level, message) = rest.split_once(':').filter(|(name, _)| name.len() <= 8)?;
    let facility = facility.trim_end();
    let is_known = FACILITIES.contains(&facility) || facility.starts_with("local");
    let level = level::parse(level.trim_end()).filter(|_| is_known)?;
    let mut message = message.strip_prefix(' ')?;
    let mut origin = Origin { level: Some(level), ..Origin::default() };
    if facility == "kern" {
        origin.program = Some("kernel".into());
        message = without_uptime(message);
    }
    Some(Layer::new(origin, message))
}

/// Removes the seconds since the start with which the kernel begins a line.
fn without_uptime(text: &str) -> &str {
    let read = || {
        let (number, rest) = text.strip_prefix('[')?.split_once("] ")?;
        number.trim().parse::<f64>().ok().map(|_| rest)
    };
    read().unwrap_or(text)
}
