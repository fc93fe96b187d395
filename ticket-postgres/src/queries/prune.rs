//! Deletion (rules 9, 18, 19 and 20).
//!
//! Deletion that may be large proceeds in short transactions so that no writer waits long. Others
//! write in between, so each transaction looks again at what is stored.

use std::collections::BTreeSet;

use ticket_core::{Expired, Expiry, KeepPerTicket, Result, TicketId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::to_i64;
use crate::connection::{Call, Connections, Param};
use crate::error::is_retryable_lock;
use crate::month::Month;
use crate::row::{get, tested, type_key, uuid_of, value_key};
use crate::schema::{DATA_TABLES, PART};

/// The maximum number of occurrences that one transaction or statement visits, with all their traits.
pub(super) const OCCURRENCES: u64 = 500;

/// The maximum number of tickets that one transaction visits or deletes.
const TICKETS: u64 = 250;

/// This locks the ticket. The rows that are deleted with it are looked up afterwards, so none is
/// missed.
pub(super) const DELETE_TICKET: &str = r#"DELETE FROM {s}."{p}tickets"
WHERE id = $1 AND merged_into IS NULL RETURNING id"#;

/// Returns what has to be subtracted from the sums of the applications.
pub(super) fn delete_hours() -> String {
    format!(
        r#"WITH gone AS (
  DELETE FROM {{s}}."{{p}}hours" WHERE ticket_id = ANY($1) RETURNING ticket_id, app_id, hour, count
) SELECT app_id, hour, ({PART})::int2, sum(count)::int8 FROM gone GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"#
    )
}

/// Locks in the same order as recording, so that the two cannot deadlock.
pub(super) const LOCK_APP_COUNTS: &str = r#"SELECT 1
FROM unnest($1::text[], $2::int8[], $3::int2[]) AS gone (app_id, hour, part)
JOIN {s}."{p}app_counts" a
  ON a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part
ORDER BY a.app_id, a.hour, a.part FOR UPDATE OF a"#;

pub(super) const SUBTRACT: &str = r#"UPDATE {s}."{p}app_counts" a SET count = a.count - gone.count
FROM unnest($1::text[], $2::int8[], $3::int2[], $4::int8[]) AS gone (app_id, hour, part, count)
WHERE a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part"#;

pub(super) const DELETE_APP_COUNTS: &str = r#"DELETE FROM {s}."{p}app_counts" a
USING unnest($1::text[], $2::int8[], $3::int2[]) AS gone (app_id, hour, part)
WHERE a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part AND a.count = 0"#;

pub(super) const DELETE_SEEN: &str = r#"DELETE FROM {s}."{p}seen" WHERE ticket_id = ANY($1)"#;

pub(super) const DELETE_HISTORY: &str = r#"DELETE FROM {s}."{p}history" WHERE ticket_id = ANY($1)"#;

/// Ends the redirections to deleted tickets.
pub(super) const DELETE_MERGED: &str =
    r#"DELETE FROM {s}."{p}tickets" WHERE merged_into = ANY($1)"#;

/// The columns from which the keys of an occurrence's traits follow.
pub(super) const DELETED: &str =
    "o.time, o.id, o.ticket_id, o.repeats, o.payload, o.app_id, o.channel";

pub(super) fn of_ticket() -> String {
    format!(
        r#"WITH gone AS (SELECT ticket_id, id FROM {{s}}."{{p}}occurrences" WHERE ticket_id = $1 LIMIT $2)
DELETE FROM {{s}}."{{p}}occurrences" o USING gone
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING {DELETED}"#
    )
}

/// Starts at the time $2 and the id $3; everything before that position is kept.
pub(super) fn expired() -> String {
    format!(
        r#"WITH gone AS (SELECT ticket_id, id FROM {{s}}."{{p}}occurrences"
  WHERE time < $1 AND (time, id) >= ($2, $3) AND ($4::text IS NULL OR app_id = $4)
  ORDER BY time, id, ticket_id LIMIT $5)
DELETE FROM {{s}}."{{p}}occurrences" o USING gone
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING {DELETED}"#
    )
}

