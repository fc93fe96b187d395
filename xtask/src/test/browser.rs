//! `cargo xtask browser`: the dashboard in a real browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::output::Report;
use super::process::{Outcome, Screen, forward};
use super::{build, conclude};
use crate::stages::Stages;
use crate::{artifacts, command, debian, workspace};

/// The names of the browser, in the order in which they are looked for.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The oldest Node.js that the driver of the browser runs on.
const OLDEST_NODE: u32 = 20;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Run only the steps whose name contains TEXT, such as `looks: list` or `flow`
    #[arg(value_name = "TEXT", default_value = "", hide_default_value = true)]
    only: String,

    /// Replace the README's picture by the one that this run makes
    #[arg(long)]
    picture: bool,
}

/// Runs the steps, prints the summary, and returns `true` if all is well.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let mut stages = Stages::default();
    let outcome = stages.time("browser", || {
        let mut steps = steps(&arguments.only)?;
        if arguments.picture {
            steps.env(
                "PICTURE",
                workspace::root().join("docs").join("images").join("dashboard.png"),
            );
        }
        forward(steps, report(), &Screen::Terminal)
    });
    conclude(&stages, Vec::new(), outcome)
}

/// Runs all steps, as a part of all tests.
pub(super) fn run_all(screen: &Screen) -> Outcome {
    forward(steps("")?, report(), screen)
}

fn report() -> Report {
    let mut report = Report::default();
    report.begin("ticket-web browser".to_owned());
    report
}

/// Gets what the steps need and returns the command that runs them.
fn steps(only: &str) -> Result<Command> {
    let folder = workspace::root().join("ticket-web").join("browser");
    let browser = browser()?;
    check_node()?;
    install_packages(&folder)?;

    let programs = build::command_and_fill()?;
    let mut steps = Command::new("node");
    steps.current_dir(&folder).args(["run.js", only]);
    steps.env("TICKET", artifacts::executable(&programs, "ticket")?);
    steps.env("FILL", artifacts::executable(&programs, "fill")?);
    steps.env("CHROMIUM", browser).env("OUT", workspace::target().join("browser"));
    // They would choose another store or application for the server.
    steps.env_remove("TICKET_URL").env_remove("TICKET_APP");
    Ok(steps)
}

/// Returns the browser, after installing it where that is possible.
fn browser() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("TICKET_TEST_CHROMIUM") {
        return Ok(PathBuf::from(named));
    }
    let find = || BROWSERS.iter().find_map(|name| on_path(name));
    if let Some(browser) = find() {
        return Ok(browser);
    }
    if !debian::can_install()? {
        bail!(
            "there is no browser: install Chromium, or name the program of one that is derived from it in \
             TICKET_TEST_CHROMIUM"
        );
    }
    debian::update()?;
    debian::install("chromium")?;
    find().context("Debian's package chromium has installed no browser")
}

/// Fails if there is no Node.js that is new enough.
fn check_node() -> Result<()> {
    let wanted = format!("the tests in a browser need Node.js {OLDEST_NODE} or newer, with npm");
    if on_path("node").is_none() || on_path("npm").is_none() {
        if !debian::can_install()? {
            bail!("{wanted}: install it");
        }
        debian::update()?;
        debian::install("nodejs")?;
        debian::install("npm")?;
    }
    let version = command::output(Command::new("node").arg("--version"))?;
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        bail!("{wanted}, but `node --version` says {}", version.trim());
    }
    Ok(())
}

/// Installs the packages in the lock file, unless they are there.
fn install_packages(folder: &Path) -> Result<()> {
    let installed = folder.join("node_modules").join(".package-lock.json");
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let lock = folder.join("package-lock.json");
    if changed(&installed).is_some_and(|installed| Some(installed) >= changed(&lock)) {
        return Ok(());
    }
    // Standard output may be read by a program.
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["ci", "--no-audit", "--no-fund"]).stdout(Stdio::null());
    command::run(&mut npm)
}

/// The major version in text such as `v20.19.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node_is_read() {
        assert_eq!(major("v20.19.2\n"), Some(20));
        assert_eq!(major("20"), None);
        assert_eq!(major(""), None);
    }
}
