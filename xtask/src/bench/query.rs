//! How long a question takes as a store grows: on a large one, against the same on a hundredth of it.

use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::Deserialize;

use super::report::Row;
use super::seed::{Size, seed};
use crate::databases::{Kind, Session};
use crate::{artifacts, command};

/// Occurrences for each ticket, on average.
const PER_TICKET: u32 = 100;
/// How many times as large the large store is.
const GROWTH: u32 = 100;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many occurrences the large store has; the small one has a hundredth of them
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u32).range(20_000..))]
    size: u32,

    /// Which databases [default: all]
    #[arg(long = "backend", value_enum, value_name = "BACKEND")]
    backends: Vec<Backend>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// A file
    Sqlite,
    /// The server that TICKET_POSTGRES_URL names, or one that is started
    Postgres,
    /// The replica set that TICKET_MONGODB_URL names, or one of one that is started
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

    const fn kind(self) -> Option<Kind> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Kind::Postgres),
            Self::Mongodb => Some(Kind::Mongodb),
        }
    }
}

/// A line of the program that measures.
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
    let mut rows = Vec::new();
    for backend in chosen {
        // One at a time, so that they do not take each other's memory.
        let session = backend.kind().map(|kind| Session::with(&[kind])).transpose()?;
        let folder = tempfile::tempdir()?;
        let url = |name: &str| match (backend.kind(), &session) {
            (Some(kind), Some(session)) => {
                let url = session.url(kind).context("a server without a URL")?;
                Ok(with_option(url, &format!("table_prefix=bench_{name}_")))
            }
            _ => anyhow::Ok(format!("sqlite:{}", folder.path().join(name).display())),
        };
        let (large, small) = (url("large")?, url("small")?);
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
    fn an_option_comes_behind_those_there_are() {
        assert_eq!(with_option("postgres://a/b", "c=d"), "postgres://a/b?c=d");
        assert_eq!(with_option("mongodb://a/?b=c", "d=e"), "mongodb://a/?b=c&d=e");
    }
}
