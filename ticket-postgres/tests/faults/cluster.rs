//! Private servers for one test case, which may kill, promote and configure them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::support::until;

/// The environment variable with the folder of the server's programs.
pub(crate) const BIN: &str = "TICKET_TEST_PG_BIN";
/// The environment variable with the user to run the server as when the tests run as root.
const USER: &str = "TICKET_TEST_PG_USER";

/// A server with its own data directory. Dropping this value stops it, even if the case fails.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) port: u16,
    process: Option<Child>,
}

impl Server {
    /// Starts a server with these lines in its configuration.
    pub(crate) async fn new(settings: &str) -> Self {
        let mut server = Self::empty();
        let mut initdb = server.program("initdb");
        initdb.args(["--username=ticket", "--auth=trust", "--no-locale", "--encoding=UTF8"]);
        server.carry_out(initdb.args(["--no-sync", "--pgdata", "data"]));
        server.set(settings);
        server.start().await;
        server
    }

    /// Starts a standby that replicates from this server.
    pub(crate) async fn standby(&self) -> Self {
        let mut standby = Self::empty();
        let mut backup = standby.program("pg_basebackup");
        backup.args(["--host=127.0.0.1", "--username=ticket", "--port", &self.port.to_string()]);
        standby.carry_out(backup.args([
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--no-sync",
            "--pgdata",
            "data",
        ]));
        standby.start().await;
        standby
    }

    fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, port, process: None };
        server.own(server.folder.path());
        server
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Appends to the configuration; takes effect at the next start.
    pub(crate) fn set(&self, settings: &str) {
        use std::io::Write as _;
        let file = self.folder().join("data/postgresql.conf");
        let mut file = std::fs::File::options().append(true).open(file).unwrap();
        writeln!(file, "{settings}").unwrap();
    }

    /// Makes the user that the server runs as the owner of a file.
    pub(crate) fn own(&self, file: &Path) {
        if let Some(user) = user() {
            let status = Command::new("chown").arg(format!("{user}:")).arg(file).status().unwrap();
            assert!(status.success(), "cannot give {} to {user}", file.display());
        }
    }

    pub(crate) async fn start(&mut self) {
        let log = self.folder().join("log");
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let mut postgres = self.program("postgres");
        postgres.args(["-D", "data", "-p", &self.port.to_string(), "-k", ""]);
        postgres.args(["-c", "listen_addresses=127.0.0.1"]);
        self.process = Some(postgres.stdin(Stdio::null()).stderr(log).spawn().unwrap());
        let state = self.folder().join("data/postmaster.pid");
        until("PostgreSQL takes sessions", async || {
            if self.process.as_mut().unwrap().try_wait().unwrap().is_some() {
                let log = std::fs::read_to_string(self.folder.path().join("log"));
                panic!("PostgreSQL ended at once: {}", log.unwrap_or_default());
            }
            let state = std::fs::read_to_string(&state).unwrap_or_default();
            // A standby reports a different word when it is ready.
            state.lines().any(|line| ["ready", "standby"].contains(&line.trim()))
        })
        .await;
    }

    /// Kills the server and all its child processes at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // The postmaster is stopped first, so that it neither sees its children die nor restarts them.
        signal("STOP", process.id());
        children(process.id()).into_iter().for_each(|child| signal("KILL", child));
        let _ = process.kill();
        let _ = process.wait();
        // A stale file would report the dead server as ready until the next one has written its own.
        let _ = std::fs::remove_file(self.folder().join("data/postmaster.pid"));
    }

    /// Promotes a standby to primary.
    pub(crate) fn promote(&self) {
        self.carry_out(self.program("pg_ctl").args(["promote", "--wait", "--pgdata", "data"]));
    }

    /// Returns the URL for the bare driver, which does not know our options.
    pub(crate) fn url_of_driver(&self) -> String {
        format!("postgres://ticket@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the URL of this server's database `postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://ticket@127.0.0.1:{}/postgres?timeout=2s&connect_timeout=2s", self.port)
    }

    fn carry_out(&self, command: &mut Command) {
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command:?}: {output:?}");
    }

    /// Returns a command for a PostgreSQL program, run as the server's user in the server's folder.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(PathBuf::from(std::env::var_os(BIN).unwrap()).join(name));
        if let Some(user) = user() {
            use std::os::unix::process::CommandExt as _;
            let id = |option: &str| -> u32 {
                let output = Command::new("id").args([option, &user]).output().unwrap();
                String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
            };
            command.uid(id("-u")).gid(id("-g"));
        }
        command.current_dir(self.folder());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its data is deleted too, so a clean shutdown is not needed.
        self.kill();
    }
}

fn user() -> Option<String> {
    std::env::var(USER).ok().filter(|user| !user.is_empty())
}

/// Sends a signal, and ignores a process that has already ended.
fn signal(name: &str, process: u32) {
    let mut kill = Command::new("kill");
    let _ = kill.args(["-s", name, &process.to_string()]).stderr(Stdio::null()).status();
}

/// Returns the child processes of a process.
fn children(parent: u32) -> Vec<u32> {
    let is_child = |process: &u32| {
        // `pid (name) state parent …`, where the name may contain spaces and parentheses.
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        fields.split(' ').nth(1) == Some(&parent.to_string())
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(is_child).collect()
}
