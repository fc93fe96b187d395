//! A database that is read-only for a while: records wait, and reads still work.

use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use ticket_faults::case::{Engine, on, on_disks};
use ticket_faults::machine::Disk;
use ticket_faults::servers::{Database, registry, until};
use ticket_faults::victim::{Plan, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;
use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    [
        on_disks(&[Engine::Sqlite], "f15_the_file_is_read_only", f15_file),
        on(&Engine::SERVERS, "f15_the_server_is_read_only", f15_server),
    ]
    .into_iter()
    .flatten()
}

fn f15_file(engine: Engine) -> Outcome {
    let disk = Disk::new("64m")?;
    let database = engine.start_in(disk.path())?;
    meanwhile(&database, |read_only| disk.set_read_only(read_only))
}

/// PostgreSQL is read-only like a standby, and MongoDB steps down as the primary of its set.
fn f15_server(engine: Engine) -> Outcome {
    let database = engine.start()?;
    meanwhile(&database, |read_only| database.set_read_only(read_only))
}

fn meanwhile(database: &Database, set_read_only: impl Fn(bool) -> Outcome) -> Outcome {
    const BEFORE: u64 = 100;
    const MEANWHILE: u64 = 1_000;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url_of_this_server());
    let url = plan.url.clone();
    let open = async || Ok::<_, Box<dyn std::error::Error>>(registry().connect(&url).await?);
    plan.spool = Some(spool.path().to_owned());
    plan.records = BEFORE;
    Victim::start(VICTIM, &plan)?.wait()?;

    set_read_only(true)?;
    (plan.first, plan.records, plan.linger) = (BEFORE, MEANWHILE, true);
    let victim = Victim::start(VICTIM, &plan)?;
    until("all records are acknowledged", || {
        Ok(victim.heard().acknowledged.len() as u64 == MEANWHILE)
    })?;
    std::thread::sleep(Duration::from_secs(3));
    let stored = block_on(async { oracle::read(&*open().await?).await })?;
    assert_eq!(stored.numbers.len() as u64, BEFORE, "stored while the database was read-only");

    set_read_only(false)?;
    let issued = 0..BEFORE + MEANWHILE;
    block_on(async { oracle::check(&*open().await?, &issued.clone().collect(), &issued).await })?;
    let retries = victim.wait()?.counted("retries")?;
    if retries > 0 { Ok(()) } else { Err("the database was never read-only".into()) }
}
