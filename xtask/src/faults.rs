//! `cargo xtask faults`: the fault tests in their long form. `cargo xtask test` runs the short one.

use anyhow::Result;

use crate::{languages, test};

/// The test programs with faults, in any package.
const TESTS: [&str; 9] = [
    "faults",
    "isolation",
    "losses",
    "real_logs",
    "recursion",
    "retention",
    "spool",
    "storm",
    "teardown",
];

/// The number of lines that are on their way when a server fails, the seconds for which one stands still,
/// and the switch for all other tests.
const LONG: [(&str, &str); 3] =
    [("TICKET_FAULT_LINES", "200000"), ("TICKET_FAULT_STOP", "60"), ("TICKET_FAULTS_LONG", "1")];

pub(crate) fn run() -> Result<bool> {
    languages::install();
    let tests = TESTS.iter().flat_map(|test| ["--test", test]);
    let arguments: Vec<String> =
        ["--release"].into_iter().chain(tests).map(str::to_owned).collect();
    test::run_with(&arguments, &LONG)
}
