//! Servers that are killed and stopped while `ticket ingest` records, and many processes that are in each
//! other's way: afterwards every line counts, and counts once. The names begin with the number of the
//! fault: F02 is a server that is killed, F03 one that stands still, F07 writers of the same tickets, F08
//! lines that come twice, F09 the first occurrence, F12 a primary that fails, F17 set-up by many, F39 an
//! application that rolls back.
//!
//! Each case has servers of its own, so that what happens to them harms nobody else. Their programs are
//! named by the environment: `cargo xtask databases env` prints it. Without them the cases are ignored
//! with the reason, and fail under `CI` or `TICKET_REQUIRE_SERVERS=1`.
//!
//! How many lines are on their way says `TICKET_FAULT_LINES`, 20,000 if it is not set, and for how many
//! seconds a server stands still `TICKET_FAULT_STOP`, 4 if it is not set; `cargo xtask faults` sets more.

#![allow(clippy::print_stdout, reason = "what was measured is shown with --nocapture")]

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
use ticket_faults::case::trial;

/// A case, the variable that names its server's program if it has one, and what it does.
type Case = (&'static str, Option<&'static str>, fn() -> Outcome);

/// Where a store is, while this value lives.
trait Place {
    /// With the time that a call may take at most. Other options may be added behind it with `&`.
    fn url_with_timeout(&self, seconds: u32) -> String;

    /// For calls whose answer must not be missed because the machine is busy.
    fn url(&self) -> String {
        self.url_with_timeout(120)
    }

    /// For calls that soon notice that something is wrong.
    fn impatient_url(&self) -> String {
        self.url_with_timeout(2)
    }
}

/// How long a server stands still: longer than a call may take.
fn stop_time() -> Duration {
    let seconds = std::env::var("TICKET_FAULT_STOP").ok();
    Duration::from_secs(seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(4))
}

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case fills the machine by itself, and waits for deadlines.
    arguments.test_threads = Some(1);
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
