//! What happens to the application's process.

use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use ticket_faults::case::{Engine, long, on};
use ticket_faults::victim::{Heard, Plan, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    on(&Engine::ALL, "f01_the_process_is_killed_in_a_burst", f01_killed).chain(on(
        &Engine::SERVERS,
        "f33_the_database_is_away_from_start_to_end",
        f33_away,
    ))
}

/// Rounds of SIGKILL at a random moment of a burst: what was acknowledged is recorded by later starts.
fn f01_killed(engine: Engine) -> Outcome {
    const RECORDS: u64 = 20_000;
    let database = engine.start()?;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(spool.path().to_owned());
    let rounds = if long() { 50 } else { 4 };
    let mut heard = Heard::default();
    for round in 0..rounds {
        (plan.first, plan.records) = (round * RECORDS, RECORDS);
        // Long enough to be killed in the middle.
        plan.pace = 200;
        let victim = Victim::start(VICTIM, &plan)?;
        std::thread::sleep(Duration::from_millis(fastrand::u64(100..2_000)));
        heard.add(victim.kill()?.heard);
    }
    let issued = 0..rounds * RECORDS;
    if heard.acknowledged.is_empty() {
        return Err("nothing was acknowledged before a kill".into());
    }
    // One more start records the rest, and takes new ones.
    (plan.first, plan.records, plan.linger) = (issued.end, 10, true);
    let fresh = plan.issued();
    let last = Victim::start(VICTIM, &plan)?;
    heard.acknowledged.extend(fresh.clone());
    block_on(async {
        let store = database.open().await?;
        oracle::check(&*store, &heard.acknowledged, &(0..fresh.end)).await
    })?;
    let ended = last.wait()?;
    if !ended.status.success() {
        return Err(format!("the last start: {} {}", ended.status, ended.said).into());
    }
    Ok(())
}

/// An application starts, runs and ends in order while the database is away; the next start records.
fn f33_away(engine: Engine) -> Outcome {
    let mut database = engine.start()?;
    block_on(async { Ok(database.open().await?.setup_backend().await?) })?;
    database.kill()?;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(spool.path().to_owned());
    plan.records = 500;
    let mut heard = Heard::default();
    for start in 0..3 {
        plan.first = start * plan.records;
        let ended = Victim::start(VICTIM, &plan)?.wait()?;
        if !ended.status.success() || ended.heard.acknowledged.len() != 500 {
            return Err(format!("with its database away: {ended:?}").into());
        }
        heard.add(ended.heard);
    }
    database.start_again()?;
    (plan.first, plan.records, plan.linger) = (1_500, 1, true);
    let last = Victim::start(VICTIM, &plan)?;
    heard.acknowledged.insert(1_500);
    block_on(async {
        let store = database.open().await?;
        oracle::check(&*store, &heard.acknowledged, &(0..1_501)).await
    })?;
    last.wait().map(drop)
}

/// Runs what a test awaits.
pub(crate) fn block_on<T>(future: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(future)
}
