//! Turns one line into a record, with one module per family of formats.
//!
//! The format is detected for each line, because one file may hold several: the JSON of a service
//! between the plain lines of the script that started it.
//!
//! To add a JSON format, write a module with `knows` (do these fields belong to it?) and `read` (fields
//! to [`Draft`]) and call both in [`object`]. Whatever `read` does not take from [`Fields`] becomes a
//! trait, so nothing that a line says is lost.

mod csvlog;
mod ecs;
mod event_text;
mod export;
mod fields;
mod gelf;
mod logfmt;
mod mongod;
mod node;
mod otlp;
mod panko;
mod postgres;
mod python;
mod tracing;
mod usual;
mod windows;

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use ticket_core::Traits;

pub(crate) use self::fields::Fields;
use crate::draft::Draft;
use crate::head;
use crate::level::Numbers;

/// The format of a log's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Detects the format of each line.
    #[default]
    Auto,
    /// One JSON object per line, written by any of the known programs.
    Json,
    /// Lines of `key=value` pairs.
    Logfmt,
    /// Plain lines.
    Text,
    /// One event of Panko per line, as JSON.
    Panko,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Json, Self::Logfmt, Self::Text, Self::Panko];

    /// Returns the name of the format, which [`FromStr`] reads back.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Logfmt => "logfmt",
            Self::Text => "text",
            Self::Panko => "panko",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// The error of parsing a [`Format`] from a name that no format has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat(String);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown log format {:?}: use one of", self.0)?;
        Format::ALL.into_iter().try_for_each(|format| write!(f, " {format}"))
    }
}

impl std::error::Error for UnknownFormat {}

/// The result of parsing one line on its own.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// The line is a complete record.
    Draft(Box<Draft>),
    /// The line holds several records, each with its text.
    Drafts(Vec<(Draft, String)>),
    /// The line is plain text. The lines before it decide whether it begins a record.
    Text,
    /// The line does not have the expected format, for this reason.
    Malformed(String),
}

/// Parses a line that is not blank and has no wrappers.
///
/// `after_text` says that a record of plain lines is open. A line that follows one may begin with a brace
/// without being JSON; elsewhere a brace begins an object.
pub(crate) fn parse(format: Format, line: &str, after_text: bool) -> Parsed {
    match format {
        Format::Json => json(line),
        Format::Logfmt => match logfmt::parse(line) {
            Some(fields) => Parsed::Draft(Box::new(usual::read(fields).with_times())),
            None => Parsed::Malformed("not logfmt: it has no key=value pair".into()),
        },
        Format::Text => Parsed::Text,
        Format::Panko => panko::parse(line),
        Format::Auto if looks_like_json(line) || (!after_text && line.starts_with('{')) => {
            json(line)
        }
        Format::Auto => {
            if let Some(fields) = csvlog::read(line) {
                return Parsed::Draft(Box::new(postgres::read(fields)));
            }
            match logfmt::parse(line).filter(logfmt::is_typical) {
                Some(fields) => Parsed::Draft(Box::new(usual::read(fields).with_times())),
                None => Parsed::Text,
            }
        }
    }
}

/// What a line opens that later lines close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// Braces and brackets of JSON.
    Braces,
    /// The quotes of a row of CSV.
    Quotes,
    /// The fields of an entry of the journal in its export format, which a blank line closes.
    Export,
    /// The properties of an event of Windows, which only another record closes.
    Event,
}

/// Returns what a line may open of a record that is written over many lines. After a plain line, a brace alone is a part
/// of its text.
pub(crate) fn opens(format: Format, line: &str, after_text: bool) -> Option<Open> {
    let is_auto = format == Format::Auto;
    if (is_auto || format == Format::Json)
        && (looks_like_json(line) || (!after_text && line.trim() == "{"))
    {
        return Some(Open::Braces);
    }
    if is_auto && export::begins(line) {
        return Some(Open::Export);
    }
    if is_auto && event_text::begins(line) {
        return Some(Open::Event);
    }
    (is_auto && csvlog::begins(line)).then_some(Open::Quotes)
}

impl Open {
    /// Returns by how much a line changes how many are open, `None` if the line can be no part of the record. `open` says
    /// how many are open before it.
    pub(crate) fn change(self, line: &str, open: i64) -> Option<i64> {
        match self {
            Self::Braces => json_depth(line).filter(|_| open == 0 || !line.starts_with('{')),
            Self::Export => export::change(line, open),
            Self::Event => event_text::change(line, open),
            // A quote closes what another one has opened.
            Self::Quotes if !csvlog::has_open_quote(line) => Some(0),
            Self::Quotes => Some(if open == 0 { 1 } else { -1 }),
        }
    }

    /// Returns `true` if a line begins the next record. In a value of several lines, a blank line ends nothing.
    pub(crate) fn ends_before(self, line: &str) -> bool {
        match self {
            Self::Export => export::begins(line),
            Self::Event => event_text::begins(line) || head::read(line).begins_record(),
            Self::Braces | Self::Quotes => false,
        }
    }

    /// Converts the lines of a record to an object. `open` says how many are open at its end. Returns `None` where the
    /// lines are parsed as they are.
    pub(crate) fn to_json<'a>(
        self,
        lines: impl Iterator<Item = &'a str>,
        open: i64,
    ) -> Option<String> {
        match self {
            Self::Export => Some(export::to_json(lines)),
            Self::Event => event_text::is_event(open).then(|| event_text::to_json(lines)),
            Self::Braces | Self::Quotes => None,
        }
    }
}

