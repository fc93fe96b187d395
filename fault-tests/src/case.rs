//! Builds the test cases: one per fault and database, ignored with a reason if a requirement is missing.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::Outcome;
use crate::machine::{Ability, in_namespace};
use crate::servers::Database;

/// The kind of database that a case runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// An SQLite file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
    /// A MongoDB replica set with a single member.
    Mongod,
}

impl Engine {
    /// Every kind of database.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Mongod];
    /// The databases that run as a server process, which a test can kill.
    pub const SERVERS: [Self; 2] = [Self::Postgres, Self::Mongod];

    /// Starts a database of this kind in the default folder for temporary files.
    pub fn start(self) -> Outcome<Database> {
        self.start_in(&std::env::temp_dir())
    }

    /// Starts a database of this kind that keeps its data below `parent`.
    pub fn start_in(self, parent: &Path) -> Outcome<Database> {
        match self {
            Self::Sqlite => Database::sqlite(parent),
            Self::Postgres => Database::postgres(parent),
            Self::Mongod => Database::mongod(parent),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mongod => "mongod",
        }
    }

    /// Returns the environment variable that locates the server's program, or `None` if none is needed.
    const fn needs(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(crate::servers::POSTGRES_PROGRAMS),
            Self::Mongod => Some(crate::servers::MONGOD_PROGRAM),
        }
    }
}

/// Creates one case per database for a fault.
pub fn on(engines: &[Engine], name: &str, case: fn(Engine) -> Outcome) -> Vec<Trial> {
    let on = |&engine: &Engine| {
        trial(&format!("{name}::{}", engine.name()), engine.needs(), move || case(engine))
    };
    engines.iter().map(on).collect()
}

/// Creates one case per database for a fault that needs to mount disks.
pub fn on_disks(engines: &[Engine], name: &str, case: fn(Engine) -> Outcome) -> Vec<Trial> {
    let on = |&engine: &Engine| {
        let name = format!("{name}::{}", engine.name());
        let again = name.clone();
        let run = move || in_namespace(&again, || case(engine));
        able(Ability::Mounts, trial(&name, engine.needs(), run))
    };
    engines.iter().map(on).collect()
}

/// Marks a case as ignored if the machine lacks an ability that the case needs.
///
/// The reason is printed in the form that `cargo xtask test` parses, so its summary lists the case as
/// skipped together with the reason.
#[allow(clippy::print_stderr, reason = "reports why a case is ignored")]
pub fn able(ability: Ability, trial: Trial) -> Trial {
    let Some(reason) = ability.lacking() else { return trial };
    eprintln!("ticket-faults: ignored {}: capability {ability:?}: {reason}", trial.name());
    trial.with_ignored_flag(true)
}

/// Creates a case that is ignored if the environment variable in `needs` is unset or empty.
///
/// In CI and under `TICKET_REQUIRE_SERVERS` such a case fails instead.
pub fn trial(
    name: &str,
    needs: Option<&'static str>,
    case: impl FnOnce() -> Outcome + Send + 'static,
) -> Trial {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    let Some(missing) = needs.filter(|variable| !set(variable)) else {
        return Trial::test(name, move || case().map_err(|error| Failed::from(error.to_string())));
    };
    let required = set("CI") || set("TICKET_REQUIRE_SERVERS");
    let reason = format!("{missing} is not set: see `cargo xtask databases env`");
    let shown = if required { name.to_owned() } else { format!("{name}: {reason}") };
    Trial::test(shown, move || Err(Failed::from(reason))).with_ignored_flag(!required)
}

/// Returns `true` if the long form of the tests was requested with `TICKET_FAULTS_LONG=1`.
pub fn long() -> bool {
    std::env::var_os("TICKET_FAULTS_LONG").is_some_and(|value| value == "1")
}
