//! Events by their traits and messages (rules 15 and 16).
//!
//! An index leads to candidates in the order of time, and what the index cannot tell is tested on each record. See
//! [`Lead`] for which index that is.

use ticket_core::backend::{EventPosition, Tally};
use ticket_core::{Clause, Direction, EventQuery, Occurrence, Page, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::leads::{Lead, list, up_to};
use super::occurrences::signs;
use super::to_i64;
use super::walk::{Place, Walk};
use crate::connection::{Call, Connections, Param};
use crate::row::{OCCURRENCE_COLUMNS, get, occurrence, occurrence_id, tested, ticket_id, time};

/// The number of types that are read side by side in the order of time.
const SIDE_BY_SIDE: usize = 16;

/// The number of events that are fetched at a time to be tested: few at first, which often
/// suffices.
const CHUNKS: std::ops::RangeInclusive<usize> = 256..=4_096;

/// The approximate number of bytes that are fetched at a time, because records may be large.
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
    let mut reader = Reader::new(plan.offset(), plan.fetch()).testing(&filter.clauses);
    read(&mut call, &walk, lead, &mut reader, |row, _| occurrence(row).map(Some)).await?;
    call.finish().await?;
    Ok(plan.page(reader.found))
}

/// Collects the answers of a page from rows in the order of time.
pub(super) struct Reader<'a, T> {
    skip: u64,
    wanted: usize,
    tally: Tally<'a>,
    /// Set if every row matches, so that rows can be skipped by the statement.
    all_are_meant: bool,
    pub(super) found: Vec<T>,
}

impl<'a, T> Reader<'a, T> {
    pub(super) fn new(skip: u64, wanted: usize) -> Self {
        Self { skip, wanted, tally: Tally::new(&[]), all_are_meant: false, found: Vec::new() }
    }

    fn testing(mut self, clauses: &'a [Clause]) -> Self {
        self.tally = Tally::new(clauses);
        self.all_are_meant = clauses.is_empty();
        self
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.wanted
    }

    fn is_meant(&mut self, row: &Row) -> Result<bool> {
        Ok(self.tally.clauses().is_empty() || self.tally.test(&tested(row)?))
    }

    /// Returns how many more matching events are needed, those to skip included.
    fn missing(&self) -> usize {
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        self.wanted.saturating_sub(self.found.len()).saturating_add(skip)
    }
}

/// Reads events along the lead until the page is full. `make` returns `None` for a row that
/// contributes nothing.
pub(super) async fn read<'a, T>(
    call: &mut Call<'_>,
    walk: &Walk<'a>,
    lead: Lead<'a>,
    reader: &mut Reader<'a, T>,
    mut make: impl FnMut(&Row, EventPosition) -> Result<Option<T>>,
) -> Result<()> {
    let mut source = Source { lead, place: walk.after, chunk: *CHUNKS.start() };
    while !reader.is_full() {
        // If every row matches, the statement skips the offset and reads exactly what the page
        // needs.
        let (chunk, skip) = if reader.all_are_meant {
            (reader.wanted, std::mem::take(&mut reader.skip))
        } else {
            (source.chunk, 0)
        };
        let Some(rows) = source.next(call, walk, chunk, skip).await? else { break };
        for row in &rows {
            if reader.is_full() {
                break;
            }
            if !reader.is_meant(row)? {
                continue;
            }
            if reader.skip > 0 {
                reader.skip -= 1;
                continue;
            }
            let event = EventPosition {
                time: time(row, 0)?,
                id: occurrence_id(row, 1)?,
                ticket_id: ticket_id(row, 2)?,
            };
            reader.found.extend(make(row, event)?);
        }
        if let Lead::Time(Some(choice)) = &mut source.lead
            && !reader.is_full()
        {
            let missing = reader.missing();
            let entries = choice.reconsider(call, walk, &reader.tally, missing, &rows).await?;
            if let Some(entries) = entries {
                source.lead = Lead::Traits(entries);
            }
        }
    }
    Ok(())
}

