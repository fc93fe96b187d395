//! Installing or unpacking Debian's packages.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::command;

/// Returns `true` if packages can be installed here: on Debian and its derivatives, as root.
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

/// Unpacks the newest version of these packages into a folder without installing them, together with
/// those of their dependencies that `asked` accepts.
///
/// This needs no rights, only Debian's lists of packages.
pub(crate) fn unpack(packages: &[&str], asked: fn(&str) -> bool, folder: &Path) -> Result<()> {
    let mut left: Vec<String> = packages.iter().map(|&package| package.to_owned()).collect();
    let mut done = HashSet::new();
    while let Some(package) = left.pop() {
        if !done.insert(package.clone()) {
            continue;
        }
        let work = tempfile::tempdir_in(folder)?;
        let mut download = Command::new("apt-get");
        // By default it downloads as a user of its own, who may not write here.
        download.args(["-o", "APT::Sandbox::User=root", "--quiet", "download", &package]);
        command::output(download.current_dir(work.path()))?;
        let files = fs::read_dir(work.path())?.collect::<Result<Vec<_>, _>>()?;
        let [file] = &files[..] else { bail!("downloading {package} left {} files", files.len()) };
        let deb = |option: &str| {
            let mut deb = Command::new("dpkg-deb");
            deb.arg(option).arg(file.path());
            deb
        };
        command::output(deb("--extract").arg(folder))?;
        let needs = command::output(deb("--field").arg("Depends"))?;
        left.extend(names(&needs).filter(|name| asked(name)).map(str::to_owned));
    }
    Ok(())
}

/// The packages in a field such as `libc6 (>= 2.34), gcc | clang`.
fn names(field: &str) -> impl Iterator<Item = &str> {
    field.split([',', '|']).filter_map(|package| package.split_whitespace().next())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut apt_get = Command::new("apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive");
    // Another installation may be running on the machine.
    apt_get.args(["--yes", "--quiet", "-o", "DPkg::Lock::Timeout=300"]).args(arguments);
    // Standard output is for the lines of `databases env`.
    command::run(apt_get.stdout(std::io::stderr()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_names_packages() {
        let field = "libstd-rust-web-1.96 (= 1.96.0+dfsg1-1), libc6 (>= 2.34) | musl,gcc\n";
        let names: Vec<&str> = names(field).collect();
        assert_eq!(names, ["libstd-rust-web-1.96", "libc6", "musl", "gcc"]);
    }
}
