//! Rows per second of recording, compared with the bare driver of each database.

use std::process::Command;

use anyhow::Result;
use serde::Deserialize;

use super::report::Row;
use crate::databases::{Kind, Session};
use crate::{artifacts, command};

/// A line that the measuring program prints.
#[derive(Deserialize)]
struct Measured {
    case: String,
    value: f64,
    baseline: f64,
}

pub(crate) fn run() -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--bin=record"]);
    let programs = artifacts::build(&mut build)?;
    let record = artifacts::executable(&programs, "record")?;

    let session = Session::with(&[Kind::Postgres, Kind::Mongodb])?;
    let folder = tempfile::tempdir()?;
    let mut measure = Command::new(record);
    measure.arg("--sqlite").arg(folder.path());
    // The program finds the servers by these variables.
    session.apply(&mut measure);
    let output = command::output(&mut measure)?;
    session.stop()?;
    output
        .lines()
        .map(|line| {
            let Measured { case, value, baseline } = serde_json::from_str(line)?;
            Ok(Row::new("record", case, "1/s", [value, baseline]))
        })
        .collect()
}
