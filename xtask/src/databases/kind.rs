//! The kinds of servers, and the variable in which tests find the URL of each.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::mongod::Mongod;
use super::postgres::Postgres;
use super::state::Service;
use super::{compose, pgbouncer};
use crate::{fault_tools, languages};

/// A server, or several that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// PostgreSQL
    Postgres,
    /// PostgreSQL behind `pgbouncer` in transaction mode
    Pgbouncer,
    /// MongoDB, a replica set of one
    Mongodb,
    /// MongoDB, a single server without a replica set
    MongodbStandalone,
    /// MongoDB, a replica set of three
    MongodbCluster,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Postgres,
        Self::Pgbouncer,
        Self::Mongodb,
        Self::MongodbStandalone,
        Self::MongodbCluster,
    ];

    /// The name of the variable with its URL.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "TICKET_POSTGRES_URL",
            Self::Pgbouncer => "TICKET_PGBOUNCER_URL",
            Self::Mongodb => "TICKET_MONGODB_URL",
            Self::MongodbStandalone => "TICKET_MONGODB_STANDALONE_URL",
            Self::MongodbCluster => "TICKET_MONGODB_CLUSTER_URL",
        }
    }

    /// Its name in messages.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Pgbouncer => "PostgreSQL behind pgbouncer",
            Self::Mongodb => "MongoDB, set of one",
            Self::MongodbStandalone => "MongoDB, standalone",
            Self::MongodbCluster => "MongoDB, set of three",
        }
    }

    /// Its URL, if the environment names one.
    pub(crate) fn given(self) -> Option<String> {
        super::given(self.variable())
    }

    /// Returns `true` if the environment names the programs that it is to run from.
    fn has_named_programs(self) -> bool {
        let variables: &[&str] = match self {
            Self::Postgres => &[super::postgres::BIN],
            Self::Pgbouncer => &[super::postgres::BIN, pgbouncer::PROGRAM],
            Self::Mongodb | Self::MongodbStandalone | Self::MongodbCluster => {
                &[super::mongod::PROGRAM]
            }
        };
        variables.iter().any(|variable| super::given(variable).is_some())
    }

    /// Starts it in Docker if an engine runs, or else from the programs on this machine, which are installed
    /// if necessary.
    pub(crate) fn start(self) -> Result<Service> {
        if !self.has_named_programs() && compose::is_usable() {
            return compose::start(self);
        }
        match self {
            Self::Postgres => Postgres::provide()?.start(),
            Self::Pgbouncer => pgbouncer::start(&Postgres::provide()?),
            Self::Mongodb => Mongod::provide()?.start_set(self, 1),
            Self::MongodbStandalone => Mongod::provide()?.start_standalone(),
            Self::MongodbCluster => Mongod::provide()?.start_set(self, 3),
        }
    }
}

/// The programs from which tests start servers of their own, by variable. Those that tests find by `PATH` are
/// installed.
pub(crate) fn programs() -> Result<Vec<(&'static str, String)>> {
    fault_tools::install();
    let postgres = Postgres::provide()?;
    let mongod = Mongod::provide()?;
    let shown = |path: PathBuf| path.display().to_string();
    let mut programs = vec![
        (super::postgres::BIN, shown(postgres.bin().to_owned())),
        (super::postgres::USER, postgres.user().to_owned()),
        (super::mongod::PROGRAM, shown(mongod.program().to_owned())),
    ];
    programs.extend(languages::provide().into_iter().map(|(name, path)| (name, shown(path))));
    Ok(programs)
}
