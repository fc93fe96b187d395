//! Events by their traits (rules 15 and 16).
//!
//! An index leads to events that may be meant, in the order of time, and what it leaves open is tested
//! on each record. Which index leads is found out by looking: see [`Lead::choose`].

use std::cmp::Ordering;

use ticket_core::{
    Comparison, Direction, EventFilter, EventPosition, EventQuery, Occurrence, Op, Page, Result,
    Test, Timestamp, Traits,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::occurrences::{before_all, signs};
use super::to_i64;
use super::traits::types;
use crate::connection::{Call, Connections, Param};
use crate::row::{
    OCCURRENCE_COLUMNS, get, json, occurrence, occurrence_id, ticket_id, time, uuid_of, value_key,
};

/// How many types are read side by side in the order of time.
const SIDE_BY_SIDE: usize = 16;

/// How many index entries are looked at to find out that something is rare. The last one is where
/// collecting and sorting costs as much as testing each event until a page is full.
const RARE: [usize; 3] = [500, 5_000, 30_000];

/// How many events are fetched at once to be tested.
const CHUNK: usize = 500;

pub(crate) async fn get_events(
    connections: &Connections,
    query: &EventQuery,
) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    let filter = &query.filter;
    let mut call = connections.read().await?;
    let walk = Walk::new(&mut call, filter, query.direction, plan.after()).await?;
    let lead = Lead::choose(&mut call, &walk).await?;
    let mut reader = Reader::new(query.offset, plan.fetch());
    reader.tests_all = filter.traits.is_empty();
    let is_meant = |row: &Row| {
        if filter.traits.is_empty() {
            return Ok(true);
        }
        let traits = only_traits(row)?;
        Ok(filter.traits.iter().all(|comparison| comparison.matches(&traits)))
    };
    read(&mut call, &walk, lead, &mut reader, is_meant, |row, _| occurrence(row)).await?;
    call.finish().await?;
    Ok(plan.page(reader.found))
}

/// The traits of a row of [`OCCURRENCE_COLUMNS`], without the rest of its record.
pub(super) fn only_traits(row: &Row) -> Result<Traits> {
    #[derive(serde::Deserialize)]
    struct OnlyTraits {
        #[serde(default)]
        traits: Traits,
    }
    json::<OnlyTraits>(get(row, 4)?, "an occurrence").map(|record| record.traits)
}

/// Where an event stands in the order of time.
type Place = (i64, Uuid, Uuid);

/// What all events that are meant have in common, apart from their traits.
pub(super) struct Walk<'a> {
    filter: &'a EventFilter,
    direction: Direction,
    after: Place,
    since: i64,
    until: i64,
    /// Their types; `None` for all there are.
    types: Option<Vec<i64>>,
}

impl<'a> Walk<'a> {
    pub(super) async fn new(
        call: &mut Call<'_>,
        filter: &'a EventFilter,
        direction: Direction,
        after: Option<&EventPosition>,
    ) -> Result<Self> {
        let before_all = before_all(direction);
        let types = match (&filter.app_id, &filter.event_type) {
            (None, None) => None,
            (app_id, event_type) => {
                Some(types(call, app_id.as_deref(), event_type.as_deref()).await?)
            }
        };
        Ok(Self {
            filter,
            direction,
            after: after.map_or((before_all.0, before_all.1, before_all.1), |after| {
                (after.time.as_micros(), *after.id.as_uuid(), uuid_of(after.ticket_id))
            }),
            since: filter.since.unwrap_or(Timestamp::MIN).as_micros(),
            until: filter.until.unwrap_or(Timestamp::MAX).as_micros(),
            types,
        })
    }

    fn compare(&self, a: &Place, b: &Place) -> Ordering {
        self.direction.apply(a.cmp(b))
    }
}

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
}

