//! The time that an event costs the application, compared with other ways to log it.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::report::Row;
use crate::{artifacts, command};

/// A line that the measuring program prints, in nanoseconds per event.
#[derive(Deserialize)]
struct Measured {
    case: String,
    mean: f64,
    p50: f64,
    p99: f64,
    p999: f64,
}

/// The case that all others are compared with.
const BASELINE: &str = "fmt().json() to a file";
/// Cases that are compared with another one as well.
const OTHERS: [(&str, &str); 4] = [
    ("layer, spool on disk, in a request", "layer, spool on disk"),
    ("layer, spool on disk, with backtraces", "layer, spool on disk"),
    ("layer, storm", "layer, spool on disk"),
    ("layer, spool on disk, 8 threads", "layer, spool on disk"),
];

pub(crate) fn run() -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--no-default-features"]);
    build.arg("--bin=emit");
    let programs = artifacts::build(&mut build)?;
    let folder = tempfile::tempdir()?;
    let output = command::output(
        Command::new(artifacts::executable(&programs, "emit")?).arg(folder.path()),
    )?;
    let measured: Vec<Measured> =
        output.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    rows(&measured)
}

fn rows(measured: &[Measured]) -> Result<Vec<Row>> {
    let of = |case: &str| {
        measured.iter().find(|of| of.case == case).with_context(|| format!("no case {case:?}"))
    };
    let baseline = of(BASELINE)?;
    let mut rows = Vec::new();
    for row in measured {
        let values = |against: &Measured| {
            [
                (row.mean, against.mean, ""),
                (row.p50, against.p50, ", p50"),
                (row.p99, against.p99, ", p99"),
                (row.p999, against.p999, ", p99.9"),
            ]
        };
        for (value, against, what) in values(baseline) {
            rows.push(Row::new("emit", format!("{}{what}", row.case), "ns", [value, against]));
        }
    }
    for (case, against) in OTHERS {
        let values = [of(case)?.mean, of(against)?.mean];
        rows.push(Row::new("emit", format!("{case}, against {against}"), "ns", values));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_compared_with_the_json_file_and_some_with_another() {
        let case =
            |case: &str, mean| Measured { case: case.into(), mean, p50: 1.0, p99: 2.0, p999: 3.0 };
        let measured = [
            case("layer, spool on disk", 1_000.0),
            case("layer, spool on disk, in a request", 1_250.0),
            case("layer, spool on disk, with backtraces", 3_000.0),
            case("layer, storm", 100.0),
            case("layer, spool on disk, 8 threads", 500.0),
            case(BASELINE, 2_000.0),
        ];
        let rows = rows(&measured).unwrap();
        assert_eq!(rows.len(), 6 * 4 + 4);
        let ratio = |case: &str| rows.iter().find(|row| row.case == case).map(|row| row.ratio);
        assert_eq!(ratio("layer, storm"), Some(0.05));
        assert_eq!(ratio("layer, storm, against layer, spool on disk"), Some(0.1));
        assert_eq!(ratio("layer, spool on disk, 8 threads, p99.9"), Some(1.0));
    }
}
