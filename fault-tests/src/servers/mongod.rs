//! MongoDB servers of a test's own: a single one or a replica set.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use tempfile::TempDir;

use super::process::{Process, free_port, until};
use crate::Outcome;

/// The variable with the server's program.
pub(crate) const PROGRAM: &str = "TICKET_TEST_MONGOD";

/// Which servers.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A single server, which has no transactions.
    Standalone,
    /// A replica set of so many.
    Set(usize),
}

/// Servers with data in folders of their own; they go with this value.
#[derive(Debug)]
pub struct Mongod {
    kind: Kind,
    /// The servers.
    pub members: Vec<Member>,
}

impl Mongod {
    /// Starts them, and makes them a set.
    pub fn new(kind: Kind) -> Outcome<Self> {
        let count = match kind {
            Kind::Standalone => 1,
            Kind::Set(members) => members,
        };
        let members = (0..count).map(|_| Member::new(kind)).collect::<Outcome<Vec<Member>>>()?;
        let servers = Self { kind, members };
        if let Kind::Set(_) = kind {
            let member = |(id, member): (usize, &Member)| -> Outcome<Document> {
                Ok(doc! { "_id": i32::try_from(id)?, "host": member.host() })
            };
            let members =
                servers.members.iter().enumerate().map(member).collect::<Outcome<Vec<_>>>()?;
            let settings = doc! { "electionTimeoutMillis": 5_000 };
            let set = doc! { "_id": "faults", "members": members, "settings": settings };
            servers.members[0].run(doc! { "replSetInitiate": set })?;
            until("there is a primary", || Ok(servers.primary()?.is_some()))?;
        }
        Ok(servers)
    }

    /// Starts one of them again, with the same data on the same port.
    pub fn start_again(&mut self, member: usize) -> Outcome {
        let kind = self.kind;
        self.members[member].start(kind)
    }

    /// Which of those that answer is the primary.
    pub fn primary(&self) -> Outcome<Option<usize>> {
        Ok(self.members.iter().position(|member| {
            let hello = member.run(doc! { "hello": 1 });
            hello.is_ok_and(|hello| matches!(hello.get_bool("isWritablePrimary"), Ok(true)))
        }))
    }

    /// Where they are; a call takes at most two seconds.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.members.iter().map(Member::host).collect();
        let set = if let Kind::Set(_) = self.kind { "&replicaSet=faults" } else { "" };
        format!("mongodb://{}/faults?timeout=2s{set}", hosts.join(","))
    }
}

/// One of them.
#[derive(Debug)]
pub struct Member {
    folder: TempDir,
    port: u16,
    /// Its process.
    pub process: Process,
}

impl Member {
    fn new(kind: Kind) -> Outcome<Self> {
        let folder = TempDir::new()?;
        std::fs::create_dir(folder.path().join("data"))?;
        let port = free_port()?;
        let process = start(folder.path(), port, kind)?;
        let mut member = Self { folder, port, process };
        member.wait()?;
        Ok(member)
    }

    /// The same data on the same port.
    fn start(&mut self, kind: Kind) -> Outcome {
        self.process = start(self.folder.path(), self.port, kind)?;
        self.wait()
    }

    fn wait(&mut self) -> Outcome {
        until("mongod answers", || {
            if !self.process.runs()? {
                return Err("mongod ended at once".into());
            }
            Ok(self.run(doc! { "hello": 1 }).is_ok())
        })
    }

    /// Where it listens.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A command to this very member.
    pub fn run(&self, command: Document) -> Outcome<Document> {
        let uri = format!("mongodb://{}/?directConnection=true", self.host());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut options = ClientOptions::parse(uri).await?;
            options.server_selection_timeout = Some(Duration::from_secs(2));
            let admin = Client::with_options(options)?.database("admin");
            let answer = admin.run_command(command);
            // The driver waits for an answer without end.
            Ok(tokio::time::timeout(Duration::from_secs(30), answer).await??)
        })
    }
}

fn start(folder: &Path, port: u16, kind: Kind) -> Outcome<Process> {
    let mut mongod = Command::new(std::env::var_os(PROGRAM).unwrap_or_default());
    mongod.args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]);
    mongod.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
    mongod.args(["--port", &port.to_string()]).arg("--dbpath").arg(folder.join("data"));
    mongod.arg("--logpath").arg(folder.join("log")).arg("--logappend").stdout(Stdio::null());
    if let Kind::Set(_) = kind {
        mongod.args(["--replSet", "faults"]);
    }
    Process::start(&mut mongod)
}
