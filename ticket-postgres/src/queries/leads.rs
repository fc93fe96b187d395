//! What leads to [`events`](super::events), found out by looking.

use ticket_core::{Comparison, Op, Result, Test};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::event_statements::{SHORT, count_entries, entries};
use super::events::{Place, Walk};
use super::to_i64;
use super::traits::types;
use crate::connection::{Call, Param};
use crate::row::{get, value_key};

/// What has at most so many index entries is rare: to fetch them all is always soon done.
const RARE: usize = 500;

/// What has at most so many is sooner collected than met by testing one event after the other. The last one is
/// where collecting and sorting costs as much as that.
const SELDOM: [usize; 2] = [5_000, 30_000];

/// What leads to the events.
pub(super) enum Lead {
    /// There are none.
    None,
    /// The index of ids.
    Id(Uuid),
    /// The index of times, of each of a few types or of all.
    Time,
    /// The index of traits: one value of one name and type, in the order of time.
    Value(i64, String, Vec<u8>),
    /// The events with a rare trait, collected, in the order of time.
    Collected(Vec<Place>),
    /// One of these for now; what is [`rarest`] is looked for when a page is not full soon.
    Trial(Box<Self>, Vec<i64>),
}

impl Lead {
    /// Looks for what is rare: the range of time, or one of the comparisons. If nothing is, the order of
    /// time leads, along the events with one value where one is asked for, else along all.
    pub(super) async fn choose(call: &mut Call<'_>, walk: &Walk<'_>) -> Result<Self> {
        if walk.types.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Self::None);
        }
        if let Some(id) = walk.filter.occurrence_id {
            return Ok(Self::Id(*id.as_uuid()));
        }
        let comparisons = &walk.filter.traits;
        if comparisons.is_empty() || is_short(call, walk, RARE).await? {
            return Ok(Self::Time);
        }
        let types = match &walk.types {
            Some(types) => types.clone(),
            None => types(call, None, None).await?,
        };
        for comparison in comparisons {
            let ranges = Range::of(comparison);
            let name = comparison.name();
            if let Some(found) =
                collect(call, walk, walk.after, &types, name, &ranges, RARE).await?
            {
                return Ok(Self::Collected(found));
            }
        }
        let one_value = comparisons.iter().find_map(|comparison| match comparison.tests() {
            [Test { op: Op::Eq, value }] => Some((comparison.name(), value)),
            _ => None,
        });
        let lead = match (one_value, types.as_slice()) {
            (Some((name, value)), [one]) => Self::Value(*one, name.to_owned(), value_key(value)),
            _ => Self::Time,
        };
        Ok(Self::Trial(Box::new(lead), types))
    }
}

/// The events behind a place that have the rarest of the traits that are asked for, if one of them is so rare
/// that this is sooner done than testing one event after the other.
pub(super) async fn rarest(
    call: &mut Call<'_>,
    walk: &Walk<'_>,
    after: Place,
    types: &[i64],
) -> Result<Option<Vec<Place>>> {
    for most in SELDOM {
        if is_short(call, walk, most).await? {
            return Ok(None);
        }
        for comparison in &walk.filter.traits {
            let (ranges, name) = (Range::of(comparison), comparison.name());
            let found = collect(call, walk, after, types, name, &ranges, most).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// A range of the index of traits: from the first value on, up to the second one, which is not in it.
pub(super) struct Range {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Range {
    /// The ranges of a comparison, one for each kind of value.
    fn of(comparison: &Comparison) -> Vec<Self> {
        comparison.tests().iter().map(Self::of_test).collect()
    }

    fn of_test(test: &Test) -> Self {
        let kind = test.value.kind().as_u8();
        let value = value_key(&test.value);
        // No value lies between one and the same with a zero byte behind it.
        let mut behind = value.clone();
        behind.push(0);
        let (first, end) = (vec![kind], vec![kind + 1]);
        let (from, to) = match test.op {
            Op::Eq => (value, behind),
            // All but one value: what is not meant among them is found out when the record is tested.
            Op::Ne => (first, end),
            Op::Lt => (first, value),
            Op::Le => (first, behind),
            Op::Gt => (behind, end),
            Op::Ge => (value, end),
        };
        Self { from, to }
    }

    /// All values.
    pub(super) const fn all() -> Self {
        Self { from: Vec::new(), to: Vec::new() }
    }

    const fn is_bounded(&self) -> bool {
        !self.to.is_empty()
    }

    /// The parameters of [`entries`].
    fn params<'a>(
        &'a self,
        types: &'a &'a [i64],
        name: &'a &'a str,
        limit: &'a i64,
    ) -> Vec<Param<'a>> {
        let mut params: Vec<Param<'a>> =
            vec![(types, Type::INT8_ARRAY), (name, Type::TEXT), (limit, Type::INT8)];
        if self.is_bounded() {
            params.extend([(&self.from as _, Type::BYTEA), (&self.to as _, Type::BYTEA)]);
        }
        params
    }
}

/// Whether there are at most `most` events in the range of time.
async fn is_short(call: &mut Call<'_>, walk: &Walk<'_>, most: usize) -> Result<bool> {
    if walk.filter.since.is_none() && walk.filter.until.is_none() {
        return Ok(false);
    }
    let sql = call.names().sql(SHORT);
    let limit = to_i64(most + 1);
    let params: [Param<'_>; 3] =
        [(&walk.since, Type::INT8), (&walk.until, Type::INT8), (&limit, Type::INT8)];
    let rows = call.query(&sql, &params).await?;
    let count: i64 = rows.first().map_or(Ok(0), |row| get(row, 0))?;
    Ok(count <= to_i64(most))
}

/// The events behind a place with a trait of this name within these ranges, in the order of time; `None` if
/// there are more than `most` of them, before that place too.
pub(super) async fn collect(
    call: &mut Call<'_>,
    walk: &Walk<'_>,
    after: Place,
    types: &[i64],
    name: &str,
    ranges: &[Range],
    most: usize,
) -> Result<Option<Vec<Place>>> {
    // To fetch a few is sooner done than to count them first.
    if most > RARE && !is_seldom(call, types, name, ranges, most).await? {
        return Ok(None);
    }
    let mut found = Vec::new();
    let mut left = most + 1;
    for range in ranges {
        let limit = to_i64(left);
        let sql = call.names().sql(&entries(range.is_bounded()));
        for row in call.query(&sql, &range.params(&types, &name, &limit)).await? {
            let place: Place = (get(&row, 0)?, get(&row, 1)?, get(&row, 2)?);
            left -= 1;
            if (walk.since..=walk.until).contains(&place.0) && walk.compare(&place, &after).is_gt()
            {
                found.push(place);
            }
        }
        if left == 0 {
            return Ok(None);
        }
    }
    found.sort_unstable_by(|a, b| walk.compare(a, b));
    Ok(Some(found))
}

/// Whether there are at most `most` such traits.
async fn is_seldom(
    call: &mut Call<'_>,
    types: &[i64],
    name: &str,
    ranges: &[Range],
    most: usize,
) -> Result<bool> {
    let mut left = to_i64(most) + 1;
    for range in ranges {
        let sql = call.names().sql(&count_entries(range.is_bounded()));
        let rows = call.query(&sql, &range.params(&types, &name, &left)).await?;
        left -= rows.first().map_or(Ok(0), |row| get::<i64>(row, 0))?;
    }
    Ok(left > 0)
}
