//! The walk over all texts of a record: the only list of them, shared by redaction and the [limits].
//!
//! Every struct is taken apart without `..`, so a field that is added later does not compile until it
//! is decided here what becomes of its text.

use smol_str::SmolStr;

use super::thin;
use crate::limits::{self, INGREDIENT, MESSAGE, NAME, PLACE, TRAIT, TRAITS};
use crate::record::{Breadcrumb, ErrorCause, Frame, Location, Redact, Request, Span};
use crate::{Record, Traits, Value};

/// The longest JSON form of a record without any text.
const RECORD_FRAME: usize = 1024;

/// The longest JSON of what surrounds one text or trait: its name, quotes, and a share of the numbers
/// beside it.
const ELEMENT_FRAME: usize = 64;

/// The most bytes of JSON that one byte of text becomes: `\u001b`.
const ESCAPED: usize = 6;

/// Redacts a record and applies every limit except [`limits::RECORD`], the one on the whole.
///
/// Returns an upper bound of the record's JSON form, so that a record of the usual size need not be
/// serialized only to measure it.
pub(super) fn limit_parts(record: &mut Record, rules: &impl Redact) -> usize {
    thin::lists(record);
    let mut walk = Walk { rules, limits: true, size: RECORD_FRAME };
    walk.record(record);
    walk.size
}

/// Redacts a record without applying any limit.
pub(super) fn redact(record: &mut Record, rules: &impl Redact) {
    Walk { rules, limits: false, size: 0 }.record(record);
}

/// One walk over a record. It looks at each text once; most texts need nothing else.
struct Walk<'a, R> {
    rules: &'a R,
    /// Whether the limits are applied.
    limits: bool,
    /// An upper bound of the JSON form of everything visited so far but the payload, which has its own limit.
    size: usize,
}

impl<R: Redact> Walk<'_, R> {
    fn record(&mut self, record: &mut Record) {
        let Record {
            id: _,
            time: _,
            level: _,
            channel,
            message,
            location,
            error,
            backtrace,
            traits,
            request,
            breadcrumbs,
            spans,
            app_id,
            release,
            environment,
            host,
            process: _,
            thread,
            trace_id,
            span_id,
            fingerprint,
            external_id,
            payload,
        } = record;
        self.text(message, MESSAGE);
        self.name(channel, NAME);
        self.name(app_id, NAME);
        for name in [release, environment, host, thread, trace_id, span_id, external_id] {
            self.name_if_any(name, NAME);
        }
        self.text_if_any(fingerprint, INGREDIENT);
        if let Some(payload) = payload {
            payload.redact(self.rules);
            if self.limits {
                payload.fit();
            }
        }
        let Location { file, line: _, module, function } = location;
        for place in [file, module, function] {
            self.name_if_any(place, PLACE);
        }
        self.traits(traits);
        for ErrorCause { type_name, message } in error {
            self.name_if_any(type_name, PLACE);
            self.text(message, MESSAGE);
        }
        for Frame { function, file, line: _, in_app: _ } in backtrace {
            self.text(function, PLACE);
            self.text_if_any(file, PLACE);
        }
        if let Some(request) = request {
            let Request { method, path, route, status: _, remote_address, user, request_id } =
                request;
            self.text_if_any(path, PLACE);
            self.text_if_any(route, PLACE);
            self.text_if_any(user, NAME);
            for name in [method, remote_address, request_id] {
                self.name_if_any(name, NAME);
            }
        }
        for Breadcrumb { time: _, level: _, channel, message, traits } in breadcrumbs {
            self.name(channel, NAME);
            self.text(message, TRAIT);
            self.traits(traits);
        }
        for Span { name, target, traits } in spans {
            self.name(name, NAME);
            self.name(target, NAME);
            self.traits(traits);
        }
    }

    /// Visits a text that is redacted.
    #[inline]
    fn text(&mut self, text: &mut SmolStr, limit: usize) {
        let free_of_nul = self.rules.redact_text(text);
        if free_of_nul && text.len() <= limit {
            self.size += text.len() * ESCAPED + ELEMENT_FRAME;
        } else {
            self.name(text, limit);
        }
    }

    /// Visits a text that is never redacted.
    #[inline]
    fn name(&mut self, text: &mut SmolStr, limit: usize) {
        if self.limits {
            limits::fit(text, limit);
        }
        self.size += text.len() * ESCAPED + ELEMENT_FRAME;
    }

    fn text_if_any(&mut self, text: &mut Option<SmolStr>, limit: usize) {
        text.iter_mut().for_each(|text| self.text(text, limit));
    }

    fn name_if_any(&mut self, text: &mut Option<SmolStr>, limit: usize) {
        text.iter_mut().for_each(|text| self.name(text, limit));
    }

    #[inline]
    fn traits(&mut self, traits: &mut Traits) {
        if traits.is_empty() {
            return;
        }
        if self.limits {
            traits.thin(TRAITS);
        }
        let mut names = 0;
        let mut names_fit = true;
        for (name, value) in &mut *traits {
            names += name.len();
            names_fit &= limits::fits(name, NAME);
            self.rules.redact_value(name, value);
            match value {
                Value::Text(text) => self.text(text, TRAIT),
                Value::Float(number) if self.limits && !number.is_finite() => {
                    *value = Value::from(*number);
                }
                Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {}
            }
        }
        // Names are the keys of a sorted list, so they cannot be changed in place.
        if self.limits && !names_fit {
            traits.fit_names(NAME);
            names = traits.keys().map(|name| name.len()).sum();
        }
        self.size += names * ESCAPED + traits.len() * ELEMENT_FRAME;
    }
}
