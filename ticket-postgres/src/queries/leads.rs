//! What leads to [`events`](super::events), found out by looking.

use std::collections::VecDeque;

use ticket_core::backend::ValueTest;
use ticket_core::{Comparison, Operator, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::event_statements::{SHORT, count_entries, entries};
use super::events::{Place, Reader, Walk};
use super::to_i64;
use super::traits::types;
use crate::connection::{Call, Param};
use crate::row::{get, value_key};

/// What has at most so many entries in the index of traits is rare: it leads, whatever else there is.
const RARE: usize = 2_000;

/// So many entries are read in the time that it takes to test one event.
const PER_TEST: usize = 20;

/// How many entries are fetched at once.
const ENTRIES: usize = 2_048;

/// What leads to the events.
pub(super) enum Lead {
    /// There are none.
    None,
    /// The index of ids.
    Id(Uuid),
    /// The index of times, of each of a few types or of all.
    Time(Option<Trial>),
    /// The index of traits.
    Traits(Entries),
}

impl Lead {
    /// Looks for what is rare: the range of time, or one of the comparisons. If nothing is, the order of
    /// time leads, until that turns out to take long.
    pub(super) async fn choose(call: &mut Call<'_>, walk: &Walk<'_>) -> Result<Self> {
        if walk.types.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Self::None);
        }
        if let Some(id) = walk.filter.occurrence_id {
            return Ok(Self::Id(*id.as_uuid()));
        }
        let comparisons = &walk.filter.traits;
        if comparisons.is_empty() || in_range(call, walk, RARE + 1).await? <= RARE {
            return Ok(Self::Time(None));
        }
        let types = match &walk.types {
            Some(types) => types.clone(),
            None => types(call, None, None).await?,
        };
        let (mut rarest, mut most) = (None, RARE);
        for comparison in comparisons {
            let entries = Entries::of(comparison, &types);
            if let Some(count) = entries.count(call, most).await? {
                (rarest, most) = (Some(entries), count);
            }
        }
        Ok(rarest.map_or_else(|| Self::Time(Some(Trial { types, most })), Self::Traits))
    }
}

/// The order of time leads for as long as nothing else is known to be quicker.
pub(super) struct Trial {
    types: Vec<i64>,
    /// The rarest comparison has more entries than this.
    most: usize,
}

impl Trial {
    /// The rarest comparison, as far as those that were tested show it, if it is sooner done to follow that one
    /// than to test as many more as have to be expected. The rows are those that were tested last.
    pub(super) async fn rarest<T>(
        &mut self,
        call: &mut Call<'_>,
        walk: &Walk<'_>,
        reader: &Reader<'_, T>,
        rows: &[Row],
    ) -> Result<Option<Entries>> {
        let most = in_range(call, walk, reader.expected()).await?.saturating_mul(PER_TEST);
        // What was counted up to is not counted again for a little more.
        if most < self.most.saturating_mul(2) {
            return Ok(None);
        }
        self.most = most;
        let Some((rarest, hits)) = reader.tally.rarest() else { return Ok(None) };
        let mut entries = Entries::of(rarest, &self.types);
        if entries.count(call, most).await?.is_none() {
            return Ok(None);
        }
        if let [first, .., last] = rows {
            let time = get::<i64>(first, 0)?.abs_diff(get(last, 0)?) / rows.len() as u64;
            let events = 2 * ENTRIES * reader.tally.tested() / hits.max(1);
            entries.window = Some(time.saturating_mul(events as u64));
        }
        Ok(Some(entries))
    }
}

