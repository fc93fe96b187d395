//! PostgreSQL, killed and stopped.

use std::time::Duration;

use ticket_faults::Outcome;
use ticket_faults::servers::{POSTGRES_PROGRAMS, Postgres as Server, until};

use super::load::Load;
use super::ticket::{
    TICKETS, counts, feed, ingest, line, set_up, start_ingest, successful, ticket,
};
use super::{Case, Place, crowd, stop_time};

/// The variable with the folder of the server's programs.
const BIN: Option<&str> = Some(POSTGRES_PROGRAMS);

pub(crate) const CASES: &[Case] = &[
    ("f02_postgres_is_killed", BIN, killed),
    ("f03_postgres_stands_still", BIN, stopped),
    ("f07_postgres_same_tickets", BIN, || crowd::same_tickets(&Server::new()?)),
    ("f08_postgres_same_lines", BIN, || crowd::same_lines(&Server::new()?)),
    ("f09_postgres_64_processes", BIN, || crowd::first_occurrence(&Server::new()?)),
    ("f16_postgres_refuses_a_statement", BIN, refused),
    ("f17_postgres_eight_set_up", BIN, || crowd::set_up_at_once(&Server::new()?)),
    ("f17_postgres_set_up_by_psql", BIN, printed),
];

fn killed() -> Outcome {
    let mut server = Server::new()?;
    let mut load = Load::start(&server)?;
    load.go_on()?;
    server.process.kill()?;
    std::thread::sleep(Duration::from_secs(2));
    // However slow the machine is, a batch is sent while the server is away.
    until("ingest waits", || load.waits())?;
    server.start_again()?;
    load.finish(true)
}

fn stopped() -> Outcome {
    let server = Server::new()?;
    let mut load = Load::start(&server)?;
    load.go_on()?;
    server.process.stop()?;
    std::thread::sleep(stop_time());
    // However slow the machine is, a batch is sent while the server is away.
    until("ingest waits", || load.waits())?;
    server.process.go_on()?;
    load.finish(true)
}

/// `ticket ingest` repeats what may succeed later, but not a statement that the server does not support.
fn refused() -> Outcome {
    let server = Server::new()?;
    let url = server.url();
    set_up(&url)?;
    server.script(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           RAISE EXCEPTION 'syntax error' USING ERRCODE = '42601'; END $$; \
         CREATE TRIGGER refuse BEFORE INSERT ON ticketing_tickets EXECUTE FUNCTION refuse();",
    )?;
    let mut process = start_ingest(&url)?;
    feed(&mut process, std::iter::once(line(0)))?;
    let output = process.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("does not support a statement"), "{said}");
    assert!(!said.contains("waiting for the database"), "{said}");
    server.script("DROP FUNCTION refuse() CASCADE")?;
    assert_eq!(ingest(&url, std::iter::once(line(0)))?.recorded, 1);
    Ok(())
}

/// What `setup --print` prints makes a complete store, and changes nothing in one that exists.
fn printed() -> Outcome {
    let server = Server::new()?;
    let url = format!("{}&schema=shop", server.url());
    let printed = successful(&ticket(&url, &["setup", "--print"]).output()?)?;
    server.script(&printed)?;
    let url = format!("{url}&autocreate=false");
    set_up(&url)?;
    assert_eq!(ingest(&url, (0..TICKETS).map(line))?.recorded, TICKETS);
    assert!(server.script(&printed).is_err(), "the tables were created twice");
    assert_eq!(counts(&url)?.len() as u64, TICKETS);
    Ok(())
}

impl Place for Server {
    fn url_with_timeout(&self, seconds: u32) -> String {
        Self::url_with_timeout(self, seconds)
    }
}
