//! [`PostgresConfig`]: the location of a store and its options.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ticket_core::backend::{DEFAULT_PREFIX, NameRule, UriOptions, positive_duration};
use ticket_core::uri::{self, decode};
use ticket_core::{Error, Result};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::names::Names;
use crate::schema;

/// The location of a store and its options.
///
/// ```
/// use ticket_postgres::PostgresConfig;
///
/// let config = PostgresConfig::from_uri("postgres://shop:secret@db/shop?schema=tickets&timeout=5s")?;
/// assert!(!format!("{config:?}").contains("secret"));
/// # Ok::<(), ticket_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct PostgresConfig {
    driver: tokio_postgres::Config,
    tls: Tls,
    schema: String,
    table_prefix: String,
    autocreate: bool,
    connect_timeout: Duration,
    timeout: Duration,
    pool_size: usize,
}

/// How an encrypted connection verifies the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// The server's certificate has to name the host.
    pub(crate) verify_host: bool,
    /// A file of certificates, one of which has to have signed the server's. An empty path means
    /// those that the system trusts; `None` means no verification.
    pub(crate) root: Option<PathBuf>,
}

impl PostgresConfig {
    /// The default schema of the tables.
    pub const DEFAULT_SCHEMA: &str = "public";

    /// The default prefix of the tables.
    pub const DEFAULT_PREFIX: &str = DEFAULT_PREFIX;

    /// Configures a store in the database that the driver's configuration names.
    pub fn new(mut driver: tokio_postgres::Config) -> Self {
        let connect_timeout =
            driver.get_connect_timeout().copied().unwrap_or(Duration::from_secs(5));
        driver.connect_timeout(connect_timeout);
        if driver.get_application_name().is_none() {
            driver.application_name("ticketing");
        }
        // With several hosts, connect to one that accepts writes. A former primary does not.
        if driver.get_hosts().len() > 1 {
            driver.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Self {
            driver,
            tls: Tls::default(),
            schema: Self::DEFAULT_SCHEMA.to_owned(),
            table_prefix: Self::DEFAULT_PREFIX.to_owned(),
            autocreate: true,
            connect_timeout,
            timeout: Duration::from_secs(10),
            pool_size: 4,
        }
    }

    /// Reads a URI: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    ///
    /// Hosts are separated by commas; the first one that accepts writes is used. Options follow a
    /// `?` and are separated by `&`. The options of PostgreSQL's own tools work as far as the
    /// driver knows them, such as `application_name`.
    ///
    /// | option | meaning | default |
    /// |---|---|---|
    /// | `schema` | [`with_schema`](Self::with_schema) | `public` |
    /// | `table_prefix` | [`with_table_prefix`](Self::with_table_prefix) | `ticketing_` |
    /// | `autocreate` | [`with_autocreate`](Self::with_autocreate), `true` or `false` | `true` |
    /// | `connect_timeout` | how long connecting may take, such as `500ms` or `5s`; a bare number is seconds | `5s` |
    /// | `timeout` | [`with_timeout`](Self::with_timeout) | `10s` |
    /// | `pool_size` | [`with_pool_size`](Self::with_pool_size) | `4` |
    /// | `sslmode` | `disable`; `prefer` or `require`: encrypted, if the server can or always; `verify-ca`: and its certificate is trusted; `verify-full`: and it is that of the host | `prefer` |
    /// | `sslrootcert` | the file of the certificates that are trusted, in PEM form | the system's |
    ///
    /// Values are percent-decoded: write `%2F` for a slash in a password.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) whose message says what to write
    /// instead. It never shows the part of the URI that contains the password.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let is_known =
            |scheme: &str| crate::SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
        let options = UriOptions::split(uri, &OPTIONS);
        let server = match options.server.split_once("://") {
            Some((scheme, server)) if is_known(scheme) => server,
            _ => {
                return Err(Error::config(
                    "not the URI of a PostgreSQL store: write postgres://USER:PASSWORD@HOST/DATABASE",
                ));
            }
        };
        let driver = format!("postgres://{server}?{}", options.foreign);
        // The driver's own error may quote the URI.
        let driver: tokio_postgres::Config = driver.parse().map_err(|_| {
            Error::config(format!(
                "the URI cannot be read: write postgres://USER:PASSWORD@HOST/DATABASE, with / in a password \
                 as %2F, @ as %40, ? as %3F, : as %3A; the options are {}, and those of the driver",
                OPTIONS.join(", ")
            ))
        })?;
        options.own.into_iter().try_fold(Self::new(driver), |config, (name, value)| {
            config.with_option(name, &decode(value)?)
        })
    }

