//! Events by their traits (rules 15 and 16).
//!
//! An index leads to events that may be meant, in the order of time, and what it leaves open is tested
//! on each record. Which index leads is found out by looking: see [`Lead::choose`].

use std::cmp::Ordering;

use ticket_core::{
    Direction, EventFilter, EventPosition, EventQuery, Occurrence, Page, Result, Timestamp, Traits,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::event_statements::{by_id, by_keys, by_time, by_value};
use super::leads::{Lead, rarest};
use super::occurrences::before_all;
use super::to_i64;
use super::traits::types;
use crate::connection::{Call, Connections, Param};
use crate::row::{get, json, occurrence, occurrence_id, ticket_id, time, uuid_of};

/// How many events are fetched at once to be tested: few at first, which is often enough.
const CHUNKS: std::ops::RangeInclusive<usize> = 256..=4_096;

/// How many bytes of records are fetched at once, about: they may be large.
const BYTES: usize = 4 << 20;

/// How many events are tested before more is asked about how rare they are.
const TRIAL: usize = 700;

pub(crate) async fn get_events(
    connections: &Connections,
    query: &EventQuery,
) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    let filter = &query.filter;
    let mut call = connections.read().await?.along_indexes();
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
pub(super) type Place = (i64, Uuid, Uuid);

/// What all events that are meant have in common, apart from their traits.
pub(super) struct Walk<'a> {
    pub(super) filter: &'a EventFilter,
    direction: Direction,
    pub(super) after: Place,
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

    pub(super) fn compare(&self, a: &Place, b: &Place) -> Ordering {
        self.direction.apply(a.cmp(b))
    }
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
    let mut source = Source::new(lead, walk.after);
    while !reader.is_full() {
        // Where every row is meant, as many are read as are wanted, and none that are passed over.
        let (chunk, pass_over) = match (&source.lead, reader.tests_all) {
            (Lead::Collected(_), _) | (_, false) => (source.chunk, 0),
            (_, true) => (reader.wanted, std::mem::take(&mut reader.pass_over)),
        };
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
struct Source {
    lead: Lead,
    /// The last one that was read along it.
    place: Place,
    chunk: usize,
    tested: usize,
}

impl Source {
    const fn new(lead: Lead, place: Place) -> Self {
        Self { lead, place, chunk: *CHUNKS.start(), tested: 0 }
    }

    /// The next rows, in the order of time; `None` at the end.
    async fn next(
        &mut self,
        call: &mut Call<'_>,
        walk: &Walk<'_>,
        chunk: usize,
        pass_over: u64,
    ) -> Result<Option<Vec<Row>>> {
        if let Lead::Trial(lead, types) = &mut self.lead
            && self.tested >= TRIAL
        {
            self.lead = match rarest(call, walk, self.place, types).await? {
                Some(places) => Lead::Collected(places),
                None => std::mem::replace(lead, Lead::None),
            };
        }
        let rows = match &mut self.lead {
            Lead::None => return Ok(None),
            Lead::Collected(places) => collected(call, walk, places, chunk).await?,
            lead => {
                let along_now = match lead {
                    Lead::Trial(lead, _) => lead,
                    lead => lead,
                };
                along(call, walk, along_now, self.place, chunk, pass_over).await?
            }
        };
        match (rows.last(), &self.lead) {
            (Some(last), _) if rows.len() >= chunk => {
                self.place = (get(last, 0)?, get(last, 1)?, get(last, 2)?);
            }
            (Some(_), Lead::Collected(places)) if !places.is_empty() => {}
            _ => self.lead = Lead::None,
        }
        self.tested += rows.len();
        self.chunk = next_chunk(self.chunk, &rows)?;
        Ok(Some(rows))
    }
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

async fn collected(
    call: &mut Call<'_>,
    walk: &Walk<'_>,
    places: &mut Vec<Place>,
    chunk: usize,
) -> Result<Vec<Row>> {
    let places: Vec<Place> = places.drain(..chunk.min(places.len())).collect();
    let ids: Vec<Uuid> = places.iter().map(|place| place.1).collect();
    let tickets: Vec<Uuid> = places.iter().map(|place| place.2).collect();
    let sql = call.names().sql(&by_keys(walk.direction));
    call.query(&sql, &[(&tickets, Type::UUID_ARRAY), (&ids, Type::UUID_ARRAY)]).await
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
        Lead::None | Lead::Time | Lead::Collected(_) | Lead::Trial(..) => {
            by_time(walk.direction, walk.types.as_deref())
        }
    };
    call.query(&call.names().sql(&sql), &params).await
}

const FIRST: Uuid = Uuid::from_bytes([0; 16]);
const LAST: Uuid = Uuid::from_bytes([0xff; 16]);
