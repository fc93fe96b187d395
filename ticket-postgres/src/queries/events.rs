//! Events by their traits (rules 15 and 16).
//!
//! An index leads to events that may be meant, in the order of time, and what it leaves open is tested
//! on each record. Which index leads is found out by looking: see [`Lead::choose`].

use ticket_core::backend::{EventPosition, Tally};
use ticket_core::{
    Comparison, Direction, EventFilter, EventQuery, Occurrence, Page, Result, Timestamp, Traits,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::event_statements::{by_id, by_places, by_time};
use super::leads::Lead;
use super::occurrences::before_all;
use super::to_i64;
use super::traits::types;
use crate::connection::{Call, Connections, Param};
use crate::row::{get, json, occurrence, occurrence_id, ticket_id, time, uuid_of};

/// How many events are fetched at once to be tested: few at first, which is often enough.
const CHUNKS: std::ops::RangeInclusive<usize> = 256..=4_096;

/// How many bytes of records are fetched at once, about: they may be large.
const BYTES: usize = 4 << 20;

pub(crate) async fn get_events(
    connections: &Connections,
    query: &EventQuery,
) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    let filter = &query.filter;
    let mut call = connections.read().await?.along_indexes();
    let walk = Walk::new(&mut call, filter, query.direction, plan.after()).await?;
    let lead = Lead::choose(&mut call, &walk).await?;
    let mut reader = Reader::new(query.offset, plan.fetch()).testing(&filter.traits);
    read(&mut call, &walk, lead, &mut reader, |row, _| occurrence(row).map(Some)).await?;
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
pub(super) type Place = (i64, Uuid, Uuid);

/// What all events that are meant have in common, apart from their traits.
pub(super) struct Walk<'a> {
    pub(super) filter: &'a EventFilter,
    pub(super) direction: Direction,
    after: Place,
    pub(super) since: i64,
    pub(super) until: i64,
    /// Their types; `None` for all there are.
    pub(super) types: Option<Vec<i64>>,
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

    /// The place to begin behind, within the range of time.
    pub(super) const fn start(&self, place: Place) -> Place {
        match self.direction {
            Direction::Ascending if place.0 < self.since => (self.since - 1, LAST, LAST),
            Direction::Descending if place.0 > self.until => (self.until + 1, FIRST, FIRST),
            Direction::Ascending | Direction::Descending => place,
        }
    }

    /// The end of the range that lies ahead.
    pub(super) const fn end(&self) -> i64 {
        match self.direction {
            Direction::Ascending => self.until,
            Direction::Descending => self.since,
        }
    }

    /// The same, but not more than so many microseconds ahead of a time.
    pub(super) fn end_within(&self, time: i64, window: u64) -> i64 {
        match self.direction {
            Direction::Ascending => time.saturating_add_unsigned(window).min(self.until),
            Direction::Descending => time.saturating_sub_unsigned(window).max(self.since),
        }
    }
}

const FIRST: Uuid = Uuid::from_bytes([0; 16]);
const LAST: Uuid = Uuid::from_bytes([0xff; 16]);

/// Takes what belongs on a page from rows in the order of time.
pub(super) struct Reader<'a, T> {
    pass_over: u64,
    wanted: usize,
    pub(super) tally: Tally<'a>,
    /// Whether every row that comes is meant.
    all_are_meant: bool,
    pub(super) found: Vec<T>,
}

impl<'a, T> Reader<'a, T> {
    pub(super) fn new(pass_over: u64, wanted: usize) -> Self {
        Self { pass_over, wanted, tally: Tally::new(&[]), all_are_meant: false, found: Vec::new() }
    }

    fn testing(mut self, comparisons: &'a [Comparison]) -> Self {
        self.tally = Tally::new(comparisons);
        self.all_are_meant = comparisons.is_empty();
        self
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.wanted
    }

    fn is_meant(&mut self, row: &Row) -> Result<bool> {
        Ok(self.tally.comparisons().is_empty() || self.tally.test(&only_traits(row)?))
    }

