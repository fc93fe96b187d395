//! The marks that stand for secrets in redacted texts.

/// Replaces a secret that is known by its name or by what surrounds it.
pub(crate) const MARK: &str = "<redacted>";
/// Replaces a number that passes the check of payment cards.
pub(crate) const CARD: &str = "<redacted card number>";
/// Replaces a JSON web token.
pub(crate) const TOKEN: &str = "<redacted token>";
/// Replaces a private key in PEM form.
pub(crate) const PRIVATE_KEY: &str = "<redacted private key>";
