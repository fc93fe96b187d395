//! A compiler with the sources of its standard library, which can then be compiled with other flags.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{command, debian, workspace};

pub(super) struct Toolchain {
    /// The target triple, which is also the host.
    host: String,
    sysroot: PathBuf,
    /// The folder of its own libraries, if it does not find them by itself.
    libraries: Option<PathBuf>,
}

impl Toolchain {
    /// Returns the toolchain that cargo uses, if it has the sources, or else Debian's newest, unpacked into
    /// the target folder.
    ///
    /// Debian's, because a machine may reach Debian's packages but not rustup's.
    pub(super) fn provide() -> Result<Self> {
        let version = command::output(rustc().arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc does not say what it runs on")?.to_owned();
        let own = command::output(rustc().args(["--print", "sysroot"]))?;
        let own = PathBuf::from(own.trim());
        if has_sources(&own) {
            return Ok(Self { host, sysroot: own, libraries: None });
        }
        let folder = workspace::tools().join("debian-rust");
        if !folder.is_dir() {
            unpack(&folder, &runtimes(&own, &host)?, &host).context(
                "the sources of the standard library are not here: `rustup component add rust-src` installs them",
            )?;
        }
        let sysroot = folder.join("usr");
        Ok(Self { host, libraries: Some(driver(&sysroot)?), sysroot })
    }

    /// Cargo with this compiler.
    pub(super) fn cargo(&self) -> Command {
        let mut cargo = command::cargo();
        cargo.env("RUSTC", self.sysroot.join("bin").join("rustc"));
        if let Some(libraries) = &self.libraries {
            cargo.env("LD_LIBRARY_PATH", libraries);
        }
        // `-Z` options are what this toolchain is for.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo
    }

    /// The options, behind cargo's subcommand, that compile the standard library as well.
    pub(super) fn options(&self) -> [&str; 3] {
        ["-Zbuild-std", "--target", &self.host]
    }
}

fn rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
}

fn has_sources(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file()
}

/// The folder of a toolchain's libraries for a target.
fn of_target(sysroot: &Path, host: &str) -> PathBuf {
    sysroot.join("lib/rustlib").join(host).join("lib")
}

/// The run-time libraries of the sanitizers, which Debian's compiler lacks.
fn runtimes(sysroot: &Path, host: &str) -> Result<Vec<PathBuf>> {
    let folder = of_target(sysroot, host);
    let files =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found = Vec::new();
    for file in files {
        let path = file?.path();
        if path.to_string_lossy().ends_with("san.a") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Unpacks the packages into a temporary folder, and moves it into place at the end.
fn unpack(place: &Path, runtimes: &[PathBuf], host: &str) -> Result<()> {
    eprintln!("unpacking Debian's rustc and its sources");
    let tools = workspace::tools();
    fs::create_dir_all(&tools)?;
    let work = tempfile::tempdir_in(&tools)?;
    if debian::can_install()? {
        debian::update()?;
    }
    let asked = |name: &str| name.starts_with("libstd-rust") || name.starts_with("libllvm");
    debian::unpack(&["rustc-web", "rust-web-src"], asked, work.path())?;
    let sysroot = work.path().join("usr");
    if !has_sources(&sysroot) {
        bail!("Debian's packages have no sources of the standard library");
    }
    for runtime in runtimes {
        let name = runtime.file_name().unwrap_or_default();
        fs::copy(runtime, of_target(&sysroot, host).join(name))?;
    }
    match fs::rename(work.path(), place) {
        // A concurrent run has installed it.
        Err(_) if place.is_dir() => Ok(()),
        result => result.with_context(|| format!("cannot make {}", place.display())),
    }
}

/// The folder of `librustc_driver`: a folder in `lib` that is named after the machine.
fn driver(sysroot: &Path) -> Result<PathBuf> {
    for folder in fs::read_dir(sysroot.join("lib"))? {
        let folder = folder?.path();
        let Ok(mut files) = fs::read_dir(&folder) else { continue };
        let is_it = |name: OsString| name.to_string_lossy().starts_with("librustc_driver");
        if files.any(|file| file.is_ok_and(|file| is_it(file.file_name()))) {
            return Ok(folder);
        }
    }
    bail!("there is no librustc_driver in {}", sysroot.display())
}
