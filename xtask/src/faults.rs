//! `cargo xtask faults`: servers killed and stopped under load, in their long form; `cargo xtask test`
//! runs the short one.

use anyhow::Result;

use crate::command;
use crate::databases::programs;

/// How many lines of a log are on their way when a server fails.
const LINES: &str = "200000";

pub(crate) fn run() -> Result<()> {
    let mut tests = command::cargo();
    tests.args(["test", "--release", "-p", "ticket-cli", "--test", "faults", "--", "--nocapture"]);
    tests.envs(programs()?);
    tests.env("TICKET_REQUIRE_SERVERS", "1").env("TICKET_FAULT_LINES", LINES);
    command::run(&mut tests)
}
