//! Event types, trait types and traits (rule 17).

use rusqlite::params;
use ticket_core::backend::TraitWalk;
use ticket_core::{
    Direction, EventFilter, EventTrait, EventTypeQuery, Page, Result, TraitQuery, TraitType,
    TraitTypeQuery, ValueKind,
};

use super::events::read;
use super::leads::{Entries, Lead};
use super::occurrences::Reader;
use super::walk::{Snapshot, Walk};
use crate::connection::Connection;
use crate::error::{corrupt, from_sqlite};
use crate::row::{self, get};

/// A name with more entries than this is so common that reading all events in the order of time is
/// faster than following its entries.
const RARE: usize = 30_000;

/// A type exists as long as one of its events does, and that event's ticket.
pub(super) const TYPES: &str = "SELECT DISTINCT e.channel FROM {p}event_types e \
    WHERE (?1 IS NULL OR e.app_id = ?1) AND EXISTS (SELECT 1 FROM {p}occurrences o \
    CROSS JOIN {p}tickets t ON t.no = o.ticket WHERE o.type = e.no) ORDER BY e.channel";

pub(super) const TRAIT_TYPES: &str = "SELECT DISTINCT k.name, k.kind \
    FROM {p}event_types e CROSS JOIN {p}trait_keys k ON k.type = e.no \
    WHERE e.channel = ?2 AND (?1 IS NULL OR e.app_id = ?1) AND EXISTS (SELECT 1 FROM {p}traits x \
    CROSS JOIN {p}occurrences o ON o.no = x.occurrence CROSS JOIN {p}tickets t ON t.no = o.ticket \
    WHERE x.key = k.no) ORDER BY k.name, k.kind";

pub(super) const NAMES: &str = "SELECT DISTINCT k.name \
    FROM {p}event_types e CROSS JOIN {p}trait_keys k ON k.type = e.no \
    WHERE e.channel = ?2 AND (?1 IS NULL OR e.app_id = ?1) ORDER BY k.name";

pub(crate) fn event_types(connection: &Connection, query: &EventTypeQuery) -> Result<Vec<String>> {
    let sql = connection.names.sql(TYPES);
    let mut read = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let rows = read.query_map([&query.app_id], |row| row.get(0)).map_err(from_sqlite)?;
    rows.collect::<rusqlite::Result<_>>().map_err(from_sqlite)
}

pub(crate) fn trait_types(
    connection: &Connection,
    query: &TraitTypeQuery,
) -> Result<Vec<TraitType>> {
    let sql = connection.names.sql(TRAIT_TYPES);
    let mut read = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let mut rows = read.query(params![query.app_id, query.event_type]).map_err(from_sqlite)?;
    let mut types = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        let kind = ValueKind::from_u8(get(row, 1)?).ok_or_else(|| corrupt("a trait's type"))?;
        types.push(TraitType { name: get(row, 0)?, kind });
    }
    Ok(types)
}

/// Walks name after name through the events that have it.
pub(crate) fn get_traits(connection: &Connection, query: &TraitQuery) -> Result<Page<EventTrait>> {
    let traits = TraitWalk::new(query)?;
    let transaction = connection.sqlite.unchecked_transaction().map_err(from_sqlite)?;
    let snapshot = Snapshot { sqlite: &transaction, names: &connection.names };
    let mut filter = EventFilter::new().with_event_type(query.event_type.as_str());
    filter.app_id.clone_from(&query.app_id);
    let walk = Walk::new(&snapshot, &filter, Direction::Ascending)?;
    let mut traits = traits.with_names(names(&snapshot, query)?);
    while let Some(step) = traits.next_step() {
        let entries = Entries::of_name(&snapshot, &walk, &step.name)?;
        let lead = match entries.count(&snapshot, RARE)? {
            Some(_) => Lead::Traits(entries),
            None => Lead::Time(None),
        };
        let mut reader = Reader::new(Direction::Ascending, step.after.as_ref(), 0, step.limit);
        let make = |row: &rusqlite::Row<'_>, event| {
            let value = row::traits(row, 4)?.remove(step.name.as_str());
            Ok(value.map(|value| EventTrait { name: step.name.clone(), value, event }))
        };
        read(&snapshot, &walk, lead, &mut reader, make)?;
        traits.add(reader.found);
    }
    Ok(traits.into_page())
}

fn names(snapshot: &Snapshot<'_>, query: &TraitQuery) -> Result<Vec<String>> {
    let mut read = snapshot.prepare(NAMES)?;
    let asked = params![query.app_id, query.event_type];
    let rows = read.query_map(asked, |row| row.get(0)).map_err(from_sqlite)?;
    rows.collect::<rusqlite::Result<_>>().map_err(from_sqlite)
}
