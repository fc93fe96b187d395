//! Debian's packages, for what the machine lacks.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::command;

/// Whether packages can be installed here: only on Debian and its kin, and only as root.
pub(crate) fn can_install() -> Result<bool> {
    let apt_get = Command::new("apt-get").arg("--version").stdout(Stdio::null()).status();
    Ok(apt_get.is_ok_and(|status| status.success()) && is_root()?)
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(command::output(Command::new("id").arg("-u"))?.trim() == "0")
}

pub(crate) fn update() -> Result<()> {
    apt_get(&["update"])
}

pub(crate) fn install(package: &str) -> Result<()> {
    apt_get(&["install", "--no-install-recommends", package])
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut apt_get = Command::new("apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive");
    // Another installation on the machine may be under way.
    apt_get.args(["--yes", "--quiet", "-o", "DPkg::Lock::Timeout=300"]).args(arguments);
    // Standard output belongs to the lines of `databases env`.
    command::run(apt_get.stdout(std::io::stderr()))
}
