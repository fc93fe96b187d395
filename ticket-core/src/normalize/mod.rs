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
    /// Brings the record within the limits. Applying it again changes nothing.
    ///
    /// - In every text, NUL becomes `␀`, and text that exceeds its limit is cut and marked.
    /// - Floats that are not finite become text.
    /// - In a list that exceeds its limit, one element replaces the missing ones and says how many they are.
    /// - A payload that exceeds its limit becomes a JSON string with its beginning and a mark.
    /// - Trait names that become equal are numbered: `name`, `name#2`.
    /// - A record whose JSON form without the payload exceeds [`limits::RECORD`] is shrunk in steps until it fits:
    ///   1. Keep the newest 20 breadcrumbs.
    ///   2. Keep the innermost 64 frames.
    ///   3. Cut the trait values of spans and breadcrumbs, and the messages of breadcrumbs, to 128 bytes.
    ///   4. Keep the newest 5 breadcrumbs.
    ///   5. Cut the trait values of the record to 512 bytes, then 256, then 128.
    ///   6. Keep the innermost 16 frames.
    ///   7. Keep the two outermost and the two innermost spans, and 8 traits of each span and breadcrumb.
    ///   8. Cut the types and messages of errors to 1 KiB.
    ///   9. Cut the trait values of the record to 64 bytes.
    ///   10. Replace the breadcrumbs, the frames, and the traits of spans and breadcrumbs with their numbers.
    ///   11. Cut the types and messages of errors to 256 bytes.
    ///   12. Cut the trait names of the record to 64 bytes.
    ///   13. Halve the number of traits until the record fits.
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

    /// Redacts the record and brings it within the limits, in a single pass over its texts.
    ///
    /// This is for handlers that prepare a record in place;
    /// [`NewOccurrence::prepare`](crate::backend::NewOccurrence::prepare) does the same and more.
    pub fn prepare(&mut self, rules: &impl Redact) {
        if walk::limit_parts(self, rules) > limits::RECORD {
            shrink::shrink(self);
        }
    }
}
