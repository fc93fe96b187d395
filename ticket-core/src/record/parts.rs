//! What a record is made of.

use serde::{Deserialize, Serialize};

use crate::{Level, Timestamp, Traits};

/// Where in the source a record was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Location {
    /// The source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

/// One error of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorCause {
    /// The error's type, where it is known.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Its text.
    pub message: String,
}

/// One frame of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Frame {
    /// The function's name.
    pub function: String,
    /// The source file, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
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
    pub method: Option<String>,
    /// The path that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The route that it matched, such as `/users/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The answer's status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Who asked, on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_address: Option<String>,
    /// Who asked, in the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The request's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
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
    pub channel: String,
    /// What happened.
    pub message: String,
    /// Its values.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
}

/// A span that was open when a record was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Span {
    /// The span's name.
    pub name: String,
    /// The span's target.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
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
    pub fn with_file(mut self, file: impl Into<String>) -> Self {
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
    pub fn with_module(mut self, module: impl Into<String>) -> Self {
        self.module = Some(module.into());
        self
    }

    /// Sets the function.
    #[must_use]
    pub fn with_function(mut self, function: impl Into<String>) -> Self {
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
    pub fn new(type_name: Option<String>, message: impl Into<String>) -> Self {
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
fn type_name_from_debug(error: &dyn std::error::Error) -> Option<String> {
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
    name.starts_with(|c: char| c.is_alphabetic()).then(|| name.to_owned())
}

impl Frame {
    /// A frame of this function.
    #[must_use]
    pub fn new(function: impl Into<String>) -> Self {
        Self { function: function.into(), ..Self::default() }
    }
}

impl Breadcrumb {
    /// A breadcrumb of this time.
    #[must_use]
    pub fn new(
        time: Timestamp,
        level: Level,
        channel: impl Into<String>,
        message: impl Into<String>,
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
    pub fn new(name: impl Into<String>) -> Self {
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
