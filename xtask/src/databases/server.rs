//! What starting a server takes, whatever database it is.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::state::Server;

/// Returns a port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// Starts a server in a new folder on a free port. `launch` returns the process id and the log.
///
/// Another program can take the port between choosing it and listening on it, as concurrent test runs
/// do, so a failed start is repeated twice with another port.
pub(crate) fn start(
    prefix: &str,
    signal: &str,
    launch: impl Fn(&Path, u16) -> Result<(u32, PathBuf)>,
) -> Result<Server> {
    let attempt = || {
        let folder = temporary_folder(prefix)?;
        let port = free_port()?;
        let (process, log) = launch(folder.path(), port)?;
        // The server outlives this function; stopping it removes its folder.
        Ok(Server { port, process, signal: signal.to_owned(), folder: folder.keep(), log })
    };
    attempt().or_else(|_: anyhow::Error| attempt()).or_else(|_: anyhow::Error| attempt())
}

/// Stops the servers that have started if a later step failed.
pub(crate) fn or_stop<T>(servers: &[Server], result: Result<T>) -> Result<T> {
    if result.is_err() {
        // The first error is the one to report.
        servers.iter().for_each(|server| drop(server.stop()));
    }
    result
}

fn temporary_folder(prefix: &str) -> Result<TempDir> {
    tempfile::Builder::new().prefix(prefix).tempdir().context("cannot make a temporary folder")
}

/// Reads the process id that a server wrote into the first line of a file.
pub(crate) fn process_id(file: &Path) -> Result<u32> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.lines()
        .next()
        .and_then(|line| line.trim().parse().ok())
        .with_context(|| format!("no process id in {}", file.display()))
}

/// Adds the end of a server's log to the error of its start.
pub(crate) fn with_log<T>(result: Result<T>, log: &Path) -> Result<T> {
    result.with_context(|| {
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(20)..];
        format!("the server did not start; its log ends with\n{}\n", tail.join("\n"))
    })
}

/// Waits until a server accepts connections on a port.
pub(crate) fn wait_for(port: u16) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
        if Instant::now() > deadline {
            return Err(error).context("the server does not accept connections");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
