//! [`Draft`]: a record on its way from lines to an entry.

use ticket_core::{Level, Record, SmolStr, Timestamp};

use crate::time;

/// What a line says, before it has a place in a log.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The record. Its id, time and level are placeholders.
    pub(crate) record: Record,
    /// The time that the line states.
    pub(crate) time: Option<Timestamp>,
    /// The level that the line states.
    pub(crate) level: Option<Level>,
    /// What the producer identifies the record by.
    pub(crate) key: Option<SmolStr>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self { record: Record::new(Level::Info, "", ""), time: None, level: None, key: None }
    }

    /// Returns the stated level; without one, `Error` if there is an error, otherwise `Info`.
    pub(crate) fn level(&self) -> Level {
        self.level.unwrap_or(if self.record.error.is_empty() { Level::Info } else { Level::Error })
    }

    /// Adds a trait unless there is one of this name.
    pub(crate) fn keep(&mut self, name: &str, value: impl Into<ticket_core::Value>) {
        self.record.traits.insert_new(name.into(), value.into());
    }

    /// Turns the texts of traits that are times in RFC 3339 into times, so that they can be compared.
    pub(crate) fn with_times(mut self) -> Self {
        let spans = self.record.spans.iter_mut().map(|span| &mut span.traits);
        for traits in spans.chain([&mut self.record.traits]) {
            for value in traits.values_mut() {
                if let ticket_core::Value::Text(text) = value
                    && let Some(time) = time::rfc3339(text)
                {
                    *value = time.into();
                }
            }
        }
        self
    }

    /// Uses the text of the error as the message if there is no message.
    pub(crate) fn message_from_error(&mut self) {
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
