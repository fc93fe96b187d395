//! Events by their traits and messages (rules 15 and 16).
//!
//! An index leads to candidates in the order of time, and what the index cannot tell is tested on each record. See
//! [`Lead`] for which index that is.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Row, params_from_iter};
use ticket_core::backend::EventPosition;
use ticket_core::{Direction, EventQuery, Occurrence, Page, Result};

use super::leads::{Entries, Lead, decide};
use super::occurrences::{Reader, signs};
use super::walk::{Snapshot, Walk};
use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::row::{OCCURRENCE_COLUMNS, occurrence};

/// How many events are tested before the choice of the index is reconsidered for the first time; each later time
/// comes after twice as many.
const TRIAL: usize = 256;

/// How many types, or names of traits, are read side by side in the order of time. SQLite opens one cursor for each,
/// so more would take too long to begin with.
const SIDE_BY_SIDE: usize = 16;

pub(crate) fn get_events(connection: &Connection, query: &EventQuery) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    // One transaction, so that all statements see the same events.
    let transaction = connection.sqlite.unchecked_transaction().map_err(from_sqlite)?;
    let snapshot = Snapshot { sqlite: &transaction, names: &connection.names };
    let walk = Walk::new(&snapshot, &query.filter, query.direction)?;
    let lead = Lead::choose(&snapshot, &walk)?;
    let reader = Reader::new(query.direction, plan.after(), plan.offset(), plan.fetch());
    let mut reader = reader.testing(&query.filter.clauses);
    read(&snapshot, &walk, lead, &mut reader, |row, _| occurrence(row).map(Some))?;
    Ok(plan.page(reader.found))
}

/// Reads events along the lead until the page is full. `make` returns `None` for a row that gives nothing.
pub(super) fn read<'a, T>(
    snapshot: &Snapshot<'_>,
    walk: &Walk<'a>,
    lead: Lead<'a>,
    reader: &mut Reader<'a, T>,
    mut make: impl FnMut(&Row<'_>, EventPosition) -> Result<Option<T>>,
) -> Result<()> {
    let start = walk.start(reader.after.as_ref());
    let (types, end) = (walk.types.as_deref(), walk.end());
    let external_id = || walk.filter.external_id.clone().into();
    let (template, ids): (_, Vec<SqlValue>) = match &lead {
        Lead::Nothing => return Ok(()),
        Lead::Traits(entries) => return read_entries(snapshot, walk, entries, reader, make),
        Lead::Id => {
            let id = walk.filter.occurrence_id.map(|id| id.as_bytes().to_vec());
            (by_id(walk.direction, types), vec![id.into(), external_id()])
        }
        Lead::ExternalId => (by_external_id(walk.direction, types), vec![external_id()]),
        Lead::Time(_) => (by_time(walk.direction, types), vec![start.id.to_vec().into()]),
    };
    let mut read = snapshot.prepare(&template)?;
    let values = [start.time.into(), end.into()].into_iter().chain(ids);
    let mut rows = read.query(params_from_iter(values)).map_err(from_sqlite)?;
    let Lead::Time(Some(mut planner)) = lead else {
        return reader.read(&mut rows, usize::MAX, make).map(drop);
    };
    let mut tested = TRIAL;
    while reader.read(&mut rows, tested, &mut make)? {
        planner.reconsider(&reader.tally, reader.missing());
        if let Some(entries) = decide(snapshot, walk, &mut planner)? {
            return read_entries(snapshot, walk, &entries, reader, make);
        }
        tested *= 2;
    }
    Ok(())
}

/// Reads the events of some entries, those of one time together: SQLite sorts them among themselves by their ids.
fn read_entries<T>(
    snapshot: &Snapshot<'_>,
    walk: &Walk<'_>,
    entries: &Entries,
    reader: &mut Reader<'_, T>,
    mut make: impl FnMut(&Row<'_>, EventPosition) -> Result<Option<T>>,
) -> Result<()> {
    let collected = entries.collect(snapshot, walk, reader.after.as_ref())?;
    let mut read = snapshot.prepare(&by_numbers(walk.direction))?;
    for group in collected.chunk_by(|a, b| a.0 == b.0) {
        if reader.is_full() {
            break;
        }
        let numbers: Vec<i64> = group.iter().map(|(_, no)| *no).collect();
        let numbers = serde_json::Value::from(numbers).to_string();
        let mut rows = read.query([numbers]).map_err(from_sqlite)?;
        reader.read(&mut rows, usize::MAX, &mut make)?;
    }
    Ok(())
}

const FROM_OCCURRENCES: &str = "{p}occurrences o CROSS JOIN {p}tickets t ON t.no = o.ticket";

fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// The range of time begins at ?1 and ends at ?2.
const fn within(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "o.time >= ?1 AND o.time <= ?2",
        Direction::Descending => "o.time <= ?1 AND o.time >= ?2",
    }
}

fn order_by(direction: Direction) -> String {
    let (_, order) = signs(direction);
    format!("ORDER BY 1 {order}, 2 {order}, 3 {order}")
}

/// ?3 is the id of the occurrence, and ?4 the producer's, if that is wanted too. The plus signs keep SQLite from taking
/// another index instead.
pub(super) fn by_id(direction: Direction, types: Option<&[i64]>) -> String {
    let (within, types) = (within(direction).replace("o.time", "+o.time"), of_types(types));
    format!(
        "SELECT {OCCURRENCE_COLUMNS} FROM {FROM_OCCURRENCES} \
         WHERE o.id = ?3 AND (?4 IS NULL OR +o.external_id = ?4) AND {within}{types} {}",
        order_by(direction)
    )
}

/// ?3 is the producer's id, under which events are in the order of time.
pub(super) fn by_external_id(direction: Direction, types: Option<&[i64]>) -> String {
    let (within, types) = (within(direction), of_types(types));
    format!(
        "SELECT {OCCURRENCE_COLUMNS} FROM {FROM_OCCURRENCES} \
         WHERE o.external_id = ?3 AND {within}{types} {}",
        order_by(direction)
    )
}

fn of_types(types: Option<&[i64]>) -> String {
    types.map(|types| format!(" AND +o.type IN ({})", list(types))).unwrap_or_default()
}

/// ?3 is the id at which to begin.
pub(super) fn by_time(direction: Direction, types: Option<&[i64]>) -> String {
    let (from, _) = signs(direction);
    let to = match direction {
        Direction::Ascending => "<=",
        Direction::Descending => ">=",
    };
    let select = format!("SELECT {OCCURRENCE_COLUMNS} FROM {FROM_OCCURRENCES} WHERE");
    let range = format!("(o.time, o.id) {from} (?1, ?3) AND o.time {to} ?2");
    let branches = match types {
        None => format!("{select} {range}"),
        Some(types) if types.len() > SIDE_BY_SIDE => {
            format!("{select} {range} AND +o.type IN ({})", list(types))
        }
        Some(types) => {
            let branch = |no: &i64| format!("{select} o.type = {no} AND {range}");
            types.iter().map(branch).collect::<Vec<_>>().join(" UNION ALL ")
        }
    };
    format!("{branches} {}", order_by(direction))
}

/// ?1 are the numbers of occurrences of one time, as JSON.
pub(super) fn by_numbers(direction: Direction) -> String {
    format!(
        "SELECT {OCCURRENCE_COLUMNS} FROM json_each(?1) j \
         CROSS JOIN {{p}}occurrences o ON o.no = j.value CROSS JOIN {{p}}tickets t ON t.no = o.ticket {}",
        order_by(direction)
    )
}
