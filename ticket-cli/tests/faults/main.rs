//! Servers that are killed and stopped while `ticket ingest` records: afterwards every line counts, and
//! counts once.
//!
//! Each case has servers of its own, so that what happens to them harms nobody else. Their programs are
//! named by the environment: `cargo xtask databases env` prints it. Without them the cases are ignored
//! with the reason, and fail under `CI` or `TICKET_REQUIRE_SERVERS=1`.
//!
//! How many lines are on their way says `TICKET_FAULT_LINES`, 20,000 if it is not set; `cargo xtask
//! faults` sets more.

#![allow(clippy::print_stdout, reason = "what was measured is shown with --nocapture")]

mod load;
#[cfg(feature = "mongo")]
mod mongod;
#[cfg(feature = "postgres")]
mod postgres;
mod process;

use libtest_mimic::{Arguments, Failed, Trial};

/// What a case ends with: whatever went wrong, as text.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A case, the variable that names its server's program, and what it does.
type Case = (&'static str, &'static str, fn() -> Outcome);

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case fills the machine by itself, and waits for deadlines.
    arguments.test_threads = Some(1);
    let cases: &[&[Case]] = &[
        #[cfg(feature = "postgres")]
        &postgres::CASES,
        #[cfg(feature = "mongo")]
        &mongod::CASES,
    ];
    let trials =
        cases.concat().into_iter().map(|(name, variable, case)| trial(name, variable, case));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trial(name: &str, variable: &'static str, case: fn() -> Outcome) -> Trial {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    if set(variable) {
        return Trial::test(name, move || case().map_err(|error| Failed::from(error.to_string())));
    }
    let required = set("CI") || set("TICKET_REQUIRE_SERVERS");
    let reason = format!("{variable} is not set: see `cargo xtask databases env`");
    let shown = if required { name.to_owned() } else { format!("{name}: {reason}") };
    Trial::test(shown, move || Err(Failed::from(reason))).with_ignored_flag(!required)
}
