//! Faults of disks: a full disk, and a disk that fails.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use ticket_core::Store;
use ticket_faults::case::{Engine, able, on, on_disks, trial};
use ticket_faults::machine::{Ability, Disk, with_disk};
use ticket_faults::servers::{Database, Process, registry, until};
use ticket_faults::victim::{Plan, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;
use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    let spool = on(&[Engine::Postgres], "f05_the_disk_of_the_spool_is_full", f05_spool);
    [
        on_disks(&Engine::ALL, "f05_the_disk_of_the_database_is_full", f05_database),
        spool.into_iter().map(|trial| able(Ability::Mounts, trial)).collect(),
        vec![
            able(Ability::Injection, trial("f06_the_disk_fails_to_sync::sqlite", None, f06_sync)),
            able(
                Ability::Injection,
                trial("f06_the_disk_of_the_spool_fails_to_write", None, f06_write),
            ),
        ],
    ]
    .into_iter()
    .flatten()
}

/// The database's disk is full, first before its tables exist and then when they hold records.
///
/// A server that exits because of it is started again once there is space, and no record is lost.
fn f05_database(engine: Engine) -> Outcome {
    const RECORDS: u64 = 4_000;
    let disk = Disk::new("512m")?;
    let mut database = engine.start_in(disk.path())?;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(spool.path().to_owned());
    (plan.records, plan.linger) = (RECORDS, true);
    for round in 0..2 {
        plan.first = round * RECORDS;
        disk.fill()?;
        let victim = Victim::start(VICTIM, &plan)?;
        until("all records are acknowledged", || {
            Ok(victim.heard().acknowledged.len() as u64 == RECORDS)
        })?;
        // Longer than a call's timeout, so that whatever still fits has been stored.
        std::thread::sleep(Duration::from_secs(4));
        let read = async || oracle::read(&*database.open().await?).await;
        let stored = block_on(read()).map_or(0, |stored| stored.numbers.len() as u64);
        if stored == plan.issued().end {
            return Err("the disk was never full".into());
        }
        disk.make_room()?;
        until("the database can be written to", || {
            if !database.runs()? {
                database.start_again()?;
            }
            Ok(block_on(async { Ok(database.open().await?.setup_backend().await?) }).is_ok())
        })?;
        let issued = 0..plan.issued().end;
        block_on(async {
            let store = database.open().await?;
            oracle::check(&*store, &issued.clone().collect(), &issued).await
        })?;
        victim.wait()?;
    }
    if let Database::Sqlite(folder) = &database {
        assert_eq!(sqlite_check(&folder.path().join("tickets.db"))?, "ok");
    }
    Ok(())
}

/// The spool's disk is full while the database is down.
///
/// As many further records as fit are kept in memory, and the others are counted as lost. The
/// application does not block, and once the database is back, everything that was kept is stored.
fn f05_spool(engine: Engine) -> Outcome {
    /// More records than fit on the disk and into memory, which hold 12 MiB together.
    const RECORDS: u64 = 120_000;
    let mut database = engine.start()?;
    block_on(async { Ok(database.open().await?.setup_backend().await?) })?;
    database.kill()?;
    let folder = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(folder.path().to_owned());
    (plan.records, plan.linger) = (RECORDS, true);
    let victim = Victim::start_by(with_disk(folder.path(), "4m"), VICTIM, &plan)?;
    until("each record is acknowledged or refused", || {
        let heard = victim.heard();
        Ok((heard.acknowledged.len() + heard.refused.len()) as u64 == RECORDS)
    })?;
    database.start_again()?;
    let heard = victim.heard();
    // The disk vanishes when the victim exits, so everything has to be stored before.
    let stored =
        || block_on(async { Ok(oracle::read(&*database.open().await?).await?.numbers.len()) });
    let mut before = 0;
    until("no more records are stored", || {
        std::thread::sleep(Duration::from_secs(3));
        let (last, now) = (before, stored()?);
        before = now;
        Ok(now > 0 && now == last)
    })?;
    let ended = victim.wait()?;
    let (recorded, lost) = (ended.counted("recorded")?, ended.counted("lost")?);
    let stored = block_on(async { oracle::read(&*database.open().await?).await })?;
    assert!(lost > 0, "the disk was never full");
    // The handler's count of lost records is exact.
    assert_eq!(recorded + lost, RECORDS);
    let numbers = stored.numbers.len() as u64;
    assert_eq!(numbers, recorded);
    assert!(numbers > 10_000 && heard.acknowledged.len() as u64 >= numbers, "{numbers}");
    Ok(())
}

