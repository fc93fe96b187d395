//! The accuracy and speed of templates on labelled logs, compared with replacing each word that contains a digit.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use super::report::{Measured, Row};
use crate::{artifacts, command};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder of the logs: CSV files with the columns Content and EventId, such as those of LogHub
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--no-default-features"]);
    let programs = artifacts::build(build.arg("--bin=grouping"))?;
    let mut measure = Command::new(artifacts::executable(&programs, "grouping")?);
    Measured::rows("grouping", &command::output(measure.arg(&arguments.folder))?)
}
