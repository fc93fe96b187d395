//! The index along which events are read, and the statements on the index of traits.

use std::collections::VecDeque;

use ticket_core::backend::{PlanStep, Tally, TraitPlanner, ValueTest};
use ticket_core::{Clause, Comparison, Direction, Operator, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::occurrences::signs;
use super::to_i64;
use super::walk::{Place, Walk, types};
use crate::connection::{Call, Param};
use crate::row::{get, value_key};

/// The number of entries that are fetched at a time.
const ENTRIES: usize = 2_048;

/// Counts the events from the time $1 to the time $2, up to $3.
pub(super) const COUNT_EVENTS: &str = r#"SELECT count(*) FROM (SELECT 1 FROM {s}."{p}occurrences" o
WHERE o.time >= $1 AND o.time <= $2 LIMIT $3) s"#;

/// The index along which events are read.
pub(super) enum Lead<'a> {
    /// No event can match.
    Nothing,
    /// The index of ids.
    Id(Uuid),
    /// The index of the ids of producers.
    ExternalId(&'a str),
    /// The index of times. With a choice, a clause may still turn out to be quicker.
    Time(Option<Choice<'a>>),
    /// The index of traits.
    Traits(Entries),
}

impl<'a> Lead<'a> {
    pub(super) async fn choose(call: &mut Call<'_>, walk: &Walk<'a>) -> Result<Self> {
        if walk.types.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Self::Nothing);
        }
        if let Some(id) = walk.filter.occurrence_id {
            return Ok(Self::Id(*id.as_uuid()));
        }
        if let Some(id) = &walk.filter.external_id {
            return Ok(Self::ExternalId(id));
        }
        let planner = TraitPlanner::new(walk.filter);
        let mut choice = Choice { planner, types: walk.types.clone() };
        let entries = choice.decide(call, walk).await?;
        let is_on_trial = choice.planner.is_on_trial();
        Ok(entries.map_or_else(|| Self::Time(is_on_trial.then_some(choice)), Self::Traits))
    }
}

/// The planner, and the types under which entries are counted for it.
pub(super) struct Choice<'a> {
    planner: TraitPlanner<'a>,
    types: Option<Vec<i64>>,
}

impl<'a> Choice<'a> {
    /// Returns the entries to follow from now on, if that is quicker. Called after some events were
    /// tested in the order of time; `rows` are the last of these.
    pub(super) async fn reconsider(
        &mut self,
        call: &mut Call<'_>,
        walk: &Walk<'_>,
        tally: &Tally<'a>,
        missing: usize,
        rows: &[Row],
    ) -> Result<Option<Entries>> {
        self.planner.reconsider(tally, missing);
        let mut entries = self.decide(call, walk).await?;
        if let (Some(entries), Some((_, hits)), [first, .., last]) =
            (&mut entries, tally.rarest(), rows)
        {
            let time = get::<i64>(first, 0)?.abs_diff(get(last, 0)?) / rows.len() as u64;
            let events = 2 * ENTRIES * tally.tested() / hits.max(1);
            entries.window = Some(time.saturating_mul(events as u64));
        }
        Ok(entries)
    }

    /// Counts what the planner asks for, and returns the entries to follow; `None` for the order of
    /// time.
    async fn decide(&mut self, call: &mut Call<'_>, walk: &Walk<'_>) -> Result<Option<Entries>> {
        loop {
            match self.planner.next_step() {
                PlanStep::CountEvents { most } => {
                    let (sql, limit) = (call.names().sql(COUNT_EVENTS), to_i64(most));
                    let params: [Param<'_>; 3] = [
                        (&walk.since, Type::INT8),
                        (&walk.until, Type::INT8),
                        (&limit, Type::INT8),
                    ];
                    let count = counted(&call.query(&sql, &params).await?)?;
                    self.planner.counted(Some(count));
                }
                PlanStep::CountEntries { clause, most } => {
                    let entries = Entries::of(clause, self.types(call).await?);
                    let count = entries.count(call, most).await?;
                    self.planner.counted(count);
                }
                PlanStep::FollowTime => return Ok(None),
                PlanStep::FollowTraits(clause) => {
                    return Ok(Some(Entries::of(clause, self.types(call).await?)));
                }
            }
        }
    }

