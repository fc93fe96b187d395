//! Servers of a case's own, which it may kill, promote and configure.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::support::until;

/// The variable with the folder of the server's programs.
pub(crate) const BIN: &str = "TICKET_TEST_PG_BIN";
/// The variable with the user to run it as, where we are root.
const USER: &str = "TICKET_TEST_PG_USER";

/// A server with data of its own; it ends with this value, whatever becomes of the case.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) port: u16,
    process: Option<Child>,
}

impl Server {
    /// A running server with these lines in its configuration.
    pub(crate) async fn new(settings: &str) -> Self {
        let mut server = Self::empty();
        let mut initdb = server.program("initdb");
        initdb.args(["--username=ticket", "--auth=trust", "--no-locale", "--encoding=UTF8"]);
        server.carry_out(initdb.args(["--no-sync", "--pgdata", "data"]));
        server.set(settings);
        server.start().await;
        server
    }

    /// A standby of this server, which follows it.
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

    /// Adds to the configuration, for the next start.
    pub(crate) fn set(&self, settings: &str) {
        use std::io::Write as _;
        let file = self.folder().join("data/postgresql.conf");
        let mut file = std::fs::File::options().append(true).open(file).unwrap();
        writeln!(file, "{settings}").unwrap();
    }

    /// Gives a file to the user that the server runs as.
    pub(crate) fn own(&self, file: &Path) {
        if let Some(user) = user() {
            let status = Command::new("chown").arg(format!("{user}:")).arg(file).status().unwrap();
            assert!(status.success(), "{} is given to {user}", file.display());
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
            // A standby says so with another word.
            state.lines().any(|line| ["ready", "standby"].contains(&line.trim()))
        })
        .await;
    }

    /// Ends all of it at once, as a power cut does.
    pub(crate) fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // It must not notice how its children end, or start others.
        signal("STOP", process.id());
        children(process.id()).into_iter().for_each(|child| signal("KILL", child));
        let _ = process.kill();
        let _ = process.wait();
        // It would tell of the dead one that it is ready, until the next one has written its own.
        let _ = std::fs::remove_file(self.folder().join("data/postmaster.pid"));
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) {
        self.carry_out(self.program("pg_ctl").args(["promote", "--wait", "--pgdata", "data"]));
    }

    /// The same for the driver alone, which does not know our options.
    pub(crate) fn url_of_driver(&self) -> String {
        format!("postgres://ticket@127.0.0.1:{}/postgres", self.port)
    }

    /// A URI of this server's database `postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://ticket@127.0.0.1:{}/postgres?timeout=2s&connect_timeout=2s", self.port)
    }

    fn carry_out(&self, command: &mut Command) {
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command:?}: {output:?}");
    }

    /// A program of PostgreSQL, as the user that may run it, in the server's folder.
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
        // Its data goes too, so there is no need for it to end in order.
        self.kill();
    }
}

fn user() -> Option<String> {
    std::env::var(USER).ok().filter(|user| !user.is_empty())
}

/// One that has ended already needs no signal.
fn signal(name: &str, process: u32) {
    let mut kill = Command::new("kill");
    let _ = kill.args(["-s", name, &process.to_string()]).stderr(Stdio::null()).status();
}

/// The processes whose parent this one is.
fn children(parent: u32) -> Vec<u32> {
    let is_child = |process: &u32| {
        // `pid (name) state parent …`; the name may hold anything.
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        fields.split(' ').nth(1) == Some(&parent.to_string())
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(is_child).collect()
}
