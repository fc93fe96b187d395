//! PostgreSQL: 15 or newer for the tests in general, and any version for `test --matrix`.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::kind::Kind;
use super::state::{Server, Service};
use super::{embedded, given, server};
use crate::{command, debian};

/// The variable that holds the folder with `postgres`, `initdb`, `pg_ctl` and `psql`.
pub(crate) const BIN: &str = "TICKET_TEST_PG_BIN";
/// The variable that holds the user to run the server as. It is empty unless we are root.
pub(crate) const USER: &str = "TICKET_TEST_PG_USER";

/// The first version that logs JSON (`log_destination = jsonlog`), which tests read.
const FIRST_WITH_JSON: u32 = 15;
const OLDEST: u32 = FIRST_WITH_JSON;

/// The programs that starting a server takes.
const SERVER: [&str; 3] = ["postgres", "initdb", "pg_ctl"];
/// Those, and the ones that tests use.
const PROGRAMS: [&str; 4] = ["postgres", "initdb", "pg_ctl", "psql"];

/// Where Debian's packages put each version's programs.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs of one installation.
#[derive(Debug)]
pub(crate) struct Postgres {
    bin: PathBuf,
    version: u32,
    user: Option<User>,
}

impl Postgres {
    /// Finds the programs, installing them first if necessary.
    pub(crate) fn provide() -> Result<Self> {
        let (version, bin) = match find()? {
            Some(found) => found,
            None => {
                install()?;
                find()?.context("PostgreSQL is installed, but its programs are not found")?
            }
        };
        Ok(Self { bin, version, user: User::for_server()? })
    }

    /// Finds or installs the programs of this major version.
    pub(crate) fn provide_version(version: u32) -> Result<Self> {
        let found = Self::provide()?;
        if found.version == version {
            return Ok(found);
        }
        let debian = Path::new(DEBIAN).join(version.to_string()).join("bin");
        let bin = if self::version(&debian, &SERVER) == Some(version) {
            debian
        } else {
            embedded::provide(version)?
        };
        if self::version(&bin, &SERVER) != Some(version) {
            bail!("{} does not run here as PostgreSQL {version}", bin.display());
        }
        Ok(Self { bin, version, user: found.user })
    }

    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    pub(crate) fn user(&self) -> &str {
        self.user.as_ref().map_or("", |user| &user.name)
    }

    pub(crate) fn start(&self) -> Result<Service> {
        let server = self.start_server()?;
        let url = format!("postgres://ticket@127.0.0.1:{}/ticket", server.port);
        Ok(Service { kind: Kind::Postgres, url, servers: vec![server], compose: None })
    }

    pub(crate) fn start_server(&self) -> Result<Server> {
        server::start("ticket-postgres-", "INT", |folder, port| self.start_in(folder, port))
    }

    fn start_in(&self, folder: &Path, port: u16) -> Result<(u32, PathBuf)> {
        self.own(folder)?;
        let data = folder.join("data");
        let mut initdb = self.command(&self.bin.join("initdb"), folder);
        initdb.args(["--username=ticket", "--auth=trust"]);
        // Independent of the machine's locale.
        initdb.args(["--no-locale", "--encoding=UTF8", "--no-sync", "--pgdata"]);
        command::output(initdb.arg(&data))?;

        let settings = settings(folder, port, self.version);
        fs::write(data.join("postgresql.auto.conf"), settings)?;
        // Not every installation has `createdb`, but the server itself can run a statement.
        let mut create = self.command(&self.bin.join("postgres"), folder);
        create.args(["--single", "-D"]).arg(&data).args([
            "-c",
            "logging_collector=off",
            "postgres",
        ]);
        command::output_of(&mut create, "CREATE DATABASE ticket\n")?;

        let mut start = self.command(&self.bin.join("pg_ctl"), folder);
        start.args(["--log=start.log", "--wait", "--timeout=60", "--pgdata"]);
        server::with_log(
            command::output(start.arg(&data).arg("start")),
            &folder.join("start.log"),
        )?;
        let ending = if self.version < FIRST_WITH_JSON { "log" } else { "json" };
        let log = folder.join("log").join(format!("postgresql.{ending}"));
        Ok((server::process_id(&data.join("postmaster.pid"))?, log))
    }

    /// Gives a folder to the user that the server runs as.
    pub(crate) fn own(&self, folder: &Path) -> Result<()> {
        let Some(user) = &self.user else { return Ok(()) };
        chown(folder, Some(user.uid), Some(user.gid))
            .with_context(|| format!("cannot give {} to {}", folder.display(), user.name))
    }

    /// Returns a command that runs as the server's user, in the server's folder: that user may be unable
    /// to enter the current folder.
    pub(crate) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Some(user) = &self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}

