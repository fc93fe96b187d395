//! What every walk through events needs: a snapshot, a range of time, and the numbers of the types.

use rusqlite::{CachedStatement, Connection as Sqlite, params_from_iter};
use ticket_core::backend::EventPosition;
use ticket_core::{Direction, EventFilter, Result};

use super::occurrences::Start;
use crate::error::from_sqlite;
use crate::names::Names;

/// The events of one read transaction.
pub(super) struct Snapshot<'a> {
    pub(super) sqlite: &'a Sqlite,
    pub(super) names: &'a Names,
}

impl Snapshot<'_> {
    pub(super) fn prepare(&self, template: &str) -> Result<CachedStatement<'_>> {
        self.sqlite.prepare_cached(&self.names.sql(template)).map_err(from_sqlite)
    }

    /// Returns the numbers of the types that a filter asks for; `None` if it asks for all of them.
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
}

/// A filter as the statements need it, apart from its clauses.
pub(super) struct Walk<'a> {
    pub(super) filter: &'a EventFilter,
    pub(super) direction: Direction,
    pub(super) since: i64,
    pub(super) until: i64,
    /// The numbers of the wanted types; `None` for all of them.
    pub(super) types: Option<Vec<i64>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        snapshot: &Snapshot<'_>,
        filter: &'a EventFilter,
        direction: Direction,
    ) -> Result<Self> {
        Ok(Self {
            filter,
            direction,
            since: filter.since.map_or(i64::MIN, |time| time.as_micros()),
            until: filter.until.map_or(i64::MAX, |time| time.as_micros()),
            types: snapshot.types(filter)?,
        })
    }

    /// Returns the end of the range of time towards which the walk goes.
    pub(super) const fn end(&self) -> i64 {
        match self.direction {
            Direction::Ascending => self.until,
            Direction::Descending => self.since,
        }
    }

    /// Returns where to start: at the edge of the range of time, or at a cursor's place if that is further inside.
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
