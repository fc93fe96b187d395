//! [`Redaction`]: the rules that are applied to records and texts.

use std::borrow::Cow;
use std::sync::Arc;

use ticket_core::record::Redact;
use ticket_core::{Record, SmolStr, Value};

use crate::bytes;
use crate::keys::{self, Keys};
use crate::marks::MARK;
use crate::text::{self, glance};

/// Takes secrets out of records, before they are fingerprinted and stored; on by default in
/// the handlers of `ticket-direct` and `ticket-handler`.
///
/// | what | becomes |
/// |---|---|
/// | a trait with a secret's name: of the record, a span or a breadcrumb | the text `<redacted>`; bools and times stay |
/// | `name=value`, `name: value`, `"name":"value"`, `Name { name: "value" }` in a text | `name=<redacted>`, … |
/// | `scheme://user:password@host`, `scheme://a-long-token@host` | `scheme://user:<redacted>@host`, `scheme://<redacted>@host` |
/// | `Bearer …`, `Basic …` | `Bearer <redacted>` |
/// | a JSON web token (`eyJ….….…`) | `<redacted token>` |
/// | a private key in PEM form | `<redacted private key>` |
/// | 13 to 19 digits as on a payment card, in one or in groups, with a right check digit | `<redacted card number>` |
///
/// Texts are: the message, the errors' messages, the values of traits, the messages of breadcrumbs,
/// the request's path, route and user, functions and files of the backtrace, and the record's own
/// [`fingerprint`](Record::fingerprint).
///
/// A secret's name *ends* in one of these, as whole words of a name in snake, camel or kebab case, in
/// any case: `password`, `passwd`, `pwd`, `passphrase`, `passcode`, `secret`, `token`, `jwt`,
/// `authorization`, `cookie`, `session`, `session id`, `credential`, `api key`, `private key`,
/// `access key`, `secret key`, `account key`, `encryption key`, `signing key`, `master key`,
/// `card number`, `cvv`, `cvc`, `otp`, `ssn`. So `db.password`, `X-Api-Key`, `sessionToken` and
/// `password_hash` are secrets; `token_count`, `max_tokens` and `secretary` are not.
///
/// It takes time linear in the length of the texts, changes nothing that has no secret, and applied
/// again it changes nothing. What it does **not** promise: to know a secret that has neither a name
/// nor one of these forms (a password within a sentence, a token of a service's own form), one in an
/// encoding (`%3D`, Base64), one in the *name* of a trait, and one in a number that is a trait of
/// another name. After `name: `, a word of small letters stays unless the name is a password's or a
/// key's, so that `session: closed by peer` can be read. Nor does it touch channels, span names, the
/// host, or the thread. For what only the application knows there are
/// [`with_keys`](Self::with_keys) and the processor of a handler's options.
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
    /// `None` if it is off.
    pub(crate) keys: Option<Arc<Keys>>,
}

/// As [`new`](Redaction::new).
impl Default for Redaction {
    fn default() -> Self {
        Self::new()
    }
}

impl Redaction {
    /// The rules that are on by default.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: Some(Arc::default()) }
    }

    /// No redaction: records are stored as they are.
    #[must_use]
    pub const fn none() -> Self {
        Self { keys: None }
    }

    /// Adds names of secrets; each is found at the end of a name, as those that are known already:
    /// `iban` in `customer_iban` and `customerIban`. `account number`, `account_number` and
    /// `accountNumber` are one. It switches redaction on if it was off.
    #[must_use]
    pub fn with_keys<K: AsRef<str>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        let all = Arc::make_mut(self.keys.get_or_insert_default());
        keys.into_iter().for_each(|key| all.add(key.as_ref()));
        self
    }

    /// Removes the secrets from a record.
    pub fn apply(&self, record: &mut Record) {
        record.redact(self);
    }

    /// A text without its secrets; borrowed if it has none.
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

/// Removes the secrets from a text in which a [`glance`] has seen these classes of bytes.
// Out of line: almost no text gets here.
#[inline(never)]
fn clean(keys: &Keys, text: &mut SmolStr, seen: u8) {
    if let Some(redacted) = text::redacted(keys, text, seen) {
        *text = redacted.into();
    }
}

/// Returns `true` if a trait of this name and value is a secret.
#[inline]
pub(crate) fn is_secret(keys: &Keys, name: &str, value: &Value) -> bool {
    (keys.ends_in_secret(name.as_bytes()).is_some()
        || bytes::has(name.as_bytes(), [b'.']) && keys::is_of_secrets(name))
        && match value {
            // A bool or a time is no secret, whatever its name.
            Value::Bool(_) | Value::Time(_) => false,
            Value::Text(text) => !text.is_empty(),
            Value::Int(_) | Value::Float(_) => true,
        }
}
