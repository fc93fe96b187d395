//! How a command fails: with exit code 2 for wrong usage, and 1 for everything else.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use ticket_query::sanitize;

/// Wrong usage. The text says what to write instead.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Converts the error of a query. A query that cannot be answered is wrong usage.
pub(crate) fn of_query(error: ticket_core::Error) -> anyhow::Error {
    if error.kind() == ticket_core::ErrorKind::Config {
        Usage(error.message().to_owned()).into()
    } else {
        error.into()
    }
}

/// Reports an error on standard error and returns the exit code. A closed pipe is not a failure: its
/// reader has seen enough.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    say(&format!("error: {}", with_causes(error)));
    ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
}

/// Returns the error with its causes, without those that only repeat another one, as drivers' errors do.
fn with_causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !cause.contains(&last) && !last.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        last = cause;
    }
    text
}

/// Writes to standard error, safe for a terminal.
pub(crate) fn say(text: &str) {
    let lines: Vec<String> = sanitize::lines(text).collect();
    // If standard error is closed as well, nobody is left to tell.
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
