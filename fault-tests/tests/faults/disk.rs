//! What happens to the disks: full, broken, read-only.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use ticket_core::Store;
use ticket_faults::case::{Engine, on, trial};
use ticket_faults::servers::{registry, until};
use ticket_faults::victim::{Plan, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;
use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    [
        vec![in_namespace("f05_the_disk_of_the_database_is_full::sqlite", f05_database)],
        on(&[Engine::Postgres], "f05_the_disk_of_the_spool_is_full", f05_spool),
        vec![trial("f06_the_disk_fails_to_sync::sqlite", None, f06_sync)],
        vec![trial("f06_the_disk_of_the_spool_fails_to_write", None, f06_write)],
        vec![in_namespace("f15_the_file_is_read_only::sqlite", f15_file)],
        on(&[Engine::Postgres], "f15_the_server_is_read_only", f15_server),
    ]
    .into_iter()
    .flatten()
}

/// Set where a case runs in a namespace of its own.
const INSIDE: &str = "TICKET_FAULTS_NAMESPACE";

/// A case that mounts disks: it is run by this program once more, where they go with it.
fn in_namespace(name: &'static str, case: fn() -> Outcome) -> Trial {
    trial(name, None, move || {
        if std::env::var_os(INSIDE).is_some() {
            return case();
        }
        let mut again = namespace();
        again.arg(std::env::current_exe()?).args(["--exact", name, "--nocapture"]);
        let output = again.env(INSIDE, "1").output()?;
        let [said, error] = [&output.stdout, &output.stderr].map(|of| String::from_utf8_lossy(of));
        // Not a word of a case that never ran.
        if output.status.success() && said.contains("1 passed") {
            return Ok(());
        }
        Err(format!("in a namespace of its own: {}\n{said}{error}", output.status).into())
    })
}

/// Runs what follows with mounts of its own.
fn namespace() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]);
    command
}

fn mount(arguments: &[&str], folder: &Path) -> Outcome {
    let status = Command::new("mount").args(arguments).arg(folder).status()?;
    if status.success() { Ok(()) } else { Err(format!("mount {arguments:?}: {status}").into()) }
}

/// A small disk that only the victim sees, at `folder`.
fn with_disk(folder: &Path, size: &str) -> Command {
    let mut command = namespace();
    let folder = folder.display();
    let script = format!("mount -t tmpfs -o size={size} none '{folder}' && exec \"$@\"");
    command.args(["sh", "-c", &script, "sh"]);
    command
}

