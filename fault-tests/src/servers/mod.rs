//! Databases of a test's own, so that what happens to them harms nobody else.

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

/// How long a call may take, in seconds: a test need not wait longer to see one fail.
const TIMEOUT: u32 = 2;

/// A database that a test may do anything to.
#[derive(Debug)]
pub enum Database {
    /// A file.
    Sqlite(TempDir),
    /// One server.
    Postgres(Postgres),
    /// A single server or a replica set.
    Mongod(Mongod),
}

impl Database {
    /// An SQLite file in a folder of its own, below this one.
    pub fn sqlite(parent: &Path) -> Outcome<Self> {
        Ok(Self::Sqlite(TempDir::new_in(parent)?))
    }

    /// A PostgreSQL server.
    pub fn postgres(parent: &Path) -> Outcome<Self> {
        Ok(Self::Postgres(Postgres::new_in(parent)?))
    }

    /// A MongoDB replica set of one.
    pub fn mongod(parent: &Path) -> Outcome<Self> {
        Ok(Self::Mongod(Mongod::new_in(parent, Kind::Set(1))?))
    }

    /// Where the handler and the oracle find it. A call takes at most two seconds.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}/tickets.db", folder.path().display()),
            Self::Postgres(server) => server.url_with_timeout(TIMEOUT),
            Self::Mongod(servers) => servers.url_with_timeout(TIMEOUT),
        }
    }

    /// The same through a proxy before the server.
    pub fn url_through(&self, proxy: &Proxy) -> Outcome<String> {
        let port = format!("127.0.0.1:{}", proxy.port());
        match self {
            Self::Sqlite(_) => Err("a file has no server".into()),
            Self::Postgres(server) => Ok(self.url().replace(&server.host(), &port)),
            // The set's own list of members would lead past the proxy.
            Self::Mongod(_) => Ok(mongod_at(&port)),
        }
    }

    /// The same, for whoever insists on this server, whether it can be written to or not.
    pub fn url_of_this_server(&self) -> String {
        match self {
            Self::Sqlite(_) | Self::Postgres(_) => self.url(),
            Self::Mongod(servers) => mongod_at(&servers.host()),
        }
    }

    /// Where the server listens.
    pub fn host(&self) -> Outcome<String> {
        match self {
            Self::Sqlite(_) => Err("a file has no server".into()),
            Self::Postgres(server) => Ok(server.host()),
            Self::Mongod(servers) => Ok(servers.host()),
        }
    }

    /// The store, opened by the test itself.
    pub async fn open(&self) -> Outcome<Arc<dyn Store>> {
        Ok(registry().connect(&self.url()).await?)
    }

    /// From now on the server takes no writes, or takes them again: it reads only, as a standby does, or is
    /// not the primary of its set.
    pub fn set_read_only(&self, read_only: bool) -> Outcome {
        match self {
            Self::Sqlite(_) => Err("a file has no server".into()),
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

    /// Runs a statement on PostgreSQL, as its superuser.
    pub fn sql(&self, statement: &str) -> Outcome {
        match self {
            Self::Postgres(server) => server.sql(statement),
            Self::Sqlite(_) | Self::Mongod(_) => Err("this is not PostgreSQL".into()),
        }
    }

    /// A connection to PostgreSQL that is there until it is killed.
    pub fn busy_connection(&self) -> Outcome<Process> {
        match self {
            Self::Postgres(server) => server.busy_connection(),
            Self::Sqlite(_) | Self::Mongod(_) => Err("this is not PostgreSQL".into()),
        }
    }

    /// Kills the server at once, as a power cut does. A file's folder is gone, as one that is not mounted.
    pub fn kill(&mut self) -> Outcome {
        match self {
            Self::Sqlite(folder) => Ok(std::fs::rename(folder.path(), away(folder))?),
            Self::Postgres(server) => server.process.kill(),
            Self::Mongod(servers) => servers.kill(0),
        }
    }

    /// Starts it again, with the same data on the same port.
    pub fn start_again(&mut self) -> Outcome {
        match self {
            Self::Sqlite(folder) => Ok(std::fs::rename(away(folder), folder.path())?),
            Self::Postgres(server) => server.start_again(),
            Self::Mongod(servers) => servers.start(0),
        }
    }

    /// Whether the server has not ended by itself. A file is there.
    pub fn runs(&mut self) -> Outcome<bool> {
        match self {
            Self::Sqlite(_) => Ok(true),
            Self::Postgres(server) => server.process.runs(),
            Self::Mongod(servers) => servers.runs(0),
        }
    }

    /// Lets the server stand still: its connections stay, and nobody answers.
    pub fn stop(&self) -> Outcome {
        match self {
            Self::Sqlite(_) => Err("a file has no server".into()),
            Self::Postgres(server) => server.process.stop(),
            Self::Mongod(servers) => servers.stop(0),
        }
    }

    /// Lets it go on.
    pub fn go_on(&self) -> Outcome {
        match self {
            Self::Sqlite(_) => Err("a file has no server".into()),
            Self::Postgres(server) => server.process.go_on(),
            Self::Mongod(servers) => servers.go_on(0),
        }
    }
}

/// Where a folder is that is gone.
fn away(folder: &TempDir) -> PathBuf {
    folder.path().with_extension("away")
}

/// One server of a set, whatever the others do.
fn mongod_at(host: &str) -> String {
    format!("mongodb://{host}/faults?timeout={TIMEOUT}s&directConnection=true")
}

/// The backends that faults are done to.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    ticket_sqlite::register(&mut registry);
    ticket_postgres::register(&mut registry);
    ticket_mongo::register(&mut registry);
    registry
}
