//! What is checked without running the project: format, lints, documentation, features, dependencies.

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};

use crate::stages::Stages;
use crate::test::outside;
use crate::{command, features, workspace};

/// The version of cargo-deny that `deny.toml` is written for.
const DENY: &str = "0.20.2";

/// Runs every check, also after one that fails, and returns the errors of those that failed.
pub(crate) fn run(stages: &mut Stages, advisories: bool) -> Vec<String> {
    type Check = (&'static str, fn() -> Result<()>);
    let checks: [Check; 6] = [
        ("format", || {
            command::run(command::cargo().args(["fmt", "--all", "--check"]))?;
            let arguments = ["fmt", "--check", "--manifest-path", outside::MANIFEST];
            command::run(command::cargo().args(arguments))
        }),
        ("lints", lints),
        ("documentation", documentation),
        ("features", || {
            // Checking one crate at a time leaves a third of two cores idle, which compiles cargo-deny. Where that
            // fails, its own check says so.
            let deny = thread::spawn(cargo_deny);
            let result = features::each_alone();
            let _ = deny.join();
            result
        }),
        ("oldest Rust", features::oldest_rust),
        ("dependencies", || dependencies(&["bans", "licenses", "sources"])),
    ];
    // Known vulnerabilities come from a database that is downloaded, which not every machine may do.
    let network: &[Check] = &[("advisories", || dependencies(&["advisories"]))];
    let mut problems = Vec::new();
    for &(name, check) in checks.iter().chain(if advisories { network } else { &[] }) {
        let result = stages.time(name, check);
        problems.extend(result.err().map(|error| format!("{name}: {error:#}")));
    }
    problems
}

fn lints() -> Result<()> {
    let mut clippy = command::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    command::run(&mut clippy)
}

fn documentation() -> Result<()> {
    let mut doc = command::cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    command::run(&mut doc)
}

fn dependencies(checks: &[&str]) -> Result<()> {
    let mut deny = Command::new(cargo_deny()?);
    deny.current_dir(workspace::root()).arg("check").args(checks);
    command::run(&mut deny)
}

/// Returns cargo-deny, after compiling it once into the target folder.
fn cargo_deny() -> Result<PathBuf> {
    let root = workspace::tools().join(format!("cargo-deny-{DENY}"));
    let program = root.join("bin").join("cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    let build = workspace::tools().join("build");
    let mut install = command::cargo();
    install.args(["install", "cargo-deny", "--locked", "--version", DENY, "--quiet"]);
    // It runs for a second; optimising it would take minutes.
    install.arg("--debug").env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    install.arg("--root").arg(&root).arg("--target-dir").arg(&build);
    command::run(&mut install)?;
    std::fs::remove_dir_all(&build)
        .context("cannot remove the files that compiling cargo-deny left")?;
    Ok(program)
}
