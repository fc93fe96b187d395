//! Which servers `up` has started, kept in a file for `env` and `down`.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// One running server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) port: u16,
    pub(crate) process: u32,
    /// Its data, its log, its socket: everything it writes.
    pub(crate) folder: PathBuf,
    /// The log in the server's own JSON form.
    pub(crate) log: PathBuf,
}

impl Server {
    pub(crate) fn is_running(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
    }

    /// Stops the server with its own command and removes its folder. One that has gone already,
    /// for example with the machine, only leaves its folder.
    pub(crate) fn stop_with(
        &self,
        name: &str,
        stop: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        if self.is_running() {
            stop(self)?;
            println!("{name} stopped");
        } else {
            println!("{name} was not running any more");
        }
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }
}

/// The servers in the state file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Servers {
    pub(crate) postgres: Option<Server>,
    pub(crate) mongod: Option<Server>,
}

impl Servers {
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, &Server)> {
        [("PostgreSQL", &self.postgres), ("MongoDB", &self.mongod)]
            .into_iter()
            .filter_map(|(name, server)| Some((name, server.as_ref()?)))
    }
}

/// The state file. None exists while no server runs.
#[derive(Debug)]
pub(crate) struct State(PathBuf);

impl State {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self(file)
    }

    pub(crate) fn default_file() -> PathBuf {
        super::state_folder().join("servers.json")
    }

    pub(crate) fn read(&self) -> Result<Servers> {
        match fs::read_to_string(&self.0) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} is not a list of servers", self.0.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Servers::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.0.display())),
        }
    }

    pub(crate) fn write(&self, servers: &Servers) -> Result<()> {
        let context = || format!("cannot write {}", self.0.display());
        if servers.named().next().is_none() {
            return fs::remove_file(&self.0).with_context(context);
        }
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder).with_context(context)?;
        }
        fs::write(&self.0, serde_json::to_string_pretty(servers)?).with_context(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_with_the_last_server() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new").join("servers.json");
        let state = State::new(file.clone());
        assert!(state.read().unwrap().named().next().is_none());

        let server = Server {
            url: "mongodb://127.0.0.1:1/".into(),
            port: 1,
            process: 2,
            folder: "data".into(),
            log: "data/log".into(),
        };
        let mut servers = Servers { postgres: None, mongod: Some(server) };
        state.write(&servers).unwrap();
        assert_eq!(state.read().unwrap().mongod.unwrap().process, 2);

        servers.mongod = None;
        state.write(&servers).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("servers.json");
        fs::write(&file, "{").unwrap();
        let error = State::new(file).read().unwrap_err();
        assert!(error.to_string().contains("servers.json"), "{error:#}");
    }
}