    /// Returns the wanted types. If all are wanted, they are looked up once.
    async fn types(&mut self, call: &mut Call<'_>) -> Result<&[i64]> {
        let found = match self.types.take() {
            Some(types) => types,
            None => types(call, None, None).await?,
        };
        Ok(self.types.insert(found))
    }
}

fn counted(rows: &[Row]) -> Result<usize> {
    let count: i64 = rows.first().map_or(Ok(0), |row| get(row, 0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// A part of the index of traits, read in the order of time.
pub(super) struct Entries {
    types: Vec<i64>,
    ranges: Vec<Range>,
    /// Entries that were read and not yet taken: times and occurrence ids.
    read: VecDeque<(i64, Uuid)>,
    /// The position of the last entry that was read.
    place: Option<(i64, Uuid)>,
    /// The first read is limited to this many microseconds from the start, which is likely to
    /// contain enough entries. The index discards an entry of another time in half the time that it
    /// takes to sort one.
    window: Option<u64>,
    is_at_end: bool,
}

impl Entries {
    fn new(types: &[i64], ranges: Vec<Range>) -> Self {
        Self {
            types: types.to_vec(),
            ranges,
            read: VecDeque::new(),
            place: None,
            window: None,
            is_at_end: types.is_empty(),
        }
    }

    /// Returns the entries of all comparisons of a clause.
    fn of(clause: &Clause, types: &[i64]) -> Self {
        let traits = clause.comparisons().iter().filter_map(Comparison::indexed);
        let ranges =
            traits.flat_map(|(name, tests)| tests.iter().map(move |test| Range::of(name, test)));
        Self::new(types, ranges.collect())
    }

    /// Returns all entries of a name, whatever their values.
    pub(super) fn of_name(name: &str, types: &[i64]) -> Self {
        Self::new(types, vec![Range { name: name.to_owned(), values: Values::All }])
    }

    /// Counts the entries of all times; `None` if there are more than `most`.
    pub(super) async fn count(&self, call: &mut Call<'_>, most: usize) -> Result<Option<usize>> {
        if self.types.is_empty() {
            return Ok(Some(0));
        }
        let limit = to_i64(most.saturating_add(1));
        let mut params: Vec<Param<'_>> = vec![(&limit, Type::INT8)];
        params.extend(self.ranges.iter().flat_map(Range::params));
        let sql = call.names().sql(&count_entries(&self.types, &self.ranges));
        let count = counted(&call.query(&sql, &params).await?)?;
        Ok((count <= most).then_some(count))
    }

    /// Returns up to `chunk` entries after a position, each once; none at the end.
    pub(super) async fn next(
        &mut self,
        call: &mut Call<'_>,
        walk: &Walk<'_>,
        after: Place,
        chunk: usize,
    ) -> Result<Vec<(i64, Uuid)>> {
        while self.read.is_empty() && !self.is_at_end {
            let start = walk.start(after);
            let (time, id) = self.place.unwrap_or((start.0, start.1));
            let window = self.window.take().unwrap_or(u64::MAX);
            let (end, limit) = (walk.end_within(time, window), to_i64(ENTRIES));
            let mut params: Vec<Param<'_>> = vec![
                (&limit, Type::INT8),
                (&time, Type::INT8),
                (&id, Type::UUID),
                (&end, Type::INT8),
            ];
            params.extend(self.ranges.iter().flat_map(Range::params));
            // Another ticket may have an event at the cursor's own position, so the first read
            // includes it.
            let is_first = self.place.is_none();
            let sql = entries(walk.direction, &self.types, &self.ranges, is_first);
            let rows = call.query(&call.names().sql(&sql), &params).await?;
            self.is_at_end = rows.len() < ENTRIES && end == walk.end();
            for row in &rows {
                let place = (get(row, 0)?, get(row, 1)?);
                if self.place.replace(place) != Some(place) {
                    self.read.push_back(place);
                }
            }
        }
        Ok(self.read.drain(..chunk.min(self.read.len())).collect())
    }
}

/// A part of the index of traits: some values of one name.
pub(super) struct Range {
    name: String,
    values: Values,
}

/// A range of encoded values. The first byte is the kind.
enum Values {
    /// All values of all kinds.
    All,
    One(Vec<u8>),
    /// From the first value up to, but not including, the second.
    Between(Vec<u8>, Vec<u8>),
}

impl Range {
    pub(super) fn of(name: &str, test: &ValueTest) -> Self {
        Self { name: name.to_owned(), values: Values::of(test) }
    }

    /// Returns the condition on its [parameters](Self::params), the first of which has the number
    /// `first`.
    fn condition(&self, first: usize) -> String {
        let values = match self.values {
            Values::All => String::new(),
            Values::One(_) => format!(" AND x.value = ${}", first + 1),
            Values::Between(..) => {
                format!(" AND x.value >= ${} AND x.value < ${}", first + 1, first + 2)
            }
        };
        format!("x.name = ${first}{values}")
    }

    fn params(&self) -> Vec<Param<'_>> {
        let mut params: Vec<Param<'_>> = vec![(&self.name, Type::TEXT)];
        match &self.values {
            Values::All => {}
            Values::One(value) => params.push((value, Type::BYTEA)),
            Values::Between(from, to) => {
                params.extend([(from, Type::BYTEA), (to, Type::BYTEA)] as [Param<'_>; 2]);
            }
        }
        params
    }
}

impl Values {
    fn of(test: &ValueTest) -> Self {
        let kind = test.value.kind().as_u8();
        let value = value_key(&test.value);
        // No encoded value lies between this one and itself with a zero byte appended.
        let mut behind = value.clone();
        behind.push(0);
        let (first, end) = (vec![kind], vec![kind + 1]);
        match test.op {
            Operator::Eq => Self::One(value),
            // All values but one. Reading the one as well is no slower; testing the record sorts it
            // out.
            Operator::Ne => Self::Between(first, end),
            Operator::Lt => Self::Between(first, value),
            Operator::Le => Self::Between(first, behind),
            Operator::Gt => Self::Between(behind, end),
            Operator::Ge => Self::Between(value, end),
        }
    }
}

/// Counts the entries of the ranges, up to $1; the ranges' parameters start at $2.
pub(super) fn count_entries(types: &[i64], ranges: &[Range]) -> String {
    let branches = in_ranges("1", types, ranges, 2, "");
    format!("SELECT count(*) FROM ({} LIMIT $1) s", branches.join("\nUNION ALL "))
}

/// Reads up to $1 entries of the ranges after the time $2 and the id $3 (or including that
/// position), up to the time $4; the ranges' parameters start at $5.
///
/// Each range is read in the order of time by itself, because PostgreSQL would sort all entries of all
/// ranges if only their union had an order.
pub(super) fn entries(
    direction: Direction,
    types: &[i64],
    ranges: &[Range],
    from_there_on: bool,
) -> String {
    let (sign, order) = signs(direction);
    let or_equal = if from_there_on { "=" } else { "" };
    let behind = format!(
        " AND (x.time, x.occurrence_id) {sign}{or_equal} ($2, $3) AND x.time {} $4",
        up_to(direction)
    );
    let first = format!("ORDER BY time {order}, occurrence_id {order} LIMIT $1");
    let branches = in_ranges("x.time, x.occurrence_id", types, ranges, 5, &behind);
    if let [only] = branches.as_slice() {
        return format!("{only} {first}");
    }
    let branches: Vec<String> =
        branches.iter().map(|branch| format!("({branch} {first})")).collect();
    format!("{} {first}", branches.join("\nUNION ALL "))
}

/// Returns one statement for each range.
fn in_ranges(
    columns: &str,
    types: &[i64],
    ranges: &[Range],
    mut first: usize,
    further: &str,
) -> Vec<String> {
    let list = list(types);
    let mut branches = Vec::new();
    for range in ranges {
        let condition = range.condition(first);
        branches.push(format!(
            r#"SELECT {columns} FROM {{s}}."{{p}}traits" x
WHERE x.type IN ({list}) AND {condition}{further}"#
        ));
        first += range.params().len();
    }
    branches
}

/// Formats a list of numbers for a statement.
pub(super) fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// The operator for comparing with the end of a range of time.
pub(super) const fn up_to(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "<=",
        Direction::Descending => ">=",
    }
}
