//! The servers of one run of the tests.

use std::process::Command;

use anyhow::Result;

use super::kind::{Kind, programs};
use super::state::{Service, State};

/// Servers that run as long as this value lives, and those that the environment names.
#[derive(Debug)]
pub(crate) struct Session {
    state: State,
    variables: Vec<(&'static str, String)>,
}

impl Session {
    /// Finds or installs the server programs, and starts these servers.
    pub(crate) fn with(kinds: &[Kind]) -> Result<Self> {
        // Servers of a killed run are stopped first. Those that cannot be stopped are reported by `down`.
        for orphan in State::orphans() {
            let _ = orphan.stop_all();
        }
        let mut session = Self { state: State::of_this_run(), variables: programs()? };
        for &kind in kinds {
            let url = match kind.given() {
                Some(url) => url,
                None => session.state.start(kind)?.url,
            };
            session.variables.push((kind.variable(), url));
        }
        Ok(session)
    }

    /// Takes over a running service, and passes its URL on in this variable.
    pub(crate) fn add(&mut self, service: Service, variable: &'static str) -> Result<()> {
        let mut services = self.state.read()?;
        self.variables.push((variable, service.url.clone()));
        services.push(service);
        self.state.write(&services)
    }

    /// Passes a server's URL on in another variable as well.
    pub(crate) fn rename(&mut self, from: &str, to: &'static str) {
        let url = self.variables.iter().find(|(name, _)| *name == from).map(|(_, url)| url.clone());
        self.variables.extend(url.map(|url| (to, url)));
    }

    /// Sets the variables for a program.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Stops the servers that this session started.
    pub(crate) fn stop(&self) -> Result<()> {
        self.state.stop_all().map(drop)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("error: {error:#}");
        }
    }
}
