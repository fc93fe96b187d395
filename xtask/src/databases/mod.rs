//! `cargo xtask databases`: the servers that tests talk to, one module for each.
//!
//! For every server the same order of preference: what the environment names wins, else the
//! programs on this machine, else they are installed. `test` needs the programs only: the tests
//! that want a server with settings of its own start it themselves.

mod debian;
mod mongod;
mod postgres;
mod server;
mod state;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::{Args, Subcommand};

use self::mongod::Mongod;
use self::postgres::Postgres;
use self::state::State;
use crate::command::quoted;
use crate::workspace;

const POSTGRES_URL: &str = "TICKET_POSTGRES_URL";
const MONGODB_URL: &str = "TICKET_MONGODB_URL";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,

    /// Where it is noted which servers run [default: .databases/servers.json]
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start one server of each kind on a free port, unless the environment names one
    Up,
    /// Stop what `up` started, and remove its data
    Down,
    /// Print the variables that tests read, as `export NAME=value` lines
    Env,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let state = State::new(arguments.state.clone().unwrap_or_else(State::default_file));
    match arguments.action {
        Action::Up => up(&state),
        Action::Down => down(&state),
        Action::Env => {
            print!("{}", Environment::provide_with(&state)?.to_shell());
            Ok(())
        }
    }
}

fn up(state: &State) -> Result<()> {
    let mut servers = state.read()?;
    if given(POSTGRES_URL).is_none() && !servers.postgres.as_ref().is_some_and(|s| s.is_running()) {
        servers.postgres = Some(Postgres::provide()?.start()?);
        // Written after each start, so that `down` finds the first server if the second fails.
        state.write(&servers)?;
    }
    if given(MONGODB_URL).is_none() && !servers.mongod.as_ref().is_some_and(|s| s.is_running()) {
        servers.mongod = Some(Mongod::provide()?.start()?);
        state.write(&servers)?;
    }
    for (name, url) in [("PostgreSQL", POSTGRES_URL), ("MongoDB", MONGODB_URL)] {
        if given(url).is_some() {
            println!("{name} is the one that {url} names");
        }
    }
    for (name, server) in servers.named() {
        println!("{name} runs as process {} at {}", server.process, server.url);
        println!("  log {}", server.log.display());
    }
    println!("`cargo xtask databases env` prints the variables for a shell");
    Ok(())
}

fn down(state: &State) -> Result<()> {
    let mut servers = state.read()?;
    if servers.named().next().is_none() {
        println!("no server was started from here");
    }
    if let Some(server) = servers.postgres.take() {
        server.stop_with("PostgreSQL", |server| Postgres::provide()?.stop(server))?;
        state.write(&servers)?;
    }
    if let Some(server) = servers.mongod.take() {
        server.stop_with("MongoDB", |server| Mongod::provide()?.stop(server))?;
        state.write(&servers)?;
    }
    Ok(())
}

/// The value of a variable that a person set, where an empty one counts as not set.
fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The variables by which tests find servers and server programs.
#[derive(Debug)]
pub(crate) struct Environment(Vec<(&'static str, String)>);

impl Environment {
    /// Makes the programs available, installing what is missing.
    pub(crate) fn provide() -> Result<Self> {
        Self::provide_with(&State::new(State::default_file()))
    }

    fn provide_with(state: &State) -> Result<Self> {
        let postgres = Postgres::provide()?;
        let mongod = Mongod::provide()?;
        let servers = state.read()?;
        let running = |server: Option<state::Server>| {
            server.filter(state::Server::is_running).map(|server| server.url)
        };

        let mut variables = vec![
            (postgres::BIN, postgres.bin().display().to_string()),
            (postgres::USER, postgres.user().to_owned()),
            (mongod::PROGRAM, mongod.program().display().to_string()),
        ];
        let urls = [
            (POSTGRES_URL, given(POSTGRES_URL).or_else(|| running(servers.postgres))),
            (MONGODB_URL, given(MONGODB_URL).or_else(|| running(servers.mongod))),
        ];
        variables.extend(urls.into_iter().filter_map(|(name, url)| Some((name, url?))));
        Ok(Self(variables))
    }

    /// Hands the variables to a program.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.envs(self.0.iter().map(|(name, value)| (name, value)));
    }

    fn to_shell(&self) -> String {
        self.0.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
    }
}

/// Where `up` notes its servers: not in the target folder, which `cargo clean` removes.
fn state_folder() -> PathBuf {
    workspace::root().join(".databases")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_safe_to_evaluate() {
        let environment = Environment(vec![("A", "x y".into()), ("B", String::new())]);
        assert_eq!(environment.to_shell(), "export A='x y'\nexport B=''\n");
    }
}