pub(super) fn by_keys() -> String {
    format!(
        r#"DELETE FROM {{s}}."{{p}}occurrences" o
USING unnest($1::uuid[], $2::uuid[]) AS gone (ticket_id, id)
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING {DELETED}"#
    )
}

pub(super) const DELETE_TRAITS: &str = r#"DELETE FROM {s}."{p}traits" x
USING unnest($1::int8[], $2::text[], $3::bytea[], $4::int8[], $5::uuid[], $6::uuid[])
  AS gone (type, name, value, time, occurrence_id, ticket_id)
WHERE x.type = gone.type AND x.name = gone.name AND x.value = gone.value AND x.time = gone.time
  AND x.occurrence_id = gone.occurrence_id AND x.ticket_id = gone.ticket_id"#;

/// The tickets that may be deleted, after the time $3 and the id $4. They are locked in the same
/// order as recording locks them: nobody adds an occurrence to one or reopens it until they are
/// gone.
pub(super) const SOLVED: &str = r#"SELECT t.id, found.last_time FROM (
  SELECT t.id, t.last_time FROM {s}."{p}tickets" t
  WHERE t.status = 2 AND t.last_time < $1 AND ($2::text IS NULL OR t.app_id = $2)
    AND (t.last_time, t.id) > ($3, $4)
    AND NOT EXISTS (SELECT 1 FROM {s}."{p}occurrences" o WHERE o.ticket_id = t.id)
  ORDER BY t.last_time, t.id LIMIT $5) found
JOIN {s}."{p}tickets" t ON t.id = found.id ORDER BY t.id FOR UPDATE OF t"#;

/// Checks again, because a ticket may have changed while this transaction waited for its lock.
pub(super) const DELETE_SOLVED: &str = r#"DELETE FROM {s}."{p}tickets" t
WHERE t.id = ANY($1) AND t.status = 2 AND t.last_time < $2
  AND NOT EXISTS (SELECT 1 FROM {s}."{p}occurrences" o WHERE o.ticket_id = t.id)
RETURNING t.id"#;

pub(super) const TICKETS_FROM: &str = r#"SELECT t.id FROM {s}."{p}tickets" t
WHERE t.id > $1 AND ($2::text IS NULL OR t.app_id = $2) ORDER BY t.id LIMIT $3"#;

/// The occurrences of the tickets $1 except the first and the newest $2 of each.
pub(super) const SURPLUS: &str = r#"SELECT s.ticket_id, s.id
FROM unnest($1::uuid[]) AS t (id) CROSS JOIN LATERAL (
  SELECT o.ticket_id, o.id FROM {s}."{p}occurrences" o
  WHERE o.ticket_id = t.id AND o.id <> (
    SELECT f.id FROM {s}."{p}occurrences" f WHERE f.ticket_id = t.id ORDER BY f.time, f.id LIMIT 1)
  ORDER BY o.time DESC, o.id DESC LIMIT $3 OFFSET $2) s
LIMIT $3"#;

pub(super) const MONTHS: &str = "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
    WHERE i.inhparent = to_regclass($1) ORDER BY c.relname";

/// Deletes a ticket and everything that belongs to it in one transaction.
pub(crate) async fn delete_ticket(connections: &Connections, id: TicketId) -> Result<bool> {
    let id = uuid_of(id);
    again!(async {
        let mut call = connections.maintain().await?;
        let sql = call.names().sql(DELETE_TICKET);
        if call.query(&sql, &[(&id, Type::UUID)]).await?.is_empty() {
            call.finish().await?;
            return Ok(false);
        }
        let less = delete_belongings(&mut call, &[id]).await?;
        let (sql, limit) = (call.names().sql(&of_ticket()), to_i64(OCCURRENCES));
        loop {
            let rows = call.query(&sql, &[(&id, Type::UUID), (&limit, Type::INT8)]).await?;
            delete_traits(&mut call, &rows).await?;
            if (rows.len() as u64) < OCCURRENCES {
                break;
            }
        }
        less.subtract(&mut call).await?;
        call.finish().await?;
        Ok(true)
    })
}