/// The source of rows and the progress through it.
struct Source<'a> {
    lead: Lead<'a>,
    /// The position of the last row that was read.
    place: Place,
    chunk: usize,
}

impl Source<'_> {
    /// Returns the next rows in the order of time; `None` at the end.
    async fn next(
        &mut self,
        call: &mut Call<'_>,
        walk: &Walk<'_>,
        chunk: usize,
        skip: u64,
    ) -> Result<Option<Vec<Row>>> {
        let rows = match &mut self.lead {
            Lead::Nothing => return Ok(None),
            Lead::Traits(entries) => {
                let places = entries.next(call, walk, self.place, chunk).await?;
                if places.is_empty() {
                    return Ok(None);
                }
                at_places(call, walk, self.place, places).await?
            }
            lead => {
                let rows = along(call, walk, lead, self.place, chunk, skip).await?;
                if rows.len() < chunk {
                    self.lead = Lead::Nothing;
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

/// Doubles the number of rows, as far as their size allows.
fn next_chunk(chunk: usize, rows: &[Row]) -> Result<usize> {
    let mut bytes = 0;
    for row in rows {
        bytes += get::<&str>(row, 4)?.len();
    }
    let fitting = BYTES / (bytes / rows.len().max(1)).max(1);
    Ok((2 * chunk).min(*CHUNKS.end()).min(fitting).max(1))
}

/// Reads the events at these times and ids that lie after a position and within the range of time.
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
    lead: &Lead<'_>,
    place: Place,
    chunk: usize,
    skip: u64,
) -> Result<Vec<Row>> {
    let (limit, offset) = (to_i64(chunk), to_i64(skip));
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
            params.extend([(id as _, Type::UUID), (&walk.filter.external_id as _, Type::TEXT)]);
            by_id(walk.direction)
        }
        Lead::ExternalId(id) => {
            params.push((id, Type::TEXT));
            by_external_id(walk.direction)
        }
        Lead::Nothing | Lead::Time(_) | Lead::Traits(_) => {
            by_time(walk.direction, walk.types.as_deref())
        }
    };
    call.query(&call.names().sql(&sql), &params).await
}

/// The conditions: after the position ($1, $2, $3), up to the time $4, of the application $5 and
/// the channel $6.
fn conditions(direction: Direction) -> String {
    let (sign, _) = signs(direction);
    format!(
        "(o.time, o.id, o.ticket_id) {sign} ($1, $2, $3) AND o.time {} $4 \
         AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6)",
        up_to(direction)
    )
}

fn order_by(direction: Direction, alias: &str) -> String {
    let (_, order) = signs(direction);
    format!("ORDER BY {alias}.time {order}, {alias}.id {order}, {alias}.ticket_id {order}")
}

/// $9 is the id of the occurrence, and $10 the producer's, if that is wanted too.
pub(super) fn by_id(direction: Direction) -> String {
    by_key(direction, "o.id = $9 AND ($10::text IS NULL OR o.external_id = $10)")
}

/// $9 is the producer's id.
pub(super) fn by_external_id(direction: Direction) -> String {
    by_key(direction, "o.external_id = $9")
}

/// `OFFSET 0` is an optimization fence: without it the planner follows the index of the order
/// instead of that of the key.
fn by_key(direction: Direction, condition: &str) -> String {
    format!(
        r#"SELECT * FROM (SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o
  WHERE {condition} AND {} OFFSET 0) o
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
            let list = list(types);
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

/// $1 are the times and $2 the ids of occurrences, of the application $3 and the channel $4.
/// `OFFSET 0` keeps the planner from following the index of the order.
pub(super) fn by_places(direction: Direction) -> String {
    format!(
        r#"SELECT o.* FROM unnest($1::int8[], $2::uuid[]) AS k (time, id)
CROSS JOIN LATERAL (SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o
  WHERE o.time = k.time AND o.id = k.id AND ($3::text IS NULL OR o.app_id = $3)
    AND ($4::text IS NULL OR o.channel = $4) OFFSET 0) o {}"#,
        order_by(direction, "o")
    )
}