    /// How many more will have to be tested.
    pub(super) fn expected(&self) -> usize {
        let pass_over = usize::try_from(self.pass_over).unwrap_or(usize::MAX);
        let missing = self.wanted.saturating_sub(self.found.len()).saturating_add(pass_over);
        self.tally.expected(missing)
    }
}

/// Reads events along the lead until the page is full. What is made of a row may be nothing.
pub(super) async fn read<T>(
    call: &mut Call<'_>,
    walk: &Walk<'_>,
    lead: Lead,
    reader: &mut Reader<'_, T>,
    mut make: impl FnMut(&Row, EventPosition) -> Result<Option<T>>,
) -> Result<()> {
    let mut source = Source { lead, place: walk.after, chunk: *CHUNKS.start() };
    while !reader.is_full() {
        // Where every row is meant, as many are read as are wanted, and none that are passed over.
        let (chunk, pass_over) = if reader.all_are_meant {
            (reader.wanted, std::mem::take(&mut reader.pass_over))
        } else {
            (source.chunk, 0)
        };
        let Some(rows) = source.next(call, walk, chunk, pass_over).await? else { break };
        for row in &rows {
            if reader.is_full() {
                break;
            }
            if !reader.is_meant(row)? {
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
            reader.found.extend(make(row, event)?);
        }
        if let Lead::Time(Some(trial)) = &mut source.lead
            && !reader.is_full()
            && let Some(rarest) = trial.rarest(call, walk, reader, &rows).await?
        {
            source.lead = Lead::Traits(rarest);
        }
    }
    Ok(())
}

/// Where rows come from, and what of them was read.
struct Source {
    lead: Lead,
    /// The last one that was read.
    place: Place,
    chunk: usize,
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
        let rows = match &mut self.lead {
            Lead::None => return Ok(None),
            Lead::Traits(entries) => {
                let places = entries.next(call, walk, self.place, chunk).await?;
                if places.is_empty() {
                    return Ok(None);
                }
                at_places(call, walk, self.place, places).await?
            }
            lead => {
                let rows = along(call, walk, lead, self.place, chunk, pass_over).await?;
                if rows.len() < chunk {
                    self.lead = Lead::None;
                }
                rows
            }
        };
        if let Some(last) = rows.last() {
            self.place = place(last)?;
        }
        self.chunk = next_chunk(self.chunk, &rows)?;
        Ok(Some(rows))
    }
}

fn place(row: &Row) -> Result<Place> {
    Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?))
}

/// Twice as many rows, as far as they are not too large.
fn next_chunk(chunk: usize, rows: &[Row]) -> Result<usize> {
    let mut bytes = 0;
    for row in rows {
        bytes += get::<&str>(row, 4)?.len();
    }
    let fitting = BYTES / (bytes / rows.len().max(1)).max(1);
    Ok((2 * chunk).min(*CHUNKS.end()).min(fitting).max(1))
}

/// What there is at these times and under these ids, behind a place and within the range of time.
async fn at_places(
    call: &mut Call<'_>,
    walk: &Walk<'_>,
    after: Place,
    places: Vec<(i64, Uuid)>,
) -> Result<Vec<Row>> {
    let (times, ids): (Vec<i64>, Vec<Uuid>) = places.into_iter().unzip();
    let params: [Param<'_>; 4] = [
        (&times, Type::INT8_ARRAY),
        (&ids, Type::UUID_ARRAY),
        (&walk.filter.app_id, Type::TEXT),
        (&walk.filter.event_type, Type::TEXT),
    ];
    let sql = call.names().sql(&by_places(walk.direction));
    let mut rows = Vec::new();
    for row in call.query(&sql, &params).await? {
        let place = place(&row)?;
        let is_within = (walk.since..=walk.until).contains(&place.0);
        if is_within && walk.direction.apply(place.cmp(&after)).is_gt() {
            rows.push(row);
        }
    }
    Ok(rows)
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
    let (place, end) = (walk.start(place), walk.end());
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
        Lead::None | Lead::Time(_) | Lead::Traits(_) => {
            by_time(walk.direction, walk.types.as_deref())
        }
    };
    call.query(&call.names().sql(&sql), &params).await
}
