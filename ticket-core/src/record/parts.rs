//! The types that a record contains.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Level, Timestamp, Traits};

/// The place in the source code that produced a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Location {
    /// The source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<SmolStr>,
    /// The line number, starting at 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The module path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<SmolStr>,
    /// The function name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<SmolStr>,
}

/// An error in an error chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorCause {
    /// The error's type, if known.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<SmolStr>,
    /// The error's message.
    pub message: SmolStr,
}

/// A frame of a stack trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Frame {
    /// The function's name.
    pub function: SmolStr,
    /// The source file, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SmolStr>,
    /// The line number, starting at 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// `true` if the frame belongs to the application's own code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_app: bool,
}

/// The web request that was being served when a record was produced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// The HTTP method, such as `GET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<SmolStr>,
    /// The requested path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<SmolStr>,
    /// The route that the path matched, such as `/users/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<SmolStr>,
    /// The status code of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The client's network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_address: Option<SmolStr>,
    /// The authenticated user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<SmolStr>,
    /// The request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<SmolStr>,
}

/// An earlier event that led up to a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Breadcrumb {
    /// The time at which it happened.
    pub time: Timestamp,
    /// The severity.
    pub level: Level,
    /// The logger's name.
    pub channel: SmolStr,
    /// A description of what happened.
    pub message: SmolStr,
    /// The event's fields.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
}

/// A span that was open when a record was produced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Span {
    /// The span's name.
    pub name: SmolStr,
    /// The span's target.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub target: SmolStr,
    /// The span's fields.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
}

impl Location {
    /// Creates a location about which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns `true` if no field is set.
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

impl Request {
    /// Creates a request about which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns `true` if no field is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Sets the HTTP method.
    #[must_use]
    pub fn with_method(mut self, method: impl Into<SmolStr>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Sets the requested path.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<SmolStr>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the route that the path matched.
    #[must_use]
    pub fn with_route(mut self, route: impl Into<SmolStr>) -> Self {
        self.route = Some(route.into());
        self
    }

    /// Sets the status code of the response.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets the client's network address.
    #[must_use]
    pub fn with_remote_address(mut self, address: impl Into<SmolStr>) -> Self {
        self.remote_address = Some(address.into());
        self
    }

    /// Sets the authenticated user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<SmolStr>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the request id.
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<SmolStr>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }
}

/// Writes `file:line` followed by the function or module; writes nothing if the location is unknown.
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
    /// Creates an error from its type name and message.
    #[must_use]
    pub fn new(type_name: Option<SmolStr>, message: impl Into<SmolStr>) -> Self {
        Self { type_name, message: message.into() }
    }

    /// Collects an error and its sources, outermost first, up to [`limits::ERRORS`](crate::limits::ERRORS)
    /// of them.
    ///
    /// A `dyn Error` does not expose its type's name. It is taken from the start of the `Debug` output
    /// (`ParseIntError { … }`), if that begins with a name.
    #[must_use]
    pub fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<Self> {
        std::iter::successors(Some(error), |error| error.source())
            .take(crate::limits::ERRORS)
            .map(|error| Self::new(type_name_from_debug(error), error.to_string()))
            .collect()
    }
}

/// Returns the identifier at the start of the `Debug` output, or `None` if the output starts with
/// something else, such as a quoted string or a number.
fn type_name_from_debug(error: &dyn std::error::Error) -> Option<SmolStr> {
    use std::fmt::Write;

    // Fails at the end of the first identifier, so that the rest of a long output is never formatted.
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
    /// Creates a frame for a function.
    #[must_use]
    pub fn new(function: impl Into<SmolStr>) -> Self {
        Self { function: function.into(), ..Self::default() }
    }
}

impl Breadcrumb {
    /// Creates a breadcrumb without fields.
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
    /// Creates a span without a target or fields.
    #[must_use]
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_chain_has_type_names_and_messages() {
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
    fn an_endless_error_chain_is_cut() {
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
