//! How a command fails: exit code 2 for what was asked wrongly, 1 for everything else.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::output::sanitize;

/// The command was asked for something that cannot be; what to write instead is in the text.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The error of a query: what the query cannot be is wrong usage.
pub(crate) fn of_query(error: ticket_core::Error) -> anyhow::Error {
    if error.kind() == ticket_core::ErrorKind::Config {
        Usage(error.message().to_owned()).into()
    } else {
        error.into()
    }
}

/// Says on standard error what went wrong. A reader that went away is no failure: it has seen enough.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    say(&format!("error: {}", with_causes(error)));
    ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
}

/// The error and its causes, without those that only repeat another one: drivers do that.
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
    // Nobody is left to tell if standard error is closed too.
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
