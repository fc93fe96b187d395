//! The [`Record`] and the types that it contains.

mod parts;
mod payload;
mod redact;

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use self::parts::{Breadcrumb, ErrorCause, Frame, Location, Request, Span};
pub use self::payload::Payload;
pub use self::redact::Redact;
use crate::{Level, OccurrenceId, Timestamp, Traits, Value};

/// A log record or error as reported by its producer.
///
/// A store may keep it in a [`serde` form](crate::backend#storing-values), and most do.
///
/// ```
/// use ticket_core::{Level, Location, Record};
///
/// let record = Record::new(Level::Error, "shop::checkout", "payment refused")
///     .with_location(Location::new().with_file("src/checkout.rs").with_line(42))
///     .with_trait("user_id", 17)
///     .with_release("1.4.0");
/// assert_eq!(record.channel, "shop::checkout");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// The occurrence id. Recording the same id twice in a ticket stores it once.
    pub id: OccurrenceId,
    /// The time at which it happened.
    pub time: Timestamp,
    /// The severity.
    pub level: Level,
    /// The logger's name or the `tracing` target; for an event, the event type.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub channel: SmolStr,
    /// A human-readable description of what happened.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub message: SmolStr,
    /// The source location that produced the record.
    #[serde(default, skip_serializing_if = "Location::is_empty")]
    pub location: Location,
    /// The error and its chain of `source()`s, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error: Vec<ErrorCause>,
    /// The stack trace, innermost frame first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backtrace: Vec<Frame>,
    /// Structured fields: typed values by name.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
    /// The web request that was being served at the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// Earlier events that led up to the record, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breadcrumbs: Vec<Breadcrumb>,
    /// The enclosing spans, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// The application id. Each application has its own tickets.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub app_id: SmolStr,
    /// The version of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<SmolStr>,
    /// The deployment environment, such as `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<SmolStr>,
    /// The host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<SmolStr>,
    /// The process id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// The thread's name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<SmolStr>,
    /// The id of the distributed trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<SmolStr>,
    /// The id of the span within the distributed trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SmolStr>,
    /// Overrides the grouping: all records of an application with the same value here share a
    /// ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<SmolStr>,
    /// The producer's own id of the event, such as that of a message in a queue.
    ///
    /// It is found with [`EventFilter::with_external_id`](crate::EventFilter::with_external_id). It need not be
    /// unique: what counts once is the [`id`](Self::id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<SmolStr>,
    /// JSON that is stored and returned as it is, and never searched.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "payload::present"
    )]
    pub payload: Option<Payload>,
}

impl Record {
    /// Creates a record with the current time and a random id; all other fields are empty.
    #[must_use]
    pub fn new(level: Level, channel: impl Into<SmolStr>, message: impl Into<SmolStr>) -> Self {
        let now = SystemTime::now();
        let time = now.into();
        Self {
            id: OccurrenceId::now(time, now),
            time,
            level,
            channel: channel.into(),
            message: message.into(),
            location: Location::default(),
            error: Vec::new(),
            backtrace: Vec::new(),
            traits: Traits::new(),
            request: None,
            breadcrumbs: Vec::new(),
            spans: Vec::new(),
            app_id: SmolStr::default(),
            release: None,
            environment: None,
            host: None,
            process: None,
            thread: None,
            trace_id: None,
            span_id: None,
            fingerprint: None,
            external_id: None,
            payload: None,
        }
    }

    /// Sets the time and replaces the id with a new random one for that time.
    #[must_use]
    pub fn with_time(mut self, time: Timestamp) -> Self {
        self.time = time;
        self.id = OccurrenceId::random(time);
        self
    }

    /// Derives the id from the record's time and a key that is unique at the producer.
    ///
    /// Call this after [`with_time`](Self::with_time), which replaces the id.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.id = OccurrenceId::from_key(self.time, key);
        self
    }

    /// Sets the source location.
    #[must_use]
    pub fn with_location(mut self, location: Location) -> Self {
        self.location = location;
        self
    }

    /// Sets a trait, replacing any trait of the same name.
    #[must_use]
    pub fn with_trait(mut self, name: impl Into<SmolStr>, value: impl Into<Value>) -> Self {
        self.traits.insert(name.into(), value.into());
        self
    }

    /// Sets the error chain to `error` and its sources.
    #[must_use]
    pub fn with_error(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        self.error = ErrorCause::chain(error);
        self
    }

    /// Sets the application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<SmolStr>) -> Self {
        self.app_id = app_id.into();
        self
    }

    /// Sets the release.
    #[must_use]
    pub fn with_release(mut self, release: impl Into<SmolStr>) -> Self {
        self.release = Some(release.into());
        self
    }

    /// Sets the environment.
    #[must_use]
    pub fn with_environment(mut self, environment: impl Into<SmolStr>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Sets the producer's own id of the event.
    ///
    /// Use [`with_key`](Self::with_key) as well if the same event may arrive more than once.
    #[must_use]
    pub fn with_external_id(mut self, external_id: impl Into<SmolStr>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }

    /// Sets the payload.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Payload>) -> Self {
        self.payload = Some(payload.into());
        self
    }

    /// Returns the type of the outermost error, if known.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        self.error.first().and_then(|cause| cause.type_name.as_deref())
    }

    /// Overrides the grouping for this record.
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: impl Into<SmolStr>) -> Self {
        self.fingerprint = Some(fingerprint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_record_has_a_compact_json_form_that_round_trips() {
        let record = Record::new(Level::Info, "", "");
        let json = serde_json::to_string(&record).unwrap();
        assert!(json.len() < 130, "{json}");
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }
}
