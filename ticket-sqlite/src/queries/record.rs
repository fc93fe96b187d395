//! Recording (rules 1 to 8 and 32).

use std::collections::BTreeMap;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ToSql, params};
use ticket_core::backend::{
    Added, Batch, KnownTicket, NewOccurrence, Recorded, TicketBatch, TicketChange, TicketUpdate,
    status_columns,
};
use ticket_core::{Author, HistoryEvent, Result, Status, TicketId, Value};

use super::history::add_entry;
use super::merge::merged_into;
use super::positions::store_positions;
use super::{Writer, to_i64, write};
use crate::connection::Connection;
use crate::error::{corrupt, from_sqlite};
use crate::row::{count, get, occurrence_id, status, time, trait_value};

const FIND_TICKET: &str = "SELECT no, app_id, level, channel, status, status_time, first_time, \
    first_id, last_time, last_id, count, solved_release, solved_after FROM {p}tickets WHERE id = ?1";

const ADD_TICKET: &str = "INSERT INTO {p}tickets (id, app_id, level, channel, message, file, line, \
    module, function, error_type, status, first_time, first_id, first_release, last_time, last_id, \
    last_release, count, reopened, ingredients, search_text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, \
    ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, 0, ?19, ?20)";

const ADD_COUNT: &str = "UPDATE {p}tickets SET count = ?2 WHERE no = ?1";

const BEGIN_WITH: &str =
    "UPDATE {p}tickets SET first_time = ?2, first_id = ?3, first_release = ?4 WHERE no = ?1";

/// Leaves out the level and the channel: they rarely change, and each of them is in two indexes
/// that would have to be updated.
const DESCRIBE: &str = "UPDATE {p}tickets SET count = ?2, last_time = ?3, last_id = ?4, \
    last_release = ?5, message = ?6, file = ?7, line = ?8, module = ?9, function = ?10, \
    error_type = ?11, search_text = ?12 WHERE no = ?1";

const RENAME: &str = "UPDATE {p}tickets SET level = ?2, channel = ?3 WHERE no = ?1";

const REOPEN: &str = "UPDATE {p}tickets SET status = ?2, status_time = NULL, solved_release = NULL, \
    solved_after = 0, reopened = reopened + 1 WHERE no = ?1";

const ADD_OCCURRENCE: &str = "INSERT INTO {p}occurrences (ticket, id, time, type, repeats, payload, \
    external_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id, ticket) DO NOTHING";

const ADD_TRAIT: &str =
    "INSERT INTO {p}traits (key, value, time, occurrence) VALUES (?1, ?2, ?3, ?4)";

const ADD_SEEN: &str =
    "INSERT OR IGNORE INTO {p}seen (ticket, app_id, release, environment) VALUES (?1, ?2, ?3, ?4)";

const ADD_TICKET_HOUR: &str = "INSERT INTO {p}ticket_hours (ticket, hour, count) VALUES (?1, ?2, ?3) \
    ON CONFLICT (ticket, hour) DO UPDATE SET count = count + excluded.count";

const ADD_APP_HOUR: &str = "INSERT INTO {p}app_hours (app_id, hour, count) VALUES (?1, ?2, ?3) \
    ON CONFLICT (app_id, hour) DO UPDATE SET count = count + excluded.count";

pub(crate) fn record_tickets(connection: &mut Connection, batch: &Batch) -> Result<Recorded> {
    if batch.is_empty() && batch.positions().is_empty() {
        return Ok(Recorded::default());
    }
    write(connection, |writer| {
        store_positions(writer, batch)?;
        let mut sums = Sums::default();
        let mut recorded = Recorded::default();
        for ticket in batch.tickets() {
            record_ticket(writer, ticket, &mut sums, &mut recorded)?;
        }
        sums.write(writer)?;
        Ok(recorded)
    })
}

/// Rows that are collected over the whole batch: sums, so that each is written once, and traits, so
/// that they are written in the order of their index.
#[derive(Default)]
struct Sums<'a> {
    app_hours: BTreeMap<(String, i64), u64>,
    traits: Vec<TraitRow<'a>>,
}

struct TraitRow<'a> {
    key: i64,
    value: &'a Value,
    time: i64,
    occurrence: i64,
}

/// The columns of a stored ticket that recording needs.
struct Known {
    no: i64,
    id: TicketId,
    app_id: String,
    level: u8,
    channel: String,
    ticket: KnownTicket,
}

