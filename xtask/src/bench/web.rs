//! The list of tickets as `ticket serve` shows it, compared with a handler that sends what one statement returns.
//!
//! The stores stay in the folder `bench` of the target folder, and later runs use them again.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use super::kept::Kept;
use super::report::{Measured, Row};
use super::seed::{Size, seed_without_traits};
use crate::{artifacts, command, workspace};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The number of tickets in the store
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..))]
    tickets: u32,

    /// The number of occurrences in the store
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u32).range(100..))]
    occurrences: u32,

    /// The database to measure; may be repeated [default: both]
    #[arg(long = "backend", value_enum, value_name = "BACKEND")]
    backends: Vec<Backend>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// A file
    Sqlite,
    /// A server of its own
    Postgres,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--bin=seed", "--bin=web"]);
    let programs = artifacts::build(build.args(["--package=ticket-cli", "--bin=ticket"]))?;
    let fill = artifacts::executable(&programs, "seed")?;
    let web = artifacts::executable(&programs, "web")?;
    let ticket = artifacts::executable(&programs, "ticket")?;

    let Arguments { tickets, occurrences, backends } = arguments;
    let size = Size { tickets: *tickets, occurrences: *occurrences };
    let folder = workspace::target().join("bench").join(format!("web-{tickets}-{occurrences}"));
    let chosen = match backends.as_slice() {
        [] => Backend::value_variants(),
        chosen => chosen,
    };
    let mut rows = Vec::new();
    for backend in chosen {
        let (name, folder) = match backend {
            Backend::Sqlite => ("sqlite", folder.join("sqlite")),
            Backend::Postgres => ("postgres", folder.join("postgres")),
        };
        fs::create_dir_all(&folder)?;
        let server = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Kept::postgres(&folder)?),
        };
        let url = match &server {
            Some(server) => server.url().to_owned(),
            None => format!("sqlite:{}", folder.join("tickets.db").display()),
        };
        fill_once(fill, &folder, &url, size)?;
        let mut measure = Command::new(web);
        measure.arg(ticket).arg(&url).arg(format!("--tickets={tickets}"));
        let case = |of: &str| format!("{name}, {tickets} tickets, {occurrences} occurrences: {of}");
        rows.extend(
            Measured::rows("web", &command::output(&mut measure)?)?
                .into_iter()
                .map(|row| Row { case: case(&row.case), ..row }),
        );
    }
    Ok(rows)
}

/// Fills the store, unless an earlier run has filled it. Measuring adds occurrences of the day, so its contents do not
/// tell.
fn fill_once(program: &Path, folder: &Path, url: &str, size: Size) -> Result<()> {
    let note = folder.join("filled");
    if !note.exists() {
        seed_without_traits(program, url, size)?;
        fs::write(note, "")?;
    }
    Ok(())
}
