//! What is checked without running the project: format, lints, documentation, dependencies.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{command, workspace};

/// The version of cargo-deny that `deny.toml` is written for.
const DENY: &str = "0.20.2";

/// Runs every check, also after one that fails, and says what failed.
pub(crate) fn run(advisories: bool) -> Vec<String> {
    type Check = (&'static str, fn() -> Result<()>);
    let checks: [Check; 4] = [
        ("format", || command::run(command::cargo().args(["fmt", "--all", "--check"]))),
        ("lints", lints),
        ("documentation", documentation),
        ("dependencies", || dependencies(&["bans", "licenses", "sources"])),
    ];
    // Known vulnerabilities come from a database that is fetched, which not every machine may.
    let network: &[Check] = &[("advisories", || dependencies(&["advisories"]))];
    checks
        .iter()
        .chain(if advisories { network } else { &[] })
        .filter_map(|(name, check)| Some(format!("{name}: {:#}", check().err()?)))
        .collect()
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

/// cargo-deny, built once into the target folder.
fn cargo_deny() -> Result<PathBuf> {
    let root = workspace::tools().join(format!("cargo-deny-{DENY}"));
    let program = root.join("bin").join("cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    let build = workspace::tools().join("build");
    let mut install = command::cargo();
    install.args(["install", "cargo-deny", "--locked", "--version", DENY, "--quiet"]);
    // It works for a second and would be optimised for minutes.
    install.arg("--debug").env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    install.arg("--root").arg(&root).arg("--target-dir").arg(&build);
    command::run(&mut install)?;
    std::fs::remove_dir_all(&build).context("cannot remove what building cargo-deny left")?;
    Ok(program)
}
