//! Faults of the process in which the layer runs. Most of them need a separate process with a real `main`, so this
//! program starts itself again as a victim that an environment variable names.
#![allow(clippy::unwrap_used, clippy::print_stderr)] // Helpers unwrap too: a panic there fails the test.

mod exit;
mod fork;
mod limits;
mod panic;
mod process;
mod shutdown;
mod teardown;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use self::process::{NAME, Victim};

/// A test's name and its function.
type Case = (&'static str, fn());

fn main() -> ExitCode {
    let victims = || {
        let all =
            [exit::VICTIMS, fork::VICTIMS, limits::VICTIMS, panic::VICTIMS, teardown::VICTIMS];
        all.into_iter().flatten()
    };
    if let Ok(name) = std::env::var(NAME) {
        let (_, run) = victims().find(|(known, _)| *known == name).unwrap();
        return run(&Victim::new());
    }
    let cases =
        [exit::CASES, fork::CASES, limits::CASES, panic::CASES, shutdown::CASES, teardown::CASES];
    let trial = |(name, run): &Case| {
        let run = *run;
        Trial::test(*name, move || {
            run();
            Ok(())
        })
    };
    let trials = cases.into_iter().flatten().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
