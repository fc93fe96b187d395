//! `pgbouncer` in transaction mode, in front of a PostgreSQL server of its own.
//!
//! Each transaction may run on another connection, so nothing that belongs to a session can be relied on.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::kind::Kind;
use super::postgres::Postgres;
use super::state::{Server, Service};
use super::{given, server};
use crate::{command, debian};

/// The variable that holds the path of the program.
pub(crate) const PROGRAM: &str = "TICKET_TEST_PGBOUNCER";

pub(crate) fn start(postgres: &Postgres) -> Result<Service> {
    let program = provide()?;
    let behind = postgres.start_server()?;
    let pooler = server::start("ticket-pgbouncer-", "TERM", |folder, port| {
        start_in(&program, postgres, &behind, folder, port)
    });
    let pooler = server::or_stop(std::slice::from_ref(&behind), pooler)?;
    let url = format!("postgres://ticket@127.0.0.1:{}/ticket", pooler.port);
    Ok(Service { kind: Kind::Pgbouncer, url, servers: vec![behind, pooler], compose: None })
}

fn start_in(
    program: &Path,
    postgres: &Postgres,
    behind: &Server,
    folder: &Path,
    port: u16,
) -> Result<(u32, PathBuf)> {
    postgres.own(folder)?;
    let settings = folder.join("pgbouncer.ini");
    let log = folder.join("pgbouncer.log");
    fs::write(&settings, ini(folder, port, behind.port))?;
    // Like PostgreSQL, it refuses to run as root.
    let mut start = postgres.command(program, folder);
    server::with_log(command::output(start.arg("-d").arg(&settings)), &log)?;
    server::wait_for(port)
        .and_then(|()| server::process_id(&folder.join("pgbouncer.pid")))
        .map(|id| (id, log))
}

/// The settings. The pool is smaller than the number of clients, so that they do share connections.
fn ini(folder: &Path, port: u16, behind: u16) -> String {
    let folder = folder.display();
    format!(
        "[databases]\n\
         * = host=127.0.0.1 port={behind} user=ticket\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = any\n\
         pool_mode = transaction\n\
         default_pool_size = 20\n\
         max_client_conn = 1000\n\
         logfile = {folder}/pgbouncer.log\n\
         pidfile = {folder}/pgbouncer.pid\n"
    )
}

fn provide() -> Result<PathBuf> {
    if let Some(program) = given(PROGRAM).map(PathBuf::from) {
        return Ok(program);
    }
    if let Some(program) = find() {
        return Ok(program);
    }
    if !debian::can_install()? {
        bail!("pgbouncer is not on this machine: install it, or name the program in {PROGRAM}");
    }
    let runs_already = Path::new("/run/postgresql/pgbouncer.pid").exists();
    debian::update()?;
    debian::install("pgbouncer")?;
    // The package may have started a service with the machine's settings.
    if !runs_already {
        let mut stop = Command::new("service");
        let _ = command::output(stop.args(["pgbouncer", "stop"]));
    }
    find().context("pgbouncer is installed, but its program is not found")
}

/// Finds the program. Debian installs it into a folder that only root has in its path.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(OsStr::new("pgbouncer")))
        .find(|program| program.is_file())
}