/// The disk is full while records are stored, and has room again: nothing is lost, the file is sound.
fn f05_database() -> Outcome {
    let folder = TempDir::new()?;
    let (disk_folder, spool) = (folder.path().join("disk"), folder.path().join("spool"));
    std::fs::create_dir(&disk_folder)?;
    let file = disk_folder.join("tickets.db");
    let mut plan = Plan::new(format!("sqlite:{}", file.display()));
    plan.spool = Some(spool);
    (plan.records, plan.linger) = (4_000, true);
    mount(&["-t", "tmpfs", "-o", "size=2m", "none"], &disk_folder)?;
    let victim = Victim::start(VICTIM, &plan)?;
    until("all is acknowledged", || Ok(victim.heard().acknowledged.len() == 4_000))?;
    // No more fits than some hundreds of them.
    std::thread::sleep(Duration::from_secs(2));
    let before = block_on(async { oracle::read(&*open(&plan.url).await?).await })?;
    if before.numbers.len() >= 4_000 {
        return Err("the disk was never full".into());
    }
    mount(&["-o", "remount,size=64m"], &disk_folder)?;
    let issued = plan.issued();
    block_on(async {
        let store = open(&plan.url).await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    assert_eq!(sqlite_check(&file)?, "ok");
    ended_well(victim)
}

/// The spool's disk is full while the database is away: what fits into memory besides is kept, the rest
/// is counted, the application goes on, and so does the spool when there is room again.
fn f05_spool(engine: Engine) -> Outcome {
    let mut database = engine.start()?;
    block_on(async { Ok(database.open().await?.setup_backend().await?) })?;
    database.kill()?;
    let folder = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(folder.path().to_owned());
    (plan.records, plan.linger) = (60_000, true);
    let victim = Victim::start_by(with_disk(folder.path(), "4m"), VICTIM, &plan)?;
    until("all is told", || {
        let heard = victim.heard();
        Ok(heard.acknowledged.len() + heard.refused.len() == 60_000)
    })?;
    database.start_again()?;
    let heard = victim.heard();
    // Its disk goes with it: all of it has to be recorded before.
    let stored =
        || block_on(async { Ok(oracle::read(&*database.open().await?).await?.numbers.len()) });
    let mut before = 0;
    until("no more is recorded", || {
        std::thread::sleep(Duration::from_secs(3));
        let (last, now) = (before, stored()?);
        before = now;
        Ok(now > 0 && now == last)
    })?;
    let ended = victim.wait()?;
    assert!(ended.status.success(), "{ended:?}");
    let stats = ended.heard.stats.ok_or("no stats")?;
    let count = |name: &str| stats[name].as_u64().unwrap_or_default();
    let stored = block_on(async { oracle::read(&*database.open().await?).await })?;
    assert!(count("lost") > 0, "the disk was never full: {stats}");
    // What the handler says of its losses is true to the record.
    assert_eq!(count("recorded") + count("lost"), 60_000, "{stats}");
    let numbers = stored.numbers.len() as u64;
    assert_eq!(numbers, count("recorded"), "{stats}");
    assert!(numbers > 10_000 && heard.acknowledged.len() as u64 >= numbers, "{numbers}");
    Ok(())
}

/// The file system fails to sync some times: not stored, or stored once, and nothing in between.
fn f06_sync() -> Outcome {
    let folder = TempDir::new()?;
    let mut plan = Plan::new(format!("sqlite:{}/tickets.db", folder.path().display()));
    plan.spool = Some(folder.path().join("spool"));
    // For two seconds, some ten batches.
    (plan.records, plan.pace, plan.linger) = (8_000, 2_000, true);
    let mut strace = Command::new("strace");
    strace.args(["--follow-forks", "--output=/dev/null", "--trace=fsync,fdatasync"]);
    strace.args(["--inject=fsync,fdatasync:error=EIO:when=8..11"]);
    let victim = Victim::start_by(strace, VICTIM, &plan)?;
    let issued = plan.issued();
    let file = folder.path().join("tickets.db");
    until("the file is there", || Ok(file.exists()))?;
    block_on(async {
        let store = open(&plan.url).await?;
        store.setup_backend().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    assert_eq!(sqlite_check(&file)?, "ok");
    let ended = victim.wait()?;
    assert!(ended.status.success(), "{ended:?}");
    if ended.heard.stats.is_none_or(|stats| stats["retries"].as_u64() <= Some(0)) {
        return Err("no sync has failed".into());
    }
    Ok(())
}

/// Each write of the spool fails for a while: the records are kept in memory, or counted.
fn f06_write() -> Outcome {
    let folder = TempDir::new()?;
    let mut plan = Plan::new(format!("sqlite:{}/tickets.db", folder.path().display()));
    let spool = folder.path().join("spool");
    std::fs::create_dir(&spool)?;
    plan.spool = Some(spool.clone());
    (plan.threads, plan.records, plan.linger) = (1, 2_000, true);
    let mut strace = Command::new("strace");
    strace.args(["--follow-forks", "--output=/dev/null", "--trace=write,writev,pwrite64"]);
    // Those of the spool alone; what the victim tells is to be heard.
    strace.args(["--inject=write,writev,pwrite64:error=EIO:when=300..900"]);
    strace.arg(format!("--trace-path={}", spool.display()));
    let victim = Victim::start_by(strace, VICTIM, &plan)?;
    let ended = victim.wait()?;
    assert!(ended.status.success(), "{ended:?}");
    let issued = plan.issued();
    let stored = block_on(async {
        let store = open(&plan.url).await?;
        oracle::check(&*store, &ended.heard.acknowledged, &issued).await
    })?;
    assert!(stored.numbers.len() <= 2_000);
    Ok(())
}

/// The file cannot be written for a while: the records wait, and reading goes on.
fn f15_file() -> Outcome {
    let folder = TempDir::new()?;
    let disk_folder = folder.path().join("disk");
    let file = disk_folder.join("tickets.db");
    std::fs::create_dir(&disk_folder)?;
    mount(&["-t", "tmpfs", "none"], &disk_folder)?;
    let mut plan = Plan::new(format!("sqlite:{}", file.display()));
    plan.spool = Some(folder.path().join("spool"));
    (plan.records, plan.linger) = (1_000, true);
    block_on(async { Ok(open(&plan.url).await?.setup_backend().await?) })?;
    mount(&["-o", "remount,ro"], &disk_folder)?;
    let victim = Victim::start(VICTIM, &plan)?;
    until("all is acknowledged", || Ok(victim.heard().acknowledged.len() == 1_000))?;
    std::thread::sleep(Duration::from_secs(2));
    let before = block_on(async { oracle::read(&*open(&plan.url).await?).await })?;
    assert!(before.numbers.is_empty(), "it was never read-only");
    mount(&["-o", "remount,rw"], &disk_folder)?;
    let issued = plan.issued();
    block_on(async {
        let store = open(&plan.url).await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    ended_well(victim)
}

/// The server takes no writes for a while, as a standby does: the records wait, and reading goes on.
fn f15_server(engine: Engine) -> Outcome {
    let database = engine.start()?;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(spool.path().to_owned());
    (plan.records, plan.linger) = (1_000, true);
    block_on(async { Ok(database.open().await?.setup_backend().await?) })?;
    database.sql("ALTER SYSTEM SET default_transaction_read_only = on")?;
    database.sql("SELECT pg_reload_conf()")?;
    let victim = Victim::start(VICTIM, &plan)?;
    until("all is acknowledged", || Ok(victim.heard().acknowledged.len() == 1_000))?;
    std::thread::sleep(Duration::from_secs(2));
    let before = block_on(async { oracle::read(&*database.open().await?).await })?;
    assert!(before.numbers.is_empty(), "it was never read-only");
    database.sql("ALTER SYSTEM RESET default_transaction_read_only")?;
    database.sql("SELECT pg_reload_conf()")?;
    let issued = plan.issued();
    block_on(async {
        let store = database.open().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    ended_well(victim)
}

async fn open(url: &str) -> Outcome<std::sync::Arc<dyn Store>> {
    Ok(registry().connect(url).await?)
}

fn ended_well(victim: Victim) -> Outcome {
    let ended = victim.wait()?;
    if ended.status.success() { Ok(()) } else { Err(format!("{ended:?}").into()) }
}

/// What SQLite itself says of a file.
fn sqlite_check(file: &Path) -> Outcome<String> {
    let connection = rusqlite::Connection::open(file)?;
    Ok(connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?)
}
