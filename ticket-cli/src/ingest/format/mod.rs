//! From a line to a record: one module for each family of formats.
//!
//! The format is found anew for each line, because one file may hold several: a service's JSON between
//! the plain lines of the script that started it.

mod ecs;
mod fields;
mod head;
mod journal;
mod letter;
mod level;
mod logfmt;
mod mongod;
mod node;
mod postgres;
mod python;
mod stack;
mod text;
mod tracing;
mod usual;

use clap::ValueEnum;
use serde_json::Value;
use ticket_core::backend::NewOccurrence;
use ticket_core::{Level, Record, Timestamp};

use self::fields::Fields;
pub(super) use self::text::Lines;

/// How a line is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Find out for each line
    #[default]
    Auto,
    /// One JSON object a line, of any of the known programs
    Json,
    /// Lines of key=value
    Logfmt,
    /// Plain lines
    Text,
}

/// What a line says, before it has an identity.
#[derive(Debug)]
pub(super) struct Entry {
    /// The record; its id, time and level do not count yet.
    pub(super) record: Record,
    /// The line's own time.
    pub(super) time: Option<Timestamp>,
    /// The line's own level.
    pub(super) level: Option<Level>,
    /// What the line is, if it has its identity already. The record counts for nothing then.
    pub(super) occurrence: Option<Box<NewOccurrence>>,
}

impl Entry {
    fn new() -> Self {
        let record = Record::new(Level::Info, "", "");
        Self { record, time: None, level: None, occurrence: None }
    }

    /// The level: its own; else an error's, if there is one; else that of ordinary operation.
    pub(super) fn level(&self) -> Level {
        self.level.unwrap_or(if self.record.error.is_empty() { Level::Info } else { Level::Error })
    }

    /// Sets a trait, under a name that no other field has taken.
    fn keep(&mut self, name: &str, value: impl Into<ticket_core::Value>) {
        self.record.traits.insert_new(name.into(), value.into());
    }

    /// Makes traits of the fields that nobody has taken, with `path` before their names.
    fn keep_all(&mut self, path: &str, fields: Fields) {
        if !fields.0.is_empty() {
            self.record.traits.insert_json(path, &Value::Object(fields.0));
        }
    }

    /// Sets the message to the error's, where there is no other.
    fn message_from_error(&mut self) {
        if self.record.message.is_empty()
            && let Some(cause) = self.record.error.first()
        {
            self.record.message = match &cause.type_name {
                Some(name) if cause.message.is_empty() => name.clone(),
                Some(name) => format!("{name}: {}", cause.message).into(),
                None => cause.message.clone(),
            };
        }
    }
}

/// What became of a line.
#[derive(Debug)]
pub(super) enum Parsed {
    /// A record of its own.
    Entry(Box<Entry>),
    /// A plain line: whether it is one of its own depends on those before it.
    Text,
    /// It is not what it should be, and why.
    Malformed(String),
}

/// Reads a line, which is not blank. Behind plain lines a brace may be anything; else it begins JSON.
pub(super) fn parse(format: Format, line: &str, behind_text: bool) -> Parsed {
    match format {
        Format::Json => json(line),
        Format::Logfmt => match logfmt::parse(line) {
            Some(fields) => Parsed::Entry(Box::new(usual::read(fields))),
            None => Parsed::Malformed("not logfmt: no key=value in it".into()),
        },
        Format::Text => Parsed::Text,
        Format::Auto if looks_like_json(line) || (!behind_text && line.starts_with('{')) => {
            json(line)
        }
        Format::Auto => match logfmt::parse(line).filter(logfmt::is_typical) {
            Some(fields) => Parsed::Entry(Box::new(usual::read(fields))),
            None => Parsed::Text,
        },
    }
}

/// `{"` or `{}`: a plain line may begin with a brace as well.
fn looks_like_json(line: &str) -> bool {
    line.trim_start()
        .strip_prefix('{')
        .is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

fn json(line: &str) -> Parsed {
    match serde_json::from_str(line.trim()) {
        Ok(Value::Object(fields)) => {
            let fields = Fields(fields);
            if letter::knows(&fields) {
                return letter::read(fields);
            }
            Parsed::Entry(Box::new(object(fields)))
        }
        Ok(_) => Parsed::Malformed("not a JSON object".into()),
        // The parser counts lines too, and this is always the first.
        Err(error) => Parsed::Malformed(
            format!("not JSON: {error}").replace(" at line 1 column ", " at column "),
        ),
    }
}

/// Reads a JSON object: those of servers first, whose fields are theirs alone.
fn object(fields: Fields) -> Entry {
    if journal::knows(&fields) {
        journal::read(fields)
    } else if postgres::knows(&fields) {
        postgres::read(fields)
    } else if mongod::knows(&fields) {
        mongod::read(fields)
    } else if tracing::knows(&fields) {
        tracing::read(fields)
    } else if ecs::knows(&fields) {
        ecs::read(fields)
    } else if node::knows(&fields) {
        node::read(fields)
    } else if python::knows(&fields) {
        python::read(fields)
    } else {
        usual::read(fields)
    }
}

#[cfg(test)]
mod tests;