fn settings(folder: &Path, port: u16, version: u32) -> String {
    let folder = folder.display();
    let log = if version < FIRST_WITH_JSON { "stderr" } else { "jsonlog" };
    format!(
        "listen_addresses = '127.0.0.1'\n\
         port = {port}\n\
         unix_socket_directories = '{folder}'\n\
         max_connections = 300\n\
         logging_collector = on\n\
         log_destination = '{log}'\n\
         log_directory = '{folder}/log'\n\
         log_filename = 'postgresql.log'\n"
    )
}

/// The user that PostgreSQL runs as, which cannot be root.
#[derive(Debug)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl User {
    /// Returns `None` if we are an ordinary user, who can run the server.
    fn for_server() -> Result<Option<Self>> {
        if !debian::is_root()? {
            return Ok(None);
        }
        if let Some(name) = given(USER) {
            return Self::named(&name).map(Some);
        }
        // Debian's package creates `postgres`; `nobody` exists everywhere.
        Self::named("postgres").or_else(|_| Self::named("nobody")).map(Some)
    }

    fn named(name: &str) -> Result<Self> {
        let id = |option| -> Result<u32> {
            Ok(command::output(Command::new("id").args([option, name]))?.trim().parse()?)
        };
        Ok(Self { name: name.to_owned(), uid: id("-u")?, gid: id("-g")? })
    }
}

/// Finds the programs: those that the environment names, or Debian's newest, or the ones in the path.
fn find() -> Result<Option<(u32, PathBuf)>> {
    if let Some(bin) = given(BIN).map(PathBuf::from) {
        return match version(&bin, &PROGRAMS) {
            Some(version @ OLDEST..) => Ok(Some((version, bin))),
            Some(old) => bail!("{BIN} names PostgreSQL {old}, and {OLDEST} or newer is needed"),
            None => {
                bail!("{BIN} names {}, which lacks one of {}", bin.display(), PROGRAMS.join(", "))
            }
        };
    }
    let debian = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    // In the path there may be links to some of the programs; the folder of their target has all.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .filter_map(|folder| folder.join("postgres").canonicalize().ok())
        .filter_map(|program| program.parent().map(Path::to_path_buf));
    let installed = |bin: PathBuf| Some((version(&bin, &PROGRAMS)?, bin));
    Ok(debian
        .filter_map(installed)
        .max()
        .into_iter()
        .chain(on_path.filter_map(installed))
        .find(|(version, _)| *version >= OLDEST))
}

/// Returns the major version of the programs in a folder, if all of `programs` are there.
fn version(bin: &Path, programs: &[&str]) -> Option<u32> {
    if !programs.iter().all(|program| bin.join(program).is_file()) {
        return None;
    }
    let text = command::output(Command::new(bin.join("postgres")).arg("--version")).ok()?;
    major(&text)
}

/// `15` from `postgres (PostgreSQL) 15.4 (Debian 15.4-0)` or `postgres (PostgreSQL) 17beta1`.
fn major(text: &str) -> Option<u32> {
    let number = text.split_whitespace().nth(2)?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

/// Installs Debian's package.
fn install() -> Result<()> {
    if !debian::can_install()? {
        bail!(
            "PostgreSQL {OLDEST} or newer is not on this machine: install it \
             (Debian: postgresql-{OLDEST}), or name the folder of its programs in {BIN}"
        );
    }
    debian::update()?;
    debian::install("postgresql-common")?;
    // By default the package creates a cluster and leaves it running on the usual port.
    let configuration = Path::new("/etc/postgresql-common/createcluster.conf");
    let text = fs::read_to_string(configuration).unwrap_or_default();
    fs::write(configuration, without_main_cluster(&text))
        .with_context(|| format!("cannot write {}", configuration.display()))?;
    debian::install(&format!("postgresql-{OLDEST}"))
}

fn without_main_cluster(configuration: &str) -> String {
    let mut lines: Vec<&str> = configuration
        .lines()
        .filter(|line| !line.trim_start().starts_with("create_main_cluster"))
        .collect();
    lines.push("create_main_cluster = false");
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_print_them() {
        assert_eq!(major("postgres (PostgreSQL) 15.4 (Debian 15.4-0)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 17beta1"), Some(17));
        assert_eq!(major("postgres (PostgreSQL) devel"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn the_main_cluster_is_switched_off_once() {
        let text = "#create_main_cluster = true\ncreate_main_cluster = true\nssl = on\n";
        let off = "#create_main_cluster = true\nssl = on\ncreate_main_cluster = false\n";
        assert_eq!(without_main_cluster(text), off);
        assert_eq!(without_main_cluster(off), off);
    }

    #[test]
    fn a_folder_without_the_programs_is_no_installation() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(version(folder.path(), &SERVER), None);
    }
}
