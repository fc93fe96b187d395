//! The marks that replace values, and the limits on the length of messages and templates.

/// The number of bytes of a message that are read, rounded down to a character boundary.
pub(super) const REACH: usize = 4 * 1024;

/// The maximum length of a template in bytes. A longer one is cut at a word and ends in `…`.
pub(super) const LENGTH: usize = 1024;

/// A mark, which replaces a value in a template.
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
    /// The text of an error of the chain. `Grouping` writes it into the message before the template is made.
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

    /// Returns the mark that the text already contains at a position.
    pub(super) fn at(text: &str, at: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| text[at..].starts_with(mark.as_str()))
    }
}

/// Returns `true` if this separates two items of a list: a comma or semicolon, with or without a space, or a space
/// alone.
pub(super) fn separator(text: &[u8], space: bool) -> bool {
    matches!((text, space), (b"," | b";", _) | (b"", true))
}
