//! Which types and traits there are (rule 17).

use rusqlite::params;
use ticket_core::{
    Direction, EventFilter, EventTrait, EventTypeQuery, Page, Result, TraitQuery, TraitType,
    TraitTypeQuery, ValueKind,
};

use super::events::{Events, Walk};
use super::leads::{Entries, Lead};
use super::occurrences::Reader;
use crate::connection::Connection;
use crate::error::{corrupt, from_sqlite};
use crate::row::{self, get};

/// More entries of a name than this do not lead: so many events have it that each may be read.
const RARE: usize = 30_000;

/// A type is known as long as one of its events is, of a ticket that is still there.
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
    WHERE e.channel = ?2 AND (?1 IS NULL OR e.app_id = ?1) AND k.name >= ?3 ORDER BY k.name";

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

/// Name after name, each as a walk through the events that have it.
pub(crate) fn get_traits(connection: &Connection, query: &TraitQuery) -> Result<Page<EventTrait>> {
    let plan = query.plan()?;
    let snapshot = connection.sqlite.unchecked_transaction().map_err(from_sqlite)?;
    let events = Events { sqlite: &snapshot, names: &connection.names };
    let mut filter = EventFilter::new().with_event_type(query.event_type.as_str());
    filter.app_id.clone_from(&query.app_id);
    let mut traits = Vec::new();
    for name in names(&events, query, plan.after().map(|after| after.name.as_str()))? {
        let after = plan.after().filter(|after| after.name == name).map(|after| &after.event);
        let walk = Walk::new(&events, &filter, Direction::Ascending)?;
        let entries = Entries::of_name(&events, &walk, &name)?;
        let lead = match entries.count(&events, RARE)? {
            Some(_) => Lead::Traits(entries),
            None => Lead::Time(None),
        };
        let wanted = plan.fetch() - traits.len();
        let mut reader = Reader::new(Direction::Ascending, after, 0, wanted);
        let make = |row: &rusqlite::Row<'_>, event| {
            let value = row::traits(row, 4)?.remove(name.as_str());
            Ok(value.map(|value| EventTrait { name: name.clone(), value, event }))
        };
        events.read(&walk, lead, &mut reader, make)?;
        traits.append(&mut reader.found);
        if traits.len() >= plan.fetch() {
            break;
        }
    }
    Ok(plan.page(traits))
}

fn names(events: &Events<'_>, query: &TraitQuery, after: Option<&str>) -> Result<Vec<String>> {
    let sql = events.names.sql(NAMES);
    let mut read = events.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let first = after.unwrap_or("");
    let range = params![query.app_id, query.event_type, first];
    let rows = read.query_map(range, |row| row.get::<_, String>(0)).map_err(from_sqlite)?;
    let names = rows.collect::<rusqlite::Result<Vec<_>>>().map_err(from_sqlite)?;
    let asked = |name: &String| query.name.as_ref().is_none_or(|asked| asked == name);
    Ok(names.into_iter().filter(asked).collect())
}
