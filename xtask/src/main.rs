//! The tasks of this workspace, as `cargo xtask TASK`.
//!
//! Everything that a contributor or CI does beyond plain cargo is a task here, in Rust, so that both run
//! the same code.

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
mod fault_tools;
mod faults;
mod features;
mod languages;
mod metadata;
mod package;
mod stages;
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
    /// Test the dashboard in a real browser, and make pictures of its pages
    Browser(test::browser::Arguments),
    /// Test that the JSON API does what its OpenAPI document says
    Api,
    /// Run the fault tests in their long form: servers are killed and stopped under load
    Faults,
    /// Run a small service whose requests fail, then list the tickets it made and serve their dashboard
    Demo(demo::Arguments),
    /// Check each published crate with no feature, and with each of its features alone
    Features,
    /// Package the published crates, and use the packages as a stranger's program would
    Package,
    /// Run everything that CI runs: the checks, the demo, the packages, the tests
    Ci(ci::Arguments),
    /// Run a benchmark, in release mode
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Databases(arguments) => databases::run(&arguments).map(|()| true),
        Task::Test(arguments) => test::run(&arguments),
        Task::Browser(arguments) => test::browser::run(&arguments),
        Task::Api => test::api::run(),
        Task::Faults => faults::run(),
        Task::Demo(arguments) => demo::run(&arguments).map(|()| true),
        Task::Features => features::each_alone().map(|()| true),
        Task::Package => package::run().map(|()| true),
        Task::Ci(arguments) => ci::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments).map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        // The problems are on the screen already, above the closing line.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
