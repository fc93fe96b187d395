//! Deletion (rules 9, 18, 19 and 20).
//!
//! Deletion proceeds in short transactions so that no writer waits long. Others write in between,
//! so each transaction looks again at what is stored.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use ticket_core::{Expired, Expiry, KeepPerTicket, Result, TicketId};

use super::{Writer, to_i64, write};
use crate::connection::Connection;
use crate::error::{corrupt, from_sqlite};
use crate::row::{get, trait_value, traits};
use crate::schema::DATA_TABLES;
use crate::threads::Step;

/// The maximum number of occurrences that one transaction deletes, with all their traits.
const OCCURRENCES: u64 = 250;

/// The maximum number of tickets that one transaction visits or deletes.
const TICKETS: u64 = 250;

const DELETE_TICKET: &str = "DELETE FROM {p}tickets WHERE id = ?1 RETURNING no, app_id";

const BURY: &str = "INSERT INTO {p}deleted (ticket) SELECT ?1 \
    WHERE EXISTS (SELECT 1 FROM {p}occurrences WHERE ticket = ?1)";

const SUBTRACT_HOURS: &str = "UPDATE {p}app_hours SET count = {p}app_hours.count - h.count \
    FROM {p}ticket_hours h WHERE h.ticket = ?1 AND {p}app_hours.app_id = ?2 \
    AND {p}app_hours.hour = h.hour";

const DELETE_APP_HOURS: &str = "DELETE FROM {p}app_hours WHERE app_id = ?2 AND count <= 0 \
    AND hour IN (SELECT hour FROM {p}ticket_hours WHERE ticket = ?1)";

const DELETE_TICKET_HOURS: &str = "DELETE FROM {p}ticket_hours WHERE ticket = ?1";

const DELETE_SEEN: &str = "DELETE FROM {p}seen WHERE ticket = ?1";

const DELETE_HISTORY: &str = "DELETE FROM {p}history WHERE ticket = ?1";

const DELETE_MERGED: &str = "DELETE FROM {p}merged WHERE ticket = ?1";

const BURIED: &str = "SELECT ticket FROM {p}deleted LIMIT 1";

const DELETE_BURIED: &str = "DELETE FROM {p}deleted WHERE ticket = ?1";

pub(super) const OF_BURIED: &str = "SELECT no FROM {p}occurrences WHERE ticket = ?1 LIMIT ?2";

pub(super) const EXPIRED: &str = "SELECT o.no, o.time, o.id FROM {p}occurrences o \
    CROSS JOIN {p}tickets t ON t.no = o.ticket \
    WHERE o.time < ?1 AND (o.time, o.id) >= (?2, ?3) AND (?4 IS NULL OR o.type IN \
    (SELECT no FROM {p}event_types WHERE app_id = ?4)) ORDER BY o.time, o.id, t.id LIMIT ?5";

/// The statement itself checks that the ticket is still solved and has no occurrences: an
/// occurrence may have arrived since the last transaction.
pub(super) const DELETE_SOLVED: &str = "DELETE FROM {p}tickets WHERE no IN \
    (SELECT t.no FROM {p}tickets t WHERE t.status = 2 AND t.last_time < ?1 \
    AND (?2 IS NULL OR +t.app_id = ?2) \
    AND NOT EXISTS (SELECT 1 FROM {p}occurrences o WHERE o.ticket = t.no) LIMIT ?3) \
    RETURNING no, app_id";

pub(super) const TICKETS_FROM: &str = "SELECT no FROM {p}tickets \
    WHERE no > ?1 AND (?2 IS NULL OR +app_id = ?2) ORDER BY no LIMIT ?3";

/// The occurrences of a ticket except the first and the newest ?2.
pub(super) const SURPLUS: &str = "SELECT no FROM {p}occurrences WHERE ticket = ?1 AND no <> \
    (SELECT no FROM {p}occurrences WHERE ticket = ?1 ORDER BY time, id LIMIT 1) \
    ORDER BY time DESC, id DESC LIMIT ?3 OFFSET ?2";

pub(super) const FIND_OCCURRENCE: &str = "SELECT o.time, o.type, e.app_id, e.channel, o.payload \
    FROM {p}occurrences o CROSS JOIN {p}event_types e ON e.no = o.type WHERE o.no = ?1";

pub(super) const DELETE_OCCURRENCE: &str = "DELETE FROM {p}occurrences WHERE no = ?1";

pub(super) const DELETE_TRAIT: &str =
    "DELETE FROM {p}traits WHERE key = ?1 AND value = ?2 AND time = ?3 AND occurrence = ?4";

const DELETE_KEY: &str = "DELETE FROM {p}trait_keys WHERE no = ?1 \
    AND NOT EXISTS (SELECT 1 FROM {p}traits WHERE key = ?1)";

const DELETE_TYPE: &str = "DELETE FROM {p}event_types WHERE no = ?1 \
    AND NOT EXISTS (SELECT 1 FROM {p}occurrences WHERE type = ?1)";

