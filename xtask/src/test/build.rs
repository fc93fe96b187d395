//! Compiling the tests before they run.

use std::collections::HashMap;

use anyhow::Result;

use crate::artifacts::{self, Artifact};
use crate::command;

/// What a person calls each test program, by the program's file name: while it runs them, cargo says
/// `tests/conformance.rs` for every backend alike.
pub(crate) type Names = HashMap<String, String>;

/// Compiles the tests that cargo's arguments select, and returns the programs.
pub(super) fn programs(arguments: &[&str]) -> Result<Vec<Artifact>> {
    let mut build = command::cargo();
    build.args(["test", "--no-run"]).args(arguments);
    let mut programs = artifacts::build(&mut build)?;
    programs.retain(|program| program.is_test);
    Ok(programs)
}

/// Compiles the command `ticket` and the example `fill`, which fills a store for it.
///
/// The features are those that the other tests have, so all share what is compiled. Cargo gives them only if a target is
/// built that may use the dependencies of tests, which the example is.
pub(super) fn command_and_fill() -> Result<Vec<Artifact>> {
    let mut build = command::cargo();
    build.args(["build", "--workspace", "--bin", "ticket", "--example", "fill"]);
    artifacts::build(&mut build)
}

/// Compiles the tests that cargo's arguments select, and returns the names of the programs.
pub(super) fn names(scope: Option<&str>, arguments: &[String]) -> Result<Names> {
    let arguments = arguments.iter().take_while(|word| *word != "--").map(String::as_str);
    let arguments: Vec<&str> = scope.into_iter().chain(arguments).collect();
    // Documentation examples cannot be compiled ahead: cargo refuses `--no-run` with `--doc`.
    if arguments.contains(&"--doc") {
        return Ok(Names::new());
    }
    programs(&arguments).map(|programs| named(&programs))
}

/// Returns the names of programs.
pub(super) fn named(programs: &[Artifact]) -> Names {
    let file = |program: &Artifact| Some(program.executable.file_name()?.to_str()?.to_owned());
    programs.iter().filter_map(|program| Some((file(program)?, name(program)))).collect()
}

/// What a person calls the program.
pub(super) fn name(program: &Artifact) -> String {
    let Artifact { package, kind, target, .. } = program;
    match kind.as_str() {
        "lib" => format!("{package} (unit tests)"),
        "test" => format!("{package} tests/{target}"),
        kind => format!("{package} {kind} {target}"),
    }
}
