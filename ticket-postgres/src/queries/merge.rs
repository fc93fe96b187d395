//! Merging tickets (rule 30).

use std::collections::BTreeMap;

use ticket_core::backend::{MergeParty, MergeStep, check_merge};
use ticket_core::{Author, HistoryEvent, Result, Ticket, TicketId, Timestamp, limits};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::prune::{DELETED, OCCURRENCES, delete_belongings, of_traits};
use super::record::changes;
use super::tickets::get_ticket;
use super::{prune, to_i64};
use crate::connection::{Call, Connections, Param};
use crate::error::corrupt;
use crate::row::{get, ticket_id, uuid_of};
use crate::schema::PART;

/// Locks in the same order as recording.
pub(super) const LOCK: &str = r#"SELECT t.id, t.app_id, t.merged_into FROM {s}."{p}tickets" t
WHERE t.id = ANY($1) ORDER BY t.id FOR UPDATE"#;

/// The occurrences of $2 whose ids $1 has too.
pub(super) fn shared() -> String {
    format!(
        r#"DELETE FROM {{s}}."{{p}}occurrences" o USING {{s}}."{{p}}occurrences" i
WHERE o.ticket_id = $2 AND i.ticket_id = $1 AND i.id = o.id RETURNING {DELETED}"#
    )
}

/// Moves some occurrences of $2 to $1.
pub(super) fn moved() -> String {
    format!(
        r#"WITH chosen AS (SELECT ticket_id, id FROM {{s}}."{{p}}occurrences" WHERE ticket_id = $2 LIMIT $3)
UPDATE {{s}}."{{p}}occurrences" o SET ticket_id = $1 FROM chosen
WHERE o.ticket_id = chosen.ticket_id AND o.id = chosen.id RETURNING {DELETED}"#
    )
}

/// Moves traits of the ticket $7 to the ticket of their occurrence, $6.
pub(super) const MOVE_TRAITS: &str = r#"UPDATE {s}."{p}traits" x SET ticket_id = moved.ticket_id
FROM unnest($1::int8[], $2::text[], $3::bytea[], $4::int8[], $5::uuid[], $6::uuid[])
  AS moved (type, name, value, time, occurrence_id, ticket_id)
WHERE x.type = moved.type AND x.name = moved.name AND x.value = moved.value AND x.time = moved.time
  AND x.occurrence_id = moved.occurrence_id AND x.ticket_id = $7"#;

pub(super) const COPY_SEEN: &str = r#"INSERT INTO {s}."{p}seen" (ticket_id, app_id, release, environment)
SELECT $1::uuid, s.app_id, s.release, s.environment FROM {s}."{p}seen" s WHERE s.ticket_id = $2
ON CONFLICT DO NOTHING"#;

/// The history of $2 follows that of $1 without a gap, even if its first entries are forgotten.
pub(super) const COPY_HISTORY: &str = r#"INSERT INTO {s}."{p}history" (ticket_id, no, time, author, event)
SELECT $1::uuid, t.history + row_number() OVER (ORDER BY h.no), h.time, h.author, h.event
FROM {s}."{p}history" h JOIN {s}."{p}tickets" t ON t.id = $1 WHERE h.ticket_id = $2
RETURNING 1"#;

pub(super) const ADD_HOURS: &str = r#"INSERT INTO {s}."{p}hours" AS h (ticket_id, app_id, hour, count)
SELECT $1::uuid, u.app_id, u.hour, u.count FROM unnest($2::text[], $3::int8[], $4::int8[]) AS u (app_id, hour, count)
ON CONFLICT (ticket_id, hour) DO UPDATE SET count = h.count + excluded.count"#;

pub(super) fn add_app_counts() -> String {
    let part = PART.replace("ticket_id", "$1::uuid");
    format!(
        r#"INSERT INTO {{s}}."{{p}}app_counts" AS a (app_id, hour, part, count)
SELECT u.app_id, u.hour, {part}, u.count
FROM unnest($2::text[], $3::int8[], $4::int8[]) AS u (app_id, hour, count) ORDER BY 1, 2, 3
ON CONFLICT (app_id, hour, part) DO UPDATE SET count = a.count + excluded.count"#
    )
}