impl Lead {
    /// Looks for what is rarest: the range of time, or one of the comparisons. If nothing is rare, the
    /// order of time leads, along the events with one value where one is asked for, else along all, and
    /// a page is full soon.
    async fn choose(call: &mut Call<'_>, walk: &Walk<'_>) -> Result<Self> {
        if walk.types.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Self::None);
        }
        if let Some(id) = walk.filter.occurrence_id {
            return Ok(Self::Id(*id.as_uuid()));
        }
        let comparisons = &walk.filter.traits;
        if comparisons.is_empty() {
            return Ok(Self::Time);
        }
        let types = match &walk.types {
            Some(types) => types.clone(),
            None => types_of_all(call).await?,
        };
        for most in RARE {
            if is_short(call, walk, most).await? {
                return Ok(Self::Time);
            }
            for comparison in comparisons {
                let ranges = Range::of(comparison);
                if let Some(found) =
                    collect(call, walk, &types, comparison.name(), &ranges, most).await?
                {
                    return Ok(Self::Collected(found));
                }
            }
        }
        let one_value = comparisons.iter().find_map(|comparison| match comparison.tests() {
            [Test { op: Op::Eq, value }] => Some((comparison.name(), value)),
            _ => None,
        });
        Ok(match (one_value, types.as_slice()) {
            (Some((name, value)), [one]) => Self::Value(*one, name.to_owned(), value_key(value)),
            _ => Self::Time,
        })
    }
}

