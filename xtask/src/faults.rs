//! `cargo xtask faults`: servers killed and stopped under load, in their long form; `cargo xtask test`
//! runs the short one. They are the tests of all packages that are called `faults`.

use anyhow::Result;

use crate::command;
use crate::databases::{Kind, Session};

/// How many lines of a log are on their way when a server fails.
const LINES: &str = "200000";

/// For how many seconds a server stands still.
const STOP: &str = "60";

pub(crate) fn run() -> Result<()> {
    handover()?;
    // What kills a server has one for itself; the others share these.
    let servers = Session::with(&[Kind::Postgres, Kind::Pgbouncer, Kind::Mongodb])?;
    let mut tests = command::cargo();
    tests.args(["test", "--release", "--workspace", "--no-fail-fast", "--test", "faults"]);
    tests.args(["--", "--nocapture"]);
    servers.apply(&mut tests);
    tests.env("TICKET_REQUIRE_SERVERS", "1").env("TICKET_FAULT_LINES", LINES);
    tests.env("TICKET_FAULT_STOP", STOP).env("TICKET_FAULTS_LONG", "1");
    command::run(&mut tests)?;
    servers.stop()
}

/// F40: the spool's handover between threads, in the orders in which they may run.
fn handover() -> Result<()> {
    let mut tests = command::cargo();
    // A flag that all crates are built with: in a folder of its own, or everything is built anew each time.
    tests.env("RUSTFLAGS", "--cfg ticket_loom").args([
        "test",
        "--release",
        "--target-dir",
        "target/loom",
    ]);
    tests.args(["-p", "ticket-handler", "--lib", "spool::loom_tests"]);
    command::run(&mut tests)
}
