//! A ticket's history (rule 31).

use rusqlite::{OptionalExtension, params};
use ticket_core::backend::HistoryPosition;
use ticket_core::{
    Author, Direction, HistoryEntry, HistoryEvent, HistoryQuery, Note, Page, Result, TicketId,
    limits,
};

use super::{Writer, to_i64, write};
use crate::connection::Connection;
use crate::error::{corrupt, from_sqlite};
use crate::row::{HISTORY_COLUMNS, history_entry};

const NEXT_NUMBER: &str =
    "UPDATE {p}tickets SET history = history + 1 WHERE id = ?1 RETURNING no, history";

const ADD_ENTRY: &str =
    "INSERT INTO {p}history (ticket, no, time, author, event) VALUES (?1, ?2, ?3, ?4, ?5)";

const FORGET_ENTRIES: &str = "DELETE FROM {p}history WHERE ticket = ?1 AND no <= ?2";

pub(crate) fn add_note(connection: &mut Connection, id: TicketId, note: &Note) -> Result<bool> {
    write(connection, |writer| {
        add_entry(writer, id, note.author(), &HistoryEvent::Note(note.text().to_owned()))
    })
}

/// Adds an entry to a ticket's history; returns `false` if there is no such ticket.
pub(super) fn add_entry(
    writer: &Writer<'_>,
    id: TicketId,
    author: &Author,
    event: &HistoryEvent,
) -> Result<bool> {
    let mut next = writer.prepare(NEXT_NUMBER)?;
    let found: Option<(i64, i64)> = next
        .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(from_sqlite)?;
    let Some((ticket, number)) = found else { return Ok(false) };
    let event = serde_json::to_string(event)
        .map_err(|error| corrupt("an entry of a history").with_source(error))?;
    let row = params![ticket, number, author.time().as_micros(), author.name(), event];
    writer.execute(ADD_ENTRY, row)?;
    let forgotten = number - to_i64(limits::HISTORY);
    if forgotten > 0 {
        writer.execute(FORGET_ENTRIES, params![ticket, forgotten])?;
    }
    Ok(true)
}

pub(crate) fn get_history(
    connection: &Connection,
    id: TicketId,
    query: &HistoryQuery,
) -> Result<Page<HistoryEntry>> {
    let plan = query.plan()?;
    let sql = connection.names.sql(&of_ticket(query.direction));
    let mut read = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let after = match (plan.after(), query.direction) {
        (Some(HistoryPosition(number)), _) => to_i64(*number),
        (None, Direction::Ascending) => 0,
        (None, Direction::Descending) => i64::MAX,
    };
    let row = params![id.as_bytes(), after, to_i64(plan.fetch()), to_i64(plan.offset())];
    let mut rows = read.query(row).map_err(from_sqlite)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        entries.push(history_entry(row)?);
    }
    Ok(plan.page(entries))
}

/// ?1 is the ticket's id; the entries start after the number ?2.
pub(super) fn of_ticket(direction: Direction) -> String {
    let (sign, order) = match direction {
        Direction::Ascending => (">", "ASC"),
        Direction::Descending => ("<", "DESC"),
    };
    format!(
        "SELECT {HISTORY_COLUMNS} FROM {{p}}tickets t CROSS JOIN {{p}}history h \
         WHERE t.id = ?1 AND h.ticket = t.no AND h.no {sign} ?2 ORDER BY h.no {order} LIMIT ?3 OFFSET ?4"
    )
}
