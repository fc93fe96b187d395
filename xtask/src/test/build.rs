//! Building the tests first, which tells what each test program is: while it runs them, cargo says
//! `tests/conformance.rs` for every backend alike.

use std::collections::HashMap;

use anyhow::Result;

use crate::artifacts::{self, Artifact};
use crate::command;

/// What a person calls each test program, by the program's file name.
pub(crate) type Names = HashMap<String, String>;

/// Builds the tests that cargo's arguments select.
pub(crate) fn executables(scope: Option<&str>, arguments: &[String]) -> Result<Names> {
    let arguments: Vec<&String> = arguments.iter().take_while(|word| *word != "--").collect();
    // There is nothing to build ahead for documentation tests, and cargo refuses to.
    if arguments.iter().any(|argument| *argument == "--doc") {
        return Ok(Names::new());
    }
    let mut build = command::cargo();
    build.args(["test", "--no-run"]).args(scope).args(arguments);
    Ok(artifacts::build(&mut build)?.iter().filter_map(named).collect())
}

fn named(artifact: &Artifact) -> Option<(String, String)> {
    let file = artifact.executable.file_name()?.to_str()?.to_owned();
    let Artifact { package, kind, target, .. } = artifact;
    let name = match kind.as_str() {
        "lib" => format!("{package} (unit tests)"),
        "test" => format!("{package} tests/{target}"),
        kind => format!("{package} {kind} {target}"),
    };
    Some((file, name))
}