/// The condition under which the ticket is open again, because an occurrence of the other one is later than the
/// moment of solving.
const REOPENING: &str = "t.status = 2 AND excluded.last_time > t.status_time";

/// Adds the counts of the ticket $2 to those of $1, except for $3 records that both have, and takes over
/// what its first and newest occurrences determine. $4 entries of its history were copied.
pub(super) fn add_ticket() -> String {
    let mut columns = changes();
    // A ticket that is open again has neither a time nor a fix.
    let open = [
        ("status", "1"),
        ("status_time", "NULL"),
        ("solved_release", "NULL"),
        ("solved_after", "false"),
        ("solved_name", "NULL"),
        ("solved_version", "NULL"),
    ];
    for (column, new) in open {
        columns.push(format!("{column} = CASE WHEN {REOPENING} THEN {new} ELSE t.{column} END"));
    }
    columns.push("count = t.count + excluded.count - $3::int8".to_owned());
    columns.push("reopened = t.reopened + excluded.reopened".to_owned());
    columns.push("history = t.history + $4::int8".to_owned());
    format!(
        r#"UPDATE {{s}}."{{p}}tickets" t SET
  {}
FROM {{s}}."{{p}}tickets" excluded WHERE t.id = $1 AND excluded.id = $2"#,
        columns.join(",\n  ")
    )
}

/// Redirects the ticket $2, and those that were redirected to it, to $1.
pub(super) const REDIRECT: &str = r#"UPDATE {s}."{p}tickets" t SET merged_into = $1, status = 4
WHERE t.id = $2"#;

pub(super) const REDIRECT_MERGED: &str = r#"UPDATE {s}."{p}tickets" t SET merged_into = $1
WHERE t.merged_into = $2"#;

/// Adds an entry to the history of the ticket $1.
pub(super) fn add_entry() -> String {
    let kept = limits::HISTORY;
    format!(
        r#"WITH changed AS (
  UPDATE {{s}}."{{p}}tickets" t SET history = t.history + 1 WHERE t.id = $1 RETURNING t.id, t.history
), entry AS (
  INSERT INTO {{s}}."{{p}}history" (ticket_id, no, time, author, event)
  SELECT t.id, t.history, $2::int8, $3::text, $4::text FROM changed t
)
DELETE FROM {{s}}."{{p}}history" h USING changed t
WHERE h.ticket_id = $1 AND h.ticket_id = t.id AND h.no <= t.history - {kept}"#
    )
}

pub(super) const UNMERGE: &str = r#"DELETE FROM {s}."{p}tickets" t WHERE t.id = $1"#;

pub(crate) async fn merge_tickets(
    connections: &Connections,
    into: TicketId,
    from: TicketId,
    author: &Author,
) -> Result<Option<Ticket>> {
    let step = again!(async {
        let mut call = connections.maintain().await?;
        let ids = vec![uuid_of(into), uuid_of(from)];
        let rows = call.query(&call.names().sql(LOCK), &[(&ids, Type::UUID_ARRAY)]).await?;
        let step = check_merge((into, party(&rows, into)?), (from, party(&rows, from)?))?;
        if step == MergeStep::Merge {
            merge(&mut call, ids[0], ids[1]).await?;
            record(&mut call, into, author, &HistoryEvent::Merged(from)).await?;
        }
        call.finish().await.map(|()| step)
    })?;
    match step {
        MergeStep::Unknown => Ok(None),
        MergeStep::Merge | MergeStep::Nothing => get_ticket(connections, into).await,
    }
}

/// Returns what is stored under a ticket's id.
fn party(rows: &[Row], id: TicketId) -> Result<MergeParty<'_>> {
    for row in rows {
        if ticket_id(row, 0)? == id {
            return Ok(match get::<Option<Uuid>>(row, 2)? {
                Some(_) => MergeParty::Merged { into: ticket_id(row, 2)? },
                None => MergeParty::Ticket { app_id: get(row, 1)? },
            });
        }
    }
    Ok(MergeParty::Unknown)
}

