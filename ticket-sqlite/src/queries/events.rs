//! Events by their traits (rules 15 and 16).
//!
//! An index leads to events that may be meant, in the order of time, and what it leaves open is tested
//! on each record. Which index leads is found out by looking: see [`Lead::choose`].

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection as Sqlite, params, params_from_iter};
use ticket_core::{
    Comparison, Direction, EventFilter, EventPosition, EventQuery, Occurrence, Op, Page, Result,
    Test, Traits, Value,
};

use super::event_statements::{
    KEYS, SHORT, SIDE_BY_SIDE, by_id, by_numbers, by_time, by_value, entries,
};
use super::occurrences::{Reader, Start};
use super::to_i64;
use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::row::{get, occurrence, payload};
use crate::schema::Names;

/// How many index entries are looked at to find out that something is rare. The last one is where
/// collecting and sorting costs as much as testing each event until a page is full.
const RARE: [usize; 3] = [500, 5_000, 30_000];

pub(crate) fn get_events(connection: &Connection, query: &EventQuery) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    // One snapshot for all statements.
    let snapshot = connection.sqlite.unchecked_transaction().map_err(from_sqlite)?;
    let events = Events { sqlite: &snapshot, names: &connection.names };
    let mut reader = Reader::new(query.direction, plan.after(), query.offset, plan.fetch());
    let filter = &query.filter;
    let walk = Walk::new(&events, filter, query.direction, plan.after())?;
    let lead = Lead::choose(&events, filter, &walk)?;
    let is_meant = |row: &rusqlite::Row<'_>| {
        if filter.traits.is_empty() {
            return Ok(true);
        }
        let traits = payload::<OnlyTraits>(row, 4)?.traits;
        Ok(filter.traits.iter().all(|comparison| comparison.matches(&traits)))
    };
    events.read(&walk, lead, &mut reader, is_meant, |row, _| occurrence(row))?;
    Ok(plan.page(reader.found))
}

/// The part of a record that comparisons look at.
#[derive(serde::Deserialize)]
pub(super) struct OnlyTraits {
    #[serde(default)]
    pub(super) traits: Traits,
}

/// The events of one snapshot.
pub(super) struct Events<'a> {
    pub(super) sqlite: &'a Sqlite,
    pub(super) names: &'a Names,
}

/// What all events that are meant have in common, apart from their traits.
pub(super) struct Walk<'a> {
    filter: &'a EventFilter,
    direction: Direction,
    start: Start,
    since: i64,
    until: i64,
    /// The numbers of their types; `None` for all there are.
    types: Option<Vec<i64>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        events: &Events<'_>,
        filter: &'a EventFilter,
        direction: Direction,
        after: Option<&EventPosition>,
    ) -> Result<Self> {
        Ok(Self {
            filter,
            direction,
            start: Start::new(direction, after),
            since: filter.since.map_or(i64::MIN, |time| time.as_micros()),
            until: filter.until.map_or(i64::MAX, |time| time.as_micros()),
            types: events.types(filter)?,
        })
    }

    /// The end of the range that lies ahead.
    const fn end(&self) -> i64 {
        match self.direction {
            Direction::Ascending => self.until,
            Direction::Descending => self.since,
        }
    }

    /// Where the range begins: at its edge, or at the cursor if that is further inside.
    fn start(&self) -> (i64, [u8; 16]) {
        let Start { time, id } = self.start;
        match self.direction {
            Direction::Ascending if time < self.since => (self.since, [0; 16]),
            Direction::Descending if time > self.until => (self.until, [0xff; 16]),
            Direction::Ascending | Direction::Descending => (time, id),
        }
    }

    fn holds(&self, time: i64) -> bool {
        let (start, end) = (self.start().0, self.end());
        match self.direction {
            Direction::Ascending => (start..=end).contains(&time),
            Direction::Descending => (end..=start).contains(&time),
        }
    }
}

/// What leads to the events.
pub(super) enum Lead {
    /// There are none.
    None,
    /// The index of ids.
    Id,
    /// The index of times, of each of a few types or of all.
    Time,
    /// The index of traits: one value of each of these keys, in the order of time.
    Value(Vec<i64>, Value),
    /// The events with a rare trait, collected: their times and numbers, in the order of time.
    Collected(Vec<(i64, i64)>),
}

