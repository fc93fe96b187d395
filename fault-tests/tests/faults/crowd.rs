//! Faults of other clients that use the same database at the same time.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures::TryStreamExt as _;
use libtest_mimic::Trial;
use tempfile::TempDir;
use ticket_core::{BackendExt as _, TicketFilter, TicketQuery};
use ticket_faults::case::{Engine, on};
use ticket_faults::servers::until;
use ticket_faults::victim::{APP, Plan, TICKETS, Victim};
use ticket_faults::{Outcome, oracle};
use ticket_handler::Retention;

use super::VICTIM;
use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    [
        on(&[Engine::Postgres], "f14_all_connections_are_taken", f14_taken),
        on(&Engine::ALL, "f14_others_ask_without_end", f14_asked),
        on(&Engine::ALL, "f36_occurrences_are_pruned_while_others_record", f36_pruned),
    ]
    .into_iter()
    .flatten()
}

/// All of the server's connections are taken, and records wait until one is free.
fn f14_taken(engine: Engine) -> Outcome {
    let mut database = engine.start()?;
    block_on(async { Ok(database.open().await?.setup_backend().await?) })?;
    database.sql("ALTER SYSTEM SET max_connections = 8")?;
    database.kill()?;
    database.start_again()?;
    let mut others = (0..8).map(|_| database.busy_connection()).collect::<Outcome<Vec<_>>>()?;
    until("all connections are taken", || Ok(database.sql("SELECT 1").is_err()))?;
    let spool = TempDir::new()?;
    let mut plan = Plan::new(database.url());
    plan.spool = Some(spool.path().to_owned());
    (plan.records, plan.linger) = (1_000, true);
    let victim = Victim::start(VICTIM, &plan)?;
    until("all records are acknowledged", || Ok(victim.heard().acknowledged.len() == 1_000))?;
    std::thread::sleep(Duration::from_secs(2));
    assert!(database.sql("SELECT 1").is_err(), "a connection was free");
    for other in &mut others {
        other.kill()?;
    }
    let issued = plan.issued();
    block_on(async {
        let store = database.open().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await
    })?;
    let retries = victim.wait()?.counted("retries")?;
    if retries > 0 { Ok(()) } else { Err("the victim was never refused a connection".into()) }
}

/// A hundred readers query tickets without a pause, and do not keep a victim from recording.
fn f14_asked(engine: Engine) -> Outcome {
    let database = engine.start()?;
    let mut plan = Plan::new(database.url());
    (plan.records, plan.pace, plan.linger) = (5_000, 1_000, true);
    let issued = plan.issued();
    block_on(async {
        let store = database.open().await?;
        store.setup_backend().await?;
        let victim = Victim::start(VICTIM, &plan)?;
        let done = AtomicBool::new(false);
        let (store, done) = (&store, &done);
        let readers = futures::future::join_all((0..100).map(|_| async move {
            let mut answers = 0_u64;
            while !done.load(Relaxed) {
                // A reader that waits too long for a connection gets an error, which is fine.
                answers += u64::from(store.get_tickets(&TicketQuery::new()).await.is_ok());
                tokio::task::yield_now().await;
            }
            answers
        }));
        let check = async {
            let checked =
                oracle::check(&**store, &issued.clone().collect(), &issued).await.map(drop);
            done.store(true, Relaxed);
            checked
        };
        let (answers, checked) = futures::future::join(readers, check).await;
        checked?;
        assert!(answers.iter().sum::<u64>() > 100, "too few answers: {answers:?}");
        victim.wait()?;
        Ok(())
    })
}

/// Occurrences are pruned without a pause while a victim records: every record is counted, and each ticket
/// keeps its first occurrence and its newest ones.
fn f36_pruned(engine: Engine) -> Outcome {
    const KEPT: u32 = 5;
    let database = engine.start()?;
    let mut plan = Plan::new(database.url());
    (plan.records, plan.pace, plan.linger) = (10_000, 1_000, true);
    block_on(async {
        let store = database.open().await?;
        store.setup_backend().await?;
        let victim = Victim::start(VICTIM, &plan)?;
        let retention = Retention::new().with_max_per_ticket(KEPT);
        let counts = async || -> Outcome<Vec<u64>> {
            let query = TicketQuery::new().with_filter(TicketFilter::new().with_app_id(APP));
            let tickets = store.walk_tickets(query).map_ok(|ticket| ticket.occurrence_count);
            Ok(tickets.try_collect().await?)
        };
        while counts().await?.iter().sum::<u64>() < plan.records {
            retention.apply(&*store, Some(APP)).await?;
        }
        victim.wait()?;
        retention.apply(&*store, Some(APP)).await?;
        assert_eq!(counts().await?, [plan.records / TICKETS; 20]);
        let stored = oracle::read(&*store).await?;
        assert_eq!(stored.numbers.len() as u64, TICKETS * u64::from(KEPT));
        // What is left are the first occurrence of each ticket and its newest ones.
        let last = plan.records - TICKETS * (u64::from(KEPT) - 1);
        assert!(stored.numbers.keys().all(|number| *number < TICKETS || *number >= last));
        Ok(())
    })
}