/// Deletes the counts and histories of tickets and returns what is to be [subtracted](Less::subtract) from the
/// sums.
pub(super) async fn delete_belongings(call: &mut Call<'_>, tickets: &[Uuid]) -> Result<Less> {
    let mut less = Less::default();
    for row in
        call.query(&call.names().sql(&delete_hours()), &[(&tickets, Type::UUID_ARRAY)]).await?
    {
        less.app_ids.push(get(&row, 0)?);
        less.hours.push(get(&row, 1)?);
        less.parts.push(get(&row, 2)?);
        less.counts.push(get(&row, 3)?);
    }
    for template in [DELETE_SEEN, DELETE_HISTORY, DELETE_MERGED] {
        call.query(&call.names().sql(template), &[(&tickets, Type::UUID_ARRAY)]).await?;
    }
    Ok(less)
}

/// Amounts to subtract from the sums of applications, column by column.
#[derive(Default)]
pub(super) struct Less {
    pub(super) app_ids: Vec<String>,
    pub(super) hours: Vec<i64>,
    pub(super) parts: Vec<i16>,
    pub(super) counts: Vec<i64>,
}

impl Less {
    /// Subtracts the amounts. All recording updates these sums, so this comes last in a
    /// transaction, which then holds their locks only briefly.
    pub(super) async fn subtract(&self, call: &mut Call<'_>) -> Result<()> {
        let params: [Param<'_>; 4] = [
            (&self.app_ids, Type::TEXT_ARRAY),
            (&self.hours, Type::INT8_ARRAY),
            (&self.parts, Type::INT2_ARRAY),
            (&self.counts, Type::INT8_ARRAY),
        ];
        let keys = &params[..3];
        for (template, params) in
            [(LOCK_APP_COUNTS, keys), (SUBTRACT, &params[..]), (DELETE_APP_COUNTS, keys)]
        {
            call.query(&call.names().sql(template), params).await?;
        }
        Ok(())
    }
}

/// Deletes the traits of deleted occurrences.
async fn delete_traits(call: &mut Call<'_>, rows: &[Row]) -> Result<()> {
    of_traits(call, rows, DELETE_TRAITS, &[]).await
}

