//! [`MongoConfig`]: the location of a store and its options.

use std::fmt;
use std::time::Duration;

use mongodb::Client;
use mongodb::options::ConnectionString;
use ticket_core::backend::{DEFAULT_PREFIX, NameRule, UriOptions};
use ticket_core::uri::{self, decode};
use ticket_core::{Error, Result};

use crate::names::Names;

/// The location of a store and its options.
///
/// ```
/// use ticket_mongo::MongoConfig;
///
/// let config = MongoConfig::from_uri("mongodb://db.example/shop?replicaSet=rs&timeout=5s")?;
/// assert!(format!("{config:?}").contains("shop"));
/// # Ok::<(), ticket_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct MongoConfig {
    /// The URI without this backend's own options. It may contain a password.
    uri: String,
    client: Option<Client>,
    database: String,
    table_prefix: String,
    autocreate: bool,
    timeout: Duration,
    ttl: Option<Duration>,
}

impl MongoConfig {
    /// The default prefix of the collections.
    pub const DEFAULT_PREFIX: &str = DEFAULT_PREFIX;

    /// The database if the URI does not name one.
    pub const DEFAULT_DATABASE: &str = "tickets";

    /// Configures a store in a database of an existing client.
    ///
    /// The client's settings apply, except for read and write concern, which the store sets for its
    /// own collections.
    pub fn with_client(client: Client, database: impl Into<String>) -> Self {
        Self {
            uri: String::new(),
            client: Some(client),
            database: database.into(),
            table_prefix: Self::DEFAULT_PREFIX.to_owned(),
            autocreate: true,
            timeout: Duration::from_secs(10),
            ttl: None,
        }
    }

