//! The time of each query on a large store, compared with a store of a hundredth of its size.
//!
//! The stores stay in the folder `bench` of the target folder, and later runs use them again.

use std::fs;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;
use serde::Deserialize;

use super::kept::Kept;
use super::report::Row;
use super::seed::{Size, seed};
use crate::databases::Kind;
use crate::{artifacts, command, workspace};

/// The average number of occurrences per ticket.
const PER_TICKET: u32 = 100;
/// The size of the large store, as a multiple of the small one's.
const GROWTH: u32 = 100;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The number of occurrences in the large store; the small one has a hundredth of them
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u32).range(1_500_000..))]
    size: u32,

    /// The database to measure; may be repeated [default: all]
    #[arg(long = "backend", value_enum, value_name = "BACKEND")]
    backends: Vec<Backend>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// A file
    Sqlite,
    /// The server that TICKET_POSTGRES_URL names, or one of its own
    Postgres,
    /// The replica set that TICKET_MONGODB_URL names, or one of its own
    Mongodb,
}

impl Backend {
    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mongodb => "mongodb",
        }
    }
}

/// A line that the measuring program prints.
#[derive(Deserialize)]
struct Line {
    case: String,
    value: f64,
    baseline: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--bin=seed", "--bin=query"]);
    let programs = artifacts::build(&mut build)?;
    let fill = artifacts::executable(&programs, "seed")?;
    let query = artifacts::executable(&programs, "query")?;

    let chosen = match arguments.backends.as_slice() {
        [] => Backend::value_variants(),
        chosen => chosen,
    };
    let folder = workspace::target().join("bench").join(arguments.size.to_string());
    let mut rows = Vec::new();
    for backend in chosen {
        let folder = folder.join(backend.name());
        fs::create_dir_all(&folder)?;
        // One server at a time: they would compete for memory.
        let server = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Kind::Postgres),
            Backend::Mongodb => Some(Kind::Mongodb),
        };
        let given = server.and_then(Kind::given);
        let kept = match backend {
            _ if given.is_some() => None,
            Backend::Sqlite => None,
            Backend::Postgres => Some(Kept::postgres(&folder)?),
            Backend::Mongodb => Some(Kept::mongodb(&folder)?),
        };
        let url = |name: &str| match given.as_deref().or(kept.as_ref().map(Kept::url)) {
            Some(url) => with_option(url, &format!("table_prefix=bench_{name}_")),
            None => format!("sqlite:{}", folder.join(format!("{name}.db")).display()),
        };
        let (large, small) = (url("large"), url("small"));
        for (url, occurrences) in [(&small, arguments.size / GROWTH), (&large, arguments.size)] {
            seed(fill, url, Size { tickets: occurrences / PER_TICKET, occurrences })?;
        }
        let lines = command::output(Command::new(query).args([&large, &small]))?;
        for line in lines.lines() {
            let Line { case, value, baseline } = serde_json::from_str(line)?;
            let case = format!("{}: {case}", backend.name());
            rows.push(Row::new("query", case, "ms", [value, baseline]));
        }
    }
    Ok(rows)
}

fn with_option(url: &str, option: &str) -> String {
    format!("{url}{}{option}", if url.contains('?') { '&' } else { '?' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_appended_to_the_others() {
        assert_eq!(with_option("postgres://a/b", "c=d"), "postgres://a/b?c=d");
        assert_eq!(with_option("mongodb://a/?b=c", "d=e"), "mongodb://a/?b=c&d=e");
    }
}
