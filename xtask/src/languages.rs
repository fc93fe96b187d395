//! The loggers of other languages, whose logs `ticket-cli` is tested with.
//!
//! Nothing here is required: a case whose program is missing is ignored, and says why.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{command, debian, workspace};

/// The variable with a Python that has these packages.
const PYTHON: &str = "TICKET_TEST_PYTHON";
const PYTHON_PACKAGES: [&str; 5] =
    ["celery==5.7.0", "django==5.2.19", "flask==3.1.3", "loguru==0.7.3", "structlog==26.1.0"];

/// The variable with the folder `node_modules` that has these packages.
const NODE_MODULES: &str = "TICKET_TEST_NODE_MODULES";
const NODE_PACKAGES: [&str; 2] = ["pino@10.4.0", "winston@3.19.0"];

/// Debian's packages of programs that write logs.
const DEBIAN_PACKAGES: [&str; 11] = [
    "apache2",
    "default-jdk-headless",
    "elixir",
    "mariadb-server-core",
    "mono-mcs",
    "mono-runtime",
    "nginx-light",
    "php-cli",
    "php-monolog",
    "redis-server",
    "ruby",
];

/// Returns the variables of what the environment names, or what could be installed into the target folder, which takes
/// half a minute once.
pub(crate) fn provide() -> Vec<(&'static str, PathBuf)> {
    let mut variables = Vec::new();
    for (variable, provide) in
        [(PYTHON, python as fn(&Path) -> Result<PathBuf>), (NODE_MODULES, node_modules)]
    {
        if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
            variables.push((variable, path.into()));
            continue;
        }
        match provide(&workspace::tools()) {
            Ok(path) => variables.push((variable, path)),
            Err(error) => eprintln!("{variable} is not set: {error:#}"),
        }
    }
    variables
}

/// Installs the programs that Debian has. What cannot be installed is reported, and its cases are ignored.
pub(crate) fn install() {
    let install = || -> Result<()> {
        if !debian::can_install()? {
            return Ok(());
        }
        debian::update()?;
        for package in DEBIAN_PACKAGES {
            if let Err(error) = debian::install(package) {
                eprintln!("cannot install {package}: {error:#}");
            }
        }
        Ok(())
    };
    if let Err(error) = install() {
        eprintln!("cannot install the programs that write logs: {error:#}");
    }
}

fn python(tools: &Path) -> Result<PathBuf> {
    python_with(&tools.join("python-loggers"), &PYTHON_PACKAGES)
}

/// Returns a Python with these packages, which are installed into a folder once.
pub(crate) fn python_with(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    once(folder, "bin/python", packages, |folder| {
        let mut create = Command::new("python3");
        command::output(create.args(["-m", "venv"]).arg(folder))
            .context("cannot create an environment of Python")?;
        let mut install = Command::new(folder.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        command::output(install.args(packages)).map(drop)
    })
}

fn node_modules(tools: &Path) -> Result<PathBuf> {
    once(&tools.join("node-loggers"), "node_modules", &NODE_PACKAGES, |folder| {
        fs::create_dir_all(folder)?;
        let mut install = Command::new("npm");
        install.args(["install", "--loglevel=error", "--no-audit", "--no-fund", "--prefix"]);
        command::output(install.arg(folder).args(NODE_PACKAGES)).map(drop)
    })
}

/// Returns `part` of a folder that is installed once. A note tells that the installation was complete, and of which
/// versions.
fn once(
    folder: &Path,
    part: &str,
    packages: &[&str],
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let note = folder.join("installed");
    let versions = packages.join("\n");
    if fs::read_to_string(&note).is_ok_and(|noted| noted == versions) {
        return Ok(folder.join(part));
    }
    let name = folder.file_name().unwrap_or(OsStr::new("packages")).display();
    eprintln!("installing {name}");
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    install(folder)?;
    fs::write(note, versions)?;
    Ok(folder.join(part))
}