impl Lead {
    /// Looks for what is rarest: the range of time, or one of the comparisons. If nothing is rare, the
    /// order of time leads, along the events with one value where one is asked for, else along all, and
    /// a page is full soon.
    pub(super) fn choose(
        events: &Events<'_>,
        filter: &EventFilter,
        walk: &Walk<'_>,
    ) -> Result<Self> {
        if walk.types.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Self::None);
        }
        if filter.occurrence_id.is_some() {
            return Ok(Self::Id);
        }
        let ranges: Vec<Vec<Range>> = filter
            .traits
            .iter()
            .map(|comparison| events.ranges(comparison, walk))
            .collect::<Result<_>>()?;
        if ranges.iter().any(Vec::is_empty) {
            return Ok(Self::None);
        }
        if !ranges.is_empty() {
            for most in RARE {
                if events.is_short(walk, most)? {
                    return Ok(Self::Time);
                }
                for ranges in &ranges {
                    if let Some(collected) = events.collect(ranges, walk, most)? {
                        return Ok(Self::Collected(collected));
                    }
                }
            }
        }
        let one_value = ranges.into_iter().find_map(|mut ranges| match ranges.pop() {
            Some(range) if ranges.is_empty() && range.is_one_value() => Some(range),
            _ => None,
        });
        Ok(match one_value {
            Some(Range { keys, test: Some(test), .. }) => Self::Value(keys, test.value),
            _ => Self::Time,
        })
    }
}

/// Entries of the index of traits: some keys, all of one kind, and what their value has to be.
pub(super) struct Range {
    keys: Vec<i64>,
    test: Option<Test>,
    /// The other end, where another comparison of the same trait gives one.
    end: Option<Test>,
}

impl Range {
    fn is_one_value(&self) -> bool {
        self.keys.len() <= SIDE_BY_SIDE && self.test.as_ref().is_some_and(|test| test.op == Op::Eq)
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
        let mut read = self.sqlite.prepare_cached(&self.names.sql(&sql)).map_err(from_sqlite)?;
        let values = params_from_iter(tests.iter().map(|(_, value)| value));
        let rows = read.query_map(values, |row| row.get(0)).map_err(from_sqlite)?;
        rows.collect::<rusqlite::Result<_>>().map(Some).map_err(from_sqlite)
    }

    /// The ranges of a comparison, one for each kind of value; none if no event has such a trait.
    fn ranges(&self, comparison: &Comparison, walk: &Walk<'_>) -> Result<Vec<Range>> {
        let mut ranges = Vec::new();
        for test in comparison.tests() {
            let keys = self.keys(comparison.name(), Some(test.value.kind().as_u8()), walk)?;
            if !keys.is_empty() {
                let end = end_of_range(comparison, test, &walk.filter.traits);
                ranges.push(Range { keys, test: Some(test.clone()), end });
            }
        }
        Ok(ranges)
    }

    /// All entries of a trait's name, whatever its values.
    pub(super) fn range_of_name(&self, name: &str, walk: &Walk<'_>) -> Result<Range> {
        Ok(Range { keys: self.keys(name, None, walk)?, test: None, end: None })
    }

    fn keys(&self, name: &str, kind: Option<u8>, walk: &Walk<'_>) -> Result<Vec<i64>> {
        let sql = self.names.sql(KEYS);
        let mut read = self.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
        let mut rows = read
            .query(params![name, kind.unwrap_or(0), kind.unwrap_or(u8::MAX)])
            .map_err(from_sqlite)?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next().map_err(from_sqlite)? {
            let (no, type_no): (i64, i64) = (get(row, 0)?, get(row, 1)?);
            if walk.types.as_ref().is_none_or(|types| types.contains(&type_no)) {
                keys.push(no);
            }
        }
        Ok(keys)
    }

    /// Whether there are at most `most` events in the range of time.
    fn is_short(&self, walk: &Walk<'_>, most: usize) -> Result<bool> {
        if walk.filter.since.is_none() && walk.filter.until.is_none() {
            return Ok(false);
        }
        let sql = self.names.sql(SHORT);
        let mut read = self.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
        let (start, end) = (walk.start().0, walk.end());
        let range = params![start.min(end), start.max(end), to_i64(most + 1)];
        let count: i64 = read.query_row(range, |row| row.get(0)).map_err(from_sqlite)?;
        Ok(count <= to_i64(most))
    }