/// Returns by how much a line of JSON changes the depth. Returns `None` if it ends within a text, which no line of
/// JSON does.
fn json_depth(text: &str) -> Option<i64> {
    let (mut depth, mut is_quoted, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'{' | b'[' if !is_quoted => depth += 1,
            b'}' | b']' if !is_quoted => depth -= 1,
            _ => {}
        }
    }
    (!is_quoted).then_some(depth)
}

/// Returns `true` for `{"` and `{}`. A brace alone is not enough, since plain lines begin with it too.
fn looks_like_json(line: &str) -> bool {
    line.trim_start()
        .strip_prefix('{')
        .is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

fn json(line: &str) -> Parsed {
    // An object may be an element of an array that is written over many lines.
    match serde_json::from_str(line.trim().trim_end_matches(',')) {
        Ok(Value::Object(fields)) => {
            let fields = Fields(fields);
            if otlp::knows(&fields) {
                return match otlp::records(fields) {
                    Ok(records) => Parsed::Drafts(records.into_iter().map(with_text).collect()),
                    Err(reason) => Parsed::Malformed(reason),
                };
            }
            Parsed::Draft(Box::new(object(fields).with_times()))
        }
        Ok(Value::Array(_)) => Parsed::Malformed(
            "it is a JSON array: write one object per line, for example with `jq -c '.[]'`".into(),
        ),
        Ok(_) => Parsed::Malformed("not a JSON object".into()),
        Err(error) => Parsed::Malformed(json_error(&error)),
    }
}

/// Reads one of several objects of a line.
fn with_text(fields: Fields) -> (Draft, String) {
    let text = Value::Object(fields.0.clone()).to_string();
    (object(fields).with_times(), text)
}

/// Returns the text of an error. serde_json counts lines as well, and here every line is line 1.
fn json_error(error: &serde_json::Error) -> String {
    format!("not JSON: {error}").replace(" at line 1 column ", " at column ")
}

/// Reads a JSON object. The formats of servers come first because no other program uses their fields.
fn object(fields: Fields) -> Draft {
    if postgres::knows(&fields) {
        postgres::read(fields)
    } else if mongod::knows(&fields) {
        mongod::read(fields)
    } else if gelf::knows(&fields) {
        gelf::read(fields)
    } else if windows::knows(&fields) {
        windows::read(fields)
    } else if tracing::knows(&fields) {
        tracing::read(fields)
    } else if ecs::knows(&fields) {
        ecs::read(fields)
    } else if node::knows(&fields) {
        node::read(fields)
    } else if python::knows(&fields) {
        python::read(fields)
    } else {
        usual::read(hoisted(fields))
    }
}

/// Moves the fields of what Google's logging wraps to those of the wrapper, which names level and time, and gives the
/// place a name that others use too.
fn hoisted(mut fields: Fields) -> Fields {
    if let Some(Value::Object(_)) = fields.0.get("jsonPayload")
        && let Some(Value::Object(payload)) = fields.0.remove("jsonPayload")
    {
        for (name, value) in payload {
            fields.0.entry(name).or_insert(value);
        }
    }
    if let Some(place) = fields.0.remove("logging.googleapis.com/sourceLocation") {
        fields.0.insert("sourceLocation".into(), place);
    }
    fields
}

/// Takes the JSON objects with which a message ends, as monolog, zap and winston write them: `text {"user": 7} []`.
pub(crate) fn fields_behind(draft: &mut Draft) {
    let message = draft.record.message.clone();
    let starts = [" {\"", "\t{\""].into_iter().filter_map(|start| message.find(start));
    let Some(at) = starts.min() else { return };
    let (text, tail) = message.split_at(at);
    let values: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_str(tail).into_iter().collect();
    let Ok(values) = values else { return };
    let is_known = |value: &Value| match value {
        Value::Object(_) => true,
        Value::Array(values) => values.is_empty(),
        _ => false,
    };
    if text.trim().is_empty() || !values.iter().all(is_known) {
        return;
    }
    draft.record.message = text.trim_end().into();
    for value in values {
        if let Value::Object(fields) = value {
            usual::rest(Fields(fields), draft);
        }
    }
}

/// Adds pairs such as `user=7 card="visa"`, or the whole text if it has another form.
pub(crate) fn pairs(text: &str, traits: &mut Traits) {
    match logfmt::parse(text) {
        Some(fields) => traits.insert_json("", &Value::Object(fields.0)),
        None if text.is_empty() => {}
        None => {
            traits.insert("fields".into(), text.into());
        }
    }
}

/// Counts the small numbers that a text states as levels, in JSON or logfmt.
pub(crate) fn note_numbers(text: &str, numbers: &mut Numbers) {
    for name in usual::LEVELS {
        for (at, _) in text.match_indices(name) {
            let behind = text[at + name.len()..].trim_start_matches('"').trim_start();
            let Some(value) = behind.strip_prefix([':', '=']) else { continue };
            let value = value.trim_start().trim_start_matches('"');
            let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
            if let Ok(number) = value[..end].parse() {
                numbers.note(number);
            }
        }
    }
}

#[cfg(test)]
mod tests;
