//! What has to be true when the fault is over.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use ticket_core::{
    BackendExt as _, EventFilter, EventQuery, EventStoreExt as _, MAX_LIMIT, Store, TicketFilter,
    TicketId, TicketQuery, Timestamp, Value,
};

use crate::Outcome;
use crate::victim::APP;

/// How long a case waits for what has to come. MongoDB keeps the transaction of a client that was
/// killed for 60 seconds, and with it the tickets that it has touched.
const PATIENCE: Duration = Duration::from_secs(150);

/// What is stored of the victim's records.
#[derive(Debug, Default)]
pub struct Stored {
    /// How often each number is there.
    pub numbers: BTreeMap<u64, u64>,
    /// For each ticket its count, and its first and last time, over its occurrences.
    tickets: BTreeMap<TicketId, (u64, Timestamp, Timestamp)>,
}

/// Reads all of them.
pub async fn read(store: &dyn Store) -> Outcome<Stored> {
    let filter = EventFilter::new().with_app_id(APP);
    let query = EventQuery::new().with_filter(filter).with_limit(MAX_LIMIT);
    let mut stored = Stored::default();
    let mut events = store.walk_events(query);
    while let Some(event) = events.try_next().await? {
        let time = event.record.time;
        let (count, first, last) = stored.tickets.entry(event.ticket_id).or_insert((0, time, time));
        *count += u64::from(event.repeats);
        (*first, *last) = ((*first).min(time), (*last).max(time));
        // The handler's own tickets have no number.
        if let Some(Value::Int(number)) = event.record.traits.get("number") {
            *stored.numbers.entry(u64::try_from(*number)?).or_default() += 1;
        }
    }
    Ok(stored)
}

/// Waits until everything that was acknowledged is stored, then checks that it is, with nothing else
/// and nothing twice, and that the tickets say the same as their occurrences.
pub async fn check(
    store: &dyn Store,
    acknowledged: &BTreeSet<u64>,
    issued: &Range<u64>,
) -> Outcome<Stored> {
    let start = Instant::now();
    let stored = loop {
        let stored = read(store).await?;
        let missing = acknowledged.iter().find(|number| !stored.numbers.contains_key(number));
        match missing {
            None => break stored,
            Some(number) if start.elapsed() > PATIENCE => {
                let missing =
                    acknowledged.iter().filter(|number| !stored.numbers.contains_key(number));
                let missing = missing.count();
                return Err(
                    format!("{missing} acknowledged records are lost, such as {number}").into()
                );
            }
            Some(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    for (number, times) in &stored.numbers {
        if *times != 1 {
            return Err(format!("record {number} is stored {times} times").into());
        }
        if !issued.contains(number) {
            return Err(format!("record {number} was never issued").into());
        }
    }
    let mut tickets = store.walk_tickets(
        TicketQuery::new().with_filter(TicketFilter::new().with_app_id(APP)).with_limit(MAX_LIMIT),
    );
    let mut seen = 0;
    while let Some(ticket) = tickets.try_next().await? {
        let counted =
            (ticket.occurrence_count, ticket.first_occurrence_time, ticket.last_occurrence_time);
        let of = stored.tickets.get(&ticket.id);
        if of != Some(&counted) {
            let message = &ticket.message;
            return Err(format!("`{message}`: {counted:?}, its occurrences: {of:?}").into());
        }
        seen += 1;
    }
    if seen != stored.tickets.len() {
        return Err(format!("{seen} tickets, occurrences of {}", stored.tickets.len()).into());
    }
    Ok(stored)
}
