//! Helpers that the test programs share.

#![allow(dead_code, reason = "each program uses only some of the helpers")]

pub(crate) mod everything;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use libtest_mimic::{Failed, Trial};

/// The environment variable with the URL of the server.
pub(crate) const URL: &str = "TICKET_MONGODB_URL";

/// The environment variable with the server program, for tests that start a server with their own settings.
pub(crate) const PROGRAM: &str = "TICKET_TEST_MONGOD";

/// Makes a trial that is ignored if the variable it needs is not set, or fails if servers are required.
pub(crate) fn trial(
    name: &str,
    variable: Option<&'static str>,
    test: fn(String) -> Result<(), Failed>,
) -> Trial {
    let is_required = ["CI", "TICKET_REQUIRE_SERVERS"].iter().any(|name| {
        std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()))
    });
    let value = variable.map_or(Some(String::new()), |variable| std::env::var(variable).ok());
    let is_ignored = value.is_none() && !is_required;
    let run = move || test(value.ok_or_else(|| Failed::from(format!("{variable:?} is not set")))?);
    Trial::test(name, run).with_ignored_flag(is_ignored)
}

/// Runs an asynchronous test to completion.
pub(crate) fn run(test: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(test)
}

/// Returns the name of a test's own database, which the test drops.
pub(crate) fn database(test: &str) -> String {
    format!("ticket_{test}_{}", std::process::id())
}

/// Returns a free port.
pub(crate) fn port() -> std::io::Result<u16> {
    TcpListener::bind("127.0.0.1:0")?.local_addr().map(|address| address.port())
}

/// A server that is stopped when this value is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    command: Command,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let port = port()?;
        let mut command = Command::new(program);
        command
            .args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"])
            .args(arguments)
            .args(["--port", &port.to_string(), "--dbpath"])
            .arg(folder.path())
            .stdout(Stdio::null());
        Ok(Self { process: command.spawn()?, port, command, _folder: folder })
    }

    pub(crate) fn signal(&self, name: &str) -> Result<(), Failed> {
        let status =
            Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(format!("no {name} for mongod").into()) }
    }

    pub(crate) fn kill(&mut self) -> Result<(), Failed> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Starts a killed server again with its old data.
    pub(crate) fn start_again(&mut self) -> Result<(), Failed> {
        self.process = self.command.spawn()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
