//! [`SqliteConfig`]: the location of a store and its options.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ticket_core::backend::{DEFAULT_PREFIX, NameRule};
use ticket_core::uri::{self, decode};
use ticket_core::{Error, Result};

use crate::names::Names;
use crate::schema::Schema;

/// The location of a store and its options.
///
/// ```
/// use ticket_sqlite::SqliteConfig;
///
/// let config = SqliteConfig::from_uri("sqlite:///var/lib/shop/tickets.db?busy_timeout=2s")?;
/// let same = SqliteConfig::new("/var/lib/shop/tickets.db")
///     .with_busy_timeout(std::time::Duration::from_secs(2));
/// assert_eq!(config, same);
/// # Ok::<(), ticket_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct SqliteConfig {
    /// `None` for a store in memory.
    path: Option<PathBuf>,
    table_prefix: String,
    autocreate: bool,
    busy_timeout: Duration,
}

impl SqliteConfig {
    /// The default prefix of the tables.
    pub const DEFAULT_PREFIX: &str = DEFAULT_PREFIX;

    /// Configures a store in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..Self::in_memory() }
    }

    /// Configures a store in memory, which starts empty and disappears with its last handle.
    pub fn in_memory() -> Self {
        Self {
            path: None,
            table_prefix: Self::DEFAULT_PREFIX.to_owned(),
            autocreate: true,
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// Reads a URI.
    ///
    /// `sqlite:tickets.db` and `sqlite://tickets.db` are relative to the working directory,
    /// `sqlite:/var/tickets.db` and `sqlite:///var/tickets.db` are absolute, and `sqlite::memory:`
    /// is a store in memory. Options follow a `?` and are separated by `&`:
    ///
    /// | option | meaning | default |
    /// |---|---|---|
    /// | `table_prefix` | [`with_table_prefix`](Self::with_table_prefix) | `ticketing_` |
    /// | `autocreate` | [`with_autocreate`](Self::with_autocreate), `true` or `false` | `true` |
    /// | `busy_timeout` | [`with_busy_timeout`](Self::with_busy_timeout), such as `500ms` or `5s` | `5s` |
    ///
    /// Paths and values are percent-decoded: write `%3F` for a question mark in a file name, and
    /// `%25` for a percent sign.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) whose message says what to write
    /// instead.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let rest = match uri.split_once(':') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sqlite") => rest,
            None => {
                return Err(Error::config(format!("{uri:?} has no scheme: write sqlite:{uri}")));
            }
            Some(_) => {
                return Err(Error::config("not the URI of a SQLite store: write sqlite:FILE"));
            }
        };
        let (path, options) = uri::split(rest);
        let mut config = match decode(path.strip_prefix("//").unwrap_or(path))?.as_str() {
            "" => {
                return Err(Error::config(
                    "the URI names no file: write sqlite:FILE, such as sqlite:tickets.db",
                ));
            }
            ":memory:" => Self::in_memory(),
            // Whoever forgets a colon would only notice by the file that appears.
            near if near.trim_matches([':', '/']).eq_ignore_ascii_case("memory")
                && !near.starts_with('/') =>
            {
                return Err(Error::config(format!(
                    "{near:?} may mean a store in memory or a file: write sqlite::memory: for the \
                     store in memory, or sqlite:./memory for a file of this name"
                )));
            }
            path => Self::new(path),
        };
        for (name, value) in options {
            config = config.with_option(&decode(name)?, &decode(value)?)?;
        }
        Ok(config)
    }

    fn with_option(self, name: &str, value: &str) -> Result<Self> {
        match name {
            "table_prefix" => self.with_table_prefix(value),
            "autocreate" => Ok(self.with_autocreate(uri::flag(name, value)?)),
            "busy_timeout" => Ok(self.with_busy_timeout(uri::duration(name, value)?)),
            _ => Err(Error::config(format!(
                "unknown option {name:?} in the URI: the options are table_prefix, autocreate and busy_timeout"
            ))),
        }
    }

    /// Sets the prefix of the table names. Stores with different prefixes in one file do not see
    /// each other. SQLite ignores case in names, so prefixes that differ only in case are the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) unless the prefix consists of at most
    /// 64 letters A to Z, digits and `_`, and does not start with `sqlite_`, which SQLite reserves.
    pub fn with_table_prefix(mut self, prefix: impl Into<String>) -> Result<Self> {
        const RULE: NameRule =
            NameRule { option: "table_prefix", shortest: 0, longest: 64, reserved: "sqlite_" };
        self.table_prefix = RULE.check(prefix.into())?;
        Ok(self)
    }

    /// Sets whether [`setup_backend`](ticket_core::BackendBase::setup_backend) creates the file and
    /// the tables (`true`, the default) or only checks that they exist.
    pub fn with_autocreate(mut self, autocreate: bool) -> Self {
        self.autocreate = autocreate;
        self
    }

    /// Sets how long a call waits for a file that another connection has locked before it fails as
    /// [`Unavailable`](ticket_core::ErrorKind::Unavailable); 5 s by default.
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Returns the statements that create the tables in an empty database, as
    /// [`setup_backend`](ticket_core::BackendBase::setup_backend) runs them.
    #[must_use]
    pub fn schema_sql(&self) -> String {
        Schema::new(self.names()).to_sql()
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(crate) fn names(&self) -> Names {
        Names::new(&self.table_prefix)
    }

    pub(crate) const fn autocreate(&self) -> bool {
        self.autocreate
    }

    pub(crate) const fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(uri: &str) -> Option<PathBuf> {
        SqliteConfig::from_uri(uri).unwrap().path
    }

    fn message(uri: &str) -> String {
        SqliteConfig::from_uri(uri).unwrap_err().message().to_owned()
    }

    #[test]
    fn paths_are_relative_absolute_or_memory() {
        assert_eq!(path("sqlite:tickets.db").unwrap(), Path::new("tickets.db"));
        assert_eq!(path("SQLITE://var/tickets.db").unwrap(), Path::new("var/tickets.db"));
        assert_eq!(path("sqlite:/var/tickets.db").unwrap(), Path::new("/var/tickets.db"));
        assert_eq!(path("sqlite:///var/tickets.db").unwrap(), Path::new("/var/tickets.db"));
        assert_eq!(path("sqlite:a%3Fb%25%20%C3%BC#.db").unwrap(), Path::new("a?b% ü#.db"));
        assert_eq!(path("sqlite::memory:"), None);
        assert_eq!(path("sqlite::memory:?table_prefix=a"), None);
    }

    #[test]
    fn options_are_read() {
        let config = SqliteConfig::from_uri(
            "sqlite:a.db?table_prefix=My_1&autocreate=false&busy_timeout=250ms",
        );
        let expected = SqliteConfig::new("a.db")
            .with_table_prefix("My_1")
            .unwrap()
            .with_autocreate(false)
            .with_busy_timeout(Duration::from_millis(250));
        assert_eq!(config.unwrap(), expected);
        assert!(SqliteConfig::from_uri("sqlite:a.db?table_prefix=").is_ok());
    }

    #[test]
    fn wrong_uris_say_what_to_write() {
        assert!(message("sqlite:").contains("sqlite:tickets.db"));
        assert!(message("sqlite://").contains("sqlite:tickets.db"));
        assert!(message("postgres://x").contains("sqlite:FILE"));
        assert!(message("tickets.db").contains("write sqlite:tickets.db"));
        let unknown = message("sqlite:a.db?cache=shared");
        assert!(unknown.contains("\"cache\"") && unknown.contains("busy_timeout"), "{unknown}");
        assert!(message("sqlite:a.db?autocreate=no").contains("autocreate=false"));
        assert!(message("sqlite:a.db?busy_timeout=5").contains("5s"));
        assert!(message("sqlite:a.db?busy_timeout=-5s").contains("5s"));
        assert!(message("sqlite:a.db?table_prefix=a-b").contains("letters"));
        assert!(message("sqlite:a.db?table_prefix=SQLite_x").contains("sqlite_"));
        assert!(message("sqlite:a%2.db").contains("%25"));
        assert!(message("sqlite:a%FF.db").contains("UTF-8"));
        assert!(message("sqlite:a%00.db").contains("NUL"));
        for near in ["sqlite:memory", "sqlite:memory:", "sqlite::memory", "sqlite://Memory"] {
            assert!(message(near).contains("write sqlite::memory:"), "{near}");
        }
        assert!(SqliteConfig::from_uri("sqlite:./memory").is_ok());
    }
}
