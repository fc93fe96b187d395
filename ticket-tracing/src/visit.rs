//! The fields of events and spans.

use std::error::Error;
use std::fmt;

use ticket_core::{ErrorCause, SmolStr, Traits, Value, limits};
use tracing::field::{Field, Visit};

use crate::format;

/// The field that overrides the grouping.
pub(crate) const FINGERPRINT: &str = "ticket.fingerprint";
/// Fields that may hold an error as text, such as `error = %error`.
const ERROR_NAMES: [&str; 3] = ["error", "err", "exception"];

/// The fields of an event: at first those that decide its ticket, the others once they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) message: SmolStr,
    /// The chain of the first error value.
    pub(crate) error: Vec<ErrorCause>,
    pub(crate) fingerprint: Option<SmolStr>,
    /// The others.
    pub(crate) traits: Traits,
    pub(crate) has_traits: bool,
}

impl Fields {
    /// With a message, or else what comes nearest to one: `#[instrument(err)]` has none. `is_log` says
    /// that it came through the `log` bridge, whose own fields are metadata.
    pub(crate) fn of_event(event: &tracing::Event<'_>, is_log: bool) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        if fields.message.is_empty() {
            if fields.error.is_empty() {
                fields.add_traits(event, is_log);
            }
            fields.message = fields.take_message();
        }
        fields
    }

    /// Adds the fields that decide nothing.
    pub(crate) fn add_traits(&mut self, event: &tracing::Event<'_>, is_log: bool) {
        if !std::mem::replace(&mut self.has_traits, true) {
            event.record(&mut EventTraits { traits: &mut self.traits, is_log });
        }
    }

    /// The message, or else what comes nearest to one.
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
            _ => {}
        }
    }
}

impl Visit for Fields {
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

/// The other fields of an event.
#[derive(Debug)]
struct EventTraits<'a> {
    traits: &'a mut Traits,
    is_log: bool,
}

impl EventTraits<'_> {
    fn text(&mut self, field: &Field, text: impl FnOnce() -> SmolStr) {
        if !matches!(field.name(), "message" | FINGERPRINT) {
            self.value(field, cut(text()));
        }
    }

    fn value(&mut self, field: &Field, value: impl Into<Value>) {
        if !(self.is_log && field.name().starts_with("log.")) {
            self.traits.insert(name(field), value.into());
        }
    }
}

/// The fields of a span: all of them are values.
#[derive(Debug)]
pub(crate) struct SpanFields<'a>(pub(crate) &'a mut Traits);

/// Cut at once, not when it is stored: a span may live long.
fn cut(mut text: SmolStr) -> SmolStr {
    limits::cut(&mut text, limits::TRAIT);
    text
}

/// A raw identifier's name is the identifier.
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
        self.value(field, cut(text));
    }

    fn value(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(name(field), value.into());
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
