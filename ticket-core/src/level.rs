//! The severity of a record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How bad it is, from `Trace` to `Critical`.
///
/// The numbers are stored; they leave room and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Level {
    /// Finest detail.
    Trace = 10,
    /// For developers.
    Debug = 20,
    /// Normal operation.
    Info = 30,
    /// Normal, but worth a look.
    Notice = 40,
    /// Something is off; the work went on.
    Warning = 50,
    /// The work at hand failed.
    Error = 60,
    /// The program, or a part of it, cannot go on: a panic, a crash.
    Critical = 70,
}

impl Level {
    /// All levels, the least severe first.
    pub const ALL: [Self; 7] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
    ];

    /// The name in lower case, as it is shown and stored in JSON.
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

    /// The stored number.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// The level of a stored number; `None` if there is none of that number.
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

/// Reads a level's name in any case, with the usual names of other systems (`warn`, `fatal`, `err`, …).
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
    fn names_and_numbers_come_back() {
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
    fn an_unknown_level_names_the_known_ones() {
        let error = "loud".parse::<Level>().unwrap_err();
        assert!(error.message().contains("\"loud\"") && error.message().contains("critical"));
    }
}
