//! The program behind `cargo xtask`.
//!
//! It has no dependencies and compiles in a second, because the first thing a newcomer runs is
//! `cargo xtask demo`, and every crate compiled before the demo's own is time spent waiting. All
//! other tasks live in the package `xtask`, which needs a few dozen crates.

#![allow(clippy::print_stderr, reason = "a command-line program talks to its terminal")]

mod demo;

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let result = if arguments == ["demo"] {
        demo::run(true)
    } else if arguments == ["demo", "--no-serve"] {
        demo::run(false)
    } else {
        run_task(&arguments)
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// Builds the package `xtask` and runs it with `arguments`.
fn run_task(arguments: &[OsString]) -> Result<ExitCode, Box<dyn Error>> {
    let mut task = cargo("run");
    let status = task.args(["--package", "xtask", "--"]).args(arguments).status()?;
    // A signal leaves no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// A command of cargo's for this workspace.
///
/// It runs in the current folder, so that a relative `CARGO_TARGET_DIR` means the folder that this
/// program was built into.
fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg(command).arg("--manifest-path").arg(root().join("Cargo.toml"));
    cargo
}

/// The folder of the workspace's manifest.
fn root() -> PathBuf {
    // Cargo sets the variable for a program that it runs. The value from the build serves one that
    // is started by hand.
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.ancestors().nth(2).map_or(package.clone(), Path::to_path_buf)
}
