//! What a record is made of.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Level, Timestamp, Traits};

/// Where in the source a record was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Location {
    /// The source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<SmolStr>,
    /// The line in it, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<SmolStr>,
    /// The function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<SmolStr>,
}

/// One error of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorCause {
    /// The error's type, where it is known.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<SmolStr>,
    /// Its text.
    pub message: SmolStr,
}

/// One frame of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Frame {
    /// The function's name.
    pub function: SmolStr,
    /// The source file, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SmolStr>,
    /// The line in it, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether it is the application's own code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_app: bool,
}

/// The web request during which a record was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// Such as `GET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<SmolStr>,
    /// The path that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<SmolStr>,
    /// The route that it matched, such as `/users/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<SmolStr>,
    /// The answer's status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Who asked, on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_address: Option<SmolStr>,
    /// Who asked, in the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<SmolStr>,
    /// The request's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<SmolStr>,
}

/// A smaller thing that happened before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Breadcrumb {
    /// When it happened.
    pub time: Timestamp,
    /// How bad it was.
    pub level: Level,
    /// The logger's name.
    pub channel: SmolStr,
    /// What happened.
    pub message: SmolStr,
    /// Its values.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
}

/// A span that was open when a record was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Span {
    /// The span's name.
    pub name: SmolStr,
    /// The span's target.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub target: SmolStr,
    /// Its fields.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
}

impl Location {
    /// An unknown location.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Sets the file.
    #[must_use]
    pub fn with_file(mut self, file: impl Into<SmolStr>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Sets the line.
    #[must_use]
    pub fn with_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    /// Sets the module.
    #[must_use]
    pub fn with_module(mut self, module: impl Into<SmolStr>) -> Self {
        self.module = Some(module.into());
        self
    }

    /// Sets the function.
    #[must_use]
    pub fn with_function(mut self, function: impl Into<SmolStr>) -> Self {
        self.function = Some(function.into());
        self
    }
}

/// `file:line`, with the function or module behind it; empty if nothing is known.
impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut gap = "";
        if let Some(file) = &self.file {
            f.write_str(file)?;
            gap = " ";
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            gap = " ";
        }
        match self.function.as_ref().or(self.module.as_ref()) {
            Some(place) => write!(f, "{gap}{place}"),
            None => Ok(()),
        }
    }
}

impl ErrorCause {
    /// One error with its type's name.
    #[must_use]
    pub fn new(type_name: Option<SmolStr>, message: impl Into<SmolStr>) -> Self {
        Self { type_name, message: message.into() }
    }

    /// The chain of an error and its sources, the outermost first, at most
    /// [`limits::ERRORS`](crate::limits::ERRORS) long.
    ///
    /// The type behind `dyn Error` cannot be asked for its name; it is read from the start of the
    /// `Debug` form (`ParseIntError { … }`), where there is one.
    #[must_use]
    pub fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<Self> {
        std::iter::successors(Some(error), |error| error.source())
            .take(crate::limits::ERRORS)
            .map(|error| Self::new(type_name_from_debug(error), error.to_string()))
            .collect()
    }
}

/// The leading identifier of the `Debug` form, unless that is no type name (a bare string, a number).
fn type_name_from_debug(error: &dyn std::error::Error) -> Option<SmolStr> {
    use std::fmt::Write;

    // Only the first name is wanted: the rest of a long Debug form is not even formatted.
    struct Head(String);
    impl Write for Head {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            for c in text.chars() {
                if self.0.len() >= 64 || !(c.is_alphanumeric() || c == '_' || c == ':') {
                    return Err(std::fmt::Error);
                }
                self.0.push(c);
            }
            Ok(())
        }
    }
    let mut head = Head(String::new());
    let _ = write!(head, "{error:?}");
    let name = head.0.trim_end_matches(':');
    name.starts_with(|c: char| c.is_alphabetic()).then(|| name.into())
}

impl Frame {
    /// A frame of this function.
    #[must_use]
    pub fn new(function: impl Into<SmolStr>) -> Self {
        Self { function: function.into(), ..Self::default() }
    }
}

impl Breadcrumb {
    /// A breadcrumb of this time.
    #[must_use]
    pub fn new(
        time: Timestamp,
        level: Level,
        channel: impl Into<SmolStr>,
        message: impl Into<SmolStr>,
    ) -> Self {
        Self {
            time,
            level,
            channel: channel.into(),
            message: message.into(),
            traits: Traits::new(),
        }
    }
}

impl Span {
    /// A span of this name without fields.
    #[must_use]
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_chain_has_types_and_texts() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl std::fmt::Display for Outer {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bad page")
            }
        }
        impl std::error::Error for Outer {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }

        let chain = ErrorCause::chain(&Outer("x".parse::<i32>().unwrap_err()));
        let names: Vec<_> = chain.iter().map(|cause| cause.type_name.as_deref().unwrap()).collect();
        assert_eq!(names, ["Outer", "ParseIntError"]);
        assert_eq!(chain[1].message, "invalid digit found in string");
    }

    #[test]
    fn a_chain_that_never_ends_is_cut() {
        #[derive(Debug)]
        struct Endless;
        impl std::fmt::Display for Endless {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("again")
            }
        }
        impl std::error::Error for Endless {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&Endless)
            }
        }
        assert_eq!(ErrorCause::chain(&Endless).len(), crate::limits::ERRORS);
    }
}
