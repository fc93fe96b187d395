//! PostgreSQL, killed and stopped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::load::Load;
use super::process::{Process, free_port, until};
use super::{Case, Outcome, Place, crowd, stop_time};

/// The variable with the folder of the server's programs.
const BIN: Option<&str> = Some("TICKET_TEST_PG_BIN");
/// The variable with the user to run it as, where we are root.
const USER: &str = "TICKET_TEST_PG_USER";

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

struct Server {
    folder: TempDir,
    port: u16,
    process: Process,
}

impl Server {
    fn new() -> Outcome<Self> {
        let folder = TempDir::new()?;
        let user = std::env::var(USER).unwrap_or_default();
        if !user.is_empty() {
            let owner = format!("{user}:");
            let status = Command::new("chown").arg(owner).arg(folder.path()).status()?;
            assert!(status.success(), "the folder is given to {user}");
        }
        let mut initdb = program("initdb", folder.path());
        initdb.args([
            "--username=ticket",
            "--auth=trust",
            "--no-locale",
            "--encoding=UTF8",
            "--no-sync",
        ]);
        let status = initdb.args(["--pgdata", "data"]).stdout(Stdio::null()).status()?;
        assert!(status.success(), "initdb: {status}");
        let port = free_port()?;
        let process = start(folder.path(), port)?;
        let mut server = Self { folder, port, process };
        server.wait()?;
        Ok(server)
    }

    /// The same data on the same port.
    fn start_again(&mut self) -> Outcome {
        self.process = start(self.folder.path(), self.port)?;
        self.wait()
    }

    fn wait(&mut self) -> Outcome {
        let state = self.folder.path().join("data/postmaster.pid");
        let process = &mut self.process;
        until("PostgreSQL takes sessions", || {
            if !process.runs()? {
                return Err("PostgreSQL ended at once".into());
            }
            let state = std::fs::read_to_string(&state).unwrap_or_default();
            Ok(state.lines().any(|line| line.trim() == "ready"))
        })
    }
}

impl Place for Server {
    fn url_with_timeout(&self, seconds: u32) -> String {
        format!(
            "postgres://ticket@127.0.0.1:{}/postgres?timeout={seconds}s&connect_timeout={}s",
            self.port,
            seconds.div_ceil(2)
        )
    }
}

fn start(folder: &Path, port: u16) -> Outcome<Process> {
    let mut postgres = program("postgres", folder);
    postgres.args(["-D", "data", "-p", &port.to_string(), "-k", ""]);
    postgres.args(["-c", "listen_addresses=127.0.0.1"]);
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log"))?;
    Process::start(postgres.stderr(log))
}

/// A program of PostgreSQL, as the user that may run it.
fn program(name: &str, folder: &Path) -> Command {
    let program = PathBuf::from(BIN.and_then(std::env::var_os).unwrap_or_default()).join(name);
    let user = std::env::var(USER).unwrap_or_default();
    let mut command = Command::new(program);
    if !user.is_empty() {
        use std::os::unix::process::CommandExt as _;
        let id = |option: &str| -> Outcome<u32> {
            let output = Command::new("id").args([option, &user]).output()?;
            Ok(String::from_utf8(output.stdout)?.trim().parse()?)
        };
        if let (Ok(uid), Ok(gid)) = (id("-u"), id("-g")) {
            command.uid(uid).gid(gid);
        }
    }
    command.current_dir(folder);
    command
}
