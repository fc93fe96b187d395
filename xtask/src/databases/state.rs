//! A file with the servers that were started, for `env` and `down`.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::compose;
use super::kind::Kind;
use crate::command;

/// How long a server may take to stop before it is killed. Its data is removed anyway.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, or several that belong together, with one URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    /// The servers in the order of their start.
    #[serde(default)]
    pub(crate) servers: Vec<Server>,
    /// Its project in Docker Compose, if it runs there.
    #[serde(default)]
    pub(crate) compose: Option<String>,
}

impl Service {
    pub(crate) fn is_running(&self) -> bool {
        match &self.compose {
            Some(project) => compose::is_running(project),
            None => self.servers.iter().all(Server::is_running),
        }
    }

    /// Stops the servers, the last one first, and removes their folders. A server that cannot be stopped
    /// does not keep the others from being stopped.
    pub(crate) fn stop(&self) -> Result<()> {
        if let Some(project) = &self.compose {
            return compose::stop(project);
        }
        let results: Vec<Result<()>> = self.servers.iter().rev().map(Server::stop).collect();
        results.into_iter().collect()
    }
}

/// A server that runs as a process of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) process: u32,
    /// The signal that makes it shut down quickly and cleanly.
    pub(crate) signal: String,
    /// The folder of everything that it writes: data, log and socket.
    pub(crate) folder: PathBuf,
    pub(crate) log: PathBuf,
}

impl Server {
    fn is_running(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        is_process_of(self.process, &self.folder)
            && TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
    }

    /// Ends the process and removes the folder. If the process is already gone, for example because the
    /// machine was restarted, only the folder is left to remove.
    pub(crate) fn stop(&self) -> Result<()> {
        let runs = || is_process_of(self.process, &self.folder);
        if runs() {
            // A test may have stopped the process; it has to continue before it can end.
            signal(self.process, "CONT")?;
            signal(self.process, &self.signal)?;
            let deadline = Instant::now() + PATIENCE;
            while runs() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
            if runs() {
                signal(self.process, "KILL")?;
            }
        }
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }
}

fn signal(process: u32, name: &str) -> Result<()> {
    let sent = command::output(Command::new("kill").args(["-s", name, &process.to_string()]));
    // The process may have ended just before.
    if sent.is_err() && is_alive(process) { sent.map(drop) } else { Ok(()) }
}

/// Returns `true` if the process runs. One that has ended, and that its parent has not waited for, does not.
pub(crate) fn is_alive(process: u32) -> bool {
    let mut kill = Command::new("kill");
    kill.args(["-s", "0", &process.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let exists = kill.status().is_ok_and(|status| status.success());
    // A process that has ended has an empty command line. Without /proc every process counts as running.
    exists && fs::read(format!("/proc/{process}/cmdline")).map_or(true, |line| !line.is_empty())
}

/// Returns `true` if the process is the server that writes into the folder. The system may have given its
/// id to another program.
fn is_process_of(process: u32, folder: &Path) -> bool {
    if !is_alive(process) {
        return false;
    }
    fs::read(format!("/proc/{process}/cmdline"))
        .map_or(true, |line| String::from_utf8_lossy(&line).contains(&*folder.to_string_lossy()))
}

/// The file with the services that were started. It does not exist while no server runs.
#[derive(Debug)]
pub(crate) struct State(PathBuf);

impl State {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self(file)
    }

    /// The file in which `up` lists its servers. It is not in the target folder, which `cargo clean` removes.
    pub(crate) fn default_file() -> PathBuf {
        folder().join("servers.json")
    }

    /// The file in which this run of the tests lists its servers, so that a later run can stop them if this
    /// one is killed.
    pub(crate) fn of_this_run() -> Self {
        Self(folder().join(format!("run-{}.json", std::process::id())))
    }

    /// The files of runs that were killed.
    pub(crate) fn orphans() -> impl Iterator<Item = Self> {
        let files = fs::read_dir(folder()).into_iter().flatten().flatten();
        files
            .map(|file| file.path())
            .filter(|file| owner(file).is_some_and(|id| !is_alive(id)))
            .map(Self)
    }

    pub(crate) fn read(&self) -> Result<Vec<Service>> {
        match fs::read_to_string(&self.0) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} is not a list of servers", self.0.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.0.display())),
        }
    }

    pub(crate) fn write(&self, services: &[Service]) -> Result<()> {
        let context = || format!("cannot write {}", self.0.display());
        if services.is_empty() {
            return match fs::remove_file(&self.0) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(error).with_context(context)
                }
                _ => Ok(()),
            };
        }
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder).with_context(context)?;
        }
        fs::write(&self.0, serde_json::to_string_pretty(services)?).with_context(context)
    }

    /// Starts a service and lists it at once, so that it can be stopped if the next one fails to start.
    pub(crate) fn start(&self, kind: Kind) -> Result<Service> {
        let service = kind.start()?;
        let mut services = self.read()?;
        services.push(service.clone());
        self.write(&services)?;
        Ok(service)
    }

    /// Stops all listed services and returns those that it stopped. Services that cannot be stopped stay
    /// listed.
    pub(crate) fn stop_all(&self) -> Result<Vec<Kind>> {
        let mut left = Vec::new();
        let mut stopped = Vec::new();
        let mut problems = Vec::new();
        for service in self.read()? {
            match service.stop() {
                Ok(()) => stopped.push(service.kind),
                Err(error) => {
                    problems.push(format!("{}: {error:#}", service.kind.title()));
                    left.push(service);
                }
            }
        }
        self.write(&left)?;
        if problems.is_empty() { Ok(stopped) } else { bail!("{}", problems.join("\n")) }
    }
}

fn folder() -> PathBuf {
    crate::workspace::root().join(".databases")
}

/// The process id in the name of a run's file.
fn owner(file: &Path) -> Option<u32> {
    file.file_name()?.to_str()?.strip_prefix("run-")?.strip_suffix(".json")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(process: u32, folder: &Path) -> Service {
        let folder = folder.to_owned();
        let log = folder.join("log");
        let server = Server { port: 1, process, signal: "TERM".into(), folder, log };
        let url = "mongodb://127.0.0.1:1/".into();
        Service { kind: Kind::Mongodb, url, servers: vec![server], compose: None }
    }

    #[test]
    fn the_file_is_removed_with_the_last_server() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new").join("servers.json");
        let state = State::new(file.clone());
        assert!(state.read().unwrap().is_empty());

        let services = [service(u32::MAX / 2, &folder.path().join("data"))];
        state.write(&services).unwrap();
        assert_eq!(state.read().unwrap(), services);
        assert_eq!(state.stop_all().unwrap(), [Kind::Mongodb]);
        assert!(!file.exists());
    }

    #[test]
    fn another_process_with_the_same_id_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        let service = service(other.id(), &data);
        assert!(!service.is_running());
        service.stop().unwrap();
        assert!(is_alive(other.id()) && !data.exists());

        let id = other.id();
        other.kill().unwrap();
        assert!(!is_alive(id) || other.try_wait().unwrap().is_none());
        other.wait().unwrap();
        assert!(!is_alive(id));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("servers.json");
        fs::write(&file, "{").unwrap();
        let error = State::new(file).read().unwrap_err();
        assert!(error.to_string().contains("servers.json"), "{error:#}");
    }

    #[test]
    fn a_runs_file_names_its_process() {
        assert_eq!(owner(Path::new("a/run-12.json")), Some(12));
        assert_eq!(owner(Path::new("a/servers.json")), None);
    }
}
