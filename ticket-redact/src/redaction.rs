//! [`Redaction`]: the redaction rules of an application.

use std::borrow::Cow;
use std::sync::Arc;

use ticket_core::record::Redact;
use ticket_core::{Record, SmolStr, Value};

use crate::bytes;
use crate::keys::{self, Keys};
use crate::marks::MARK;
use crate::text::{self, glance};

/// Removes secrets from records before they are fingerprinted and stored.
///
/// The handlers of `ticket-direct` and `ticket-handler` redact by default.
///
/// # Rules
///
/// | secret | replacement |
/// |---|---|
/// | a trait of the record, a span or a breadcrumb whose name is a secret's | the text `<redacted>`; booleans and times are kept |
/// | a value in the payload whose key is a secret's, with all that it contains | the string `"<redacted>"`; booleans and `null` are kept |
/// | `name=value`, `name: value`, `"name":"value"`, `Name { name: "value" }` within a text | `name=<redacted>`, … |
/// | `scheme://user:password@host`, `scheme://a-long-token@host` | `scheme://user:<redacted>@host`, `scheme://<redacted>@host` |
/// | `Bearer …`, `Basic …` | `Bearer <redacted>` |
/// | a JSON web token (`eyJ….….…`) | `<redacted token>` |
/// | a private key in PEM form | `<redacted private key>` |
/// | a payment card number: 13 to 19 digits, in a row or in groups, with a valid check digit | `<redacted card number>` |
///
/// The rules apply to these texts of a record: the message, the messages of errors and breadcrumbs, the values
/// of traits, the strings in the payload, the path, route and user of the request, the functions and files of the
/// backtrace, and the explicit [`fingerprint`](Record::fingerprint).
///
/// A name is a secret's if it *ends* in one of the following, in whole words and ignoring case; snake, camel
/// and kebab case are all recognized: `password`, `passwd`, `pwd`, `passphrase`, `passcode`, `secret`, `token`, `jwt`,
/// `authorization`, `cookie`, `session`, `session id`, `credential`, `api key`, `private key`,
/// `access key`, `secret key`, `account key`, `encryption key`, `signing key`, `master key`,
/// `card number`, `cvv`, `cvc`, `otp`, `ssn`. So `db.password`, `X-Api-Key`, `sessionToken` and
/// `password_hash` are secrets; `token_count`, `max_tokens` and `secretary` are not.
///
/// Redaction takes time linear in the length of the texts, leaves text without secrets unchanged, and is
/// idempotent.
///
/// # Limits
///
/// Redaction does **not** find:
///
/// - a secret with neither a known name nor a known form, such as a password within a sentence or a token in a
///   format private to some service;
/// - a secret that is encoded (`%3D`, Base64);
/// - a secret in the *name* of a trait, or in a key of the payload;
/// - a secret number in a trait whose name is not a secret's;
/// - anything in the other texts of a record, such as channels, span names, the host, the thread and the external id.
///
/// After `name: `, a word in lower case is kept unless the name means a password or a key, so that
/// `session: closed by peer` stays readable.
///
/// Use [`with_keys`](Self::with_keys), or the processor in a handler's options, for secrets that only the
/// application knows.
///
/// # Examples
///
/// ```
/// use ticket_core::{Level, Record, Value};
/// use ticket_redact::Redaction;
///
/// let redaction = Redaction::new().with_keys(["iban"]);
/// let mut record = Record::new(Level::Error, "db", "no answer from postgres://ann:hunter2@db/shop")
///     .with_trait("api_key", "k-4711")
///     .with_trait("iban", "DE02 1203 0000 0000 2020 51")
///     .with_trait("token_count", 5);
/// redaction.apply(&mut record);
/// assert_eq!(record.message, "no answer from postgres://ann:<redacted>@db/shop");
/// assert_eq!(record.traits["api_key"], Value::from("<redacted>"));
/// assert_eq!(record.traits["iban"], Value::from("<redacted>"));
/// assert_eq!(record.traits["token_count"], Value::Int(5));
/// ```
#[derive(Clone, Debug)]
pub struct Redaction {
    /// The names of secrets; `None` if redaction is off.
    pub(crate) keys: Option<Arc<Keys>>,
}

/// Returns the same as [`Redaction::new`].
impl Default for Redaction {
    fn default() -> Self {
        Self::new()
    }
}

impl Redaction {
    /// Creates the default redaction: every rule, and the names listed above.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: Some(Arc::default()) }
    }

    /// Turns redaction off: records are stored unchanged.
    #[must_use]
    pub const fn none() -> Self {
        Self { keys: None }
    }

    /// Adds names of secrets.
    ///
    /// Like the built-in names, each also matches at the end of a longer name: `iban` matches `customer_iban`
    /// and `customerIban`. Case and separators are ignored: `account number`, `account_number` and
    /// `accountNumber` are the same name. This turns redaction on if it was off.
    #[must_use]
    pub fn with_keys<K: AsRef<str>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        let all = Arc::make_mut(self.keys.get_or_insert_default());
        keys.into_iter().for_each(|key| all.add(key.as_ref()));
        self
    }

    /// Removes the secrets from a record in place.
    pub fn apply(&self, record: &mut Record) {
        record.redact(self);
    }

    /// Returns a text without its secrets, borrowed if there are none.
    ///
    /// ```
    /// use ticket_redact::Redaction;
    ///
    /// let redaction = Redaction::new();
    /// assert_eq!(redaction.text("GET /reset?token=4f2a&page=2"), "GET /reset?token=<redacted>&page=2");
    /// ```
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let redacted = |keys| text::redacted(keys, text, glance(text.as_bytes()));
        self.keys.as_deref().and_then(redacted).map_or(Cow::Borrowed(text), Cow::Owned)
    }
}

impl Redact for Redaction {
    #[inline]
    fn redact_text(&self, text: &mut SmolStr) -> bool {
        let Some(keys) = &self.keys else { return false };
        let seen = glance(text.as_bytes());
        if seen != 0 {
            clean(keys, text, seen);
        }
        seen == 0
    }

    #[inline]
    fn redact_value(&self, name: &str, value: &mut Value) {
        if self.keys.as_ref().is_some_and(|keys| is_secret(keys, name, value)) {
            *value = Value::from(MARK);
        }
    }
}

/// Removes the secrets from a text in which [`glance`] has seen these classes of bytes.
// Kept out of line: only a few texts get here, and the inlined part of `redact_text` must stay small.
#[inline(never)]
fn clean(keys: &Keys, text: &mut SmolStr, seen: u8) {
    if let Some(redacted) = text::redacted(keys, text, seen) {
        *text = redacted.into();
    }
}

/// Returns `true` if a trait with this name and value is a secret.
#[inline]
pub(crate) fn is_secret(keys: &Keys, name: &str, value: &Value) -> bool {
    (keys.ends_in_secret(name.as_bytes()).is_some()
        || bytes::has(name.as_bytes(), [b'.']) && keys::is_of_secrets(name))
        && match value {
            // `has_session: true` and the time of a token give nothing away.
            Value::Bool(_) | Value::Time(_) => false,
            Value::Text(text) => !text.is_empty(),
            Value::Int(_) | Value::Float(_) => true,
        }
}