async fn types_of_all(call: &mut Call<'_>) -> Result<Vec<i64>> {
    types(call, None, None).await
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

/// The events with a trait of this name within these ranges, in the order of time; `None` if there are
/// more than `most` of them.
pub(super) async fn collect(
    call: &mut Call<'_>,
    walk: &Walk<'_>,
    types: &[i64],
    name: &str,
    ranges: &[Range],
    most: usize,
) -> Result<Option<Vec<Place>>> {
    let mut found = Vec::new();
    let mut left = most + 1;
    for range in ranges {
        let limit = to_i64(left);
        let bounded = !range.to.is_empty();
        let sql = call.names().sql(&entries(bounded));
        let mut params: Vec<Param<'_>> =
            vec![(&types, Type::INT8_ARRAY), (&name, Type::TEXT), (&limit, Type::INT8)];
        if bounded {
            params.extend([(&range.from as _, Type::BYTEA), (&range.to as _, Type::BYTEA)]);
        }
        for row in call.query(&sql, &params).await? {
            let place: Place = (get(&row, 0)?, get(&row, 1)?, get(&row, 2)?);
            left -= 1;
            if (walk.since..=walk.until).contains(&place.0)
                && walk.compare(&place, &walk.after).is_gt()
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

/// Takes what belongs on a page from rows in the order of time.
pub(super) struct Reader<T> {
    pass_over: u64,
    wanted: usize,
    /// Whether every row that comes is meant.
    tests_all: bool,
    pub(super) found: Vec<T>,
}

impl<T> Reader<T> {
    pub(super) const fn new(pass_over: u64, wanted: usize) -> Self {
        Self { pass_over, wanted, tests_all: false, found: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.wanted
    }
}

/// Reads events along the lead until the page is full.
pub(super) async fn read<T>(
    call: &mut Call<'_>,
    walk: &Walk<'_>,
    lead: Lead,
    reader: &mut Reader<T>,
    mut is_meant: impl FnMut(&Row) -> Result<bool>,
    mut make: impl FnMut(&Row, EventPosition) -> Result<T>,
) -> Result<()> {
    let mut source = match lead {
        Lead::None => return Ok(()),
        Lead::Collected(places) => Source::Collected(places),
        lead => Source::Along(lead, walk.after),
    };
    while !reader.is_full() {
        // Where every row is meant, what is passed over need not be read.
        let pass_over = match (&source, reader.tests_all) {
            (Source::Along(..), true) => std::mem::take(&mut reader.pass_over),
            _ => 0,
        };
        let chunk = if reader.tests_all { reader.wanted } else { CHUNK };
        let Some(rows) = source.next(call, walk, chunk, pass_over).await? else { break };
        for row in &rows {
            if reader.is_full() {
                break;
            }
            if !is_meant(row)? {
                continue;
            }
            if reader.pass_over > 0 {
                reader.pass_over -= 1;
                continue;
            }
            let event = EventPosition {
                time: time(row, 0)?,
                id: occurrence_id(row, 1)?,
                ticket_id: ticket_id(row, 2)?,
            };
            reader.found.push(make(row, event)?);
        }
    }
    Ok(())
}

/// Where rows come from, and what of them was read.
enum Source {
    Collected(Vec<Place>),
    Along(Lead, Place),
}

impl Source {
    /// The next rows, in the order of time; `None` at the end.
    async fn next(
        &mut self,
        call: &mut Call<'_>,
        walk: &Walk<'_>,
        chunk: usize,
        pass_over: u64,
    ) -> Result<Option<Vec<Row>>> {
        match self {
            Self::Collected(places) => {
                let places: Vec<Place> = places.drain(..chunk.min(places.len())).collect();
                if places.is_empty() {
                    return Ok(None);
                }
                let ids: Vec<Uuid> = places.iter().map(|place| place.1).collect();
                let tickets: Vec<Uuid> = places.iter().map(|place| place.2).collect();
                let sql = call.names().sql(&by_keys(walk.direction));
                let params: [Param<'_>; 2] =
                    [(&tickets, Type::UUID_ARRAY), (&ids, Type::UUID_ARRAY)];
                call.query(&sql, &params).await.map(Some)
            }
            Self::Along(Lead::None, _) => Ok(None),
            Self::Along(lead, place) => {
                let rows = along(call, walk, lead, *place, chunk, pass_over).await?;
                match rows.last() {
                    Some(last) if rows.len() >= chunk => {
                        *place = (get(last, 0)?, get(last, 1)?, get(last, 2)?);
                    }
                    _ => *lead = Lead::None,
                }
                Ok(Some(rows))
            }
        }
    }
}

async fn along(
    call: &mut Call<'_>,
    walk: &Walk<'_>,
    lead: &Lead,
    place: Place,
    chunk: usize,
    pass_over: u64,
) -> Result<Vec<Row>> {
    let (limit, offset) = (to_i64(chunk), to_i64(pass_over));
    // Ahead of the place, and within the range of time: the narrower of the two.
    let place = match walk.direction {
        Direction::Ascending if place.0 < walk.since => (walk.since - 1, LAST, LAST),
        Direction::Descending if place.0 > walk.until => (walk.until + 1, FIRST, FIRST),
        Direction::Ascending | Direction::Descending => place,
    };
    let end = match walk.direction {
        Direction::Ascending => walk.until,
        Direction::Descending => walk.since,
    };
    let (app_id, channel) = (&walk.filter.app_id, &walk.filter.event_type);
    let mut params: Vec<Param<'_>> = vec![
        (&place.0, Type::INT8),
        (&place.1, Type::UUID),
        (&place.2, Type::UUID),
        (&end, Type::INT8),
        (app_id, Type::TEXT),
        (channel, Type::TEXT),
        (&limit, Type::INT8),
        (&offset, Type::INT8),
    ];
    let sql = match lead {
        Lead::Id(id) => {
            params.push((id, Type::UUID));
            by_id(walk.direction)
        }
        Lead::Value(event_type, name, value) => {
            params.extend([
                (event_type as _, Type::INT8),
                (name as _, Type::TEXT),
                (value as _, Type::BYTEA),
            ]);
            by_value(walk.direction)
        }
        Lead::None | Lead::Time | Lead::Collected(_) => {
            by_time(walk.direction, walk.types.as_deref())
        }
    };
    call.query(&call.names().sql(&sql), &params).await
}

const FIRST: Uuid = Uuid::from_bytes([0; 16]);
const LAST: Uuid = Uuid::from_bytes([0xff; 16]);

pub(super) const SHORT: &str = r#"SELECT count(*) FROM (SELECT 1 FROM {s}."{p}occurrences" o
WHERE o.time >= $1 AND o.time <= $2 LIMIT $3) s"#;

/// $1 are the types, $2 is the name, $3 how many entries at most, $4 and $5 are the range.
pub(super) fn entries(bounded: bool) -> String {
    let range = if bounded { " AND x.value >= $4 AND x.value < $5" } else { "" };
    format!(
        r#"SELECT x.time, x.occurrence_id, x.ticket_id FROM {{s}}."{{p}}traits" x
WHERE x.type = ANY($1) AND x.name = $2{range} LIMIT $3"#
    )
}

/// Behind the place ($1, $2, $3), up to the time $4, of the application $5 and the channel $6.
fn conditions(direction: Direction) -> String {
    let (sign, _) = signs(direction);
    format!(
        "(o.time, o.id, o.ticket_id) {sign} ($1, $2, $3) AND o.time {} $4 \
         AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6)",
        if sign == ">" { "<=" } else { ">=" }
    )
}

fn order_by(direction: Direction, alias: &str) -> String {
    let (_, order) = signs(direction);
    format!("ORDER BY {alias}.time {order}, {alias}.id {order}, {alias}.ticket_id {order}")
}

/// $9 is the id of the occurrence. `OFFSET 0` keeps the order from choosing the index.
pub(super) fn by_id(direction: Direction) -> String {
    format!(
        r#"SELECT * FROM (SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o
  WHERE o.id = $9 AND {} OFFSET 0) o
{} LIMIT $7 OFFSET $8"#,
        conditions(direction),
        order_by(direction, "o")
    )
}

pub(super) fn by_time(direction: Direction, types: Option<&[i64]>) -> String {
    let (conditions, order) = (conditions(direction), order_by(direction, "o"));
    let select = format!(r#"SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o WHERE"#);
    match types {
        None => format!("{select} {conditions} {order} LIMIT $7 OFFSET $8"),
        Some([one]) => {
            format!("{select} o.type = {one} AND {conditions} {order} LIMIT $7 OFFSET $8")
        }
        Some(types) if types.len() > SIDE_BY_SIDE => {
            let list = types.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            format!("{select} o.type IN ({list}) AND {conditions} {order} LIMIT $7 OFFSET $8")
        }
        Some(types) => {
            let branches: Vec<String> = types
                .iter()
                .map(|one| {
                    format!("({select} o.type = {one} AND {conditions} {order} LIMIT $7::int8 + $8::int8)")
                })
                .collect();
            format!(
                "SELECT * FROM ({}) o {} LIMIT $7 OFFSET $8",
                branches.join(" UNION ALL "),
                order_by(direction, "o")
            )
        }
    }
}

/// $9 is the type, $10 the name and $11 the value.
pub(super) fn by_value(direction: Direction) -> String {
    let (sign, order) = signs(direction);
    let end = if sign == ">" { "<=" } else { ">=" };
    format!(
        r#"SELECT {OCCURRENCE_COLUMNS} FROM (
  SELECT x.ticket_id, x.occurrence_id FROM {{s}}."{{p}}traits" x
  WHERE x.type = $9 AND x.name = $10 AND x.value = $11
    AND (x.time, x.occurrence_id, x.ticket_id) {sign} ($1, $2, $3) AND x.time {end} $4
  ORDER BY x.time {order}, x.occurrence_id {order}, x.ticket_id {order} LIMIT $7 OFFSET $8) x
JOIN {{s}}."{{p}}occurrences" o ON o.ticket_id = x.ticket_id AND o.id = x.occurrence_id
WHERE ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) {}"#,
        order_by(direction, "o")
    )
}

/// $1 are tickets and $2 the ids of occurrences. `OFFSET 0` keeps the order from choosing the index.
pub(super) fn by_keys(direction: Direction) -> String {
    format!(
        r#"SELECT o.* FROM unnest($1::uuid[], $2::uuid[]) AS k (ticket_id, id)
CROSS JOIN LATERAL (SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o
  WHERE o.ticket_id = k.ticket_id AND o.id = k.id OFFSET 0) o {}"#,
        order_by(direction, "o")
    )
}