    /// Reads a URI.
    ///
    /// A URI is a [connection
    /// string](https://www.mongodb.com/docs/manual/reference/connection-string/) of MongoDB with
    /// the database as its path, `tickets` by default. It may contain these options of the store:
    ///
    /// | option | meaning | default |
    /// |---|---|---|
    /// | `table_prefix` | [`with_table_prefix`](Self::with_table_prefix) | `ticketing_` |
    /// | `autocreate` | [`with_autocreate`](Self::with_autocreate), `true` or `false` | `true` |
    /// | `timeout` | [`with_timeout`](Self::with_timeout), such as `500ms` or `5s` | `10s` |
    /// | `ttl` | [`with_ttl`](Self::with_ttl), such as `30d` or `12h`; `0` for none | as it is |
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) whose message says what to write
    /// instead.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let scheme = uri.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        if !crate::SCHEMES.contains(&scheme.as_str()) {
            return Err(Error::config(
                "not the URI of a MongoDB store: write mongodb://HOST/DATABASE",
            ));
        }
        let options = UriOptions::split(uri, &["table_prefix", "autocreate", "timeout", "ttl"]);
        let rest = options.server.get(scheme.len() + 3..).unwrap_or_default();
        if scheme == "mongodb+srv" && !cfg!(feature = "srv") {
            return Err(Error::config(
                "mongodb+srv asks for a lookup in DNS, and this program was built without it: enable the feature \
                 `srv` of ticket-mongo, or write mongodb:// with the hosts of the servers",
            ));
        }
        // The driver expects a slash before the options and a scheme in lower case.
        let slash = if rest.contains('/') { "" } else { "/" };
        let mark = if options.foreign.is_empty() { "" } else { "?" };
        let stripped = format!("{scheme}://{rest}{slash}{mark}{}", options.foreign);
        let parsed = ConnectionString::parse(&stripped).map_err(|error| refused(&error, rest))?;
        let mut config = Self {
            uri: stripped,
            client: None,
            database: parsed.default_database.unwrap_or_else(|| Self::DEFAULT_DATABASE.to_owned()),
            table_prefix: Self::DEFAULT_PREFIX.to_owned(),
            autocreate: true,
            timeout: Duration::from_secs(10),
            ttl: None,
        };
        for (name, value) in options.own {
            config = config.with_option(name, &decode(value)?)?;
        }
        Ok(config)
    }

    fn with_option(self, name: &str, value: &str) -> Result<Self> {
        match name {
            "table_prefix" => self.with_table_prefix(value),
            "autocreate" => Ok(self.with_autocreate(uri::flag(name, value)?)),
            "ttl" => self.with_ttl(age(value)?),
            _ => Ok(self.with_timeout(uri::duration(name, value)?)),
        }
    }

    /// Sets the prefix of the collections' names. Stores with different prefixes in one database do
    /// not see each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) unless the prefix consists of at most
    /// 64 letters A to Z, digits and `_`, and does not start with `system`, which MongoDB reserves.
    pub fn with_table_prefix(mut self, prefix: impl Into<String>) -> Result<Self> {
        const RULE: NameRule =
            NameRule { option: "table_prefix", shortest: 0, longest: 64, reserved: "system" };
        self.table_prefix = RULE.check(prefix.into())?;
        Ok(self)
    }

    /// Sets whether [`setup_backend`](ticket_core::BackendBase::setup_backend) creates the
    /// collections (`true`, the default) or only checks that they exist.
    pub fn with_autocreate(mut self, autocreate: bool) -> Self {
        self.autocreate = autocreate;
        self
    }

    /// Sets how long a call, or one step of a large deletion, may take before it fails as
    /// [`Unavailable`](ticket_core::ErrorKind::Unavailable); 10 s by default.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the server delete occurrences of this age by itself, through a TTL index that
    /// [`setup_backend`](ticket_core::BackendBase::setup_backend) creates or changes. Zero removes
    /// the index.
    ///
    /// If this is not called, `setup_backend` leaves the index alone, so that programs without this
    /// setting can share the store. `autocreate=false` leaves it alone too.
    ///
    /// The server deletes an occurrence at this age or up to six hours later; it looks once a
    /// minute. The ticket, its counts and its charts stay, as with
    /// [`clear_expired`](ticket_core::EventStore::clear_expired). Unlike `clear_expired` the server
    /// does not delete a solved ticket after its last occurrence; the next `clear_expired` does
    /// that. Nor does it keep the first occurrence of a ticket, or distinguish applications.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) if the age is not a whole number of
    /// seconds, or is longer than MongoDB's limit of 68 years.
    pub fn with_ttl(mut self, ttl: Duration) -> Result<Self> {
        if ttl.subsec_nanos() > 0 || i32::try_from(ttl.as_secs()).is_err() {
            return Err(Error::config(format!(
                "ttl is {ttl:?}: write whole seconds, at most {} days",
                i32::MAX / 86_400
            )));
        }
        self.ttl = Some(ttl);
        Ok(self)
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    pub(crate) const fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) fn names(&self) -> Names {
        Names::new(&self.table_prefix)
    }

    pub(crate) const fn autocreate(&self) -> bool {
        self.autocreate
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) const fn ttl(&self) -> Option<Duration> {
        self.ttl
    }
}

/// Omits the URI, which may contain a password.
impl fmt::Debug for MongoConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoConfig")
            .field("database", &self.database)
            .field("table_prefix", &self.table_prefix)
            .field("autocreate", &self.autocreate)
            .field("timeout", &self.timeout)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// Reads an age such as `30d`, `12h` or `90s`, or `0`.
fn age(value: &str) -> Result<Duration> {
    let units = [("d", 86_400), ("h", 3_600), ("s", 1)];
    let seconds = if value == "0" {
        Some(0)
    } else {
        units.iter().find_map(|(unit, seconds)| {
            value.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(*seconds)
        })
    };
    seconds.map(Duration::from_secs).ok_or_else(|| {
        Error::config(format!(
            "ttl is {value:?}: write a whole number of days, hours or seconds, such as 30d, 12h or 90s, or \
             0 for none"
        ))
    })
}

