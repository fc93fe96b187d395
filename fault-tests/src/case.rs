//! Cases: named after their fault, ignored with the reason where what they need is not there.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::Outcome;
use crate::machine::{Ability, in_namespace};
use crate::servers::Database;

/// Which database a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// An SQLite file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
    /// A MongoDB replica set of one.
    Mongod,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Mongod];
    /// Those that are a server, which can be killed.
    pub const SERVERS: [Self; 2] = [Self::Postgres, Self::Mongod];

    /// A database of this kind, started.
    pub fn start(self) -> Outcome<Database> {
        self.start_in(&std::env::temp_dir())
    }

    /// The same, with its data below this folder.
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

    /// The variable that names its program.
    const fn needs(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(crate::servers::POSTGRES_PROGRAMS),
            Self::Mongod => Some(crate::servers::MONGOD_PROGRAM),
        }
    }
}

/// One fault on several databases.
pub fn on(engines: &[Engine], name: &str, case: fn(Engine) -> Outcome) -> Vec<Trial> {
    let on = |&engine: &Engine| {
        trial(&format!("{name}::{}", engine.name()), engine.needs(), move || case(engine))
    };
    engines.iter().map(on).collect()
}

/// One fault on several databases, on disks of the case's own.
pub fn on_disks(engines: &[Engine], name: &str, case: fn(Engine) -> Outcome) -> Vec<Trial> {
    let on = |&engine: &Engine| {
        let name = format!("{name}::{}", engine.name());
        let again = name.clone();
        let run = move || in_namespace(&again, || case(engine));
        able(Ability::Mounts, trial(&name, engine.needs(), run))
    };
    engines.iter().map(on).collect()
}

/// A case that needs a machine which lets it do something: where it does not, the case is ignored, and that
/// is declared, so that `cargo xtask test` shows it as skipped with the reason.
#[allow(clippy::print_stderr, reason = "a test program tells why it ignores a case")]
pub fn able(ability: Ability, trial: Trial) -> Trial {
    let Some(reason) = ability.lacking() else { return trial };
    eprintln!("ticket-faults: ignored {}: capability {ability:?}: {reason}", trial.name());
    trial.with_ignored_flag(true)
}

/// A case that needs a variable of the environment, or nothing.
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

/// Whether the long form of the faults is asked for.
pub fn long() -> bool {
    std::env::var_os("TICKET_FAULTS_LONG").is_some_and(|value| value == "1")
}