fn record_ticket<'a>(
    writer: &mut Writer<'_>,
    ticket: TicketBatch<'a>,
    sums: &mut Sums<'a>,
    recorded: &mut Recorded,
) -> Result<()> {
    let mut known = find_ticket(writer, ticket.id())?;
    if known.is_none()
        && let Some(into) = merged_into(writer, ticket.id())?
    {
        known = find_ticket(writer, into)?;
    }
    let no = match &known {
        Some(known) => known.no,
        None => add_ticket(writer, ticket)?,
    };
    let added = add_occurrences(writer, no, ticket.occurrences(), sums)?;
    let Some(sum) = Added::of(added.iter().copied()) else { return Ok(()) };
    let count = known.as_ref().map_or(0, |known| known.ticket.count) + sum.repeats;
    let change = match &known {
        Some(known) => update_ticket(writer, known, &sum, count)?,
        None => Some(TicketChange::Created),
    };
    let app_id = known.as_ref().map_or(&*sum.newest.record().app_id, |known| &known.app_id);
    add_hours(writer, no, app_id, &sum, sums)?;
    add_seen(writer, no, app_id, &sum)?;
    recorded.occurrences += added.len() as u64;
    recorded.add(TicketUpdate {
        ticket_id: known.as_ref().map_or(ticket.id(), |known| known.id),
        change,
        added: sum.repeats,
        occurrence_count: count,
    });
    Ok(())
}

fn find_ticket(writer: &Writer<'_>, id: TicketId) -> Result<Option<Known>> {
    let mut find = writer.prepare(FIND_TICKET)?;
    let mut rows = find.query([id.as_bytes()]).map_err(from_sqlite)?;
    let Some(row) = rows.next().map_err(from_sqlite)? else { return Ok(None) };
    Ok(Some(Known {
        no: get(row, 0)?,
        id,
        app_id: get(row, 1)?,
        level: get(row, 2)?,
        channel: get(row, 3)?,
        ticket: KnownTicket {
            status: status(row, [4, 5, 11, 12])?,
            first: (time(row, 6)?, occurrence_id(row, 7)?),
            last: (time(row, 8)?, occurrence_id(row, 9)?),
            count: count(row, 10)?,
        },
    }))
}

fn add_ticket(writer: &Writer<'_>, ticket: TicketBatch<'_>) -> Result<i64> {
    let Some(Added { oldest, newest, repeats, .. }) = Added::of(ticket.occurrences()) else {
        return Err(corrupt("a ticket without occurrences"));
    };
    let (first, record, location) = (oldest.record(), newest.record(), &newest.record().location);
    let ingredients = serde_json::to_string(&ticket.fingerprint().ingredients())
        .map_err(|error| corrupt("a ticket's ingredients").with_source(error))?;
    writer.execute(
        ADD_TICKET,
        params![
            ticket.id().as_bytes(),
            record.app_id.as_str(),
            record.level.as_u8(),
            record.channel.as_str(),
            record.message.as_str(),
            location.file.as_deref(),
            location.line,
            location.module.as_deref(),
            location.function.as_deref(),
            record.error_type(),
            status_columns(&Status::Open).0,
            first.time.as_micros(),
            first.id.as_bytes(),
            first.release.as_deref(),
            record.time.as_micros(),
            record.id.as_bytes(),
            record.release.as_deref(),
            to_i64(repeats),
            ingredients,
            newest.search_text(),
        ],
    )?;
    Ok(writer.sqlite.last_insert_rowid())
}

/// Inserts the occurrences that are not stored yet, and returns them.
fn add_occurrences<'a>(
    writer: &mut Writer<'_>,
    ticket: i64,
    occurrences: &'a [NewOccurrence],
    sums: &mut Sums<'a>,
) -> Result<Vec<&'a NewOccurrence>> {
    let mut add = writer.prepare(ADD_OCCURRENCE)?;
    let mut added = Vec::with_capacity(occurrences.len());
    for new in occurrences {
        let record = new.record();
        let (sqlite, names) = (writer.sqlite, writer.names);
        let event_type = (record.app_id.as_str(), record.channel.as_str());
        let type_no = writer.interner.type_no(sqlite, names, event_type.0, event_type.1)?;
        let payload = serde_json::to_string(record)
            .map_err(|error| corrupt("an occurrence").with_source(error))?;
        let time = record.time.as_micros();
        let row = params![
            ticket,
            record.id.as_bytes(),
            time,
            type_no,
            new.repeats(),
            payload,
            record.external_id.as_deref(),
        ];
        if add.execute(row).map_err(from_sqlite)? == 0 {
            continue;
        }
        let occurrence = sqlite.last_insert_rowid();
        for (name, value) in &record.traits {
            let kind = value.kind();
            let key = writer.interner.key_no(sqlite, names, event_type, name, kind)?;
            sums.traits.push(TraitRow { key, value, time, occurrence });
        }
        added.push(new);
    }
    Ok(added)
}

