//! The tasks of this workspace: `cargo xtask databases|test|faults|demo|ci|bench`.
//!
//! Everything that a contributor or CI does beyond plain cargo goes through here, in Rust, so that a
//! desk and CI run the same code.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program talks to its terminal"
)]

mod artifacts;
mod bench;
mod checks;
mod ci;
mod command;
mod databases;
mod debian;
mod demo;
mod faults;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of this workspace
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Start and stop the database servers that tests can use
    Databases(databases::Arguments),
    /// Run every test, and fail if one was skipped that should have run
    Test(test::Arguments),
    /// Kill and stop servers under load, and count what they have: the long form of these tests
    Faults,
    /// Let the example service fail for real, then list the tickets it made
    Demo,
    /// Do everything that CI does: the checks, then the tests
    Ci(ci::Arguments),
    /// Measure, in release mode
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Databases(arguments) => databases::run(&arguments).map(|()| true),
        Task::Test(arguments) => test::run(&arguments),
        Task::Faults => faults::run(),
        Task::Demo => demo::run().map(|()| true),
        Task::Ci(arguments) => ci::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments).map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        // What went wrong is on the screen already, above the closing line.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