    fn with_option(mut self, name: &str, value: &str) -> Result<Self> {
        match name {
            "schema" => return self.with_schema(value),
            "table_prefix" => return self.with_table_prefix(value),
            "autocreate" => self.autocreate = uri::flag(name, value)?,
            "connect_timeout" => {
                let is_bare = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let seconds = if is_bare { format!("{value}s") } else { value.to_owned() };
                self.connect_timeout = positive_duration(name, &seconds)?;
                self.driver.connect_timeout(self.connect_timeout);
            }
            "timeout" => self.timeout = positive_duration(name, value)?,
            "pool_size" => match value.parse() {
                Ok(size @ 1..=1_000) => self.pool_size = size,
                _ => {
                    return Err(Error::config(format!(
                        "pool_size is {value:?}: write a number from 1 to 1000"
                    )));
                }
            },
            "sslrootcert" => {
                require_tls(name)?;
                self.tls.root = Some(value.into());
            }
            _ => self = self.with_sslmode(value)?,
        }
        Ok(self)
    }

    fn with_sslmode(mut self, value: &str) -> Result<Self> {
        let mode = match value {
            "disable" => SslMode::Disable,
            "prefer" => SslMode::Prefer,
            "require" | "verify-ca" | "verify-full" => {
                require_tls(&format!("sslmode={value}"))?;
                SslMode::Require
            }
            _ => {
                return Err(Error::config(format!(
                    "sslmode is {value:?}: write disable, prefer, require, verify-ca or verify-full"
                )));
            }
        };
        self.driver.ssl_mode(mode);
        self.tls.verify_host = value == "verify-full";
        if value == "verify-ca" && self.tls.root.is_none() {
            // Empty: the certificates that the system trusts.
            self.tls.root = Some(PathBuf::new());
        }
        Ok(self)
    }

    /// Sets the schema of the tables.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) unless the schema consists of 1 to 40
    /// letters A to Z, digits and `_`, and does not start with `pg_`, which PostgreSQL reserves.
    pub fn with_schema(mut self, schema: impl Into<String>) -> Result<Self> {
        const RULE: NameRule =
            NameRule { option: "schema", shortest: 1, longest: LONGEST, reserved: "pg_" };
        self.schema = RULE.check(schema.into())?;
        Ok(self)
    }

    /// Sets the prefix of the table names. Stores with different prefixes in one schema do not see
    /// each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) unless the prefix consists of at most
    /// 40 letters A to Z, digits and `_`.
    pub fn with_table_prefix(mut self, prefix: impl Into<String>) -> Result<Self> {
        const RULE: NameRule =
            NameRule { option: "table_prefix", shortest: 0, longest: LONGEST, reserved: "" };
        self.table_prefix = RULE.check(prefix.into())?;
        Ok(self)
    }

    /// Sets whether [`setup_backend`](ticket_core::BackendBase::setup_backend) creates the schema
    /// and the tables (`true`, the default) or only checks that they exist.
    pub fn with_autocreate(mut self, autocreate: bool) -> Self {
        self.autocreate = autocreate;
        self
    }

    /// Sets how long a call may take once it has a connection before it fails as
    /// [`Unavailable`](ticket_core::ErrorKind::Unavailable); 10 s by default. Setting up, deleting
    /// and expiring may have much to do: there the time applies to each statement and is at least a
    /// minute.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the number of connections for reading, and that for writing; 4 each by default.
    pub fn with_pool_size(mut self, size: usize) -> Self {
        self.pool_size = size.max(1);
        self
    }

    /// Returns a transaction that creates the tables in an empty database, with the statements that
    /// [`setup_backend`](ticket_core::BackendBase::setup_backend) runs.
    #[must_use]
    pub fn schema_sql(&self) -> String {
        schema::to_sql(&self.names())
    }

    /// Returns the statements of [`schema_sql`](Self::schema_sql), followed by those that
    /// distribute the tables over several servers.
    #[must_use]
    pub fn distributed_schema_sql(&self, distribution: crate::Distribution) -> String {
        self.schema_sql() + &distribution.to_sql(&self.names())
    }

    pub(crate) const fn driver(&self) -> &tokio_postgres::Config {
        &self.driver
    }

    #[cfg(feature = "tls")]
    pub(crate) const fn tls(&self) -> &Tls {
        &self.tls
    }

    pub(crate) fn names(&self) -> Names {
        Names::new(&self.schema, &self.table_prefix)
    }

    pub(crate) const fn autocreate(&self) -> bool {
        self.autocreate
    }

    pub(crate) const fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) const fn pool_size(&self) -> usize {
        self.pool_size
    }
}

/// Shows neither the password nor the driver's other options.
impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self.driver.get_hosts().iter().map(host).collect();
        f.debug_struct("PostgresConfig")
            .field("hosts", &hosts)
            .field("ports", &self.driver.get_ports())
            .field("database", &self.driver.get_dbname())
            .field("user", &self.driver.get_user())
            .field("tls", &self.driver.get_ssl_mode())
            .field("schema", &self.schema)
            .field("table_prefix", &self.table_prefix)
            .field("autocreate", &self.autocreate)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}

fn host(host: &Host) -> &str {
    match host {
        Host::Tcp(name) => name,
        #[cfg(unix)]
        Host::Unix(path) => path_text(path),
    }
}

