//! What happens to the database while the application goes on.

use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use ticket_faults::case::{Engine, long, on};
use ticket_faults::servers::Database;
use ticket_faults::victim::{Heard, Plan, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;
use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    on(&Engine::SERVERS, "f02_the_server_is_killed_and_comes_back", f02_killed).chain(on(
        &Engine::SERVERS,
        "f03_the_server_stands_still",
        f03_stopped,
    ))
}

fn f02_killed(engine: Engine) -> Outcome {
    during_a_burst(engine, |database| {
        database.kill()?;
        std::thread::sleep(Duration::from_secs(if long() { 5 } else { 2 }));
        database.start_again()
    })
}

fn f03_stopped(engine: Engine) -> Outcome {
    during_a_burst(engine, |database| {
        database.stop()?;
        // Longer than a call may take, so that its connection is given up.
        std::thread::sleep(Duration::from_secs(if long() { 60 } else { 5 }));
        database.go_on()
    })
}

/// Something happens to the server while a victim emits, with its spool in memory and on disk.
fn during_a_burst(engine: Engine, fault: fn(&mut Database) -> Outcome) -> Outcome {
    let mut database = engine.start()?;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(spool.path().to_owned());
    (plan.records, plan.pace, plan.linger) = (20_000, 500, true);
    let victim = Victim::start(VICTIM, &plan)?;
    std::thread::sleep(Duration::from_millis(500));
    fault(&mut database)?;
    let issued = plan.issued();
    let stored = block_on(async {
        let store = database.open().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    let ended = victim.wait()?;
    if !ended.status.success() || ended.heard.acknowledged.len() as u64 != plan.records {
        let Heard { acknowledged, refused, .. } = ended.heard;
        let told = (acknowledged.len(), refused.len());
        return Err(format!("{} {told:?} {}", ended.status, ended.said).into());
    }
    assert_eq!(stored.numbers.len() as u64, plan.records);
    Ok(())
}
