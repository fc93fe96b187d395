//! The marks that stand for varying text, and the lengths of templates.

/// So much of a message is looked at, in bytes. It is cut at a character.
pub(super) const REACH: usize = 4 * 1024;

/// No template is longer, in bytes; what is over is cut at a word, with `…` at the end.
pub(super) const LENGTH: usize = 1024;

/// What stands in a template for what varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Number,
    Hex,
    Id,
    Time,
    Ip,
    Path,
    Url,
    Email,
    Text,
    /// Put into a message by the fingerprint, for the text of an error of the chain.
    Error,
}

impl Mark {
    pub(super) const ALL: [Self; 10] = [
        Self::Number,
        Self::Hex,
        Self::Id,
        Self::Time,
        Self::Ip,
        Self::Path,
        Self::Url,
        Self::Email,
        Self::Text,
        Self::Error,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "<n>",
            Self::Hex => "<hex>",
            Self::Id => "<id>",
            Self::Time => "<time>",
            Self::Ip => "<ip>",
            Self::Path => "<path>",
            Self::Url => "<url>",
            Self::Email => "<email>",
            Self::Text => "<str>",
            Self::Error => "<error>",
        }
    }

    /// The mark that stands at a position already.
    pub(super) fn at(text: &str, at: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| text[at..].starts_with(mark.as_str()))
    }
}

/// Whether this is what separates the entries of a list: `, `, a comma, a semicolon, a space.
pub(super) fn separator(text: &[u8], space: bool) -> bool {
    matches!((text, space), (b"," | b";", _) | (b"", true))
}
