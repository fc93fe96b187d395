//! What the test programs have in common.

#![allow(dead_code, reason = "each program uses a part of it")]

use libtest_mimic::{Failed, Trial};

/// The variable that names the server.
pub(crate) const URL: &str = "TICKET_MONGODB_URL";

/// A test that needs a variable, and is ignored without it unless it has to run.
pub(crate) fn trial(
    name: &str,
    variable: Option<&'static str>,
    test: fn(String) -> Result<(), Failed>,
) -> Trial {
    let is_required = ["CI", "TICKET_REQUIRE_SERVERS"].iter().any(|name| {
        std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()))
    });
    let value = variable.map_or(Some(String::new()), |variable| std::env::var(variable).ok());
    let is_ignored = value.is_none() && !is_required;
    let run = move || test(value.ok_or_else(|| Failed::from(format!("{variable:?} is not set")))?);
    Trial::test(name, run).with_ignored_flag(is_ignored)
}

/// Runs a test to its end.
pub(crate) fn run(test: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(test)
}

/// Each test has a database of its own, which it drops.
pub(crate) fn database(test: &str) -> String {
    format!("ticket_{test}_{}", std::process::id())
}
