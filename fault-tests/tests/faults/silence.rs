//! Events that the database drivers emit through `tracing` and `log` while a record is stored.
//!
//! None of them may become a record, because storing that record would emit further events, without end.

use std::time::Duration;

use libtest_mimic::Trial;
use ticket_faults::case::{Engine, long, on};
use ticket_faults::victim::{Plan, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;
use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    on(&Engine::ALL, "f26_nothing_that_drivers_say_comes_back", f26_drivers).into_iter()
}

/// An application records the events of all libraries, down to `TRACE`, while its database goes down and
/// comes back, and then for a while in which it emits no events itself.
fn f26_drivers(engine: Engine) -> Outcome {
    const RECORDS: u64 = 20;
    let mut database = engine.start()?;
    block_on(async { Ok(database.open().await?.setup_backend().await?) })?;
    let mut plan = Plan::new(database.url());
    (plan.threads, plan.records, plan.pace) = (1, RECORDS, 300_000);
    (plan.traced, plan.linger) = (true, true);
    let victim = Victim::start(VICTIM, &plan)?;
    std::thread::sleep(Duration::from_secs(2));
    if engine != Engine::Sqlite {
        database.kill()?;
        std::thread::sleep(Duration::from_secs(3));
        database.start_again()?;
    }
    let issued = plan.issued();
    let all = issued.clone().collect();
    block_on(async { oracle::check(&*database.open().await?, &all, &issued).await })?;
    std::thread::sleep(Duration::from_secs(if long() { 60 } else { 3 }));
    let ended = victim.wait()?;
    // A batch that the server committed but could not confirm is sent again and counts as duplicates.
    let recorded = ended.counted("recorded")? + ended.counted("duplicates")?;
    let counts = [recorded, ended.counted("ignored")?, ended.counted("lost")?];
    assert_eq!(counts, [RECORDS, 0, 0], "recorded, ignored, lost");
    // Of the three drivers, only PostgreSQL's emits events.
    if engine == Engine::Postgres && ended.counted("others")? == 0 {
        return Err("no library emitted an event".into());
    }
    Ok(())
}
