//! Merging tickets (rule 30).

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use ticket_core::backend::{MergeParty, MergeStep, check_merge};
use ticket_core::{Author, HistoryEvent, Result, Ticket, TicketId, Timestamp};

use super::history::add_entry;
use super::prune::delete_occurrences;
use super::tickets::{at, find_ticket};
use super::{Writer, write};
use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::row::get;

const FIND_TICKET: &str = "SELECT no, app_id FROM {p}tickets WHERE id = ?1";

const FIND_MERGED: &str =
    "SELECT t.id FROM {p}merged m CROSS JOIN {p}tickets t ON t.no = m.ticket WHERE m.id = ?1";

/// The occurrences of ?2 whose ids ?1 has too.
pub(super) const SHARED: &str = "SELECT f.no, f.time, f.repeats FROM {p}occurrences f \
    CROSS JOIN {p}occurrences i ON i.id = f.id AND i.ticket = ?1 WHERE f.ticket = ?2";

const SUBTRACT_COUNT: &str = "UPDATE {p}tickets SET count = count - ?2 WHERE no = ?1";

const SUBTRACT_HOUR: &str =
    "UPDATE {p}ticket_hours SET count = count - ?3 WHERE ticket = ?1 AND hour = ?2";

const SUBTRACT_APP_HOUR: &str =
    "UPDATE {p}app_hours SET count = count - ?3 WHERE app_id = ?1 AND hour = ?2";

/// Adds the ticket ?2 to the ticket ?1. The history of ?2 follows that of ?1 without a gap, even if its
/// first entries are forgotten.
pub(super) const MOVE: [&str; 10] = [
    "UPDATE {p}occurrences SET ticket = ?1 WHERE ticket = ?2",
    "INSERT INTO {p}ticket_hours (ticket, hour, count) SELECT ?1, hour, count FROM {p}ticket_hours \
     WHERE ticket = ?2 AND count > 0 ON CONFLICT (ticket, hour) DO UPDATE SET count = count + excluded.count",
    "DELETE FROM {p}ticket_hours WHERE ticket = ?2",
    "INSERT OR IGNORE INTO {p}seen (ticket, app_id, release, environment) \
     SELECT ?1, app_id, release, environment FROM {p}seen WHERE ticket = ?2",
    "DELETE FROM {p}seen WHERE ticket = ?2",
    "INSERT INTO {p}history (ticket, no, time, author, event) SELECT ?1, \
     (SELECT history FROM {p}tickets WHERE no = ?1) + row_number() OVER (ORDER BY no), time, author, event \
     FROM {p}history WHERE ticket = ?2",
    "UPDATE {p}tickets SET history = history + (SELECT count(*) FROM {p}history WHERE ticket = ?2) \
     WHERE no = ?1",
    "DELETE FROM {p}history WHERE ticket = ?2",
    "UPDATE {p}merged SET ticket = ?1 WHERE ticket = ?2",
    "UPDATE {p}tickets AS t SET count = t.count + f.count, reopened = t.reopened + f.reopened, {columns} \
     FROM {p}tickets AS f WHERE t.no = ?1 AND f.no = ?2",
];

const DELETE_TICKET: &str = "DELETE FROM {p}tickets WHERE no = ?1";

const ADD_MERGED: &str = "INSERT INTO {p}merged (id, ticket) VALUES (?1, ?2)";

const UNMERGE: &str = "DELETE FROM {p}merged WHERE id = ?1";

/// The columns of a ticket that another one replaces, each with its condition and the new value.
const CHANGES: [(&str, &[&str]); 3] = [
    (
        "(f.first_time, f.first_id) < (t.first_time, t.first_id)",
        &["first_time", "first_id", "first_release"],
    ),
    (
        "(f.last_time, f.last_id) > (t.last_time, t.last_id)",
        &[
            "level",
            "channel",
            "message",
            "file",
            "line",
            "module",
            "function",
            "error_type",
            "last_time",
            "last_id",
            "last_release",
            "search_text",
        ],
    ),
    (REOPENING, &["status", "status_time", "solved_release", "solved_after"]),
];

const REOPENING: &str = "t.status = 2 AND f.last_time > t.status_time";

