//! `cargo xtask databases`: the servers that tests talk to.
//!
//! A server that the environment names comes first, then Docker Compose if an engine runs, then the
//! programs on this machine, and then programs that are installed.

mod compose;
mod embedded;
mod kind;
mod mongod;
mod pgbouncer;
mod postgres;
mod replica_set;
mod server;
mod session;
mod state;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

pub(crate) use self::kind::{Kind, programs};
pub(crate) use self::postgres::Postgres;
pub(crate) use self::replica_set::initiate;
pub(crate) use self::server::free_port;
pub(crate) use self::session::Session;
use self::state::State;
use crate::command::quoted;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,

    /// The file that lists the running servers [default: .databases/servers.json]
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start servers on free ports, unless they run or the environment names them
    Up {
        /// The servers to start [default: all]
        #[arg(value_enum)]
        kinds: Vec<Kind>,
    },
    /// Stop the servers that `up` or an interrupted test run started, and remove their data
    Down,
    /// Print the variables that tests read, as `export NAME=value` lines
    Env,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let state = State::new(arguments.state.clone().unwrap_or_else(State::default_file));
    match &arguments.action {
        Action::Up { kinds } => up(&state, if kinds.is_empty() { &Kind::ALL } else { kinds }),
        Action::Down => down(&state),
        Action::Env => {
            for (name, value) in variables(&state)? {
                println!("export {name}={}", quoted(&value));
            }
            Ok(())
        }
    }
}

fn up(state: &State, kinds: &[Kind]) -> Result<()> {
    for &kind in kinds {
        if kind.given().is_some() {
            println!("{} is the one that {} names", kind.title(), kind.variable());
            continue;
        }
        let services = state.read()?;
        let noted = services.iter().find(|service| service.kind == kind);
        let service = match noted.filter(|service| service.is_running()) {
            Some(service) => service.clone(),
            None => {
                // Stop what is left of a service that has ended, such as two servers of three.
                if let Some(rest) = noted {
                    rest.stop()?;
                    let others = services.iter().filter(|other| other.kind != kind).cloned();
                    state.write(&others.collect::<Vec<_>>())?;
                }
                state.start(kind)?
            }
        };
        println!("{} runs at {}", kind.title(), service.url);
        for server in &service.servers {
            println!("  process {}, log {}", server.process, server.log.display());
        }
    }
    println!("`cargo xtask databases env` prints the variables for a shell");
    Ok(())
}

fn down(state: &State) -> Result<()> {
    let mut stopped = state.stop_all()?;
    for orphan in State::orphans() {
        stopped.extend(orphan.stop_all()?);
    }
    if stopped.is_empty() {
        println!("no server was started from here");
    }
    for kind in stopped {
        println!("{} stopped", kind.title());
    }
    Ok(())
}

/// The program of MongoDB's server.
pub(crate) fn mongod() -> Result<PathBuf> {
    mongod::Mongod::provide().map(|mongod| mongod.program().to_owned())
}

/// The variables that name the server programs and the running servers.
fn variables(state: &State) -> Result<Vec<(&'static str, String)>> {
    let mut variables = programs()?;
    let services = state.read()?;
    for kind in Kind::ALL {
        let running = || {
            let service = services.iter().find(|service| service.kind == kind);
            service.filter(|service| service.is_running()).map(|service| service.url.clone())
        };
        variables.extend(kind.given().or_else(running).map(|url| (kind.variable(), url)));
    }
    Ok(variables)
}

/// The value of a variable, where an empty one counts as not set.
fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
