//! `cargo xtask faults`: servers killed and stopped under load, in their long form; `cargo xtask test`
//! runs the short one.

use anyhow::Result;

use crate::command;
use crate::databases::programs;

/// How many lines of a log are on their way when a server fails.
const LINES: &str = "200000";

pub(crate) fn run() -> Result<()> {
    handover()?;
    let mut tests = command::cargo();
    tests.args(["test", "--release", "-p", "ticket-cli", "--test", "faults", "--", "--nocapture"]);
    tests.envs(programs()?);
    tests.env("TICKET_REQUIRE_SERVERS", "1").env("TICKET_FAULT_LINES", LINES);
    command::run(&mut tests)
}

/// F40: the spool's handover between threads, in the orders in which they may run.
fn handover() -> Result<()> {
    let mut tests = command::cargo();
    // A flag that all crates are built with: in a folder of its own, or everything is built anew each time.
    tests.env("RUSTFLAGS", "--cfg ticket_loom").args(["test", "--release", "--target-dir", "target/loom"]);
    tests.args(["-p", "ticket-handler", "--lib", "spool::loom_tests"]);
    command::run(&mut tests)
}