/// The error for a URI that the driver cannot read. It includes the driver's message only where
/// that cannot repeat a password, and never the driver's error itself.
fn refused(error: &mongodb::error::Error, rest: &str) -> Error {
    let advice = "write mongodb://HOST:PORT/DATABASE, with mongodb://USER:PASSWORD@HOST where the \
        server wants it, and percent signs for special characters in them";
    let said = match &*error.kind {
        mongodb::error::ErrorKind::InvalidArgument { message, .. } => message.as_str(),
        _ => "",
    };
    // A password may contain any of the characters that delimit it, so nothing is shown where there
    // could be one.
    if said.is_empty() || rest.contains('@') {
        return Error::config(format!("the URI cannot be read: {advice}"));
    }
    Error::config(format!("the URI cannot be read ({said}): {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(uri: &str) -> MongoConfig {
        MongoConfig::from_uri(uri).unwrap()
    }

    fn message(uri: &str) -> String {
        MongoConfig::from_uri(uri).unwrap_err().message().to_owned()
    }

    #[test]
    fn our_options_are_taken_out_and_the_rest_is_the_drivers() {
        let config = config(
            "mongodb://a:1,b:2/shop?table_prefix=My_1&replicaSet=rs&autocreate=false&timeout=250ms",
        );
        assert_eq!(config.uri, "mongodb://a:1,b:2/shop?replicaSet=rs");
        assert_eq!((config.database.as_str(), config.table_prefix.as_str()), ("shop", "My_1"));
        assert_eq!((config.autocreate, config.timeout), (false, Duration::from_millis(250)));
    }

    #[test]
    fn an_age_has_a_unit() {
        let ttl = |value: &str| config(&format!("mongodb://a/b?ttl={value}")).ttl;
        assert_eq!(ttl("30d"), Some(Duration::from_secs(30 * 86_400)));
        assert_eq!(ttl("12h"), Some(Duration::from_secs(12 * 3_600)));
        assert_eq!(ttl("90s"), Some(Duration::from_secs(90)));
        assert_eq!(ttl("0"), Some(Duration::ZERO));
        assert_eq!(config("mongodb://a/b").ttl, None);
    }

    #[test]
    fn a_database_need_not_be_named() {
        assert_eq!(config("mongodb://localhost").database, "tickets");
        assert_eq!(config("MONGODB://localhost/?timeout=1s").database, "tickets");
        assert_eq!(
            config("mongodb://localhost?retryWrites=false").uri,
            "mongodb://localhost/?retryWrites=false"
        );
    }

    #[cfg(feature = "srv")]
    #[test]
    fn a_cluster_can_be_looked_up() {
        assert_eq!(config("mongodb+srv://cluster.example.com/shop").database, "shop");
    }

    #[cfg(not(feature = "srv"))]
    #[test]
    fn without_srv_a_lookup_is_rejected() {
        let message = message("mongodb+srv://cluster.example.com/shop");
        assert!(message.contains("the feature `srv` of ticket-mongo"), "{message}");
    }

    #[test]
    fn wrong_uris_say_what_to_write() {
        assert!(message("postgres://x").contains("mongodb://HOST"));
        assert!(message("mongodb:localhost").contains("mongodb://HOST"));
        assert!(message("mongodb://").contains("mongodb://HOST:PORT"));
        assert!(message("mongodb://a/b?autocreate=no").contains("autocreate=false"));
        assert!(message("mongodb://a/b?timeout=5").contains("5s"));
        for wrong in ["30", "d", "-1d", "1.5h", "30m", "99999999999999999999d"] {
            assert!(message(&format!("mongodb://a/b?ttl={wrong}")).contains("30d"), "{wrong}");
        }
        assert!(message("mongodb://a/b?ttl=24856d").contains("24855 days"));
        assert!(message("mongodb://a/b?table_prefix=a.b").contains("letters"));
        assert!(message("mongodb://a/b?table_prefix=system_").contains("system"));
        let unknown = message("mongodb://a/b?tiemout=5s");
        assert!(unknown.contains("tiemout"), "{unknown}");
    }

    #[test]
    fn no_secret_is_shown() {
        let config = config("mongodb://user:s3cr3t@localhost/shop");
        assert!(!format!("{config:?} {config:#?}").contains("s3cr3t"));
        for uri in [
            "mongodb://user:s3cr3t@localhost:port/shop",
            "mongodb://user:s3cr3t@local/host/shop?x=y",
            "mongodb://user:s3cr3t%@localhost/shop",
            "mongodb://user:s3cr3t/@localhost/shop?timeout=x",
            "mongodb://user:s3c/r3t?s3cr3t@localhost/shop",
        ] {
            let error = MongoConfig::from_uri(uri);
            let error = error.map(|config| format!("{config:?}"));
            let shown = match error {
                Ok(text) => text,
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(!shown.contains("s3cr3t") && !shown.contains("s3c/r3t"), "{shown}");
        }
    }
}
