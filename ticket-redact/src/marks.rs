//! The marks that replace secrets in redacted text.

/// Replaces a secret that is recognized by its name or its context.
pub(crate) const MARK: &str = "<redacted>";
/// Replaces a payment card number.
pub(crate) const CARD: &str = "<redacted card number>";
/// Replaces a JSON web token.
pub(crate) const TOKEN: &str = "<redacted token>";
/// Replaces a private key in PEM form.
pub(crate) const PRIVATE_KEY: &str = "<redacted private key>";
