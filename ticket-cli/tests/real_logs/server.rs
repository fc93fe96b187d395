//! A server that is stopped by its process id, even if the test fails.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use super::Outcome;

/// A user of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// Looks up a user in `/etc/passwd`.
    pub(crate) fn named(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let users = std::fs::read_to_string("/etc/passwd")?;
        let line = users.lines().find(|line| line.split(':').next() == Some(name));
        let mut fields = line.ok_or(format!("there is no user {name}"))?.split(':').skip(2);
        let mut number = || fields.next().unwrap_or_default().parse();
        Ok(Self { uid: number()?, gid: number()? })
    }

    pub(crate) fn owns(self, path: &Path) -> Outcome {
        Ok(std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))?)
    }

    pub(crate) fn runs(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// Returns a port on which nobody listens.
pub(crate) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    signal: &'static str,
}

impl Server {
    /// Starts the server and waits until it is ready. `signal` ends it.
    pub(crate) fn start(
        command: &mut Command,
        signal: &'static str,
        is_ready: impl Fn() -> bool,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mut server = Self { process: command.spawn()?, signal };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_ready() {
            if let Some(status) = server.process.try_wait()? {
                return Err(format!("the server ended at once: {status}").into());
            }
            if Instant::now() > deadline {
                return Err("the server does not become ready".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Ends the server and waits until its log is complete.
    pub(crate) fn stop(mut self) -> Outcome {
        self.end()
    }

    fn end(&mut self) -> Outcome {
        if self.process.try_wait()?.is_none() {
            output(Command::new("kill").args(["-s", self.signal, &self.process.id().to_string()]))?;
        }
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop`, the server has ended already.
        let _ = self.end();
    }
}

/// Runs a program that must succeed.
pub(crate) fn output(command: &mut Command) -> Result<Output, Box<dyn std::error::Error>> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {}\n{said}", output.status).into());
    }
    Ok(output)
}