/// Deletes a ticket, its counts and its history. Its occurrences become invisible at once, because every query
/// joins the ticket; [`purge_deleted`] removes them later.
pub(crate) fn delete_ticket(connection: &mut Connection, id: TicketId) -> Result<bool> {
    write(connection, |writer| {
        let mut delete = writer.prepare(DELETE_TICKET)?;
        let deleted: Option<(i64, String)> = delete
            .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(from_sqlite)?;
        let Some((ticket, app_id)) = deleted else { return Ok(false) };
        writer.execute(BURY, [ticket])?;
        delete_belongings(writer, ticket, &app_id)?;
        Ok(true)
    })
}

/// Deletes what belongs to a deleted ticket except its occurrences.
fn delete_belongings(writer: &Writer<'_>, ticket: i64, app_id: &str) -> Result<()> {
    writer.execute(SUBTRACT_HOURS, params![ticket, app_id])?;
    writer.execute(DELETE_APP_HOURS, params![ticket, app_id])?;
    writer.execute(DELETE_TICKET_HOURS, [ticket])?;
    writer.execute(DELETE_SEEN, [ticket])?;
    writer.execute(DELETE_HISTORY, [ticket])?;
    writer.execute(DELETE_MERGED, [ticket])?;
    Ok(())
}

/// Deletes some of the occurrences whose tickets are gone, including those that a killed process
/// left behind.
pub(crate) fn purge_deleted(connection: &mut Connection) -> Result<Step<()>> {
    // Usually there are none. Reading first avoids taking the write lock for nothing.
    let sql = connection.names.sql(BURIED);
    let mut find = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let buried = find.query_row([], |row| row.get::<_, i64>(0)).optional().map_err(from_sqlite)?;
    drop(find);
    let Some(ticket) = buried else { return Ok(Step::Done(())) };
    write(connection, |writer| {
        let mut find = writer.prepare(OF_BURIED)?;
        let numbers = numbers(&mut find, params![ticket, to_i64(OCCURRENCES)])?;
        if numbers.is_empty() {
            writer.execute(DELETE_BURIED, [ticket])?;
        }
        delete_occurrences(writer, &numbers)?;
        Ok(Step::Again)
    })
}

/// The state of an expiry between its transactions.
pub(crate) struct Expiring {
    expiry: Expiry,
    /// Where the next transaction continues; everything before this position is kept.
    from: (i64, [u8; 16]),
    occurrences_are_done: bool,
    expired: Expired,
}

impl Expiring {
    pub(crate) fn new(expiry: Expiry) -> Self {
        Self {
            expiry,
            from: (i64::MIN, [0; 16]),
            occurrences_are_done: false,
            expired: Expired::default(),
        }
    }

    pub(crate) fn step(&mut self, connection: &mut Connection) -> Result<Step<Expired>> {
        let is_done = if !self.occurrences_are_done {
            self.occurrences_are_done = self.expire_occurrences(connection)?;
            false
        } else if let Step::Again = purge_deleted(connection)? {
            false
        } else {
            self.expire_tickets(connection)?
        };
        Ok(if is_done { Step::Done(self.expired) } else { Step::Again })
    }

    /// Deletes some occurrences and returns `true` if none are left to expire.
    fn expire_occurrences(&mut self, connection: &mut Connection) -> Result<bool> {
        let left = self.expiry.max_count.map_or(u64::MAX, |max| max - self.expired.occurrences);
        let wanted = left.min(OCCURRENCES);
        let (deleted, last) = write(connection, |writer| {
            let mut find = writer.prepare(EXPIRED)?;
            let (time, id) = self.from;
            let row = params![
                self.expiry.before.as_micros(),
                time,
                id,
                self.expiry.app_id,
                to_i64(wanted)
            ];
            let mut rows = find.query(row).map_err(from_sqlite)?;
            let (mut numbers, mut last) = (Vec::new(), None);
            while let Some(row) = rows.next().map_err(from_sqlite)? {
                numbers.push(get(row, 0)?);
                last = Some((get(row, 1)?, get(row, 2)?));
            }
            delete_occurrences(writer, &numbers)?;
            Ok((numbers.len() as u64, last))
        })?;
        self.expired.occurrences += deleted;
        self.from = last.unwrap_or(self.from);
        Ok(deleted < OCCURRENCES)
    }

    fn expire_tickets(&mut self, connection: &mut Connection) -> Result<bool> {
        let Expiry { before, app_id, .. } = &self.expiry;
        let deleted = write(connection, |writer| {
            let mut delete = writer.prepare(DELETE_SOLVED)?;
            let deleted: Vec<(i64, String)> = delete
                .query_map(params![before.as_micros(), app_id, to_i64(TICKETS)], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .and_then(Iterator::collect)
                .map_err(from_sqlite)?;
            for (ticket, app_id) in &deleted {
                delete_belongings(writer, *ticket, app_id)?;
            }
            Ok(deleted.len() as u64)
        })?;
        self.expired.tickets += deleted;
        Ok(deleted < TICKETS)
    }
}

/// The state of `keep_per_ticket` between its transactions.
pub(crate) struct Keeping {
    keep: KeepPerTicket,
    /// The last ticket that has been pruned completely.
    ticket: i64,
    deleted: u64,
}

impl Keeping {
    pub(crate) const fn new(keep: KeepPerTicket) -> Self {
        Self { keep, ticket: 0, deleted: 0 }
    }

