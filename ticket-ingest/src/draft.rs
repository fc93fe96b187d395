//! [`Draft`]: a record on its way from lines to an entry.

use ticket_core::record::ErrorCause;
use ticket_core::{Level, Record, SmolStr, Timestamp};

use crate::level::{self, Scale};
use crate::time;

/// What a line says, before it has a place in a log.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The record. Its id, time and level are placeholders.
    pub(crate) record: Record,
    /// The time that the line states.
    pub(crate) time: Option<Timestamp>,
    /// The level that the line states.
    pub(crate) level: Option<Level>,
    /// The level as a number from 0 to 7, whose meaning the rest of the log shows.
    pub(crate) number: Option<i64>,
    /// What the producer identifies the record by.
    pub(crate) key: Option<SmolStr>,
    /// The line has a form that is known: it states a time, a level or an error, or names its message.
    pub(crate) is_recognized: bool,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self {
            record: Record::new(Level::Info, "", ""),
            time: None,
            level: None,
            number: None,
            key: None,
            is_recognized: false,
        }
    }

    /// Returns the stated level; without one, `Error` if there is an error, otherwise `Info`.
    pub(crate) fn level(&self, scale: Scale) -> Level {
        let numbered = self.number.and_then(|number| level::from_number(number, scale));
        numbered.or(self.level).unwrap_or(if self.record.error.is_empty() {
            Level::Info
        } else {
            Level::Error
        })
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

    /// Takes what a line says that was the message of this record.
    pub(crate) fn take_inner(&mut self, inner: Self) {
        let Self { record, time, level, number, key: _, is_recognized } = inner;
        // Only what a plain line states is looked at: it has no ids, request and so on.
        let Record {
            channel,
            message,
            location,
            error,
            backtrace,
            traits,
            spans,
            host,
            process,
            thread,
            ..
        } = record;
        self.time = time.or(self.time);
        self.level = level;
        self.number = number;
        self.is_recognized |= is_recognized;
        let own = &mut self.record;
        own.message = message;
        own.error = error;
        if own.backtrace.is_empty() {
            own.backtrace = backtrace;
        }
        if own.location.is_empty() {
            own.location = location;
        }
        if !channel.is_empty() {
            let outer = std::mem::replace(&mut own.channel, channel);
            if !outer.is_empty() && outer != own.channel {
                self.keep("program", outer);
            }
        }
        let own = &mut self.record;
        own.spans.extend(spans);
        own.host = own.host.take().or(host);
        own.process = process.or(own.process);
        own.thread = thread.or(own.thread.take());
        for (name, value) in traits {
            self.keep(&name, value);
        }
    }

    /// Returns the error, and adds one if there is none.
    pub(crate) fn error(&mut self) -> &mut ErrorCause {
        let errors = &mut self.record.error;
        if errors.is_empty() {
            errors.push(ErrorCause::default());
        }
        &mut errors[0]
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
