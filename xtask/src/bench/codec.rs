//! The codec of the spool's entries, against `rmp-serde`.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::report::Row;
use crate::{artifacts, command};

/// A line of the program that measures.
#[derive(Deserialize)]
struct Measured {
    case: String,
    bytes: f64,
    encode: f64,
    decode: f64,
}

pub(crate) fn run() -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--no-default-features"]);
    build.arg("--bin=codec");
    let programs = artifacts::build(&mut build)?;
    let output = command::output(&mut Command::new(artifacts::executable(&programs, "codec")?))?;
    let measured: Vec<Measured> =
        output.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let baseline = measured.first().context("the benchmark printed nothing")?;
    let rows = measured.iter().flat_map(|of| {
        [
            ("bytes", "bytes", of.bytes, baseline.bytes),
            ("encode", "ns", of.encode, baseline.encode),
            ("decode", "ns", of.decode, baseline.decode),
        ]
        .map(|(what, unit, value, against)| {
            Row::new("codec", format!("{}, {what}", of.case), unit, [value, against])
        })
    });
    Ok(rows.collect())
}
