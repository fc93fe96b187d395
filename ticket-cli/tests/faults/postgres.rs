//! PostgreSQL, killed and stopped.

use std::time::Duration;

use ticket_faults::Outcome;
use ticket_faults::servers::{POSTGRES_PROGRAMS, Postgres as Server};

use super::load::Load;
use super::{Case, Place, crowd, stop_time};

/// The variable with the folder of the server's programs.
const BIN: Option<&str> = Some(POSTGRES_PROGRAMS);

pub(crate) const CASES: &[Case] = &[
    ("f02_postgres_is_killed", BIN, killed),
    ("f03_postgres_stands_still", BIN, stopped),
    ("f07_postgres_same_tickets", BIN, || crowd::same_tickets(&Server::new()?)),
    ("f08_postgres_same_lines", BIN, || crowd::same_lines(&Server::new()?)),
    ("f09_postgres_64_processes", BIN, || crowd::first_occurrence(&Server::new()?)),
    ("f17_postgres_eight_set_up", BIN, || crowd::set_up_at_once(&Server::new()?)),
];

fn killed() -> Outcome {
    let mut server = Server::new()?;
    let mut load = Load::start(&server)?;
    load.go_on()?;
    server.process.kill()?;
    std::thread::sleep(Duration::from_secs(2));
    server.start_again()?;
    load.finish(true)
}

fn stopped() -> Outcome {
    let server = Server::new()?;
    let mut load = Load::start(&server)?;
    load.go_on()?;
    server.process.stop()?;
    std::thread::sleep(stop_time());
    server.process.go_on()?;
    load.finish(true)
}

impl Place for Server {
    fn url_with_timeout(&self, seconds: u32) -> String {
        Self::url_with_timeout(self, seconds)
    }
}
