//! Events by their traits (rules 15 and 16).
//!
//! An index leads to events that may be meant, in the order of time, and what it leaves open is tested
//! on each record. Which index leads is found out by looking: see [`Lead::choose`].

use rusqlite::types::Value as SqlValue;
use rusqlite::{CachedStatement, Connection as Sqlite, Row, params_from_iter};
use ticket_core::backend::EventPosition;
use ticket_core::{Direction, EventFilter, EventQuery, Occurrence, Page, Result};

use super::event_statements::{by_id, by_numbers, by_time};
use super::leads::{Entries, Lead};
use super::occurrences::{Reader, Start};
use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::row::occurrence;
use crate::schema::Names;

/// How many events are tested before something else is thought of; twice as many each further time.
const TRIAL: usize = 256;

pub(crate) fn get_events(connection: &Connection, query: &EventQuery) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    // One snapshot for all statements.
    let snapshot = connection.sqlite.unchecked_transaction().map_err(from_sqlite)?;
    let events = Events { sqlite: &snapshot, names: &connection.names };
    let walk = Walk::new(&events, &query.filter, query.direction)?;
    let lead = Lead::choose(&events, &walk)?;
    let reader = Reader::new(query.direction, plan.after(), query.offset, plan.fetch());
    let mut reader = reader.testing(&query.filter.traits);
    events.read(&walk, lead, &mut reader, |row, _| occurrence(row).map(Some))?;
    Ok(plan.page(reader.found))
}

/// The events of one snapshot.
pub(super) struct Events<'a> {
    pub(super) sqlite: &'a Sqlite,
    pub(super) names: &'a Names,
}

/// What all events that are meant have in common, apart from their traits.
pub(super) struct Walk<'a> {
    pub(super) filter: &'a EventFilter,
    pub(super) direction: Direction,
    pub(super) since: i64,
    pub(super) until: i64,
    /// The numbers of their types; `None` for all there are.
    pub(super) types: Option<Vec<i64>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        events: &Events<'_>,
        filter: &'a EventFilter,
        direction: Direction,
    ) -> Result<Self> {
        Ok(Self {
            filter,
            direction,
            since: filter.since.map_or(i64::MIN, |time| time.as_micros()),
            until: filter.until.map_or(i64::MAX, |time| time.as_micros()),
            types: events.types(filter)?,
        })
    }

    /// The end of the range that lies ahead.
    pub(super) const fn end(&self) -> i64 {
        match self.direction {
            Direction::Ascending => self.until,
            Direction::Descending => self.since,
        }
    }

    /// Where the range begins: at its edge, or at a place if that is further inside.
    pub(super) fn start(&self, after: Option<&EventPosition>) -> Start {
        let start = Start::new(self.direction, after);
        match self.direction {
            Direction::Ascending if start.time < self.since => {
                Start { time: self.since, id: [0; 16] }
            }
            Direction::Descending if start.time > self.until => {
                Start { time: self.until, id: [0xff; 16] }
            }
            Direction::Ascending | Direction::Descending => start,
        }
    }
}

impl Events<'_> {
    /// The numbers of the types that a filter asks for.
    fn types(&self, filter: &EventFilter) -> Result<Option<Vec<i64>>> {
        let tests: Vec<(&str, &String)> =
            [("channel", &filter.event_type), ("app_id", &filter.app_id)]
                .into_iter()
                .filter_map(|(column, value)| value.as_ref().map(|value| (column, value)))
                .collect();
        if tests.is_empty() {
            return Ok(None);
        }
        let conditions: Vec<String> =
            tests.iter().map(|(column, _)| format!("{column} = ?")).collect();
        let sql = format!("SELECT no FROM {{p}}event_types WHERE {}", conditions.join(" AND "));
        let mut read = self.prepare(&sql)?;
        let values = params_from_iter(tests.iter().map(|(_, value)| value));
        let rows = read.query_map(values, |row| row.get(0)).map_err(from_sqlite)?;
        rows.collect::<rusqlite::Result<_>>().map(Some).map_err(from_sqlite)
    }

    /// Reads events along the lead until the page is full. What is made of a row may be nothing.
    pub(super) fn read<T>(
        &self,
        walk: &Walk<'_>,
        lead: Lead,
        reader: &mut Reader<'_, T>,
        mut make: impl FnMut(&Row<'_>, EventPosition) -> Result<Option<T>>,
    ) -> Result<()> {
        let start = walk.start(reader.after.as_ref());
        let (types, end) = (walk.types.as_deref(), walk.end());
        let (template, id) = match &lead {
            Lead::None => return Ok(()),
            Lead::Traits(entries) => return self.read_entries(walk, entries, reader, make),
            Lead::Id => {
                let id = walk.filter.occurrence_id.map(|id| id.as_bytes().to_vec());
                (by_id(walk.direction, types), id)
            }
            Lead::Time(_) => (by_time(walk.direction, types), Some(start.id.to_vec())),
        };
        let mut read = self.prepare(&template)?;
        let values: [SqlValue; 3] = [start.time.into(), end.into(), id.into()];
        let mut rows = read.query(params_from_iter(values)).map_err(from_sqlite)?;
        let Lead::Time(Some(mut trial)) = lead else {
            return reader.read(&mut rows, usize::MAX, make).map(drop);
        };
        let mut tested = TRIAL;
        while reader.read(&mut rows, tested, &mut make)? {
            if let Some(entries) = trial.rarest(self, walk, reader)? {
                return self.read_entries(walk, &entries, reader, make);
            }
            tested *= 2;
        }
        Ok(())
    }

    /// Fetches events in groups of one time, within which SQLite sorts them.
    fn read_entries<T>(
        &self,
        walk: &Walk<'_>,
        entries: &Entries,
        reader: &mut Reader<'_, T>,
        mut make: impl FnMut(&Row<'_>, EventPosition) -> Result<Option<T>>,
    ) -> Result<()> {
        let collected = entries.collect(self, walk, reader.after.as_ref())?;
        let mut read = self.prepare(&by_numbers(walk.direction))?;
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

    pub(super) fn prepare(&self, template: &str) -> Result<CachedStatement<'_>> {
        self.sqlite.prepare_cached(&self.names.sql(template)).map_err(from_sqlite)
    }
}
