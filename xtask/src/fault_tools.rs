//! The programs with which fault tests change what another program gets from the system: `strace` makes its
//! system calls fail, and `faketime` gives it another clock.

use anyhow::Result;

use crate::debian;

/// The programs, which are also the names of their Debian packages.
const PROGRAMS: [&str; 2] = ["faketime", "strace"];

/// Installs the missing programs. If that is not possible, the cases that need them are ignored with the reason.
pub(crate) fn install() {
    let missing: Vec<&str> =
        PROGRAMS.into_iter().filter(|program| !is_installed(program)).collect();
    if let Err(error) = install_from_debian(&missing) {
        eprintln!("cannot install {}: {error:#}", missing.join(" and "));
    }
}

fn install_from_debian(missing: &[&str]) -> Result<()> {
    if missing.is_empty() || !debian::can_install()? {
        return Ok(());
    }
    debian::update()?;
    missing.iter().try_for_each(|package| debian::install(package))
}

/// Returns `true` if a folder of `PATH` has this program.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
