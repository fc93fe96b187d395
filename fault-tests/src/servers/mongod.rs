//! MongoDB servers that belong to a single test: a standalone server or a replica set.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ClientOptions;
use mongodb::{Client, ClientSession, Database};
use tempfile::TempDir;

use super::process::{Process, free_port, until};
use crate::Outcome;

/// The environment variable that names the server's program.
pub const MONGOD_PROGRAM: &str = "TICKET_TEST_MONGOD";

/// The name of the database that the store uses.
const DATABASE: &str = "faults";

/// The kind of MongoDB deployment.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A standalone server, which has no transactions.
    Standalone,
    /// A replica set with this number of members.
    Set(usize),
}

/// MongoDB servers with their own data folders. Dropping the value kills the servers and deletes the data.
#[derive(Debug)]
pub struct Mongod {
    kind: Kind,
    members: Vec<Member>,
}

impl Mongod {
    /// Starts the servers, with their data in the default folder for temporary files.
    ///
    /// A replica set is initiated, and has a primary when this returns.
    pub fn new(kind: Kind) -> Outcome<Self> {
        Self::new_in(&std::env::temp_dir(), kind)
    }

    /// Starts the servers as [`Mongod::new`] does, with their data below `parent`.
    pub fn new_in(parent: &Path, kind: Kind) -> Outcome<Self> {
        let count = match kind {
            Kind::Standalone => 1,
            Kind::Set(members) => members,
        };
        let members =
            (0..count).map(|_| Member::new(parent, kind)).collect::<Outcome<Vec<Member>>>()?;
        let servers = Self { kind, members };
        if let Kind::Set(_) = kind {
            let member = |(id, member): (usize, &Member)| -> Outcome<Document> {
                Ok(doc! { "_id": i32::try_from(id)?, "host": member.host() })
            };
            let members =
                servers.members.iter().enumerate().map(member).collect::<Outcome<Vec<_>>>()?;
            let settings = doc! { "electionTimeoutMillis": 5_000 };
            let set = doc! { "_id": "faults", "members": members, "settings": settings };
            servers.run(0, doc! { "replSetInitiate": set })?;
            until("there is a primary", || Ok(servers.primary().is_some()))?;
        }
        Ok(servers)
    }

    /// Returns the index of the primary, or `None` if no member that answers is the primary.
    pub fn primary(&self) -> Option<usize> {
        self.members.iter().position(|member| {
            let hello = member.run("admin", doc! { "hello": 1 });
            hello.is_ok_and(|hello| matches!(hello.get_bool("isWritablePrimary"), Ok(true)))
        })
    }

    /// Kills a member without letting it clean up, like a power cut.
    pub fn kill(&mut self, member: usize) -> Outcome {
        self.members[member].process.kill()
    }

    /// Starts a member again, with the same data on the same port.
    pub fn start(&mut self, member: usize) -> Outcome {
        self.members[member].start(self.kind)
    }

    /// Returns `true` if the member's process has not exited.
    pub fn runs(&mut self, member: usize) -> Outcome<bool> {
        self.members[member].process.runs()
    }

    /// Suspends a member: its connections stay open, but it does not answer.
    pub fn stop(&self, member: usize) -> Outcome {
        self.members[member].process.stop()
    }

    /// Resumes a suspended member.
    pub fn go_on(&self, member: usize) -> Outcome {
        self.members[member].process.go_on()
    }

    /// Runs a command on a member's `admin` database.
    pub fn run(&self, member: usize, command: Document) -> Outcome<Document> {
        self.members[member].run("admin", command)
    }

    /// Runs a command on the store's database, on the first member.
    pub fn run_in_store(&self, command: Document) -> Outcome<Document> {
        self.members[0].run(DATABASE, command)
    }

    /// Delays a client's commands on one of the store's collections by 8 s, which is longer than a lease.
    ///
    /// The client is identified by its `appName`. The first `skip` matching commands are not delayed.
    pub fn hold(&self, client: &str, command: &str, collection: &str, skip: i32) -> Outcome {
        let data = doc! {
            "appName": client,
            "failCommands": [command],
            "namespace": format!("{DATABASE}.ticketing_{collection}"),
            "blockConnection": true,
            "blockTimeMS": 8_000,
        };
        let mode = if skip == 0 { Bson::from("alwaysOn") } else { doc! { "skip": skip }.into() };
        let hold = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        self.run(0, hold).map(drop)
    }

