//! [`Redact`]: how a redaction sees every text of a record.

use smol_str::SmolStr;

use crate::Value;

/// Removes secrets from the texts of a record.
///
/// [`Record::redact`](crate::Record::redact) applies it alone. A handler applies it together with the
/// [limits](crate::limits), so that each text is read once; the rules themselves are in the crate
/// `ticket-redact`.
///
/// ```
/// use ticket_core::record::Redact;
/// use ticket_core::{Level, Record, SmolStr, Value};
///
/// struct HidePins;
///
/// impl Redact for HidePins {
///     fn redact_text(&self, _text: &mut SmolStr) -> bool {
///         false
///     }
///
///     fn redact_value(&self, name: &str, value: &mut Value) {
///         if name == "pin" {
///             *value = Value::from("<redacted>");
///         }
///     }
/// }
///
/// let mut record = Record::new(Level::Error, "door", "refused").with_trait("pin", 1234);
/// record.redact(&HidePins);
/// assert_eq!(record.traits["pin"], Value::from("<redacted>"));
/// ```
pub trait Redact {
    /// Removes the secrets from one text.
    ///
    /// Returns `true` if the text, as it is now, is known to contain no NUL. That saves the search for
    /// NUL which the limits need; `false` is always correct.
    fn redact_text(&self, text: &mut SmolStr) -> bool;

    /// Replaces the value of a trait if the trait's name says that it is a secret.
    ///
    /// A value that is text after this call is passed to [`redact_text`](Self::redact_text) as well.
    ///
    /// The values in a payload are passed with their keys; those in a list have the empty name. An object or a list
    /// is passed before what it contains, as the text `{…}` or `[…]`, and replaced as a whole if that changes.
    fn redact_value(&self, name: &str, value: &mut Value);
}