/// Runs a statement on the traits of occurrences, with further parameters from $7 on. The keys of the
/// traits follow from the records.
pub(super) async fn of_traits(
    call: &mut Call<'_>,
    rows: &[Row],
    template: &str,
    further: &[Param<'_>],
) -> Result<()> {
    let (mut types, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let (mut times, mut ids, mut tickets) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let (time, id, ticket): (i64, Uuid, Uuid) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
        let event_type = type_key(get(row, 5)?, get(row, 6)?);
        for (name, value) in tested(row)?.traits {
            types.push(event_type);
            names.push(name.to_string());
            values.push(value_key(&value));
            times.push(time);
            ids.push(id);
            tickets.push(ticket);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let mut params: Vec<Param<'_>> = vec![
        (&types, Type::INT8_ARRAY),
        (&names, Type::TEXT_ARRAY),
        (&values, Type::BYTEA_ARRAY),
        (&times, Type::INT8_ARRAY),
        (&ids, Type::UUID_ARRAY),
        (&tickets, Type::UUID_ARRAY),
    ];
    params.extend_from_slice(further);
    let sql = call.names().sql(template);
    call.query(&sql, &params).await.map(drop)
}

pub(crate) async fn clear_expired(connections: &Connections, expiry: &Expiry) -> Result<Expired> {
    let mut expired = Expired::default();
    if expiry.max_count.is_none() {
        expired.occurrences += drop_months(connections, expiry).await?;
    }
    let mut from = (i64::MIN, Uuid::from_bytes([0; 16]));
    loop {
        let left = expiry.max_count.map_or(u64::MAX, |max| max - expired.occurrences);
        let wanted = left.min(OCCURRENCES);
        let (deleted, last) = expire_some(connections, expiry, from, wanted).await?;
        expired.occurrences += deleted;
        from = last.unwrap_or(from);
        if deleted < OCCURRENCES {
            break;
        }
    }
    let mut from = (i64::MIN, Uuid::from_bytes([0; 16]));
    while let Some((deleted, last)) = expire_tickets(connections, expiry, from).await? {
        expired.tickets += deleted;
        from = last;
    }
    Ok(expired)
}

/// Deletes some occurrences, and returns how many and the position of the last one.
async fn expire_some(
    connections: &Connections,
    expiry: &Expiry,
    from: (i64, Uuid),
    wanted: u64,
) -> Result<(u64, Option<(i64, Uuid)>)> {
    let (before, wanted) = (expiry.before.as_micros(), to_i64(wanted));
    again!(async {
        let mut call = connections.maintain().await?;
        let sql = call.names().sql(&expired());
        let params: [Param<'_>; 5] = [
            (&before, Type::INT8),
            (&from.0, Type::INT8),
            (&from.1, Type::UUID),
            (&expiry.app_id, Type::TEXT),
            (&wanted, Type::INT8),
        ];
        let rows = call.query(&sql, &params).await?;
        delete_traits(&mut call, &rows).await?;
        call.finish().await?;
        let mut last = None;
        for row in &rows {
            last = last.max(Some((get(row, 0)?, get(row, 1)?)));
        }
        Ok((rows.len() as u64, last))
    })
}

/// Deletes some solved tickets without occurrences, and returns how many and the last ticket
/// visited; `None` at the end.
async fn expire_tickets(
    connections: &Connections,
    expiry: &Expiry,
    from: (i64, Uuid),
) -> Result<Option<(u64, (i64, Uuid))>> {
    let (before, limit) = (expiry.before.as_micros(), to_i64(TICKETS));
    again!(async {
        let mut call = connections.maintain().await?;
        let sql = call.names().sql(SOLVED);
        let params: [Param<'_>; 5] = [
            (&before, Type::INT8),
            (&expiry.app_id, Type::TEXT),
            (&from.0, Type::INT8),
            (&from.1, Type::UUID),
            (&limit, Type::INT8),
        ];
        let rows = call.query(&sql, &params).await?;
        let mut last = None;
        for row in &rows {
            last = last.max(Some((get(row, 1)?, get(row, 0)?)));
        }
        let Some(last) = last else {
            call.finish().await?;
            return Ok(None);
        };
        let found = ids(&rows)?;
        let sql = call.names().sql(DELETE_SOLVED);
        let params: [Param<'_>; 2] = [(&found, Type::UUID_ARRAY), (&before, Type::INT8)];
        let deleted = ids(&call.query(&sql, &params).await?)?;
        delete_belongings(&mut call, &deleted).await?.subtract(&mut call).await?;
        call.finish().await?;
        Ok(Some((deleted.len() as u64, last)))
    })
}

fn ids(rows: &[Row]) -> Result<Vec<Uuid>> {
    rows.iter().map(|row| get(row, 0)).collect()
}

/// Drops the months that contain nothing younger and nothing of another application, and returns
/// the number of occurrences dropped. A month that is in use is left to the row-by-row expiry.
async fn drop_months(connections: &Connections, expiry: &Expiry) -> Result<u64> {
    let names = connections.names();
    let call = connections.read().await?;
    let table = names.sql(r#"{s}."{p}occurrences""#);
    let tables = call.only(MONTHS, &[(&table, Type::TEXT)]).await?;
    let mut dropped = 0;
    for table in &tables {
        let Some(month) = Month::from_name(get(table, 0)?) else { continue };
        if !month.is_over(expiry.before) {
            continue;
        }
        match drop_month(connections, expiry, month).await {
            Ok(count) => dropped += count,
            Err(error) if is_retryable_lock(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(dropped)
}

async fn drop_month(connections: &Connections, expiry: &Expiry, month: Month) -> Result<u64> {
    let names = connections.names();
    let occurrences = names.sql(&format!(r#"{{s}}."{{p}}occurrences_{}""#, month.name()));
    let traits = names.sql(&format!(r#"{{s}}."{{p}}traits_{}""#, month.name()));
    let mut call = connections.maintain().await?;
    // The lock blocks all writers of the month, so it is neither waited for nor held for long.
    call.execute("SET LOCAL lock_timeout = 1000").await?;
    call.lock_store().await?;
    // From here on nobody can add to this month.
    call.execute(&format!("LOCK TABLE {occurrences}, {traits} IN SHARE ROW EXCLUSIVE MODE"))
        .await?;
    let sql = format!(
        "SELECT (SELECT max(time) < $1 FROM {occurrences}) IS TRUE \
         AND ($2::text IS NULL OR NOT EXISTS (SELECT 1 FROM {occurrences} WHERE app_id <> $2))"
    );
    let before = expiry.before.as_micros();
    let params: [Param<'_>; 2] = [(&before, Type::INT8), (&expiry.app_id, Type::TEXT)];
    let rows = call.query(&sql, &params).await?;
    if !rows.first().map_or(Ok(false), |row| get(row, 0))? {
        call.finish().await?;
        return Ok(0);
    }
    let rows = call.query(&format!("SELECT count(*) FROM {occurrences}"), &[]).await?;
    let count = rows.first().map_or(Ok(0), |row| crate::row::count(row, 0))?;
    let parents = names.sql(r#"{s}."{p}occurrences", {s}."{p}traits""#);
    call.execute(&format!("LOCK TABLE {parents} IN ACCESS EXCLUSIVE MODE")).await?;
    call.execute(&format!("DROP TABLE {occurrences}")).await?;
    call.execute(&format!("DROP TABLE {traits}")).await?;
    call.finish().await?;
    connections.months().remove(&month);
    Ok(count)
}

pub(crate) async fn keep_per_ticket(
    connections: &Connections,
    keep: &KeepPerTicket,
) -> Result<u64> {
    let newest = keep.count.get() - 1;
    let (mut from, mut deleted) = (Uuid::from_bytes([0; 16]), 0);
    loop {
        let call = connections.read().await?;
        let limit = to_i64(TICKETS);
        let params: [Param<'_>; 3] =
            [(&from, Type::UUID), (&keep.app_id, Type::TEXT), (&limit, Type::INT8)];
        let sql = call.names().sql(TICKETS_FROM);
        let tickets = ids(&call.only(&sql, &params).await?)?;
        let Some(last) = tickets.last() else { return Ok(deleted) };
        from = *last;
        loop {
            let some = keep_some(connections, &tickets, newest).await?;
            deleted += some;
            if some < OCCURRENCES {
                break;
            }
        }
    }
}

/// Deletes some surplus occurrences and returns how many.
async fn keep_some(connections: &Connections, tickets: &[Uuid], newest: u32) -> Result<u64> {
    let (newest, limit) = (i64::from(newest), to_i64(OCCURRENCES));
    again!(async {
        let mut call = connections.maintain().await?;
        let sql = call.names().sql(SURPLUS);
        let params: [Param<'_>; 3] =
            [(&tickets, Type::UUID_ARRAY), (&newest, Type::INT8), (&limit, Type::INT8)];
        let surplus: BTreeSet<(Uuid, Uuid)> = call
            .query(&sql, &params)
            .await?
            .iter()
            .map(|row| Ok((get(row, 0)?, get(row, 1)?)))
            .collect::<Result<_>>()?;
        let (tickets, ids): (Vec<Uuid>, Vec<Uuid>) = surplus.into_iter().unzip();
        let sql = call.names().sql(&by_keys());
        let params: [Param<'_>; 2] = [(&tickets, Type::UUID_ARRAY), (&ids, Type::UUID_ARRAY)];
        let rows = call.query(&sql, &params).await?;
        delete_traits(&mut call, &rows).await?;
        call.finish().await?;
        Ok(rows.len() as u64)
    })
}

/// Empties the tables in a time that does not depend on their size.
pub(crate) async fn clear(connections: &Connections) -> Result<()> {
    again!(async {
        let mut call = connections.maintain().await?;
        let tables = DATA_TABLES.map(|table| format!(r#"{{s}}."{{p}}{table}""#)).join(", ");
        call.execute(&call.names().sql(&format!(
            "TRUNCATE {{s}}.\"{{p}}read_positions\", {{s}}.\"{{p}}reports\", {tables}"
        )))
        .await?;
        call.finish().await
    })
}