    /// Returns the number of stored occurrences and the sum of the tickets' counts.
    ///
    /// Both are read from the collections directly, so the store gets no chance to repair what a crash has
    /// left behind.
    pub fn stored_and_counted(&self) -> Outcome<(i64, i64)> {
        let sum = |collection: &str, of: Bson| -> Outcome<i64> {
            let sum = doc! { "$group": { "_id": null, "n": { "$sum": of } } };
            let answer = self.run_in_store(doc! {
                "aggregate": format!("ticketing_{collection}"), "pipeline": [sum], "cursor": {},
            })?;
            let found = answer.get_document("cursor")?.get_array("firstBatch")?;
            let found = found.first().and_then(Bson::as_document);
            Ok(found.map_or(Ok(0), |found| found.get_i64("n"))?)
        };
        Ok((sum("occurrences", 1_i64.into())?, sum("tickets", "$n".into())?))
    }

    /// Starts a transaction of another client in the store's database and runs `work` in it.
    pub fn transaction(
        &self,
        work: impl AsyncFnOnce(&Database, &mut ClientSession) -> Outcome,
    ) -> Outcome {
        block_on(async {
            let client = self.members[0].client().await?;
            let mut session = client.start_session().await?;
            session.start_transaction().await?;
            work(&client.database(DATABASE), &mut session).await
        })
    }

    /// Returns the first member's address and port.
    pub fn host(&self) -> String {
        self.members[0].host()
    }

    /// Returns the deployment's URI, with a timeout for each call in seconds.
    pub fn url_with_timeout(&self, seconds: u32) -> String {
        let hosts: Vec<String> = self.members.iter().map(Member::host).collect();
        let set = if let Kind::Set(_) = self.kind { "&replicaSet=faults" } else { "" };
        format!("mongodb://{}/{DATABASE}?timeout={seconds}s{set}", hosts.join(","))
    }
}

#[derive(Debug)]
struct Member {
    folder: TempDir,
    /// The log's folder. It is not on the disk of the data because `mongod` exits when it cannot write its
    /// log, and tests fill that disk.
    log: TempDir,
    port: u16,
    process: Process,
}

impl Member {
    fn new(parent: &Path, kind: Kind) -> Outcome<Self> {
        let folder = TempDir::new_in(parent)?;
        std::fs::create_dir(folder.path().join("data"))?;
        let port = free_port()?;
        let log = TempDir::new()?;
        let process = start(folder.path(), log.path(), port, kind)?;
        let mut member = Self { folder, log, port, process };
        member.wait()?;
        Ok(member)
    }

    fn start(&mut self, kind: Kind) -> Outcome {
        self.process = start(self.folder.path(), self.log.path(), self.port, kind)?;
        self.wait()
    }

    fn wait(&mut self) -> Outcome {
        until("mongod answers", || {
            if !self.process.runs()? {
                return Err("mongod exited during its start".into());
            }
            Ok(self.run("admin", doc! { "hello": 1 }).is_ok())
        })
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Connects to this member only.
    async fn client(&self) -> Outcome<Client> {
        let uri = format!("mongodb://{}/?directConnection=true", self.host());
        let mut options = ClientOptions::parse(uri).await?;
        options.server_selection_timeout = Some(Duration::from_secs(2));
        Ok(Client::with_options(options)?)
    }

    /// Runs a command on this member only.
    fn run(&self, database: &str, command: Document) -> Outcome<Document> {
        block_on(async {
            let database = self.client().await?.database(database);
            let answer = database.run_command(command);
            // The driver itself would wait for an answer forever.
            Ok(tokio::time::timeout(Duration::from_secs(30), answer).await??)
        })
    }
}

fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn start(folder: &Path, log: &Path, port: u16, kind: Kind) -> Outcome<Process> {
    let mut mongod = Command::new(std::env::var_os(MONGOD_PROGRAM).unwrap_or_default());
    mongod.args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]);
    mongod.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
    // Enables fail points, with which a test delays commands.
    mongod.args(["--setParameter", "enableTestCommands=1"]);
    mongod.args(["--port", &port.to_string()]).arg("--dbpath").arg(folder.join("data"));
    mongod.arg("--logpath").arg(log.join("log")).arg("--logappend").stdout(Stdio::null());
    if let Kind::Set(_) = kind {
        mongod.args(["--replSet", "faults"]);
    }
    Process::start(&mut mongod)
}
