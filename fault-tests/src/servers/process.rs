//! Processes of servers, and the signals that they get.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long anything is waited for; as long as `ticket ingest` waits for a store.
const PATIENCE: Duration = Duration::from_secs(300);

/// A port that nobody listens on.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A server's process and those that it has started; it ends with this value, whatever becomes of the
/// test.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Outcome<Self> {
        Ok(Self(command.spawn().map_err(|error| format!("{command:?}: {error}"))?))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has not ended by itself.
    pub fn runs(&mut self) -> Outcome<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    /// Ends all of it at once, as a power cut does.
    pub fn kill(&mut self) -> Outcome {
        // It must not notice how its children end, or start others.
        let _ = signal("STOP", self.0.id());
        for child in children(self.0.id()) {
            let _ = signal("KILL", child);
        }
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Lets all of it stand still: its connections stay, and nobody answers.
    pub fn stop(&self) -> Outcome {
        signal("STOP", self.0.id())?;
        children(self.0.id()).into_iter().try_for_each(|child| signal("STOP", child))
    }

    /// Lets it go on.
    pub fn go_on(&self) -> Outcome {
        children(self.0.id()).into_iter().try_for_each(|child| signal("CONT", child))?;
        signal("CONT", self.0.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its data goes too, so there is no need for it to end in order.
        let _ = self.kill();
    }
}

/// Sends a signal, such as `KILL`, to a process.
pub fn signal(name: &str, process: u32) -> Outcome {
    let mut kill = Command::new("kill");
    kill.args(["-s", name, &process.to_string()]).stderr(std::process::Stdio::null());
    let status = kill.status()?;
    if status.success() { Ok(()) } else { Err(format!("no process {process} for {name}").into()) }
}

/// The processes whose parent this one is. PostgreSQL's are groups of their own.
fn children(parent: u32) -> Vec<u32> {
    let is_child = |process: &u32| {
        // `pid (name) state parent …`; the name may hold anything.
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

/// Waits until something is the case.
pub fn until(what: &str, mut condition: impl FnMut() -> Outcome<bool>) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    while !condition()? {
        if Instant::now() > deadline {
            return Err(format!("still not after {PATIENCE:?}: {what}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
