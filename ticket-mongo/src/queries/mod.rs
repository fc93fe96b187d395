//! All commands except those that create the collections.

mod events;
mod histogram;
mod history;
mod leases;
mod merge;
mod occurrences;
mod positions;
mod prune;
mod record;
mod repair;
mod reports;
mod status;
mod sums;
mod tickets;
mod traits;

pub(crate) use self::events::get_events;
pub(crate) use self::histogram::count_occurrences;
pub(crate) use self::history::{add_note, get_history};
pub(crate) use self::leases::lease;
pub(crate) use self::merge::{merge_tickets, unmerge_ticket};
pub(crate) use self::occurrences::get_occurrences;
pub(crate) use self::positions::read_position;
pub(crate) use self::prune::{clear, clear_expired, delete_ticket, keep_per_ticket};
pub(crate) use self::record::record_tickets;
pub use self::repair::Repaired;
pub(crate) use self::repair::repair;
pub(crate) use self::reports::{get_reports, report_process, store_info};
pub(crate) use self::status::set_status;
pub(crate) use self::tickets::{count_tickets, get_releases, get_ticket, get_tickets};
pub(crate) use self::traits::{event_types, get_traits, trait_types};

use mongodb::bson::{Bson, Document, doc};
use ticket_core::backend::EventPosition;
use ticket_core::{Direction, Occurrence, Result};

use crate::connection::Connection;
use crate::row::{binary, ticket_key};
use crate::unit::{Effects, Unit, Work};
use crate::write::write;

/// Converts a number for MongoDB, saturating at the largest `i64`.
fn to_i64(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Deletes documents by their keys.
fn delete_by_keys(unit: &Unit, effects: &mut Effects, collection: &str, keys: &[Bson]) {
    let filters = keys
        .chunks(1_000)
        .map(|keys| unit.guarded_delete(doc! { "_id": { "$in": keys.to_vec() } }));
    effects.delete(&unit.name(collection), filters.collect());
}

/// Repeats a unit of work until it does less than it may at a time, and returns how much it did in
/// all.
async fn in_steps(
    connection: &Connection,
    work: &impl Work<Answer = u64>,
    most: u64,
) -> Result<u64> {
    let mut sum = 0;
    loop {
        let count = write(connection, work).await?;
        sum += count;
        if count < most {
            return Ok(sum);
        }
    }
}

const fn sign(direction: Direction) -> (&'static str, &'static str, i32) {
    match direction {
        Direction::Ascending => ("$gt", "$gte", 1),
        Direction::Descending => ("$lt", "$lte", -1),
    }
}

/// Returns the condition for documents after a position, given as fields in sort order
/// and their values.
fn behind<const N: usize>(direction: Direction, fields: [&str; N], values: &[Bson; N]) -> Document {
    let (beyond, from, _) = sign(direction);
    let mut ways = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        let mut way: Document = Document::new();
        for (equal, value) in fields.iter().zip(values).take(i) {
            way.insert(*equal, value.clone());
        }
        way.insert(*field, doc! { beyond: values[i].clone() });
        ways.push(way);
    }
    // The first condition is implied by the others, but an index can start at it.
    doc! { fields[0]: { from: values[0].clone() }, "$or": ways }
}

/// Returns the order of events.
fn by_time(direction: Direction) -> Document {
    let (_, _, order) = sign(direction);
    doc! { "m": order, "_id.i": order, "_id.t": order }
}

/// Returns the condition for events after this one.
fn behind_event(direction: Direction, after: &EventPosition) -> Document {
    behind(
        direction,
        ["m", "_id.i", "_id.t"],
        &[after.time.as_micros().into(), binary(after.id.as_bytes()), ticket_key(after.ticket_id)],
    )
}

fn occurrences_of(documents: &[Document]) -> Result<Vec<Occurrence>> {
    documents.iter().map(crate::row::occurrence).collect()
}