/// The file system fails to sync a few times: each batch is stored once or not at all, and sent again.
fn f06_sync() -> Outcome {
    let folder = TempDir::new()?;
    let mut plan = Plan::new(format!("sqlite:{}/tickets.db", folder.path().display()));
    plan.spool = Some(folder.path().join("spool"));
    // Two seconds, which is about ten batches.
    (plan.records, plan.pace, plan.linger) = (8_000, 2_000, true);
    let mut strace = Command::new("strace");
    strace.args(["--follow-forks", "--output=/dev/null", "--trace=fsync,fdatasync"]);
    strace.args(["--inject=fsync,fdatasync:error=EIO:when=8..11"]);
    let victim = Victim::start_by(strace, VICTIM, &plan)?;
    let issued = plan.issued();
    let file = folder.path().join("tickets.db");
    until("the database file exists", || Ok(file.exists()))?;
    block_on(async {
        let store = open(&plan.url).await?;
        store.setup_backend().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    assert_eq!(sqlite_check(&file)?, "ok");
    let retries = victim.wait()?.counted("retries")?;
    if retries > 0 { Ok(()) } else { Err("no sync failed".into()) }
}

/// All writes to the spool fail for a while, during which records are kept in memory.
fn f06_write() -> Outcome {
    let folder = TempDir::new()?;
    let mut plan = Plan::new(format!("sqlite:{}/tickets.db", folder.path().display()));
    let spool = folder.path().join("spool");
    plan.spool = Some(spool.clone());
    (plan.threads, plan.records, plan.pace, plan.linger) = (1, 8_000, 1_000, true);
    block_on(async { Ok(open(&plan.url).await?.setup_backend().await?) })?;
    let victim = Victim::start(VICTIM, &plan)?;
    until("a record is acknowledged", || Ok(!victim.heard().acknowledged.is_empty()))?;
    let mut strace = Command::new("strace");
    strace.args(["--follow-forks", "--quiet=attach", "--output=/dev/null"]);
    strace.args(["--inject=write:error=EIO:when=1..300", &format!("--attach={}", victim.id())]);
    // Only writes to the spool fail; the victim must still be able to write to its pipe.
    strace.args(next_segments(&spool)?.iter().map(|path| format!("--trace-path={path}")));
    let tracer = Process::start(&mut strace)?;
    let issued = plan.issued();
    block_on(async {
        let store = open(&plan.url).await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    drop(tracer);
    let failures = victim.wait()?.counted("disk_failures")?;
    if failures > 0 { Ok(()) } else { Err("no write failed".into()) }
}

/// Returns the files that the only process in a spool will write to next.
///
/// `strace` matches full paths, so files that do not exist yet have to be listed.
fn next_segments(spool: &Path) -> Outcome<Vec<String>> {
    let folder = std::fs::read_dir(spool)?.next().ok_or("the spool is empty")??.path();
    let numbers = std::fs::read_dir(&folder)?
        .filter_map(|file| file.ok()?.path().file_stem()?.to_str()?.parse::<u64>().ok());
    let newest = numbers.max().ok_or("the spool has no segment")?;
    let path = |number| format!("{}/{number:016}.segment", folder.display());
    Ok((newest..newest + 200).map(path).collect())
}

async fn open(url: &str) -> Outcome<std::sync::Arc<dyn Store>> {
    Ok(registry().connect(url).await?)
}

/// Returns the result of SQLite's integrity check, which is `ok` for a sound file.
fn sqlite_check(file: &Path) -> Outcome<String> {
    let connection = rusqlite::Connection::open(file)?;
    Ok(connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?)
}
