//! MongoDB: a single server and a replica set of three, killed, stopped, and told to step down.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use tempfile::TempDir;

use super::load::Load;
use super::process::{Process, free_port, until};
use super::{Case, Outcome};

/// The variable with the server's program.
const PROGRAM: &str = "TICKET_TEST_MONGOD";

pub(crate) const CASES: [Case; 6] = [
    ("mongod_alone_is_killed_and_started_again", PROGRAM, || killed(Kind::Standalone)),
    ("mongod_alone_stands_still", PROGRAM, || stopped(Kind::Standalone)),
    ("mongod_set_of_one_is_killed_and_started_again", PROGRAM, || killed(Kind::Set(1))),
    ("mongod_set_of_one_stands_still", PROGRAM, || stopped(Kind::Set(1))),
    ("mongod_primary_of_three_is_killed_for_good", PROGRAM, primary_killed),
    ("mongod_primary_of_three_steps_down", PROGRAM, primary_steps_down),
];

#[derive(Clone, Copy)]
enum Kind {
    Standalone,
    Set(usize),
}

fn killed(kind: Kind) -> Outcome {
    let mut servers = Servers::new(kind)?;
    let mut load = Load::start(&servers.url())?;
    load.go_on()?;
    servers.members[0].process.kill()?;
    std::thread::sleep(Duration::from_secs(2));
    servers.members[0].start(kind)?;
    load.finish(true)
}

fn stopped(kind: Kind) -> Outcome {
    let servers = Servers::new(kind)?;
    let mut load = Load::start(&servers.url())?;
    load.go_on()?;
    servers.members[0].process.stop()?;
    // Twice as long as `url` allows a call to take.
    std::thread::sleep(Duration::from_secs(4));
    servers.members[0].process.go_on()?;
    load.finish(true)
}

fn primary_killed() -> Outcome {
    let mut servers = Servers::new(Kind::Set(3))?;
    let mut load = Load::start(&servers.url())?;
    load.go_on()?;
    let primary = servers.primary()?.ok_or("there is no primary")?;
    servers.members[primary].process.kill()?;
    // The driver may wait for the other two to elect one of them within one call.
    load.finish(false)?;
    assert_ne!(servers.primary()?.ok_or("there is no new primary")?, primary);
    Ok(())
}

fn primary_steps_down() -> Outcome {
    let servers = Servers::new(Kind::Set(3))?;
    let mut load = Load::start(&servers.url())?;
    load.go_on()?;
    let primary = servers.primary()?.ok_or("there is no primary")?;
    // It refuses while no other has caught up.
    until("the primary steps down", || {
        let step_down = doc! { "replSetStepDown": 30, "secondaryCatchUpPeriodSecs": 10 };
        Ok(servers.members[primary].run(step_down).is_ok())
    })?;
    load.finish(false)?;
    assert_ne!(servers.primary()?.ok_or("there is no new primary")?, primary);
    Ok(())
}

struct Servers {
    kind: Kind,
    members: Vec<Member>,
}

impl Servers {
    fn new(kind: Kind) -> Outcome<Self> {
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

    /// Which of those that answer is the primary.
    fn primary(&self) -> Outcome<Option<usize>> {
        Ok(self.members.iter().position(|member| {
            let hello = member.run(doc! { "hello": 1 });
            hello.is_ok_and(|hello| matches!(hello.get_bool("isWritablePrimary"), Ok(true)))
        }))
    }

    fn url(&self) -> String {
        let hosts: Vec<String> = self.members.iter().map(Member::host).collect();
        let set = if let Kind::Set(_) = self.kind { "&replicaSet=faults" } else { "" };
        format!("mongodb://{}/faults?timeout=2s{set}", hosts.join(","))
    }
}

struct Member {
    folder: TempDir,
    port: u16,
    process: Process,
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

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A command to this very member.
    fn run(&self, command: Document) -> Outcome<Document> {
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