    pub(crate) fn step(&mut self, connection: &mut Connection) -> Result<Step<u64>> {
        let (ticket, deleted, is_done) = write(connection, |writer| {
            let (mut ticket, mut deleted) = (self.ticket, 0);
            let mut find = writer.prepare(TICKETS_FROM)?;
            let tickets = numbers(&mut find, params![ticket, self.keep.app_id, to_i64(TICKETS)])?;
            let mut find = writer.prepare(SURPLUS)?;
            let newest = self.keep.count.get() - 1;
            for next in &tickets {
                let left = OCCURRENCES - deleted;
                let surplus = numbers(&mut find, params![next, newest, to_i64(left)])?;
                delete_occurrences(writer, &surplus)?;
                deleted += surplus.len() as u64;
                if deleted == OCCURRENCES {
                    // This ticket may have more to prune.
                    return Ok((ticket, deleted, false));
                }
                ticket = *next;
            }
            Ok((ticket, deleted, tickets.is_empty()))
        })?;
        self.ticket = ticket;
        self.deleted += deleted;
        Ok(if is_done { Step::Done(self.deleted) } else { Step::Again })
    }
}

/// Empties the tables. Without a WHERE clause SQLite frees whole pages, so this takes the same time
/// however much is stored.
pub(crate) fn clear(connection: &mut Connection) -> Result<()> {
    write(connection, |writer| {
        for table in DATA_TABLES {
            writer.execute(&format!("DELETE FROM {table}"), [])?;
        }
        writer.interner.forget();
        Ok(())
    })
}

fn numbers(
    find: &mut rusqlite::CachedStatement<'_>,
    row: impl rusqlite::Params,
) -> Result<Vec<i64>> {
    let rows = find.query_map(row, |row| row.get(0)).map_err(from_sqlite)?;
    rows.collect::<rusqlite::Result<_>>().map_err(from_sqlite)
}

/// Deletes occurrences with their traits, and the names that become unused. The keys of the traits
/// follow from the stored record, so no index from occurrences to traits is needed.
pub(super) fn delete_occurrences(writer: &mut Writer<'_>, numbers: &[i64]) -> Result<()> {
    let (mut types, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut find = writer.prepare(FIND_OCCURRENCE)?;
    let mut delete = writer.prepare(DELETE_OCCURRENCE)?;
    let mut delete_trait = writer.prepare(DELETE_TRAIT)?;
    for no in numbers {
        let mut rows = find.query([no]).map_err(from_sqlite)?;
        let Some(row) = rows.next().map_err(from_sqlite)? else {
            return Err(corrupt("an occurrence"));
        };
        let time: i64 = get(row, 0)?;
        types.insert(get::<i64>(row, 1)?);
        let (app_id, channel): (String, String) = (get(row, 2)?, get(row, 3)?);
        for (name, value) in &traits(row, 4)? {
            let event_type = (app_id.as_str(), channel.as_str());
            let key = writer.interner.key_no(
                writer.sqlite,
                writer.names,
                event_type,
                name,
                value.kind(),
            )?;
            keys.insert(key);
            delete_trait
                .execute(params![key, trait_value(value), time, no])
                .map_err(from_sqlite)?;
        }
        delete.execute([no]).map_err(from_sqlite)?;
    }
    let mut forgotten = 0;
    for key in keys {
        forgotten += writer.execute(DELETE_KEY, [key])?;
    }
    for event_type in types {
        forgotten += writer.execute(DELETE_TYPE, [event_type])?;
    }
    if forgotten > 0 {
        writer.interner.forget();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use ticket_core::backend::{Batch, NewOccurrence, StatusChange};
    use ticket_core::{
        Author, BackendBase, EventStore, Fingerprint, Ingredients, Level, Record, Timestamp,
    };

    use super::*;
    use crate::{SqliteBackend, SqliteConfig};

    #[test]
    fn expiry_goes_on_until_no_solved_ticket_is_left() {
        let store = SqliteBackend::new(SqliteConfig::in_memory());
        let new = |i: u64| {
            let record = Record::new(Level::Error, "test", "").with_time(Timestamp::UNIX_EPOCH);
            let ingredients = Ingredients::new("test/1").with("number", i.to_string());
            NewOccurrence::new(record, Fingerprint::new("", b"", ingredients))
        };
        let count = TICKETS + 1;
        let batch: Batch = (0..count).map(new).collect();
        let (solved, now) = (Timestamp::from_micros(1), Timestamp::from_micros(2));
        let expired = block_on(async {
            store.setup_backend().await.unwrap();
            store.record_tickets(batch.clone()).await.unwrap();
            for ticket in batch.tickets() {
                let solve = StatusChange::Solve { at: solved, release: None };
                store.set_status(ticket.id(), solve, Author::unknown()).await.unwrap();
            }
            store.clear_expired(&Expiry::before(now)).await.unwrap()
        });
        assert_eq!(expired, Expired { occurrences: count, tickets: count });
    }
}
