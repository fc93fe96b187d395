//! Rows per second of `ticket ingest` into SQLite, compared with recording the same records; and its memory.

use std::process::Command;

use anyhow::Result;

use super::report::{Measured, Row};
use crate::{artifacts, command};

pub(crate) fn run() -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--bin=ingest"]);
    build.args(["--package=ticket-cli", "--bin=ticket", "--no-default-features"]);
    let programs =
        artifacts::build(build.arg("--features=ticket-benches/sqlite,ticket-cli/sqlite"))?;
    let folder = tempfile::tempdir()?;
    let mut measure = Command::new(artifacts::executable(&programs, "ingest")?);
    measure.arg(artifacts::executable(&programs, "ticket")?).arg(folder.path());
    Measured::rows("ingest", &command::output(&mut measure)?)
}
