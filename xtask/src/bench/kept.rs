//! Servers whose data stays in a folder: filling it takes long, so later runs use it again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command;
use crate::databases::{Postgres, free_port, initiate, mongod};

/// A server that runs as long as this value.
#[derive(Debug)]
pub(super) struct Kept {
    url: String,
    stop: Command,
}

impl Kept {
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Starts PostgreSQL without `fsync`. After a power cut the folder is useless and has to be removed.
    pub(super) fn postgres(folder: &Path) -> Result<Self> {
        let programs = Postgres::provide()?;
        let data = folder.join("data");
        let port = port(folder)?;
        programs.own(folder)?;
        if !data.join("PG_VERSION").exists() {
            let mut make = programs.command(&programs.bin().join("initdb"), folder);
            make.args(["--username=ticket", "--auth=trust", "--no-locale", "--encoding=UTF8"]);
            command::output(make.arg("--no-sync").arg("--pgdata").arg(&data))?;
        }
        let control = |action: &str| {
            let mut control = programs.command(&programs.bin().join("pg_ctl"), folder);
            control.args(["--wait", "--timeout=120", "--log=log", "--pgdata"]).arg(&data);
            control.arg(action);
            control
        };
        let settings = format!(
            "-p {port} -k {} -c listen_addresses=127.0.0.1 -c shared_buffers=1GB -c max_wal_size=16GB \
             -c fsync=off -c full_page_writes=off",
            folder.display()
        );
        command::output(control("start").args(["--options", &settings]))
            .with_context(|| format!("PostgreSQL did not start; see {}", folder.display()))?;
        let url = format!("postgres://ticket@127.0.0.1:{port}/postgres");
        Ok(Self { url, stop: control("stop") })
    }

    /// Starts MongoDB as a replica set of one.
    pub(super) fn mongodb(folder: &Path) -> Result<Self> {
        const NAME: &str = "tickets";
        let program = mongod()?;
        let data = folder.join("data");
        let port = port(folder)?;
        let is_new = !data.exists();
        fs::create_dir_all(&data)?;
        let mut start = Command::new(&program);
        start.args(["--bind_ip", "127.0.0.1", "--port", &port.to_string(), "--nounixsocket"]);
        start.args(["--wiredTigerCacheSizeGB", "2", "--replSet", NAME]);
        start.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
        start.arg("--dbpath").arg(&data).arg("--logpath").arg(folder.join("log"));
        command::output(start.arg("--fork"))
            .with_context(|| format!("mongod did not start; see {}", folder.display()))?;
        let mut stop = Command::new(&program);
        stop.arg("--shutdown").arg("--dbpath").arg(&data);
        let url = format!("mongodb://127.0.0.1:{port}/?replicaSet={NAME}&timeout=300s");
        let kept = Self { url, stop };
        if is_new {
            initiate(&[port])?;
        }
        Ok(kept)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(error) = command::output(&mut self.stop) {
            eprintln!("error: {error:#}");
        }
    }
}

/// The port that the folder's server was first started on. A replica set stores it, so it cannot change.
fn port(folder: &Path) -> Result<u16> {
    fs::create_dir_all(folder)?;
    let file: PathBuf = folder.join("port");
    if let Ok(text) = fs::read_to_string(&file) {
        return text.trim().parse().with_context(|| format!("no port in {}", file.display()));
    }
    let port = free_port()?;
    fs::write(&file, port.to_string())?;
    Ok(port)
}
