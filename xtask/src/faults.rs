//! `cargo xtask faults`: servers killed and stopped under load, processes killed in bursts, orders of
//! threads: all in their long form, of which `cargo xtask test` runs the short one.

use anyhow::Result;

use crate::test;

/// The programs of tests in which faults are, in whichever package.
const TESTS: [&str; 8] =
    ["faults", "isolation", "losses", "recursion", "retention", "spool", "storm", "teardown"];

/// How many lines of a log are on their way when a server fails, for how many seconds one stands still,
/// and for all others that they are to be long.
const LONG: [(&str, &str); 3] =
    [("TICKET_FAULT_LINES", "200000"), ("TICKET_FAULT_STOP", "60"), ("TICKET_FAULTS_LONG", "1")];

pub(crate) fn run() -> Result<bool> {
    let tests = TESTS.iter().flat_map(|test| ["--test", test]);
    let arguments: Vec<String> =
        ["--release"].into_iter().chain(tests).map(str::to_owned).collect();
    test::run_with(&arguments, &LONG)
}
