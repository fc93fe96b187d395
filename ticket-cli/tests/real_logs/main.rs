//! Logs of real programs that these tests start, ingested into SQLite by the real command.
//!
//! The environment names the programs of PostgreSQL and mongod; `cargo xtask databases env` prints it. Without them,
//! the cases are ignored with the reason, and fail under `CI` or `TICKET_REQUIRE_SERVERS=1`. All other programs are
//! those of the machine. The case of a program that is missing is ignored, and says what would provide it; `cargo
//! xtask faults` installs what it can.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "the tickets are shown with --nocapture, and why a case is ignored"
)]

mod expect;
mod mongod;
mod need;
mod postgres;
mod programs;
mod rust;
mod server;
mod servers;
mod store;

use libtest_mimic::{Arguments, Failed, Trial};

/// The result of a case.
type Outcome = Result<(), Box<dyn std::error::Error>>;
type Case = fn() -> Outcome;

fn main() -> std::process::ExitCode {
    if let Some(name) = std::env::var_os(rust::PROGRAM) {
        rust::run(&name.to_string_lossy());
        return std::process::ExitCode::SUCCESS;
    }
    let cases: [(&str, &str, Case); 4] = [
        ("postgres_jsonlog", postgres::BIN, postgres::jsonlog),
        ("postgres_csvlog", postgres::BIN, postgres::csvlog),
        ("postgres_plain_log", postgres::BIN, postgres::plain),
        ("mongod_log", mongod::PROGRAM, mongod::own_log),
    ];
    let mut trials: Vec<Trial> =
        cases.into_iter().map(|(name, variable, case)| trial(name, variable, case)).collect();
    trials.extend(programs::all().into_iter().map(|program| {
        let (name, need) = (program.name, program.need);
        need::trial(name, need, move || program.check())
    }));
    trials.extend(servers::ALL.map(|(name, need, case)| need::trial(name, need, case)));
    trials.extend(rust::ALL.map(|program| {
        Trial::test(program.name, move || {
            program.check().map_err(|error| Failed::from(error.to_string()))
        })
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, variable: &'static str, case: Case) -> Trial {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    if set(variable) {
        return Trial::test(name, move || case().map_err(|error| Failed::from(error.to_string())));
    }
    let required = set("CI") || set("TICKET_REQUIRE_SERVERS");
    let reason = format!("{variable} is not set: see `cargo xtask databases env`");
    let shown = if required { name.to_owned() } else { format!("{name}: {reason}") };
    Trial::test(shown, move || Err(Failed::from(reason))).with_ignored_flag(!required)
}
