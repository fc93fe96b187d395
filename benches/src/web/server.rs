//! The process of a server, from its start to its end.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// A program that serves a list and prints its address.
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
}

impl Program {
    pub(crate) fn ticket(path: &Path, url: &str) -> Self {
        let arguments = ["--url", url, "serve", "--listen", "127.0.0.1:0"];
        Self { path: path.to_owned(), arguments: arguments.map(str::to_owned).into() }
    }

    pub(crate) fn plain(path: &Path, url: &str) -> Self {
        // The first argument is the command `ticket`, which it does not start.
        let arguments = ["--plain", "ticket", url];
        Self { path: path.to_owned(), arguments: arguments.map(str::to_owned).into() }
    }
}

/// A process that runs as long as this value.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server, and returns how long it took until it said where it listens.
    pub(crate) fn start(program: &Program) -> Result<(Self, Duration)> {
        let mut command = Command::new(&program.path);
        // They would choose another store or application.
        command.env_remove("TICKET_URL").env_remove("TICKET_APP");
        command.args(&program.arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("a process without a standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let time = started.elapsed();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.map(|address| address.trim_end_matches('/'));
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            let _ = child.kill();
            anyhow::bail!("the server ended or printed no address: {line:?}, {}", child.wait()?);
        };
        Ok((Self { child, address }, time))
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the resident memory in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.context("no VmRSS")?.trim().trim_end_matches(" kB");
        Ok(kib.parse::<f64>()? / 1_024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
