//! Server processes and the signals that tests send to them.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long [`until`] waits: as long as `ticket ingest` waits for a store.
const PATIENCE: Duration = Duration::from_secs(300);

/// Returns a local port that no process listens on.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A server's process and its child processes. Dropping the value kills all of them, even if the test
/// panics.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts the process.
    pub fn start(command: &mut Command) -> Outcome<Self> {
        Ok(Self(command.spawn().map_err(|error| format!("{command:?}: {error}"))?))
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Returns `true` if the process has not exited.
    pub fn runs(&mut self) -> Outcome<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    /// Kills the process and its children without letting them clean up, like a power cut.
    pub fn kill(&mut self) -> Outcome {
        // A running parent would notice that its children die, and start new ones.
        let _ = signal("STOP", self.0.id());
        for child in children(self.0.id()) {
            let _ = signal("KILL", child);
        }
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Suspends the process and its children: connections stay open, but nothing answers.
    pub fn stop(&self) -> Outcome {
        signal("STOP", self.0.id())?;
        children(self.0.id()).into_iter().try_for_each(|child| signal("STOP", child))
    }

    /// Resumes a suspended process and its children.
    pub fn go_on(&self) -> Outcome {
        children(self.0.id()).into_iter().try_for_each(|child| signal("CONT", child))?;
        signal("CONT", self.0.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The server's data is deleted as well, so an orderly shutdown is not needed.
        let _ = self.kill();
    }
}

/// Sends a signal, such as `KILL`, to a process.
pub fn signal(name: &str, process: u32) -> Outcome {
    let mut kill = Command::new("kill");
    kill.args(["-s", name, &process.to_string()]).stderr(std::process::Stdio::null());
    let status = kill.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cannot send {name} to process {process}").into())
    }
}

/// Returns the children of a process.
///
/// Signalling the process group would miss PostgreSQL's children, each of which leads its own group.
fn children(parent: u32) -> Vec<u32> {
    let is_child = |process: &u32| {
        // The format is `pid (name) state parent …`. The name may contain spaces and parentheses, so the
        // fields are read from the last parenthesis on.
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        fields.split(' ').nth(1) == Some(&parent.to_string())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_child)
        .collect()
}

/// Polls a condition until it holds, and fails after five minutes. `what` describes the condition in the
/// error, such as "the server answers".
pub fn until(what: &str, mut condition: impl FnMut() -> Outcome<bool>) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    while !condition()? {
        if Instant::now() > deadline {
            return Err(format!("waited {PATIENCE:?} in vain until {what}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
