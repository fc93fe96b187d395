//! Whether the published crates compile as others compile them: with any one feature, with none, and
//! with the oldest compiler that their manifests allow.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{command, metadata, workspace};

/// Checks every published crate with no feature, and with each of its features alone.
pub(crate) fn each_alone() -> Result<()> {
    for package in metadata::published()? {
        let features = package.features.keys().filter(|feature| *feature != "default");
        for feature in [None].into_iter().chain(features.map(Some)) {
            // Clippy, for its `-D warnings` of our own crates: with `RUSTFLAGS` all dependencies
            // would be compiled again.
            let mut check = command::cargo();
            check.args(["clippy", "--quiet", "--locked", "--no-default-features"]);
            check.args(["--package", &package.name]);
            check.args(feature.iter().flat_map(|feature| ["--features", feature]));
            command::run(check.args(["--", "-D", "warnings"]))?;
        }
    }
    Ok(())
}

/// Checks the published crates with the oldest compiler that they promise to work with.
pub(crate) fn oldest_rust() -> Result<()> {
    let packages = metadata::published()?;
    let version = packages.iter().find_map(|package| package.rust_version.as_deref());
    let version = version.context("no manifest says `rust-version`")?;
    if !is_installed(version) {
        eprintln!("Rust {version} is not installed: not checked here, but in the forge's workflow");
        return Ok(());
    }
    let mut check = Command::new("rustup");
    check.current_dir(workspace::root()).args(["run", version, "cargo", "check", "--locked"]);
    check.args(packages.iter().flat_map(|package| ["--package", &package.name]));
    // Beside what the usual compiler builds.
    check.env("CARGO_TARGET_DIR", workspace::target().join("oldest-rust"));
    command::run(&mut check)
}

/// Returns `true` if rustup has this toolchain.
fn is_installed(version: &str) -> bool {
    let mut which = Command::new("rustup");
    which.args(["which", "cargo", "--toolchain", version]);
    // Otherwise it installs what is missing.
    which.env("RUSTUP_AUTO_INSTALL", "0");
    command::output(&mut which).is_ok()
}
