//! Visitors for the fields of events and spans.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use ticket_core::record::{ErrorCause, Frame};
use ticket_core::{SmolStr, Traits, Value, limits};
use ticket_redact::Redaction;
use tracing::field::{Field, Visit};

use crate::{format, std_backtrace};

/// The field that overrides the grouping.
pub(crate) const FINGERPRINT: &str = "ticket.fingerprint";
/// The field with the id that the producer gave the event.
pub(crate) const EXTERNAL_ID: &str = "ticket.external_id";
/// Fields that may contain an error as text, such as `error = %error`.
const ERROR_NAMES: [&str; 3] = ["error", "err", "exception"];

/// The capacity reserved for the fields of spans.
const OF_SPANS: usize = 4;

/// The fields of an event: first those that decide its ticket and its external id, and the others only when they are needed.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) message: SmolStr,
    /// The chain of the first error value.
    pub(crate) error: Vec<ErrorCause>,
    pub(crate) fingerprint: Option<SmolStr>,
    pub(crate) external_id: Option<SmolStr>,
    /// The other fields.
    pub(crate) traits: Traits,
    /// The frames of a field that is the text of a backtrace.
    pub(crate) backtrace: Vec<Frame>,
    has_traits: bool,
    is_log: bool,
    pub(crate) redaction: &'a Redaction,
}

impl<'a> Fields<'a> {
    /// Reads the fields that decide the ticket. Without a message, as `#[instrument(err)]` logs, the error's
    /// text takes its place. `is_log` marks an event of the `log` bridge, whose own fields are metadata.
    pub(crate) fn of_event(
        event: &tracing::Event<'_>,
        is_log: bool,
        redaction: &'a Redaction,
    ) -> Self {
        let mut fields = Self {
            message: SmolStr::default(),
            error: Vec::new(),
            fingerprint: None,
            external_id: None,
            traits: Traits::new(),
            backtrace: Vec::new(),
            has_traits: false,
            is_log,
            redaction,
        };
        event.record(&mut fields);
        if fields.message.is_empty() {
            if fields.error.is_empty() {
                fields.add_traits(event);
            }
            fields.message = fields.take_message();
        }
        fields
    }

    /// Adds the fields that do not decide the ticket.
    pub(crate) fn add_traits(&mut self, event: &tracing::Event<'_>) {
        if !std::mem::replace(&mut self.has_traits, true) {
            let Self { is_log, redaction, .. } = *self;
            self.traits = Traits::with_capacity(event.metadata().fields().len() + OF_SPANS);
            let (traits, backtrace) = (&mut self.traits, &mut self.backtrace);
            event.record(&mut EventTraits { traits, backtrace, is_log, redaction });
        }
    }

    /// Takes the message, or the text of the error if there is none.
    pub(crate) fn take_message(&mut self) -> SmolStr {
        if self.message.is_empty() {
            let error = self.error.first().map(|cause| cause.message.clone());
            let named = || ERROR_NAMES.into_iter().find_map(|name| self.traits.get(name));
            error.or_else(|| named().map(|value| value.to_string().into())).unwrap_or_default()
        } else {
            std::mem::take(&mut self.message)
        }
    }

    fn text(&mut self, field: &Field, text: impl FnOnce() -> SmolStr) {
        match field.name() {
            "message" => self.message = text(),
            FINGERPRINT => self.fingerprint = Some(text()),
            EXTERNAL_ID => self.external_id = Some(text()),
            _ => {}
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, || value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, || format::debug(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if self.error.is_empty() {
            self.error = format::chain(value);
        }
        self.text(field, || format::display(&value));
    }
}

/// A visitor for the other fields of an event.
#[derive(Debug)]
struct EventTraits<'a> {
    traits: &'a mut Traits,
    backtrace: &'a mut Vec<Frame>,
    is_log: bool,
    redaction: &'a Redaction,
}

impl EventTraits<'_> {
    fn text(&mut self, field: &Field, text: impl FnOnce() -> SmolStr) {
        if matches!(field.name(), "message" | FINGERPRINT | EXTERNAL_ID) {
            return;
        }
        let text = text();
        if field.name() == std_backtrace::FIELD {
            let frames = std_backtrace::parse(&text);
            if !frames.is_empty() {
                *self.backtrace = frames;
                return;
            }
        }
        self.value(field, short(text, self.redaction));
    }

    fn value(&mut self, field: &Field, value: impl Into<Value>) {
        if !(self.is_log && field.name().starts_with("log.")) {
            self.traits.insert(name(field), value.into());
        }
    }
}

/// A visitor for the fields of a span, which are all traits.
#[derive(Debug)]
pub(crate) struct SpanFields<'a> {
    pub(crate) traits: &'a mut Traits,
    pub(crate) redaction: &'a Redaction,
}

/// Cuts a text to the limit of a trait, at once and not when it is stored, because a span may live long. The text is redacted
/// before it is cut: half a secret is no longer recognized as one.
pub(crate) fn short(mut text: SmolStr, redaction: &Redaction) -> SmolStr {
    if text.len() > limits::TRAIT {
        if let Cow::Owned(redacted) = redaction.text(&text) {
            text = redacted.into();
        }
        limits::cut(&mut text, limits::TRAIT);
    }
    text
}

/// Returns the name of a field, without the prefix of a raw identifier.
fn name(field: &Field) -> SmolStr {
    let name = field.name();
    SmolStr::new_static(name.strip_prefix("r#").unwrap_or(name))
}

macro_rules! record_values {
    ($($method:ident: $value:ty),*) => {$(
        fn $method(&mut self, field: &Field, value: $value) {
            self.value(field, value);
        }
    )*};
}

impl Visit for EventTraits<'_> {
    record_values!(record_i64: i64, record_u64: u64, record_i128: i128, record_u128: u128,
        record_f64: f64, record_bool: bool);

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, || value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, || format::debug(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, || format::display(&value));
    }
}

impl SpanFields<'_> {
    fn text(&mut self, field: &Field, text: SmolStr) {
        self.value(field, short(text, self.redaction));
    }

    fn value(&mut self, field: &Field, value: impl Into<Value>) {
        self.traits.insert(name(field), value.into());
    }
}

impl Visit for SpanFields<'_> {
    record_values!(record_i64: i64, record_u64: u64, record_i128: i128, record_u128: u128,
        record_f64: f64, record_bool: bool);

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format::debug(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, format::display(&value));
    }
}
