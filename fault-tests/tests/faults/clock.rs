//! Faults of clocks: machines that disagree about the time, and a clock that is set back.

use std::time::Duration;

use libtest_mimic::Trial;
use ticket_core::backend::Lease;
use ticket_core::{
    Author, BackendExt as _, Comparison, Direction, EventFilter, EventQuery, Operator, Status,
    StatusKind, Store, TicketFilter, TicketQuery, Timestamp,
};
use ticket_faults::case::{Engine, able, on};
use ticket_faults::machine::{Ability, Clock};
use ticket_faults::servers::{Database, until};
use ticket_faults::victim::{Plan, TICKETS, Victim};
use ticket_faults::{Outcome, oracle};

use super::VICTIM;
use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    [
        on(&Engine::ALL, "f11_clocks_disagree_and_one_is_set_back", f11_clocks),
        on(&Engine::SERVERS, "f11_a_lease_goes_by_the_clock_of_the_server", f11_lease),
    ]
    .into_iter()
    .flatten()
    .map(|trial| able(Ability::Clocks, trial))
}

/// Almost a day, by which the clocks differ at least.
const ALMOST_A_DAY: Duration = Duration::from_secs(23 * 3_600);

/// Processes whose clocks are a day apart record the same tickets, and the fast one is set back in the middle.
/// Nothing is lost, first and last times are the minimum and the maximum, and a ticket whose newest occurrence lies in
/// the future can be solved.
fn f11_clocks(engine: Engine) -> Outcome {
    const RECORDS: u64 = 2_000;
    let database = engine.start()?;
    let clocks = [Clock::new("-1d")?, Clock::new("+0")?, Clock::new("+1d")?];
    let mut plan = Plan::new(database.url());
    // Each victim emits for at least four seconds, within which the clock is set back.
    (plan.records, plan.pace, plan.own_clock, plan.linger) = (RECORDS, 16_000, true, true);
    let mut victims = Vec::new();
    for clock in &clocks {
        victims.push(Victim::start_by(clock.command(), VICTIM, &plan)?);
        plan.first += RECORDS;
    }
    let [slow, right, fast] = &clocks;
    until("the fast clock has dated some records", || {
        Ok(victims[2].heard().acknowledged.len() as u64 > RECORDS / 4)
    })?;
    fast.set("-1d")?;
    let issued = 0..plan.first;
    block_on(async {
        let store = database.open().await?;
        store.setup_backend().await?;
        oracle::check(&*store, &issued.clone().collect(), &issued).await?;
        let now = Timestamp::now();
        let (first, last) = times_since(&*store, 2 * RECORDS).await?;
        assert!(first < now.saturating_sub(ALMOST_A_DAY), "the clock was not set back: {first}");
        assert!(last > now.saturating_add(ALMOST_A_DAY), "the clock was not ahead: {last}");
        for ticket in store.get_tickets(&TicketQuery::new()).await?.items {
            let solved = store.solve_ticket(ticket.id, None, Author::unknown()).await?;
            let status = solved.ok_or("a ticket is gone")?.status;
            let at = ticket.last_occurrence_time;
            assert!(
                matches!(status, Status::Solved { at: solved, .. } if solved == at),
                "{status:?}"
            );
        }
        Ok(())
    })?;
    for victim in victims {
        victim.wait()?;
    }
    // Occurrences before the moment of solving reopen nothing, whenever they arrive.
    plan.records = TICKETS;
    fast.set("+2d")?;
    for (clock, reopened) in [(slow, 0), (right, 0), (fast, TICKETS)] {
        Victim::start_by(clock.command(), VICTIM, &plan)?.wait()?;
        plan.first += TICKETS;
        assert_eq!(open_tickets(&database)?, reopened);
    }
    let issued = 0..plan.first;
    block_on(async {
        oracle::check(&*database.open().await?, &issued.clone().collect(), &issued).await.map(drop)
    })
}

/// Returns the earliest and the latest time of the records from a number on.
async fn times_since(store: &dyn Store, number: u64) -> Outcome<(Timestamp, Timestamp)> {
    let number = Comparison::new("number", Operator::Ge, i64::try_from(number)?);
    let filter = EventFilter::new().with_comparison(number);
    let time = async |direction| -> Outcome<Timestamp> {
        let query = EventQuery::new().with_filter(filter.clone()).with_limit(1);
        let found = store.get_events(&query.with_direction(direction)).await?.items;
        Ok(found.first().ok_or("there is no such record")?.record.time)
    };
    Ok((time(Direction::Ascending).await?, time(Direction::Descending).await?))
}

fn open_tickets(database: &Database) -> Outcome<u64> {
    block_on(async {
        let open = TicketFilter::new().with_status(StatusKind::Open);
        Ok(database.open().await?.count_tickets(&open).await?)
    })
}

/// A process whose clock is ahead does not see a lease as expired, and one whose clock is behind gets an expired one.
///
/// An SQLite file has no clock but that of its processes.
fn f11_lease(engine: Engine) -> Outcome {
    let database = engine.start()?;
    let ask = |time| {
        block_on(async {
            let store = database.open().await?;
            store.setup_backend().await?;
            Ok(store.lease(&Lease::new("retention", "test", time)).await?)
        })
    };
    let victim = |offset| -> Outcome<Option<bool>> {
        let mut plan = Plan::new(database.url());
        plan.lease = Some("retention".to_owned());
        let clock = Clock::new(offset)?;
        Ok(Victim::start_by(clock.command(), VICTIM, &plan)?.wait()?.heard.lease)
    };
    assert!(ask(Duration::from_secs(3_600))?);
    assert_eq!(victim("+1d")?, Some(false), "the lease has not expired");
    assert!(ask(Duration::from_millis(1))?);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(victim("-1d")?, Some(true), "the lease has expired");
    assert!(!ask(Duration::from_secs(1))?, "the victim has the lease");
    Ok(())
}
