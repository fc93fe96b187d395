//! The index along which events are read, and the statements on the index of traits.

use rusqlite::types::ToSqlOutput;
use rusqlite::{params, params_from_iter};
use ticket_core::backend::{EventPosition, PlanStep, TraitPlanner, ValueTest};
use ticket_core::{Clause, Comparison, Operator, Result};

use super::to_i64;
use super::walk::{Snapshot, Walk};
use crate::error::from_sqlite;
use crate::row::{get, trait_value};

/// The numbers and types of the keys of the name ?1, of the kinds ?2 to ?3.
pub(super) const KEYS: &str = "SELECT no, type FROM {p}trait_keys \
    WHERE name = ?1 AND kind >= ?2 AND kind <= ?3";

/// The number of events from the time ?1 to the time ?2, counted up to ?3.
pub(super) const COUNT_EVENTS: &str = "SELECT count(*) FROM (SELECT 1 FROM {p}occurrences \
    WHERE time >= ?1 AND time <= ?2 LIMIT ?3)";

/// The index along which events are read.
pub(super) enum Lead<'a> {
    /// No event can match.
    Nothing,
    /// The index of ids.
    Id,
    /// The index of the ids of producers.
    ExternalId,
    /// The index of times; with a planner, a clause may still turn out to be quicker.
    Time(Option<TraitPlanner<'a>>),
    /// The index of traits.
    Traits(Entries),
}

impl<'a> Lead<'a> {
    pub(super) fn choose(snapshot: &Snapshot<'_>, walk: &Walk<'a>) -> Result<Self> {
        if walk.types.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Self::Nothing);
        }
        if walk.filter.occurrence_id.is_some() {
            return Ok(Self::Id);
        }
        if walk.filter.external_id.is_some() {
            return Ok(Self::ExternalId);
        }
        let mut planner = TraitPlanner::new(walk.filter);
        let entries = decide(snapshot, walk, &mut planner)?;
        Ok(entries
            .map_or_else(|| Self::Time(planner.is_on_trial().then_some(planner)), Self::Traits))
    }
}

/// Counts what the planner asks for, and returns the entries to go along; `None` for the order of time.
pub(super) fn decide(
    snapshot: &Snapshot<'_>,
    walk: &Walk<'_>,
    planner: &mut TraitPlanner<'_>,
) -> Result<Option<Entries>> {
    loop {
        match planner.next_step() {
            PlanStep::CountEvents { most } => {
                let mut read = snapshot.prepare(COUNT_EVENTS)?;
                let range = params![walk.since, walk.until, to_i64(most)];
                let count = read.query_row(range, |row| row.get(0)).map_err(from_sqlite)?;
                planner.counted(Some(to_usize(count)));
            }
            PlanStep::CountEntries { clause, most } => {
                planner.counted(Entries::of(snapshot, walk, clause)?.count(snapshot, most)?);
            }
            PlanStep::FollowTime => return Ok(None),
            PlanStep::FollowTraits(clause) => {
                return Entries::of(snapshot, walk, clause).map(Some);
            }
        }
    }
}