/// How many events there are in the range of time that is asked for, but `most` at most.
async fn in_range(call: &mut Call<'_>, walk: &Walk<'_>, most: usize) -> Result<usize> {
    if walk.filter.since.is_none() && walk.filter.until.is_none() {
        return Ok(most);
    }
    let sql = call.names().sql(SHORT);
    let limit = to_i64(most);
    let params: [Param<'_>; 3] =
        [(&walk.since, Type::INT8), (&walk.until, Type::INT8), (&limit, Type::INT8)];
    counted(&call.query(&sql, &params).await?)
}

fn counted(rows: &[Row]) -> Result<usize> {
    let count: i64 = rows.first().map_or(Ok(0), |row| get(row, 0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// A part of the index of traits, which is read in the order of time.
pub(super) struct Entries {
    types: Vec<i64>,
    name: String,
    ranges: Vec<Range>,
    /// What was read and not yet taken: times, and ids of occurrences.
    read: VecDeque<(i64, Uuid)>,
    /// Where the last one stands that was read.
    place: Option<(i64, Uuid)>,
    /// How many microseconds from the first one on are read at first, as far as there are likely to be enough: what
    /// the index tells to be of another time takes half as long as what has to be sorted.
    window: Option<u64>,
    is_at_end: bool,
}

impl Entries {
    fn new(types: &[i64], name: &str, ranges: Vec<Range>) -> Self {
        Self {
            types: types.to_vec(),
            name: name.to_owned(),
            ranges,
            read: VecDeque::new(),
            place: None,
            window: None,
            is_at_end: types.is_empty(),
        }
    }

    fn of(comparison: &Comparison, types: &[i64]) -> Self {
        let ranges = comparison.tests().iter().map(Range::of).collect();
        Self::new(types, comparison.name(), ranges)
    }

    /// All entries of a trait's name, whatever its values.
    pub(super) fn of_name(name: &str, types: &[i64]) -> Self {
        Self::new(types, name, vec![Range::All])
    }

    /// How many there are at any time; `None` if there are more than `most`.
    pub(super) async fn count(&self, call: &mut Call<'_>, most: usize) -> Result<Option<usize>> {
        if self.types.is_empty() {
            return Ok(Some(0));
        }
        let limit = to_i64(most.saturating_add(1));
        let mut params: Vec<Param<'_>> = vec![(&self.name, Type::TEXT), (&limit, Type::INT8)];
        params.extend(self.ranges.iter().flat_map(Range::params));
        let sql = call.names().sql(&count_entries(&self.types, &self.ranges));
        let count = counted(&call.query(&sql, &params).await?)?;
        Ok((count <= most).then_some(count))
    }

    /// The next ones behind a place, which is that of the last event found; each once, and none at the end.
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
                (&self.name, Type::TEXT),
                (&limit, Type::INT8),
                (&time, Type::INT8),
                (&id, Type::UUID),
                (&end, Type::INT8),
            ];
            params.extend(self.ranges.iter().flat_map(Range::params));
            // At the place of the cursor there may be one more event, of another ticket.
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

/// A range of the values in the index of traits, which have their kind in front.
pub(super) enum Range {
    /// All values of all kinds.
    All,
    One(Vec<u8>),
    /// From the first one on, up to the second one, which is not in it.
    Between(Vec<u8>, Vec<u8>),
}

impl Range {
    pub(super) fn of(test: &ValueTest) -> Self {
        let kind = test.value.kind().as_u8();
        let value = value_key(&test.value);
        // No value lies between one and the same with a zero byte behind it.
        let mut behind = value.clone();
        behind.push(0);
        let (first, end) = (vec![kind], vec![kind + 1]);
        match test.op {
            Operator::Eq => Self::One(value),
            // All but one value: what is not meant among them is found out when the record is tested.
            Operator::Ne => Self::Between(first, end),
            Operator::Lt => Self::Between(first, value),
            Operator::Le => Self::Between(first, behind),
            Operator::Gt => Self::Between(behind, end),
            Operator::Ge => Self::Between(value, end),
        }
    }

    /// What its [parameters](Self::params) are compared with, the first of which has this number.
    pub(super) fn condition(&self, first: usize) -> String {
        match self {
            Self::All => String::new(),
            Self::One(_) => format!(" AND x.value = ${first}"),
            Self::Between(..) => format!(" AND x.value >= ${first} AND x.value < ${}", first + 1),
        }
    }

    pub(super) fn params(&self) -> Vec<Param<'_>> {
        match self {
            Self::All => Vec::new(),
            Self::One(value) => vec![(value, Type::BYTEA)],
            Self::Between(from, to) => vec![(from, Type::BYTEA), (to, Type::BYTEA)],
        }
    }
}
