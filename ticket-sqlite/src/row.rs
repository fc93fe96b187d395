//! Conversions between rows and the model.

use rusqlite::Row;
use rusqlite::types::{ToSqlOutput, ValueRef};
use ticket_core::backend::{Tested, status_from_columns};
use ticket_core::{
    Error, HistoryEntry, Level, Location, Occurrence, OccurrenceId, ProcessReport, Result, Status,
    Ticket, TicketId, Timestamp, Traits, Value,
};

use crate::error::{corrupt, from_sqlite};

/// The columns that [`ticket`] reads, of the table with the alias `t`.
pub(crate) const TICKET_COLUMNS: &str = "t.id, t.app_id, t.level, t.channel, t.message, t.file, \
    t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, \
    t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, \
    t.solved_after";

/// Reads the ticket of a row that starts with [`TICKET_COLUMNS`], with its status as stored.
pub(crate) fn ticket(row: &Row<'_>) -> Result<Ticket> {
    let mut location = Location::new();
    location.file = get::<Option<String>>(row, 5)?.map(Into::into);
    location.line = get(row, 6)?;
    location.module = get::<Option<String>>(row, 7)?.map(Into::into);
    location.function = get::<Option<String>>(row, 8)?.map(Into::into);
    let ingredients: String = get(row, 19)?;
    Ok(Ticket {
        id: TicketId::from_bytes(get(row, 0)?),
        app_id: get(row, 1)?,
        level: Level::from_u8(get(row, 2)?).ok_or_else(|| corrupt("a ticket's level"))?,
        channel: get(row, 3)?,
        message: get(row, 4)?,
        location,
        error_type: get(row, 9)?,
        status: status(row, [10, 11, 12, 20])?,
        first_occurrence_time: time(row, 13)?,
        last_occurrence_time: time(row, 14)?,
        occurrence_count: count(row, 15)?,
        reopened_count: count(row, 16)?,
        first_release: get(row, 17)?,
        last_release: get(row, 18)?,
        ingredients: json(&ingredients, "a ticket's ingredients")?,
    })
}

/// Reads a status from the columns with its kind, time and release, and whether the fix is after that.
pub(crate) fn status(row: &Row<'_>, columns: [usize; 4]) -> Result<Status> {
    let [kind, time, release, is_after] = columns;
    status_from_columns(
        get::<i64>(row, kind)?,
        get(row, time)?,
        get(row, release)?,
        get(row, is_after)?,
    )
    .ok_or_else(|| corrupt("a ticket's status"))
}

/// The columns that [`occurrence`] reads; `o` is the table of occurrences and `t` that of tickets.
/// Events are ordered by the first three.
pub(crate) const OCCURRENCE_COLUMNS: &str = "o.time, o.id, t.id AS ticket_id, o.repeats, o.payload";

/// Reads the occurrence of a row with [`OCCURRENCE_COLUMNS`].
pub(crate) fn occurrence(row: &Row<'_>) -> Result<Occurrence> {
    Ok(Occurrence {
        ticket_id: TicketId::from_bytes(get(row, 2)?),
        repeats: get(row, 3)?,
        record: payload(row, 4)?,
    })
}

/// The columns that [`history_entry`] reads, of the table with the alias `h`.
pub(crate) const HISTORY_COLUMNS: &str = "h.no, h.time, h.author, h.event";

/// Reads the entry of a row with [`HISTORY_COLUMNS`].
pub(crate) fn history_entry(row: &Row<'_>) -> Result<HistoryEntry> {
    let event: String = get(row, 3)?;
    Ok(HistoryEntry {
        number: count(row, 0)?,
        time: time(row, 1)?,
        by: get(row, 2)?,
        event: json(&event, "an entry of a history")?,
    })
}

/// Reads the report of a process in the only column.
pub(crate) fn report(row: &Row<'_>) -> Result<ProcessReport> {
    json(&get::<String>(row, 0)?, "the report of a process")
}

/// Reads only what clauses look at of the record in a column.
pub(crate) fn tested<'a>(row: &'a Row<'_>, column: usize) -> Result<Tested<'a>> {
    payload(row, column)
}

/// Reads only the traits of the record in a column.
pub(crate) fn traits(row: &Row<'_>, column: usize) -> Result<Traits> {
    tested(row, column).map(|record| record.traits)
}

/// Deserializes the JSON in a column.
pub(crate) fn payload<'a, T: serde::Deserialize<'a>>(row: &'a Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column).map_err(from_sqlite)?;
    let text = text.as_bytes().map_err(|_| corrupt("an occurrence"))?;
    serde_json::from_slice(text).map_err(|error| corrupt("an occurrence").with_source(error))
}

/// Converts a trait's value to the form in which SQLite compares it.
pub(crate) fn trait_value(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Int(number) => ValueRef::Integer(*number),
        // -0.0 and 0.0 compare as equal, so they have to be the same key.
        Value::Float(number) => ValueRef::Real(*number + 0.0),
        Value::Bool(yes) => ValueRef::Integer((*yes).into()),
        Value::Time(time) => ValueRef::Integer(time.as_micros()),
    })
}

fn json<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| corrupt(what).with_source(error))
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    get(row, column).map(Timestamp::from_micros)
}

pub(crate) fn occurrence_id(row: &Row<'_>, column: usize) -> Result<OccurrenceId> {
    get(row, column).map(OccurrenceId::from_bytes)
}

pub(crate) fn count(row: &Row<'_>, column: usize) -> Result<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| corrupt("a count"))
}

pub(crate) fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, column: usize) -> Result<T, Error> {
    row.get(column).map_err(from_sqlite)
}
