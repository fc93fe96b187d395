//! What leads to [`events`](super::events), found out by looking.

use rusqlite::types::ToSqlOutput;
use rusqlite::{params, params_from_iter};
use ticket_core::backend::{EventPosition, ValueTest};
use ticket_core::{Comparison, Operator, Result};

use super::event_statements::{KEYS, SHORT, count_entries, entries};
use super::events::{Events, Walk};
use super::occurrences::Reader;
use super::to_i64;
use crate::error::from_sqlite;
use crate::row::{get, trait_value};

/// What has at most so many entries in the index of traits is rare: it leads, whatever else there is.
const RARE: usize = 2_000;

/// So many entries are read in the time that it takes to test one event.
const PER_TEST: usize = 20;

/// What leads to the events.
pub(super) enum Lead {
    /// There are none.
    None,
    /// The index of ids.
    Id,
    /// The index of times, of each of a few types or of all.
    Time(Option<Trial>),
    /// The index of traits.
    Traits(Entries),
}

impl Lead {
    /// Looks for what is rare: the range of time, or one of the comparisons. If nothing is, the order of
    /// time leads, until that turns out to take long.
    pub(super) fn choose(events: &Events<'_>, walk: &Walk<'_>) -> Result<Self> {
        if walk.types.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Self::None);
        }
        if walk.filter.occurrence_id.is_some() {
            return Ok(Self::Id);
        }
        let comparisons = &walk.filter.traits;
        if comparisons.is_empty() || in_range(events, walk, RARE + 1)? <= RARE {
            return Ok(Self::Time(None));
        }
        let (mut rarest, mut most) = (None, RARE);
        for comparison in comparisons {
            let entries = Entries::of(events, walk, comparison)?;
            if let Some(count) = entries.count(events, most)? {
                (rarest, most) = (Some(entries), count);
            }
        }
        Ok(rarest.map_or(Self::Time(Some(Trial { most })), Self::Traits))
    }
}

/// The order of time leads for as long as nothing else is known to be quicker.
pub(super) struct Trial {
    /// The rarest comparison has more entries than this.
    most: usize,
}

impl Trial {
    /// The rarest comparison, as far as those that were tested show it, if it is sooner done to follow that one
    /// than to test as many more as have to be expected.
    pub(super) fn rarest<T>(
        &mut self,
        events: &Events<'_>,
        walk: &Walk<'_>,
        reader: &Reader<'_, T>,
    ) -> Result<Option<Entries>> {
        let most = in_range(events, walk, reader.expected())?.saturating_mul(PER_TEST);
        // What was counted up to is not counted again for a little more.
        if most < self.most.saturating_mul(2) {
            return Ok(None);
        }
        self.most = most;
        let Some((rarest, _)) = reader.tally.rarest() else { return Ok(None) };
        let entries = Entries::of(events, walk, rarest)?;
        Ok(entries.count(events, most)?.map(|_| entries))
    }
}

/// How many events there are in the range of time that is asked for, but `most` at most.
fn in_range(events: &Events<'_>, walk: &Walk<'_>, most: usize) -> Result<usize> {
    if walk.filter.since.is_none() && walk.filter.until.is_none() {
        return Ok(most);
    }
    let mut read = events.prepare(SHORT)?;
    let range = params![walk.since, walk.until, to_i64(most)];
    read.query_row(range, |row| row.get(0)).map(counted).map_err(from_sqlite)
}

