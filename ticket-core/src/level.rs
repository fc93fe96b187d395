//! The severity of a record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The severity of a record, from `Trace` to `Critical`.
///
/// Stores save the numbers, so they never change. The gaps leave room for further levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Level {
    /// The most detailed tracing output.
    Trace = 10,
    /// Information for developers.
    Debug = 20,
    /// Normal operation.
    Info = 30,
    /// A normal but noteworthy event.
    Notice = 40,
    /// Something unexpected that did not stop the current operation.
    Warning = 50,
    /// The current operation failed.
    Error = 60,
    /// The program or a part of it cannot continue, as after a panic or crash.
    Critical = 70,
}

impl Level {
    /// All levels, least severe first.
    pub const ALL: [Self; 7] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
    ];

    /// Returns the name in lower case, as used for display and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// Returns the number under which stores save the level.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// Returns the level with this stored number, or `None` if there is none.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_u8() == number)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Parses a level's name in any case, including common names of other systems (`warn`, `fatal`, `err`, …).
impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let level = match text.trim().to_ascii_lowercase().as_str() {
            "trace" | "finest" | "finer" | "verbose" => Self::Trace,
            "debug" | "fine" | "dbg" => Self::Debug,
            "info" | "information" | "informational" | "log" | "inf" => Self::Info,
            "notice" => Self::Notice,
            "warning" | "warn" | "wrn" => Self::Warning,
            "error" | "err" | "severe" | "eror" => Self::Error,
            "critical" | "crit" | "fatal" | "panic" | "alert" | "emerg" | "emergency" | "ftl" => {
                Self::Critical
            }
            _ => {
                return Err(Error::config(format!(
                    "unknown level {text:?}: write one of trace, debug, info, notice, warning, error, critical"
                )));
            }
        };
        Ok(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_round_trip() {
        for level in Level::ALL {
            assert_eq!(level.as_str().parse::<Level>().unwrap(), level);
            assert_eq!(Level::from_u8(level.as_u8()), Some(level));
        }
        assert_eq!(Level::from_u8(0), None);
    }

    #[test]
    fn levels_are_ordered_by_severity() {
        assert!(Level::ALL.is_sorted());
    }

    #[test]
    fn the_error_for_an_unknown_level_lists_the_known_ones() {
        let error = "loud".parse::<Level>().unwrap_err();
        assert!(error.message().contains("\"loud\"") && error.message().contains("critical"));
    }
}