    /// The events in these ranges, in the order of time; `None` if they have more than `most` entries.
    pub(super) fn collect(
        &self,
        ranges: &[Range],
        walk: &Walk<'_>,
        most: usize,
    ) -> Result<Option<Vec<(i64, i64)>>> {
        let mut collected: Vec<(i64, i64)> = Vec::new();
        let mut left = most + 1;
        for range in ranges {
            let sql = self.names.sql(&entries(
                range.test.as_ref().map(|test| test.op),
                range.end.as_ref().map(|test| test.op),
            ));
            let mut read = self.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
            let keys = serde_json::to_string(&range.keys).unwrap_or_default();
            let mut values = vec![SqlValue::from(keys), SqlValue::from(to_i64(left))];
            if let Some(Test { op, value }) = &range.test
                && *op != Op::Ne
            {
                values.push(sql_value(value));
            }
            values.extend(range.end.as_ref().map(|test| sql_value(&test.value)));
            let rows = read
                .query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(from_sqlite)?;
            for row in rows {
                let (time, no) = row.map_err(from_sqlite)?;
                left -= 1;
                if walk.holds(time) {
                    collected.push((time, no));
                }
            }
            if left == 0 {
                return Ok(None);
            }
        }
        collected.sort_unstable_by(|a, b| walk.direction.apply(a.cmp(b)));
        Ok(Some(collected))
    }

    /// Reads events along the lead until the page is full.
    pub(super) fn read<T>(
        &self,
        walk: &Walk<'_>,
        lead: Lead,
        reader: &mut Reader<'_, T>,
        mut is_meant: impl FnMut(&rusqlite::Row<'_>) -> Result<bool>,
        mut make: impl FnMut(&rusqlite::Row<'_>, EventPosition) -> Result<T>,
    ) -> Result<()> {
        let (time, id) = walk.start();
        let (end, types) = (walk.end(), walk.types.as_deref());
        let (template, values) = match lead {
            Lead::None => return Ok(()),
            Lead::Collected(collected) => {
                return self.read_collected(&collected, reader, is_meant, make);
            }
            Lead::Id => {
                let id = walk.filter.occurrence_id.map(|id| id.as_bytes().to_vec());
                (by_id(walk.direction, types), vec![time.into(), end.into(), id.into()])
            }
            Lead::Value(keys, value) => {
                (by_value(walk.direction, &keys), vec![time.into(), end.into(), sql_value(&value)])
            }
            Lead::Time => {
                (by_time(walk.direction, types), vec![time.into(), end.into(), id.to_vec().into()])
            }
        };
        let mut read =
            self.sqlite.prepare_cached(&self.names.sql(&template)).map_err(from_sqlite)?;
        let rows = read.query(params_from_iter::<Vec<SqlValue>>(values)).map_err(from_sqlite)?;
        reader.read(rows, &mut is_meant, &mut make)
    }

    /// Fetches collected events in groups of one time, within which SQLite sorts them.
    fn read_collected<T>(
        &self,
        collected: &[(i64, i64)],
        reader: &mut Reader<'_, T>,
        mut is_meant: impl FnMut(&rusqlite::Row<'_>) -> Result<bool>,
        mut make: impl FnMut(&rusqlite::Row<'_>, EventPosition) -> Result<T>,
    ) -> Result<()> {
        let sql = self.names.sql(&by_numbers(reader.direction()));
        let mut read = self.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
        for group in collected.chunk_by(|a, b| a.0 == b.0) {
            if reader.is_full() {
                break;
            }
            let numbers: Vec<i64> = group.iter().map(|(_, no)| *no).collect();
            let numbers = serde_json::to_string(&numbers).unwrap_or_default();
            let rows = read.query([numbers]).map_err(from_sqlite)?;
            reader.read(rows, &mut is_meant, &mut make)?;
        }
        Ok(())
    }
}

/// The value as it is compared.
fn sql_value(value: &Value) -> SqlValue {
    match value {
        Value::Text(text) => SqlValue::Text(text.as_str().into()),
        Value::Int(number) => SqlValue::Integer(*number),
        Value::Float(number) => SqlValue::Real(*number),
        Value::Bool(yes) => SqlValue::Integer((*yes).into()),
        Value::Time(time) => SqlValue::Integer(time.as_micros()),
    }
}

/// The other end of the range that begins with a test: one without the other may be most of the traits.
fn end_of_range(comparison: &Comparison, test: &Test, all: &[Comparison]) -> Option<Test> {
    if !matches!(test.op, Op::Gt | Op::Ge) {
        return None;
    }
    let of_same_trait = all.iter().filter(|other| other.name() == comparison.name());
    let mut tests = of_same_trait.flat_map(Comparison::tests);
    let is_end =
        |end: &&Test| matches!(end.op, Op::Lt | Op::Le) && end.value.kind() == test.value.kind();
    tests.find(is_end).cloned()
}