fn update_ticket(
    writer: &Writer<'_>,
    known: &Known,
    added: &Added<'_>,
    count: u64,
) -> Result<Option<TicketChange>> {
    if known.ticket.begins_with(added) {
        let record = added.oldest.record();
        let row = params![
            known.no,
            record.time.as_micros(),
            record.id.as_bytes(),
            record.release.as_deref()
        ];
        writer.execute(BEGIN_WITH, row)?;
    }
    if known.ticket.is_described_by(added) {
        describe(writer, known, added.newest, count)?;
    } else {
        writer.execute(ADD_COUNT, params![known.no, to_i64(count)])?;
    }
    let change = known.ticket.change(added);
    if change == Some(TicketChange::Reopened) {
        writer.execute(REOPEN, params![known.no, status_columns(&Status::Open).0])?;
        // A later occurrence may be known already, if the fix settles its release.
        let newest = added.newest.record().time.max(known.ticket.last.0);
        let author = Author::unknown().with_time(newest);
        add_entry(writer, known.id, &author, &HistoryEvent::Recurred)?;
    }
    Ok(change)
}

/// Describes the ticket by its newest occurrence.
fn describe(writer: &Writer<'_>, known: &Known, last: &NewOccurrence, count: u64) -> Result<()> {
    let (record, location) = (last.record(), &last.record().location);
    writer.execute(
        DESCRIBE,
        params![
            known.no,
            to_i64(count),
            record.time.as_micros(),
            record.id.as_bytes(),
            record.release.as_deref(),
            record.message.as_str(),
            location.file.as_deref(),
            location.line,
            location.module.as_deref(),
            location.function.as_deref(),
            record.error_type(),
            last.search_text(),
        ],
    )?;
    if known.level != record.level.as_u8() || known.channel != record.channel {
        writer.execute(RENAME, params![known.no, record.level.as_u8(), record.channel.as_str()])?;
    }
    Ok(())
}

fn add_hours(
    writer: &Writer<'_>,
    ticket: i64,
    app_id: &str,
    added: &Added<'_>,
    sums: &mut Sums<'_>,
) -> Result<()> {
    for (hour, count) in &added.hours {
        writer.execute(ADD_TICKET_HOUR, params![ticket, hour, to_i64(*count)])?;
        *sums.app_hours.entry((app_id.to_owned(), *hour)).or_default() += count;
    }
    Ok(())
}

fn add_seen(writer: &Writer<'_>, ticket: i64, app_id: &str, added: &Added<'_>) -> Result<()> {
    for (release, environment) in added.seen.keys() {
        let (release, environment) = (TextOrZero(*release), TextOrZero(*environment));
        writer.execute(ADD_SEEN, params![ticket, app_id, release, environment])?;
    }
    Ok(())
}

/// A text, or the number 0 for a missing one: a column of the primary key cannot be null, and no
/// text equals a number.
struct TextOrZero<'a>(Option<&'a str>);

impl ToSql for TextOrZero<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Some(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            None => ToSqlOutput::Borrowed(ValueRef::Integer(0)),
        })
    }
}

impl Sums<'_> {
    fn write(mut self, writer: &Writer<'_>) -> Result<()> {
        for ((app_id, hour), count) in &self.app_hours {
            writer.execute(ADD_APP_HOUR, params![app_id, hour, to_i64(*count)])?;
        }
        // Rows that are neighbours in the index are inserted one after the other, which touches
        // each page once.
        self.traits.sort_by(|a, b| {
            let values = || a.value.compare(b.value).unwrap_or(std::cmp::Ordering::Equal);
            a.key.cmp(&b.key).then_with(values)
        });
        let mut add = writer.prepare(ADD_TRAIT)?;
        for row in &self.traits {
            let row = params![row.key, trait_value(row.value), row.time, row.occurrence];
            add.execute(row).map_err(from_sqlite)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
