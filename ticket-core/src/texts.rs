//! The texts of a record: the one list of them all, for [redaction](Redaction) and the [limits].

use smol_str::SmolStr;

use crate::limits::{self, INGREDIENT, MESSAGE, NAME, PLACE, TRAIT, TRAITS};
use crate::redact::{self, Keys};
use crate::{Record, Redaction, Traits, Value, bytes};

/// What the JSON form of an empty record takes at most.
const RECORD_FRAME: usize = 1024;

/// What goes with a text or a trait in the JSON form at most: its name, quotes, and a share of the
/// numbers that stand beside it.
const ELEMENT_FRAME: usize = 64;

/// A byte of text takes at most so many in JSON: `\u001b`.
const ESCAPED: usize = 6;

/// Takes the secrets out of a record, and then brings it within the limits, in one go.
pub(crate) fn prepare(record: &mut Record, redaction: &Redaction) {
    if limit_parts(record, redaction) > limits::RECORD {
        limits::shrink_to_fit(record);
    }
}

/// Takes the secrets out of a record and applies all limits but that of the whole; answers how long its JSON form is
/// at most, so that a record of the usual size need not be written in order to be measured.
pub(crate) fn limit_parts(record: &mut Record, redaction: &Redaction) -> usize {
    limits::thin_lists(record);
    let mut pass = Pass { keys: redaction.keys(), limits: true, size: RECORD_FRAME };
    pass.record(record);
    pass.size
}

/// Takes the secrets out of a record.
pub(crate) fn redact(record: &mut Record, keys: &Keys) {
    Pass { keys: Some(keys), limits: false, size: 0 }.record(record);
}

/// One pass over all texts of a record. Each is looked at once, and most need nothing else.
struct Pass<'a> {
    /// What is secret; `None`: nothing.
    keys: Option<&'a Keys>,
    /// Whether the limits are applied.
    limits: bool,
    /// An upper bound of the length of the JSON form of what was seen.
    size: usize,
}

impl Pass<'_> {
    fn record(&mut self, record: &mut Record) {
        self.text(&mut record.message, MESSAGE);
        self.name(&mut record.channel, NAME);
        self.name(&mut record.app_id, NAME);
        for name in [
            &mut record.release,
            &mut record.environment,
            &mut record.host,
            &mut record.thread,
            &mut record.trace_id,
            &mut record.span_id,
        ] {
            self.name_if_any(name, NAME);
        }
        self.text_if_any(&mut record.fingerprint, INGREDIENT);
        let location = &mut record.location;
        for place in [&mut location.file, &mut location.module, &mut location.function] {
            self.name_if_any(place, PLACE);
        }
        self.traits(&mut record.traits);
        for error in &mut record.error {
            self.name_if_any(&mut error.type_name, PLACE);
            self.text(&mut error.message, MESSAGE);
        }
        for frame in &mut record.backtrace {
            self.text(&mut frame.function, PLACE);
            self.text_if_any(&mut frame.file, PLACE);
        }
        if let Some(request) = &mut record.request {
            self.text_if_any(&mut request.path, PLACE);
            self.text_if_any(&mut request.route, PLACE);
            self.text_if_any(&mut request.user, NAME);
            for name in [&mut request.method, &mut request.remote_address, &mut request.request_id]
            {
                self.name_if_any(name, NAME);
            }
        }
        for breadcrumb in &mut record.breadcrumbs {
            self.name(&mut breadcrumb.channel, NAME);
            self.text(&mut breadcrumb.message, TRAIT);
            self.traits(&mut breadcrumb.traits);
        }
        for span in &mut record.spans {
            self.name(&mut span.name, NAME);
            self.name(&mut span.target, NAME);
            self.traits(&mut span.traits);
        }
    }

    /// A text that is redacted.
    fn text(&mut self, text: &mut SmolStr, limit: usize) {
        let Some(keys) = self.keys else { return self.name(text, limit) };
        let bytes = text.as_bytes();
        let len = bytes.len();
        let seen = redact::glance(bytes);
        if seen != 0 || len > limit {
            redact::clean(keys, text, seen);
            return self.name(text, limit);
        }
        self.size += len * ESCAPED + ELEMENT_FRAME;
    }

    /// A text that is not redacted.
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

    fn traits(&mut self, traits: &mut Traits) {
        if traits.is_empty() {
            return;
        }
        if self.limits {
            limits::thin_traits(traits, TRAITS);
        }
        let mut names = 0;
        let mut names_fit = true;
        for (name, value) in &mut *traits {
            let name = name.as_str();
            names += name.len();
            let odd = bytes::has(name.as_bytes(), [0, b'.']);
            names_fit &= name.len() <= NAME && !(odd && name.contains('\0'));
            if self.keys.is_some_and(|keys| redact::is_secret(keys, name, odd, value)) {
                *value = Value::from(redact::MARK);
            }
            match value {
                Value::Text(text) => self.text(text, TRAIT),
                Value::Float(number) if self.limits && !number.is_finite() => {
                    *value = Value::from(*number);
                }
                Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {}
            }
        }
        if self.limits && !names_fit {
            limits::fit_names(traits, NAME);
            names = traits.keys().map(|name| name.len()).sum();
        }
        self.size += names * ESCAPED + traits.len() * ELEMENT_FRAME;
    }
}
