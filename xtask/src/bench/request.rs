//! The time that a middleware adds to an HTTP request: ours, compared with others.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::report::Row;
use crate::{artifacts, command};

/// A line that the measuring program prints: medians, in nanoseconds.
#[derive(Deserialize)]
struct Measured {
    way: String,
    fails: bool,
    case: String,
    mean: f64,
    p50: f64,
    p99: f64,
    added: f64,
    p99_to_ticket: f64,
    skipped: f64,
}

/// The case that all others are compared with.
const BASELINE: &str = "handler alone";
const OURS: &str = "ticket-tower";
const IN_PROCESS: &str = "in process";
/// The cases whose added time is compared with ours.
const OTHERS: [&str; 5] = [
    "TraceLayer, filtered out",
    "TraceLayer, fmt to a sink",
    "TraceLayer, fmt to a file",
    "sentry-tower",
    "sentry-tower, transactions",
];

pub(crate) fn run() -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--no-default-features"]);
    build.args(["--features=http", "--bin=request"]);
    let programs = artifacts::build(&mut build)?;
    let folder = tempfile::tempdir()?;
    let output = command::output(
        Command::new(artifacts::executable(&programs, "request")?).arg(folder.path()),
    )?;
    let measured: Vec<Measured> =
        output.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    rows(&measured)
}

fn rows(measured: &[Measured]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for row in measured {
        let of = |case: &str| {
            let is_it =
                |of: &&Measured| of.case == case && (&of.way, of.fails) == (&row.way, row.fails);
            measured.iter().find(is_it).with_context(|| format!("no case {case:?}"))
        };
        let baseline = of(BASELINE)?;
        let fails = if row.fails { ", 1 % fail" } else { "" };
        let setting = format!("{}{fails}", row.way);
        let case = format!("{setting}: {}", row.case);
        let mut add = |case: String, unit, values| {
            rows.push(Row::new("request", case, unit, values));
        };
        if row.way.starts_with(IN_PROCESS) {
            add(format!("{case}, mean"), "ns", [row.mean, baseline.mean]);
        } else {
            add(format!("{case}, requests"), "1/s", [1e9 / row.mean, 1e9 / baseline.mean]);
        }
        add(format!("{case}, p50"), "ns", [row.p50, baseline.p50]);
        add(format!("{case}, p99"), "ns", [row.p99, baseline.p99]);
        if row.skipped > 0.0 {
            let case = format!("{case}, not told to an event handler");
            add(case, "%", [row.skipped * 100.0, 100.0]);
        }
        if row.case == OURS {
            for other in OTHERS {
                let case = format!("{setting}: added by {OURS}, to that by {other}");
                add(case, "ns", [row.added, of(other)?.added]);
            }
        } else if row.case.starts_with(OURS) {
            let p99 = of(OURS)?.p99;
            // The median of the ratios, which is steadier than the ratio of the medians.
            let case = format!("{case}, p99 to that without event handlers");
            add(case, "ns", [row.p99_to_ticket * p99, p99]);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLER: &str = "ticket-tower, 1 handler";

    #[test]
    fn each_case_is_compared_with_the_handler_alone_and_ours_with_the_others() {
        let case = |way: &str, case: &str, mean| Measured {
            way: way.into(),
            fails: false,
            case: case.into(),
            mean,
            p50: mean,
            p99: 2.0 * mean,
            added: mean - 1_000.0,
            p99_to_ticket: 1.25,
            skipped: if case == HANDLER { 0.5 } else { 0.0 },
        };
        let mut measured = Vec::new();
        for way in [IN_PROCESS, "1 connection"] {
            let mut add = |name, mean| measured.push(case(way, name, mean));
            add(BASELINE, 1_000.0);
            add(OURS, 1_500.0);
            add(HANDLER, 2_000.0);
            OTHERS.iter().for_each(|other| add(other, 3_000.0));
        }
        let rows = rows(&measured).unwrap();
        assert_eq!(rows.len(), 2 * (3 * 8 + 5 + 2));
        let ratio = |case: &str| rows.iter().find(|row| row.case == case).map(|row| row.ratio);
        assert_eq!(ratio("in process: ticket-tower, mean"), Some(1.5));
        assert_eq!(ratio("1 connection: sentry-tower, requests"), Some(1.0 / 3.0));
        assert_eq!(ratio("in process: added by ticket-tower, to that by sentry-tower"), Some(0.25));
        let hangs = "1 connection: ticket-tower, 1 handler, p99 to that without event handlers";
        assert_eq!(ratio(hangs), Some(1.25));
        let skipped = "1 connection: ticket-tower, 1 handler, not told to an event handler";
        assert_eq!(ratio(skipped), Some(0.5));
    }
}
