//! Recording (rules 1 to 8).

use std::collections::{BTreeMap, BTreeSet};

use ticket_core::backend::{NewOccurrence, Recorded, TicketChange, TicketUpdate};
use ticket_core::{OccurrenceId, Result, TicketId, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::record_rows::{Rows, repeats};
use super::record_statements::{STORED, record};
use super::{ATTEMPTS, pause};
use crate::connection::{Connections, Param};
use crate::error::{corrupt, is_conflict, is_stopped};
use crate::partitions::{self, Month};
use crate::row::{count, get, ticket_id, uuid_of};

pub(crate) async fn record_tickets(
    connections: &Connections,
    batch: &[NewOccurrence],
) -> Result<Recorded> {
    if batch.is_empty() {
        return Ok(Recorded::default());
    }
    let mut tickets = by_ticket(batch);
    let months: BTreeSet<Month> =
        batch.iter().filter_map(|new| Month::of_id(new.record().id.as_uuid())).collect();
    partitions::provide(connections, months).await?;
    let mut attempt = 1;
    loop {
        let result = send(connections, &tickets).await;
        match result {
            Err(error) if attempt < ATTEMPTS && is_stopped(&error) => {
                leave_out_stored(connections, &mut tickets).await?;
            }
            Err(error) if attempt < ATTEMPTS && is_conflict(&error) => pause(attempt).await,
            result => return result,
        }
        attempt += 1;
    }
}

type Tickets<'a> = BTreeMap<TicketId, Vec<&'a NewOccurrence>>;

/// By ticket, and within one in the batch's order, without those whose id another one further to the
/// front has.
fn by_ticket(batch: &[NewOccurrence]) -> Tickets<'_> {
    let mut tickets = Tickets::new();
    let mut ids = BTreeSet::new();
    for new in batch {
        if ids.insert((new.ticket_id(), new.record().id)) {
            tickets.entry(new.ticket_id()).or_default().push(new);
        }
    }
    tickets
}

async fn leave_out_stored(connections: &Connections, tickets: &mut Tickets<'_>) -> Result<()> {
    let ids = tickets.iter().flat_map(|(ticket, news)| {
        news.iter().map(|new| (uuid_of(*ticket), *new.record().id.as_uuid()))
    });
    let (ticket_ids, ids): (Vec<Uuid>, Vec<Uuid>) = ids.unzip();
    let sql = connections.names().sql(STORED);
    let params: [Param<'_>; 2] = [(&ticket_ids, Type::UUID_ARRAY), (&ids, Type::UUID_ARRAY)];
    let rows = connections.write().await?.only(&sql, &params).await?;
    let mut stored = BTreeSet::new();
    for row in &rows {
        stored.insert((ticket_id(row, 0)?, OccurrenceId::from_uuid(get(row, 1)?)));
    }
    for (ticket, news) in tickets.iter_mut() {
        news.retain(|new| !stored.contains(&(*ticket, new.record().id)));
    }
    tickets.retain(|_, news| !news.is_empty());
    Ok(())
}

async fn send(connections: &Connections, tickets: &Tickets<'_>) -> Result<Recorded> {
    if tickets.is_empty() {
        return Ok(Recorded::default());
    }
    let mut rows = Rows::default();
    for (id, occurrences) in tickets {
        rows.add(*id, occurrences)?;
    }
    let batch = *OccurrenceId::random(Timestamp::now()).as_uuid();
    let sql = connections.names().sql(&record());
    let call = connections.write().await?;
    let found = call.only(&sql, &rows.params(&batch)).await?;
    let mut recorded = Recorded::default();
    for row in &found {
        let (ticket_id, total) = (ticket_id(row, 0)?, count(row, 1)?);
        let Some(occurrences) = tickets.get(&ticket_id) else {
            return Err(corrupt("a ticket's id"));
        };
        let added = repeats(occurrences);
        recorded.occurrences += occurrences.len() as u64;
        recorded.updates.push(TicketUpdate {
            ticket_id,
            change: if total == added {
                Some(TicketChange::Created)
            } else if get(row, 2)? {
                Some(TicketChange::Reopened)
            } else {
                None
            },
            added,
            occurrence_count: total,
        });
    }
    recorded.updates.sort_unstable_by_key(|update| update.ticket_id);
    Ok(recorded)
}
