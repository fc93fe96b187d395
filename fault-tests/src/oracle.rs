//! The conditions that must hold when a fault is over.

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

/// How long [`check`] waits for acknowledged records to be stored.
///
/// MongoDB keeps the transaction of a killed client open for 60 seconds, and until then nobody else can
/// update the tickets that it touched.
const PATIENCE: Duration = Duration::from_secs(150);

/// The victim's records that are stored.
#[derive(Debug, Default)]
pub struct Stored {
    /// How many times each record number is stored.
    pub numbers: BTreeMap<u64, u64>,
    /// The number of occurrences of each ticket, and the time of the first and the last one.
    tickets: BTreeMap<TicketId, (u64, Timestamp, Timestamp)>,
}

/// Reads all of the victim's records from the store.
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
        // Occurrences of the handler's own tickets have no number.
        if let Some(Value::Int(number)) = event.record.traits.get("number") {
            *stored.numbers.entry(u64::try_from(*number)?).or_default() += 1;
        }
    }
    Ok(stored)
}

/// Waits until all acknowledged records are stored, then checks the store.
///
/// Every stored record must have been issued, none may be stored twice, and each ticket's count and times
/// must agree with its occurrences.
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
            // Tells whether the two ever agree, which says where to look.
            tokio::time::sleep(Duration::from_secs(5)).await;
            let later = store.get_ticket(ticket.id).await?.map(|ticket| ticket.occurrence_count);
            return Err(format!(
                "ticket `{message}` has {counted:?}, but its occurrences {of:?}; five seconds later it counts {later:?}"
            )
            .into());
        }
        seen += 1;
    }
    if seen != stored.tickets.len() {
        let expected = stored.tickets.len();
        return Err(format!("found {seen} tickets, but occurrences of {expected}").into());
    }
    Ok(stored)
}
