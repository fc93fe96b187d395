//! `cargo xtask test --matrix`: the conformance suite against every server that can run here.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::output::Report;
use super::process::{Screen, forward};
use crate::artifacts::{self, Artifact};
use crate::databases::{Kind, Postgres, Session};
use crate::{command, workspace};

/// A row of the table: a backend, and the server that it runs against.
struct Row {
    package: &'static str,
    server: &'static str,
    start: fn() -> Result<Session>,
}

/// The variables that the adapters' suites read, whatever server it is.
const POSTGRES: &str = "TICKET_POSTGRES_URL";
const MONGODB: &str = "TICKET_MONGODB_URL";

const ROWS: [Row; 9] = [
    Row { package: "ticket-memory", server: "(in the process)", start: || Session::with(&[]) },
    Row { package: "ticket-sqlite", server: "(a file)", start: || Session::with(&[]) },
    Row { package: "ticket-postgres", server: "PostgreSQL 13", start: || postgres(13) },
    Row { package: "ticket-postgres", server: "PostgreSQL 15", start: || postgres(15) },
    Row { package: "ticket-postgres", server: "PostgreSQL 18", start: || postgres(18) },
    Row {
        package: "ticket-postgres",
        server: "PostgreSQL 15, pgbouncer",
        start: || as_variable(Kind::Pgbouncer, POSTGRES),
    },
    Row {
        package: "ticket-mongo",
        server: "MongoDB 6.0, standalone",
        start: || as_variable(Kind::MongodbStandalone, MONGODB),
    },
    Row {
        package: "ticket-mongo",
        server: "MongoDB 6.0, set of one",
        start: || as_variable(Kind::Mongodb, MONGODB),
    },
    Row {
        package: "ticket-mongo",
        server: "MongoDB 6.0, set of three",
        start: || as_variable(Kind::MongodbCluster, MONGODB),
    },
];

fn postgres(version: u32) -> Result<Session> {
    let mut session = Session::with(&[])?;
    session.add(Postgres::provide_version(version)?.start()?, POSTGRES)?;
    Ok(session)
}

fn as_variable(kind: Kind, variable: &'static str) -> Result<Session> {
    let mut session = Session::with(&[kind])?;
    session.rename(kind.variable(), variable);
    Ok(session)
}

/// Runs the rows whose name contains the text, and returns `true` if all is well.
///
/// They run one after the other, so that each server has the machine to itself.
pub(crate) fn run(only: &str) -> Result<bool> {
    let only = only.to_lowercase();
    let named =
        |row: &&Row| format!("{} {}", row.package, row.server).to_lowercase().contains(&only);
    let rows: Vec<&Row> = ROWS.iter().filter(named).collect();
    let suites = Suites::build(&rows)?;
    let mut problems = Vec::new();
    let mut results = Vec::new();
    for row in rows {
        println!("\n== {} on {}", row.package, row.server);
        let (report, found) = suites.run(row).unwrap_or_else(|error| {
            // Without its server a row has failed: what did not run has not passed.
            (Report::default(), vec![format!("{error:#}")])
        });
        let found = found.into_iter().chain(report.problems());
        problems.extend(found.map(|problem| format!("{}: {problem}", row.server)));
        results.push((row, report));
    }
    print!("{}", table(&results));
    for problem in &problems {
        println!("error: {problem}");
    }
    let verdict = if results.is_empty() { "no such server" } else { "done" };
    println!("\n{verdict}: {} servers, {} problems", results.len(), problems.len());
    Ok(problems.is_empty() && !results.is_empty())
}

/// Copies of the suites' programs, which stay the same if somebody compiles meanwhile.
struct Suites {
    folder: TempDir,
    artifacts: Vec<Artifact>,
}

impl Suites {
    fn build(rows: &[&Row]) -> Result<Self> {
        let mut build = command::cargo();
        build.args(["test", "--no-run", "--test", "conformance"]);
        build.args(rows.iter().flat_map(|row| ["--package", row.package]));
        let folder = tempfile::tempdir()?;
        let artifacts = if rows.is_empty() { Vec::new() } else { artifacts::build(&mut build)? };
        for Artifact { package, executable, .. } in &artifacts {
            let copy = folder.path().join(package);
            fs::copy(executable, copy).with_context(|| format!("cannot copy {package}'s suite"))?;
        }
        Ok(Self { folder, artifacts })
    }

    fn program(&self, row: &Row) -> Result<PathBuf> {
        let is_built = self.artifacts.iter().any(|artifact| artifact.package == row.package);
        is_built
            .then(|| self.folder.path().join(row.package))
            .with_context(|| format!("cargo compiled no suite of {}", row.package))
    }

    fn run(&self, row: &Row) -> Result<(Report, Vec<String>)> {
        let mut suite = Command::new(self.program(row)?);
        // Where cargo runs tests.
        suite.current_dir(workspace::root().join(row.package));
        let servers = (row.start)()?;
        servers.apply(&mut suite);
        suite.env("TICKET_REQUIRE_SERVERS", "1");
        let mut report = Report::default();
        report.begin(format!("{} on {}", row.package, row.server));
        let result = forward(suite, report, &Screen::Terminal);
        servers.stop()?;
        result
    }
}

/// Formats the results as Markdown for the README. A row without any test is shown as "did not run".
fn table(results: &[(&Row, Report)]) -> String {
    let mut text = String::from("\n| backend | server | passed | failed | ignored |\n");
    text.push_str("|---|---|---:|---:|---:|\n");
    for (row, report) in results {
        let (passed, failed, ignored) = (report.passed(), report.failed(), report.ignored());
        let failed =
            if passed + failed == 0 { "did not run".to_owned() } else { failed.to_string() };
        let _ = writeln!(
            text,
            "| {} | {} | {passed} | {failed} | {ignored} |",
            row.package, row.server
        );
    }
    for (row, report) in results {
        for skipped in report.targets.iter().flat_map(super::output::Target::skipped) {
            let _ = writeln!(
                text,
                "ignored on {}: `{}`: lacks {}: {}",
                row.server, skipped.case, skipped.capability, skipped.reason
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_did_not_run_does_not_look_as_if_it_passed() {
        let mut ran = Report::default();
        ran.begin("ticket-memory".into());
        ran.read_line("test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured");
        ran.finish();
        let text = table(&[(&ROWS[0], ran), (&ROWS[2], Report::default())]);
        assert!(text.contains("| ticket-memory | (in the process) | 10 | 0 | 0 |"), "{text}");
        assert!(text.contains("| PostgreSQL 13 | 0 | did not run | 0 |"), "{text}");
    }
}
