//! Brings records within the [limits], and redacts them on the way.

mod shrink;
#[cfg(test)]
mod tests;
mod thin;
mod walk;

use crate::record::Redact;
use crate::{Record, limits};

/// Leaves every text as it is.
struct Unredacted;

impl Redact for Unredacted {
    #[inline]
    fn redact_text(&self, _text: &mut smol_str::SmolStr) -> bool {
        false
    }

    #[inline]
    fn redact_value(&self, _name: &str, _value: &mut crate::Value) {}
}

impl Record {
    /// Brings a record within the limits; applied again, it changes nothing.
    ///
    /// - Texts: NUL becomes `␀`, and what is longer than its limit is cut with a mark.
    /// - Floats that are not finite become text.
    /// - Lists that are longer than their limit get an element that says how many are missing.
    /// - Trait names that become equal by that are numbered: `name`, `name#2`.
    /// - A record whose JSON form is longer than [`limits::RECORD`] is shrunk step by step until it fits:
    ///   1. breadcrumbs: the newest 20;
    ///   2. frames: the innermost 64;
    ///   3. the values of spans and breadcrumbs, and the messages of breadcrumbs: 128 bytes;
    ///   4. breadcrumbs: the newest 5;
    ///   5. the values of traits: 512 bytes, 256, 128;
    ///   6. frames: the innermost 16;
    ///   7. spans: the outermost two and the innermost two; 8 values of a span or breadcrumb;
    ///   8. the messages of errors: 1 KiB;
    ///   9. the values of traits: 64 bytes;
    ///   10. of breadcrumbs, frames, and values of spans and breadcrumbs only how many there were;
    ///   11. the types and messages of errors: 256 bytes;
    ///   12. the names of traits: 64 bytes;
    ///   13. traits: half as many, again and again.
    ///
    /// ```
    /// use ticket_core::{Level, Record, limits};
    ///
    /// let mut record = Record::new(Level::Error, "shop", "x".repeat(10_000));
    /// record.normalize();
    /// assert!(record.message.len() <= limits::MESSAGE);
    /// assert!(record.message.ends_with("x…[+1825 bytes]"));
    /// ```
    pub fn normalize(&mut self) {
        self.prepare(&Unredacted);
    }

    /// Removes the secrets from the record, without applying any limit.
    pub fn redact(&mut self, rules: &impl Redact) {
        walk::redact(self, rules);
    }

    /// Redacts the record and brings it within the limits, in one walk over its texts.
    pub(crate) fn prepare(&mut self, rules: &impl Redact) {
        if walk::limit_parts(self, rules) > limits::RECORD {
            shrink::shrink(self);
        }
    }
}
