//! The servers of one run of the tests.

use std::process::Command;

use anyhow::Result;

use super::kind::{Kind, programs};
use super::state::{Service, State};

/// Servers that live as long as this value; those that the environment names are used as they are.
#[derive(Debug)]
pub(crate) struct Session {
    state: State,
    variables: Vec<(&'static str, String)>,
}

impl Session {
    /// Makes the server programs available, and starts these servers.
    pub(crate) fn with(kinds: &[Kind]) -> Result<Self> {
        // What a run left behind that was killed goes first; what cannot be stopped is told by `down`.
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

    /// Takes over a service that was started otherwise, under a variable's name.
    pub(crate) fn add(&mut self, service: Service, variable: &'static str) -> Result<()> {
        let mut services = self.state.read()?;
        self.variables.push((variable, service.url.clone()));
        services.push(service);
        self.state.write(&services)
    }

    /// Names a server by another variable than its own.
    pub(crate) fn rename(&mut self, from: &str, to: &'static str) {
        let url = self.variables.iter().find(|(name, _)| *name == from).map(|(_, url)| url.clone());
        self.variables.extend(url.map(|url| (to, url)));
    }

    /// Hands the variables to a program.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Stops what was started.
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
