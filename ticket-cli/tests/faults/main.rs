//! Faults while `ticket ingest` records: servers are killed and stopped, and many processes compete. Afterwards
//! every line is counted exactly once.
//!
//! The names of the cases begin with the number of the fault: F02 a server is killed, F03 a server is stopped,
//! F07 several processes write the same tickets, F08 lines come twice, F09 the first occurrence of a ticket,
//! F12 a primary fails, F17 several processes set up a store, F39 the application rolls back.
//!
//! Each case starts its own servers. The environment names their programs; `cargo xtask databases env` prints
//! it. Without them, the cases are ignored with the reason, and fail under `CI` or `TICKET_REQUIRE_SERVERS=1`.
//!
//! `TICKET_FAULT_LINES` is the number of lines (20,000 by default), and `TICKET_FAULT_STOP` the number of seconds
//! for which a server is stopped (4 by default). `cargo xtask faults` sets more.

#![allow(clippy::print_stdout, reason = "measurements are shown with --nocapture")]

mod crowd;
mod load;
#[cfg(feature = "mongo")]
mod mongod;
#[cfg(feature = "mongo")]
mod mongod_alone;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod ticket;

use std::time::Duration;

use libtest_mimic::Arguments;
use ticket_faults::Outcome;
use ticket_faults::case::{self, trial};

/// The name of a case, the variable with the program of its server if it has one, and its function.
type Case = (&'static str, Option<&'static str>, fn() -> Outcome);

/// The location of a store, which exists as long as this value.
trait Place {
    /// Returns the URL with the time that a call may take. Other options may be appended with `&`.
    fn url_with_timeout(&self, seconds: u32) -> String;

    /// Returns the URL for calls that must succeed on a busy machine.
    fn url(&self) -> String {
        self.url_with_timeout(120)
    }

    /// Returns the URL for calls that notice a fault soon.
    fn impatient_url(&self) -> String {
        self.url_with_timeout(2)
    }
}

/// Returns how long a server is stopped: longer than a call may take.
fn stop_time() -> Duration {
    let seconds = std::env::var("TICKET_FAULT_STOP").ok();
    Duration::from_secs(seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(4))
}

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case has servers of its own, and mostly waits for them. In the long form it loads all cores.
    arguments.test_threads = Some(if case::long() { 1 } else { 2 });
    let cases: &[&[Case]] = &[
        #[cfg(feature = "sqlite")]
        sqlite::CASES,
        #[cfg(feature = "postgres")]
        postgres::CASES,
        #[cfg(feature = "mongo")]
        mongod::CASES,
        #[cfg(feature = "mongo")]
        mongod_alone::CASES,
    ];
    let trials =
        cases.concat().into_iter().map(|(name, variable, case)| trial(name, variable, case));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