/// Adds a ticket to another one, and leaves a redirection in its place. Both are locked.
async fn merge(call: &mut Call<'_>, into: Uuid, from: Uuid) -> Result<()> {
    let both: [Param<'_>; 2] = [(&into, Type::UUID), (&from, Type::UUID)];
    let shared = call.query(&call.names().sql(&shared()), &both).await?;
    of_traits(call, &shared, prune::DELETE_TRAITS, &[]).await?;
    let limit = to_i64(OCCURRENCES);
    let some: [Param<'_>; 3] = [(&into, Type::UUID), (&from, Type::UUID), (&limit, Type::INT8)];
    let sql = call.names().sql(&moved());
    loop {
        let rows = call.query(&sql, &some).await?;
        of_traits(call, &rows, MOVE_TRAITS, &[(&from, Type::UUID)]).await?;
        if (rows.len() as u64) < OCCURRENCES {
            break;
        }
    }
    call.query(&call.names().sql(COPY_SEEN), &both).await?;
    let entries = call.query(&call.names().sql(COPY_HISTORY), &both).await?.len();
    // The redirections to the ticket are kept.
    call.query(&call.names().sql(REDIRECT_MERGED), &both).await?;
    let less = delete_belongings(call, &[from]).await?;

    let mut twice = BTreeMap::<i64, i64>::new();
    for row in &shared {
        let hour = Timestamp::from_micros(get(row, 0)?).hour();
        *twice.entry(hour).or_default() += get::<i64>(row, 3)?;
    }
    let both_have: i64 = twice.values().sum();
    let mut counts = less.counts.clone();
    for (hour, count) in less.hours.iter().zip(&mut counts) {
        *count -= twice.get(hour).copied().unwrap_or(0);
    }
    let (copied, app_ids, hours) = (to_i64(entries), &less.app_ids, &less.hours);
    let numbers: [Param<'_>; 4] =
        [(&into, Type::UUID), (&from, Type::UUID), (&both_have, Type::INT8), (&copied, Type::INT8)];
    call.query(&call.names().sql(&add_ticket()), &numbers).await?;
    call.query(&call.names().sql(REDIRECT), &both).await?;
    let added: [Param<'_>; 4] = [
        (&into, Type::UUID),
        (app_ids, Type::TEXT_ARRAY),
        (hours, Type::INT8_ARRAY),
        (&counts, Type::INT8_ARRAY),
    ];
    call.query(&call.names().sql(ADD_HOURS), &added).await?;
    less.subtract(call).await?;
    call.query(&call.names().sql(&add_app_counts()), &added).await.map(drop)
}

async fn record(
    call: &mut Call<'_>,
    id: TicketId,
    author: &Author,
    event: &HistoryEvent,
) -> Result<()> {
    let (id, time, name) = (uuid_of(id), author.time().as_micros(), author.name());
    let event = serde_json::to_string(event)
        .map_err(|error| corrupt("an entry of a history").with_source(error))?;
    let params: [Param<'_>; 4] =
        [(&id, Type::UUID), (&time, Type::INT8), (&name, Type::TEXT), (&event, Type::TEXT)];
    call.query(&call.names().sql(&add_entry()), &params).await.map(drop)
}

pub(crate) async fn unmerge_ticket(
    connections: &Connections,
    from: TicketId,
    author: &Author,
) -> Result<bool> {
    again!(async {
        let mut call = connections.write().await?;
        let id = uuid_of(from);
        let rows = call.query(&call.names().sql(LOCK), &[(&vec![id], Type::UUID_ARRAY)]).await?;
        let MergeParty::Merged { into } = party(&rows, from)? else {
            return call.finish().await.map(|()| false);
        };
        call.query(&call.names().sql(UNMERGE), &[(&id, Type::UUID)]).await?;
        record(&mut call, into, author, &HistoryEvent::Unmerged(from)).await?;
        call.finish().await.map(|()| true)
    })
}