/// Returns the assignments of [`CHANGES`].
fn columns() -> String {
    let mut changes = Vec::new();
    for (condition, columns) in CHANGES {
        for column in columns {
            // A ticket that is open again has neither a time nor a fix.
            let new = match *column {
                "status" => "1".to_owned(),
                "status_time" | "solved_release" => "NULL".to_owned(),
                "solved_after" => "0".to_owned(),
                column => format!("f.{column}"),
            };
            changes
                .push(format!("{column} = CASE WHEN {condition} THEN {new} ELSE t.{column} END"));
        }
    }
    changes.join(", ")
}

pub(crate) fn merge_tickets(
    connection: &mut Connection,
    into: TicketId,
    from: TicketId,
    author: &Author,
) -> Result<Option<Ticket>> {
    write(connection, |writer| {
        let (target, source) = (Found::read(writer, into)?, Found::read(writer, from)?);
        match check_merge((into, target.party()), (from, source.party()))? {
            MergeStep::Unknown => return Ok(None),
            MergeStep::Nothing => {}
            MergeStep::Merge => {
                if let (Found::Ticket { no: target, app_id }, Found::Ticket { no: source, .. }) =
                    (&target, &source)
                {
                    merge(writer, *target, *source, app_id)?;
                    writer.execute(ADD_MERGED, params![from.as_bytes(), target])?;
                    add_entry(writer, into, author, &HistoryEvent::Merged(from))?;
                }
            }
        }
        let merged = find_ticket(writer.sqlite, writer.names, into)?;
        Ok(merged.map(|ticket| at(ticket, Timestamp::now())))
    })
}

/// What is stored under a ticket's id.
enum Found {
    Ticket { no: i64, app_id: String },
    Merged { into: TicketId },
    Unknown,
}

impl Found {
    fn read(writer: &Writer<'_>, id: TicketId) -> Result<Self> {
        let mut find = writer.prepare(FIND_TICKET)?;
        let ticket: Option<(i64, String)> = find
            .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(from_sqlite)?;
        if let Some((no, app_id)) = ticket {
            return Ok(Self::Ticket { no, app_id });
        }
        Ok(merged_into(writer, id)?.map_or(Self::Unknown, |into| Self::Merged { into }))
    }

    fn party(&self) -> MergeParty<'_> {
        match self {
            Self::Ticket { app_id, .. } => MergeParty::Ticket { app_id },
            Self::Merged { into } => MergeParty::Merged { into: *into },
            Self::Unknown => MergeParty::Unknown,
        }
    }
}

/// Returns the ticket into which this one was merged.
pub(super) fn merged_into(writer: &Writer<'_>, id: TicketId) -> Result<Option<TicketId>> {
    let mut find = writer.prepare(FIND_MERGED)?;
    let found = find.query_row([id.as_bytes()], |row| row.get(0)).optional();
    Ok(found.map_err(from_sqlite)?.map(TicketId::from_bytes))
}

/// Adds a ticket to another one, and deletes it.
fn merge(writer: &mut Writer<'_>, into: i64, from: i64, app_id: &str) -> Result<()> {
    let mut find = writer.prepare(SHARED)?;
    let mut rows = find.query([into, from]).map_err(from_sqlite)?;
    let (mut shared, mut hours) = (Vec::new(), BTreeMap::<i64, i64>::new());
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        shared.push(get(row, 0)?);
        *hours.entry(crate::row::time(row, 1)?.hour()).or_default() += get::<i64>(row, 2)?;
    }
    drop(rows);
    delete_occurrences(writer, &shared)?;
    writer.execute(SUBTRACT_COUNT, params![from, hours.values().sum::<i64>()])?;
    for (hour, count) in hours {
        writer.execute(SUBTRACT_HOUR, params![from, hour, count])?;
        writer.execute(SUBTRACT_APP_HOUR, params![app_id, hour, count])?;
    }
    for statement in MOVE {
        writer.execute(&statement.replace("{columns}", &columns()), [into, from])?;
    }
    writer.execute(DELETE_TICKET, [from])?;
    Ok(())
}

pub(crate) fn unmerge_ticket(
    connection: &mut Connection,
    from: TicketId,
    author: &Author,
) -> Result<bool> {
    write(connection, |writer| {
        let Some(into) = merged_into(writer, from)? else { return Ok(false) };
        writer.execute(UNMERGE, [from.as_bytes()])?;
        add_entry(writer, into, author, &HistoryEvent::Unmerged(from))
    })
}
