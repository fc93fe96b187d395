//! How long a person waits for `ticket list` and `ticket show`: the time of the whole process on a large
//! store, compared with a store of a hundredth of its size.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::report::Row;
use super::seed::{Size, seed};
use crate::{artifacts, command};

const RUNS: usize = 20;
const WARM_UP: usize = 3;
const LARGE: Size = Size { tickets: 100_000, occurrences: 1_000_000 };
const SMALL: Size = Size { tickets: 1_000, occurrences: 10_000 };

pub(crate) fn run() -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--bin=seed"]);
    let programs = artifacts::build(build.args(["--package=ticket-cli", "--bin=ticket"]))?;
    let fill = artifacts::executable(&programs, "seed")?;
    let ticket = artifacts::executable(&programs, "ticket")?;

    let folder = tempfile::tempdir()?;
    let stores = [LARGE, SMALL].map(|size| {
        let url = format!("sqlite:{}", folder.path().join(size.tickets.to_string()).display());
        seeded(fill, ticket, &url, size)
    });
    let [large, small] = stores;
    let [large, small] = [large?, small?];

    // The newest open tickets; all tickets by count; the ticket with the most occurrences.
    let cases: [&[&str]; 4] =
        [&["list"], &["list", "--sort=count", "--status=all"], &["show"], &["occurrences"]];
    cases
        .into_iter()
        .map(|arguments| {
            let measure = |store: &Store| store.median(ticket, arguments);
            let case = format!("ticket {}", arguments.join(" "));
            Ok(Row::new("list", case, "ms", [measure(&large)?, measure(&small)?]))
        })
        .collect()
}

/// A filled store, and its ticket with the most occurrences.
struct Store {
    url: String,
    busiest: String,
}

fn seeded(fill: &Path, ticket: &Path, url: &str, size: Size) -> Result<Store> {
    seed(fill, url, size)?;
    let arguments = ["list", "--json", "--status=all", "--sort=count", "--limit=1", "--url", url];
    let list = command::output(Command::new(ticket).args(arguments))?;
    let newest: serde_json::Value = serde_json::from_str(list.lines().next().unwrap_or_default())
        .context("`ticket list --json` printed no ticket")?;
    let busiest = newest["id"].as_str().context("a ticket without an id")?.to_owned();
    Ok(Store { url: url.to_owned(), busiest })
}

impl Store {
    /// The median time of a command, in milliseconds.
    fn median(&self, ticket: &Path, arguments: &[&str]) -> Result<f64> {
        let mut command = Command::new(ticket);
        command.args(arguments).args(["--url", &self.url]);
        if matches!(arguments, ["show" | "occurrences", ..]) {
            command.arg(&self.busiest);
        }
        // A list on a wide terminal has charts too.
        command.env("COLUMNS", "160").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut times = Vec::with_capacity(RUNS);
        for run in 0..WARM_UP + RUNS {
            let started = Instant::now();
            let status = command.status()?;
            let time = started.elapsed().as_secs_f64() * 1_000.0;
            ensure!(status.success(), "`{}` failed: {status}", command::shown(&command));
            if run >= WARM_UP {
                times.push(time);
            }
        }
        Ok(median(times))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < f64::EPSILON);
    }
}
