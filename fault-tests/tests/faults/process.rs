//! Faults of the application's process.

use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use ticket_core::backend::StatusChange;
use ticket_core::{Author, Status, StatusKind, Ticket, TicketFilter, TicketQuery};
use ticket_faults::case::{Engine, long, on};
use ticket_faults::victim::{Heard, Plan, TICKETS, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    [
        on(&Engine::ALL, "f01_the_process_is_killed_in_a_burst", f01_killed),
        on(&Engine::ALL, "f08_processes_emit_the_same_records", f08_twice),
        on(&Engine::ALL, "f09_many_processes_emit_the_first_occurrence", f09_first),
        on(&Engine::ALL, "f10_solved_again_and_again_while_others_record", f10_solved),
        on(&Engine::ALL, "f33_the_database_is_away_from_start_to_end", f33_away),
    ]
    .into_iter()
    .flatten()
}

/// The process is killed several times at a random moment of a burst, and later starts store every
/// acknowledged record.
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
        // Slow enough that the kill hits the middle of the burst.
        plan.pace = 200;
        let victim = Victim::start(VICTIM, &plan)?;
        std::thread::sleep(Duration::from_millis(fastrand::u64(100..2_000)));
        heard.add(victim.kill()?.heard);
    }
    let issued = 0..rounds * RECORDS;
    if heard.acknowledged.is_empty() {
        return Err("no record was acknowledged before a kill".into());
    }
    // One more start stores the rest, and accepts new records.
    (plan.first, plan.records, plan.linger) = (issued.end, 10, true);
    let fresh = plan.issued();
    let last = Victim::start(VICTIM, &plan)?;
    heard.acknowledged.extend(fresh.clone());
    block_on(async {
        let store = database.open().await?;
        // Every kill may have hit the set-up, and the last start may still be at it.
        store.setup_backend().await?;
        oracle::check(&*store, &heard.acknowledged, &(0..fresh.end)).await
    })?;
    last.wait().map(drop)
}

/// Two processes emit the same records at the same time, and a third one afterwards: each record is stored
/// once.
fn f08_twice(engine: Engine) -> Outcome {
    let database = engine.start()?;
    let mut plan = Plan::new(database.url());
    (plan.records, plan.pace) = (5_000, 100);
    let both = [Victim::start(VICTIM, &plan)?, Victim::start(VICTIM, &plan)?];
    let mut ended = both.into_iter().map(Victim::wait).collect::<Outcome<Vec<_>>>()?;
    ended.push(Victim::start(VICTIM, &plan)?.wait()?);
    let told = |name: &str| ended.iter().map(|ended| ended.counted(name)).sum::<Outcome<u64>>();
    // For each record, exactly one of the three was told that it is new.
    assert_eq!((told("recorded")?, told("duplicates")?), (5_000, 10_000));
    let issued = plan.issued();
    block_on(async {
        let store = database.open().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await.map(drop)
    })
}

/// Eight processes with eight threads each emit the first occurrence of the same tickets.
fn f09_first(engine: Engine) -> Outcome {
    let database = engine.start()?;
    let victims = (0..8).map(|process| {
        let mut plan = Plan::new(database.url());
        (plan.first, plan.records, plan.linger) = (process * 160, 160, true);
        Victim::start(VICTIM, &plan)
    });
    let mut victims = victims.collect::<Outcome<Vec<_>>>()?;
    victims.iter_mut().for_each(Victim::let_go);
    for victim in victims {
        victim.wait()?;
    }
    block_on(async {
        let store = database.open().await?;
        let issued = 0..8 * 160;
        oracle::check(&*store, &issued.clone().collect(), &issued).await?;
        assert_eq!(store.count_tickets(&TicketFilter::new()).await?, TICKETS);
        Ok(())
    })
}

/// A loop solves tickets while a victim emits: an occurrence after the time of solving always reopens the
/// ticket, each solved ticket is reopened at most once, and no record is lost.
fn f10_solved(engine: Engine) -> Outcome {
    let database = engine.start()?;
    let mut plan = Plan::new(database.url());
    (plan.records, plan.pace, plan.linger) = (10_000, 4_000, true);
    let issued = plan.issued();
    let victim = Victim::start(VICTIM, &plan)?;
    block_on(async {
        let store = database.open().await?;
        let is_solved = |ticket: &Ticket| matches!(ticket.status, Status::Solved { .. });
        let mut solvings = 0;
        while oracle::read(&*store).await.map_or(0, |stored| stored.numbers.len()) < 10_000 {
            let open =
                TicketQuery::new().with_filter(TicketFilter::new().with_status(StatusKind::Open));
            let Ok(page) = store.get_tickets(&open).await else { continue };
            for ticket in page.items {
                // The records cover ten seconds. Solving at a time slightly ahead of the last occurrence
                // leaves room for the ones that arrive meanwhile; a later one would keep the ticket open.
                let at = ticket.last_occurrence_time.saturating_add(Duration::from_millis(500));
                let change = StatusChange::Solve { at, release: None };
                let solved = store.set_status(ticket.id, change, Author::unknown()).await?;
                solvings += u64::from(solved.as_ref().is_some_and(is_solved));
            }
        }
        oracle::check(&*store, &issued.clone().collect(), &issued).await?;
        let all = store.get_tickets(&TicketQuery::new()).await?.items;
        let reopened: u64 = all.iter().map(|ticket| ticket.reopened_count).sum();
        let still = all.iter().filter(|ticket| is_solved(ticket)).count() as u64;
        assert_eq!(
            reopened + still,
            solvings,
            "each solved ticket is reopened once or still solved"
        );
        assert!(reopened > 0, "none of {solvings} solved tickets was reopened");
        for ticket in all {
            if let Status::Solved { at, .. } = ticket.status {
                assert!(ticket.last_occurrence_time <= at, "should be reopened: {ticket:?}");
            }
        }
        Ok(())
    })?;
    victim.wait().map(drop)
}

/// The application starts, runs and exits three times while the database is down, and the next start stores
/// everything.
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
        if ended.heard.acknowledged.len() != 500 {
            return Err(format!("not all records were acknowledged: {ended:?}").into());
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

/// Runs a future on a new runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(future)
}