fn counted(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A part of the index of traits.
pub(super) struct Entries {
    ranges: Vec<Range>,
}

/// Some keys, all of one kind, and what their value has to be.
struct Range {
    keys: Vec<i64>,
    test: Option<ValueTest>,
    /// The other end, where another comparison of the same trait gives one.
    end: Option<ValueTest>,
}

impl Entries {
    /// Those that a comparison finds; none if no event has such a trait.
    fn of(events: &Events<'_>, walk: &Walk<'_>, comparison: &Comparison) -> Result<Self> {
        let mut ranges = Vec::new();
        for test in comparison.tests() {
            let keys = keys(events, walk, comparison.name(), Some(test.value.kind().as_u8()))?;
            if !keys.is_empty() {
                let end = end_of_range(comparison, test, &walk.filter.traits);
                ranges.push(Range { keys, test: Some(test.clone()), end });
            }
        }
        Ok(Self { ranges })
    }

    /// All entries of a trait's name, whatever its values.
    pub(super) fn of_name(events: &Events<'_>, walk: &Walk<'_>, name: &str) -> Result<Self> {
        let keys = keys(events, walk, name, None)?;
        Ok(Self { ranges: vec![Range { keys, test: None, end: None }] })
    }

    /// How many there are at any time; `None` if there are more than `most`.
    pub(super) fn count(&self, events: &Events<'_>, most: usize) -> Result<Option<usize>> {
        let mut count = 0;
        for range in &self.ranges {
            let mut read = events.prepare(&count_entries(range.op(), range.end_op()))?;
            let limit = to_i64(most.saturating_add(1) - count);
            let values = [range.keys(), limit.into()].into_iter().chain(range.values());
            let values = params_from_iter(values);
            count += read.query_row(values, |row| row.get(0)).map(counted).map_err(from_sqlite)?;
            if count > most {
                return Ok(None);
            }
        }
        Ok(Some(count))
    }

    /// Their times and the numbers of their occurrences, in the order of time, from a place on.
    pub(super) fn collect(
        &self,
        events: &Events<'_>,
        walk: &Walk<'_>,
        after: Option<&EventPosition>,
    ) -> Result<Vec<(i64, i64)>> {
        let (start, end) = (walk.start(after).time, walk.end());
        let mut collected = Vec::new();
        for range in &self.ranges {
            let mut read = events.prepare(&entries(range.op(), range.end_op()))?;
            let times = [start.min(end).into(), start.max(end).into()];
            let values = [range.keys()].into_iter().chain(times).chain(range.values());
            let mut rows = read.query(params_from_iter(values)).map_err(from_sqlite)?;
            while let Some(row) = rows.next().map_err(from_sqlite)? {
                collected.push((get(row, 0)?, get(row, 1)?));
            }
        }
        collected.sort_unstable_by(|a, b| walk.direction.apply(a.cmp(b)));
        Ok(collected)
    }
}

impl Range {
    fn op(&self) -> Option<Operator> {
        self.test.as_ref().map(|test| test.op)
    }

    fn end_op(&self) -> Option<Operator> {
        self.end.as_ref().map(|test| test.op)
    }

    /// As JSON.
    fn keys(&self) -> ToSqlOutput<'_> {
        serde_json::Value::from(self.keys.as_slice()).to_string().into()
    }

    fn values(&self) -> impl Iterator<Item = ToSqlOutput<'_>> {
        let test = self.test.as_ref().filter(|test| test.op != Operator::Ne);
        test.into_iter().chain(&self.end).map(|test| trait_value(&test.value))
    }
}

/// The numbers of the keys of a trait, of one kind or of all.
fn keys(events: &Events<'_>, walk: &Walk<'_>, name: &str, kind: Option<u8>) -> Result<Vec<i64>> {
    let mut read = events.prepare(KEYS)?;
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

/// The other end of the range that begins with a test: one without the other may be most of the traits.
fn end_of_range(
    comparison: &Comparison,
    test: &ValueTest,
    all: &[Comparison],
) -> Option<ValueTest> {
    if !matches!(test.op, Operator::Gt | Operator::Ge) {
        return None;
    }
    let of_same_trait = all.iter().filter(|other| other.name() == comparison.name());
    let mut tests = of_same_trait.flat_map(Comparison::tests);
    let is_end = |end: &&ValueTest| {
        matches!(end.op, Operator::Lt | Operator::Le) && end.value.kind() == test.value.kind()
    };
    tests.find(is_end).cloned()
}
