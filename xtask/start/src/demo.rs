//! `cargo xtask demo`: a service that fails for real, the tickets that its errors become, and their dashboard.

use std::env::{self, consts::EXE_SUFFIX};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{cargo, root};

/// Builds the service and the command `ticket`, runs the one and lists its tickets with the other, which then serves
/// them if `serves`.
pub(crate) fn run(serves: bool) -> Result<ExitCode, Box<dyn Error>> {
    eprintln!(
        "Compiling a small service and the command `ticket`: some 170 crates, two to three minutes \
         on two cores the first time."
    );
    let mut build = cargo("build");
    build.args(["--package=service", "--bin=service"]);
    build.args(["--package=ticket-cli", "--bin=ticket"]);
    // Of the backends only SQLite: the drivers of the others would triple the wait.
    build.args(["--no-default-features", "--features=ticket-cli/sqlite,ticket-cli/serve"]);
    run_to_success(&mut build)?;

    let [service, ticket] = [built("service")?, built("ticket")?];
    let url = format!("sqlite:{}", shown(&empty_folder()?.join("tickets.db")));
    let program = |path: &Path| {
        let mut program = Command::new(path);
        program.current_dir(root()).env("TICKET_URL", &url);
        program
    };

    eprintln!("\n$ TICKET_URL={url} {}", shown(&service));
    run_to_success(&mut program(&service))?;
    let tickets = program(&ticket).args(["list", "--json"]).output()?;
    if !tickets.status.success() || tickets.stdout.trim_ascii().is_empty() {
        let said = String::from_utf8_lossy(&tickets.stderr);
        return Err(format!("the service has run, but {url} holds no ticket\n{said}").into());
    }
    let ticket_url = format!("{} --url {url}", shown(&ticket));
    eprintln!("\n$ {ticket_url} list");
    run_to_success(program(&ticket).args(["--url", &url, "list"]))?;
    eprintln!("\nTo see one in full, pass the first letters of its id:\n$ {ticket_url} show ID");
    if serves {
        eprintln!(
            "\nTo see them in a browser, open the address below; Ctrl+C ends it.\n$ {ticket_url} serve"
        );
        // Port 0 is one that is free: the default may belong to another demo.
        run_to_success(program(&ticket).args(["--url", &url, "serve", "--listen", "127.0.0.1:0"]))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The program `name`.
fn built(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    Ok(target()?.join("debug").join(format!("{name}{EXE_SUFFIX}")))
}

/// The target folder, which this program is in.
fn target() -> Result<PathBuf, Box<dyn Error>> {
    let program = env::current_exe()?;
    Ok(program.ancestors().nth(2).ok_or("this program is not in a target folder")?.to_path_buf())
}

/// The folder `demo` in the target folder, without the files of an earlier run.
fn empty_folder() -> Result<PathBuf, Box<dyn Error>> {
    let folder = target()?.join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .map_err(|error| format!("cannot empty {}: {error}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// `path` as a person in the workspace's folder types it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn run_to_success(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` failed: {status}", Path::new(command.get_program()).display()).into())
}