#[cfg(unix)]
fn path_text(path: &Path) -> &str {
    path.to_str().unwrap_or("a socket")
}

/// The options that are read here and not by the driver.
const OPTIONS: [&str; 8] = [
    "schema",
    "table_prefix",
    "autocreate",
    "connect_timeout",
    "timeout",
    "pool_size",
    "sslmode",
    "sslrootcert",
];

/// PostgreSQL truncates names to 63 bytes, and the prefix is followed by the rest of the name.
const LONGEST: usize = 40;

/// Rejects an option that asks for encryption if the program was built without it.
pub(crate) fn require_tls(asked: &str) -> Result<()> {
    if cfg!(feature = "tls") {
        return Ok(());
    }
    Err(Error::config(format!(
        "{asked} asks for an encrypted connection, and this program was built without it: enable the feature `tls` \
         of ticket-postgres, or write sslmode=disable"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(uri: &str) -> String {
        PostgresConfig::from_uri(uri).unwrap_err().message().to_owned()
    }

    #[test]
    fn options_are_read_and_the_rest_is_the_drivers() {
        let config = PostgresConfig::from_uri(
            "postgresql://me:s%2Fe%40cret@a:1,b:2/db?table_prefix=My_&schema=x&autocreate=false&\
             connect_timeout=3&timeout=250ms&pool_size=2&application_name=shop",
        )
        .unwrap();
        assert_eq!(config.driver.get_password(), Some(&b"s/e@cret"[..]));
        assert_eq!(config.driver.get_application_name(), Some("shop"));
        assert_eq!(config.driver.get_dbname(), Some("db"));
        assert_eq!(config.driver.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(config.driver.get_ssl_mode(), SslMode::Prefer);
        assert!(!config.tls.verify_host && !config.autocreate);
        assert_eq!((config.schema.as_str(), config.table_prefix.as_str()), ("x", "My_"));
        assert_eq!(config.connect_timeout, Duration::from_secs(3));
        assert_eq!((config.timeout, config.pool_size), (Duration::from_millis(250), 2));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn an_sslmode_says_what_is_verified() {
        let config = |options: &str| {
            PostgresConfig::from_uri(&format!("postgres://h/d?sslmode={options}")).unwrap()
        };
        assert_eq!(config("require").driver.get_ssl_mode(), SslMode::Require);
        assert_eq!(config("require").tls, Tls::default());
        assert!(config("verify-full").tls.verify_host);
        assert_eq!(config("verify-ca").tls.root, Some(PathBuf::new()), "the system's");
        assert_eq!(config("verify-ca&sslrootcert=a.pem").tls.root, Some("a.pem".into()));
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn without_tls_what_asks_for_it_is_rejected() {
        for options in ["sslmode=require", "sslmode=verify-full", "sslrootcert=a.pem"] {
            let message = message(&format!("postgres://h/d?{options}"));
            assert!(message.contains(options.split('=').next().unwrap()), "{message}");
            assert!(message.contains("the feature `tls` of ticket-postgres"), "{message}");
        }
        for options in ["sslmode=disable", "sslmode=prefer", ""] {
            assert!(PostgresConfig::from_uri(&format!("postgres://h/d?{options}")).is_ok());
        }
        let mut driver = tokio_postgres::Config::new();
        driver.host("h").ssl_mode(SslMode::Require);
        let refused = crate::PostgresBackend::new(PostgresConfig::new(driver)).unwrap_err();
        assert!(refused.message().contains("feature `tls`"), "{refused}");
    }

    #[test]
    fn no_secret_is_shown() {
        let config =
            PostgresConfig::from_uri("postgres://me:secret@h/db?options=-csecret").unwrap();
        assert!(!format!("{config:?} {config:#?}").contains("secret"), "{config:?}");
        for uri in [
            "postgres://me:secret@h:port/db",
            "postgres://me:secret@h/db?unknown=secret",
            "postgres://me:%FFsecret@h:x/db",
            "postgres:secret",
            "secret",
        ] {
            let error = PostgresConfig::from_uri(uri).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn wrong_uris_say_what_to_write() {
        assert!(message("sqlite:x").contains("postgres://USER"));
        assert!(message("postgres://h/d?autocreate=no").contains("autocreate=false"));
        assert!(message("postgres://h/d?timeout=5").contains("5s"));
        assert!(message("postgres://h/d?timeout=0s").contains("500ms"));
        assert!(message("postgres://h/d?pool_size=0").contains("1000"));
        assert!(message("postgres://h/d?sslmode=yes").contains("verify-full"));
        assert!(message("postgres://h/d?table_prefix=a-b").contains("letters"));
        assert!(message("postgres://h/d?schema=").contains("letters"));
        assert!(message("postgres://h/d?schema=pg_x").contains("pg_"));
        assert!(message("postgres://h/d?unknown=1").contains("table_prefix"));
    }
}
