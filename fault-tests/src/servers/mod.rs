//! Databases that belong to a single test, so a test can break them without affecting others.

mod mongod;
mod postgres;
mod process;
mod proxy;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mongodb::bson::doc;
use tempfile::TempDir;
use ticket_core::{Registry, Store};

pub use self::mongod::{Kind, MONGOD_PROGRAM, Mongod};
pub use self::postgres::{POSTGRES_PROGRAMS, Postgres};
pub use self::process::{Process, free_port, signal, until};
pub use self::proxy::{Fault, Proxy};
use crate::Outcome;

/// The timeout of a victim's calls in seconds, short so that tests see calls fail soon.
const TIMEOUT: u32 = 2;

/// The timeout of the calls by which a test sets up and reads a store. They have to succeed on a busy machine.
const PATIENT: u32 = 60;

/// A database that belongs to a single test, which may break it.
#[derive(Debug)]
pub enum Database {
    /// An SQLite file in its own folder.
    Sqlite(TempDir),
    /// A PostgreSQL server.
    Postgres(Postgres),
    /// A standalone MongoDB server or a replica set.
    Mongod(Mongod),
}

impl Database {
    /// Creates a folder for an SQLite file below `parent`.
    pub fn sqlite(parent: &Path) -> Outcome<Self> {
        Ok(Self::Sqlite(TempDir::new_in(parent)?))
    }

    /// Starts a PostgreSQL server with its data below `parent`.
    pub fn postgres(parent: &Path) -> Outcome<Self> {
        Ok(Self::Postgres(Postgres::new_in(parent)?))
    }

    /// Starts a MongoDB replica set with a single member and its data below `parent`.
    pub fn mongod(parent: &Path) -> Outcome<Self> {
        Ok(Self::Mongod(Mongod::new_in(parent, Kind::Set(1))?))
    }

    /// Returns the database's URI, with a timeout of two seconds for each call.
    pub fn url(&self) -> String {
        self.url_with_timeout(TIMEOUT)
    }

    fn url_with_timeout(&self, seconds: u32) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}/tickets.db", folder.path().display()),
            Self::Postgres(server) => server.url_with_timeout(seconds),
            Self::Mongod(servers) => servers.url_with_timeout(seconds),
        }
    }

    /// Returns the database's URI with the proxy's address in place of the server's.
    pub fn url_through(&self, proxy: &Proxy) -> Outcome<String> {
        let port = format!("127.0.0.1:{}", proxy.port());
        match self {
            Self::Sqlite(_) => Err("SQLite has no server".into()),
            Self::Postgres(server) => Ok(self.url().replace(&server.host(), &port)),
            // A driver that connects to the set would take the members' addresses from it and bypass the proxy.
            Self::Mongod(_) => Ok(mongod_at(&port)),
        }
    }

    /// Returns a URI that connects to this server even if it is not the primary of its set.
    pub fn url_of_this_server(&self) -> String {
        match self {
            Self::Sqlite(_) | Self::Postgres(_) => self.url(),
            Self::Mongod(servers) => mongod_at(&servers.host()),
        }
    }

    /// Returns the server's address and port.
    pub fn host(&self) -> Outcome<String> {
        match self {
            Self::Sqlite(_) => Err("SQLite has no server".into()),
            Self::Postgres(server) => Ok(server.host()),
            Self::Mongod(servers) => Ok(servers.host()),
        }
    }

    /// Opens the store from within the test, with a timeout of a minute for each call.
    pub async fn open(&self) -> Outcome<Arc<dyn Store>> {
        Ok(registry().connect(&self.url_with_timeout(PATIENT)).await?)
    }

    /// Makes the server refuse writes, or accept them again.
    ///
    /// PostgreSQL makes its transactions read-only, as on a standby; MongoDB steps down as the primary of
    /// its set.
    pub fn set_read_only(&self, read_only: bool) -> Outcome {
        match self {
            Self::Sqlite(_) => Err("SQLite has no server".into()),
            Self::Postgres(server) => {
                let setting = if read_only { "on" } else { "off" };
                server
                    .sql(&format!("ALTER SYSTEM SET default_transaction_read_only = {setting}"))?;
                server.sql("SELECT pg_reload_conf()")
            }
            Self::Mongod(servers) if read_only => {
                let step_down = doc! { "replSetStepDown": 600, "force": true };
                servers.run(0, step_down)?;
                until("there is no primary", || Ok(servers.primary().is_none()))
            }
            Self::Mongod(servers) => {
                servers.run(0, doc! { "replSetFreeze": 0 })?;
                until("there is a primary", || Ok(servers.primary().is_some()))
            }
        }
    }

    /// Runs a statement on PostgreSQL as its superuser.
    pub fn sql(&self, statement: &str) -> Outcome {
        match self {
            Self::Postgres(server) => server.sql(statement),
            Self::Sqlite(_) | Self::Mongod(_) => Err("only PostgreSQL supports this".into()),
        }
    }

    /// Opens a connection to PostgreSQL that stays open until the returned process is killed.
    pub fn busy_connection(&self) -> Outcome<Process> {
        match self {
            Self::Postgres(server) => server.busy_connection(),
            Self::Sqlite(_) | Self::Mongod(_) => Err("only PostgreSQL supports this".into()),
        }
    }

    /// Kills the server without letting it clean up, like a power cut.
    ///
    /// The folder of an SQLite file is moved away, as if its disk were no longer mounted.
    pub fn kill(&mut self) -> Outcome {
        match self {
            Self::Sqlite(folder) => Ok(std::fs::rename(folder.path(), away(folder))?),
            Self::Postgres(server) => server.process.kill(),
            Self::Mongod(servers) => servers.kill(0),
        }
    }

    /// Starts the server again with the same data on the same port, or moves the SQLite file's folder back.
    pub fn start_again(&mut self) -> Outcome {
        match self {
            Self::Sqlite(folder) => Ok(std::fs::rename(away(folder), folder.path())?),
            Self::Postgres(server) => server.start_again(),
            Self::Mongod(servers) => servers.start(0),
        }
    }

    /// Returns `true` if the server's process has not exited; always `true` for SQLite.
    pub fn runs(&mut self) -> Outcome<bool> {
        match self {
            Self::Sqlite(_) => Ok(true),
            Self::Postgres(server) => server.process.runs(),
            Self::Mongod(servers) => servers.runs(0),
        }
    }

    /// Suspends the server: its connections stay open, but nothing answers.
    pub fn stop(&self) -> Outcome {
        match self {
            Self::Sqlite(_) => Err("SQLite has no server".into()),
            Self::Postgres(server) => server.process.stop(),
            Self::Mongod(servers) => servers.stop(0),
        }
    }

    /// Resumes a suspended server.
    pub fn go_on(&self) -> Outcome {
        match self {
            Self::Sqlite(_) => Err("SQLite has no server".into()),
            Self::Postgres(server) => server.process.go_on(),
            Self::Mongod(servers) => servers.go_on(0),
        }
    }
}

/// Returns the path to which [`Database::kill`] moves the folder of an SQLite file.
fn away(folder: &TempDir) -> PathBuf {
    folder.path().with_extension("away")
}

/// Returns a URI that connects to one server of a set only.
fn mongod_at(host: &str) -> String {
    format!("mongodb://{host}/faults?timeout={TIMEOUT}s&directConnection=true")
}

/// Returns a registry of all backends that are tested.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    ticket_sqlite::register(&mut registry);
    ticket_postgres::register(&mut registry);
    ticket_mongo::register(&mut registry);
    registry
}