fn to_usize(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A part of the index of traits.
pub(super) struct Entries {
    ranges: Vec<Range>,
}

/// Keys of one kind, and the values that are wanted under them.
struct Range {
    keys: Vec<i64>,
    test: Option<ValueTest>,
    /// The other end, where another clause about the same trait has one.
    end: Option<ValueTest>,
}

impl Entries {
    /// Returns what the comparisons of a clause find; nothing if no event has such a trait.
    fn of(snapshot: &Snapshot<'_>, walk: &Walk<'_>, clause: &Clause) -> Result<Self> {
        let mut ranges = Vec::new();
        for (name, tests) in clause.comparisons().iter().filter_map(Comparison::indexed) {
            for test in tests {
                let kind = test.value.kind().as_u8();
                let keys = keys(snapshot, walk, name, Some(kind))?;
                if !keys.is_empty() {
                    let end = end_of_range(name, test, &walk.filter.clauses);
                    ranges.push(Range { keys, test: Some(test.clone()), end });
                }
            }
        }
        Ok(Self { ranges })
    }

    /// Returns all entries of a name, whatever their values.
    pub(super) fn of_name(snapshot: &Snapshot<'_>, walk: &Walk<'_>, name: &str) -> Result<Self> {
        let keys = keys(snapshot, walk, name, None)?;
        Ok(Self { ranges: vec![Range { keys, test: None, end: None }] })
    }

    /// Counts the entries of all times; `None` if there are more than `most`.
    pub(super) fn count(&self, snapshot: &Snapshot<'_>, most: usize) -> Result<Option<usize>> {
        let mut count = 0;
        for range in &self.ranges {
            let mut read = snapshot.prepare(&count_entries(range.op(), range.end_op()))?;
            let limit = to_i64(most.saturating_add(1) - count);
            let values = [range.keys(), limit.into()].into_iter().chain(range.values());
            let values = params_from_iter(values);
            count += to_usize(read.query_row(values, |row| row.get(0)).map_err(from_sqlite)?);
            if count > most {
                return Ok(None);
            }
        }
        Ok(Some(count))
    }

    /// Returns the times and the numbers of the occurrences, each once, in the order of time, from a place on.
    ///
    /// All of them are read before the first is used: the index is ordered by value, not by time.
    pub(super) fn collect(
        &self,
        snapshot: &Snapshot<'_>,
        walk: &Walk<'_>,
        after: Option<&EventPosition>,
    ) -> Result<Vec<(i64, i64)>> {
        let (start, end) = (walk.start(after).time, walk.end());
        let mut collected = Vec::new();
        for range in &self.ranges {
            let mut read = snapshot.prepare(&entries(range.op(), range.end_op()))?;
            let times = [start.min(end).into(), start.max(end).into()];
            let values = [range.keys()].into_iter().chain(times).chain(range.values());
            let mut rows = read.query(params_from_iter(values)).map_err(from_sqlite)?;
            while let Some(row) = rows.next().map_err(from_sqlite)? {
                collected.push((get(row, 0)?, get(row, 1)?));
            }
        }
        collected.sort_unstable_by(|a, b| walk.direction.apply(a.cmp(b)));
        // An event may match several comparisons of the clause.
        collected.dedup();
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

    /// Returns the keys as a JSON array, which `json_each` takes as one parameter.
    fn keys(&self) -> ToSqlOutput<'_> {
        serde_json::Value::from(self.keys.as_slice()).to_string().into()
    }

    fn values(&self) -> impl Iterator<Item = ToSqlOutput<'_>> {
        let test = self.test.as_ref().filter(|test| test.op != Operator::Ne);
        test.into_iter().chain(&self.end).map(|test| trait_value(&test.value))
    }
}

/// Returns the numbers of a name's keys, of one kind or of all kinds.
fn keys(
    snapshot: &Snapshot<'_>,
    walk: &Walk<'_>,
    name: &str,
    kind: Option<u8>,
) -> Result<Vec<i64>> {
    let mut read = snapshot.prepare(KEYS)?;
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

/// Returns the upper end of a range whose lower end is `test`. Each end alone may match nearly every entry:
/// `duration > 10` together with `duration < 11` is rare although neither half is.
fn end_of_range(name: &str, test: &ValueTest, all: &[Clause]) -> Option<ValueTest> {
    if !matches!(test.op, Operator::Gt | Operator::Ge) {
        return None;
    }
    // A comparison that has alternatives need not hold, so it is no end.
    let alone = all.iter().filter_map(|clause| match clause.comparisons() {
        [comparison] => comparison.indexed(),
        _ => None,
    });
    let of_same_trait = alone.filter(|(other, _)| *other == name);
    let mut tests = of_same_trait.flat_map(|(_, tests)| tests);
    let is_end = |end: &&ValueTest| {
        matches!(end.op, Operator::Lt | Operator::Le) && end.value.kind() == test.value.kind()
    };
    tests.find(is_end).cloned()
}

/// The number of entries of the keys ?1 (as JSON), counted up to ?2; ?3 is the value to compare with, and ?4 the value at
/// the other end.
pub(super) fn count_entries(op: Option<Operator>, end: Option<Operator>) -> String {
    format!("SELECT count(*) FROM (SELECT 1 {} LIMIT ?2)", from_traits(op, end, 3))
}

/// The entries of the keys ?1 (as JSON) from the time ?2 to the time ?3; ?4 is the value to compare with, and ?5 the
/// value at the other end.
pub(super) fn entries(op: Option<Operator>, end: Option<Operator>) -> String {
    let from_traits = from_traits(op, end, 4);
    format!("SELECT time, occurrence {from_traits} AND time >= ?2 AND time <= ?3")
}

fn from_traits(op: Option<Operator>, end: Option<Operator>, first: usize) -> String {
    let test = match op {
        // All values but one: reading the one as well and testing its record later is no slower.
        None | Some(Operator::Ne) => String::new(),
        Some(op) => format!(" AND value {} ?{first}", op.as_str()),
    };
    let end = end.map(|op| format!(" AND value {} ?{}", op.as_str(), first + 1));
    let end = end.unwrap_or_default();
    format!("FROM {{p}}traits WHERE key IN (SELECT value FROM json_each(?1)){test}{end}")
}
