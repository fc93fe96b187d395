//! Databases of a test's own, so that what happens to them harms nobody else.

mod mongod;
mod postgres;
mod process;
mod proxy;

use std::sync::Arc;

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
    /// An SQLite file in a folder of its own.
    pub fn sqlite() -> Outcome<Self> {
        Ok(Self::Sqlite(TempDir::new()?))
    }

    /// A PostgreSQL server.
    pub fn postgres() -> Outcome<Self> {
        Ok(Self::Postgres(Postgres::new()?))
    }

    /// A MongoDB replica set of one.
    pub fn mongod() -> Outcome<Self> {
        Ok(Self::Mongod(Mongod::new(Kind::Set(1))?))
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
            Self::Mongod(_) => {
                Ok(format!("mongodb://{port}/faults?timeout={TIMEOUT}s&directConnection=true"))
            }
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

    /// Kills the server at once, as a power cut does. A file has none.
    pub fn kill(&mut self) -> Outcome {
        match self {
            Self::Sqlite(_) => Err("a file has no server".into()),
            Self::Postgres(server) => server.process.kill(),
            Self::Mongod(servers) => servers.kill(0),
        }
    }

    /// Starts it again, with the same data on the same port.
    pub fn start_again(&mut self) -> Outcome {
        match self {
            Self::Sqlite(_) => Err("a file has no server".into()),
            Self::Postgres(server) => server.start_again(),
            Self::Mongod(servers) => servers.start(0),
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

/// The backends that faults are done to.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    ticket_sqlite::register(&mut registry);
    ticket_postgres::register(&mut registry);
    ticket_mongo::register(&mut registry);
    registry
}
