//! Every command but those that make the collections.

mod events;
mod histogram;
mod leases;
mod occurrences;
mod prune;
mod record;
mod repair;
mod status;
mod sums;
mod tickets;
mod traits;

pub(crate) use self::events::get_events;
pub(crate) use self::histogram::count_occurrences;
pub(crate) use self::leases::lease;
pub(crate) use self::occurrences::get_occurrences;
pub(crate) use self::prune::{clear, clear_expired, delete_ticket, keep_per_ticket};
pub(crate) use self::record::record_tickets;
pub use self::repair::Repaired;
pub(crate) use self::repair::repair;
pub(crate) use self::status::set_status;
pub(crate) use self::tickets::{count_tickets, get_ticket, get_tickets};
pub(crate) use self::traits::{event_types, get_traits, trait_types};

use mongodb::bson::{Bson, Document, doc};
use ticket_core::{Direction, EventPosition, Occurrence};

use crate::row::{binary, ticket_key};

/// A number as MongoDB holds it; what is larger is as good as endless.
fn to_i64(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

const fn sign(direction: Direction) -> (&'static str, &'static str, i32) {
    match direction {
        Direction::Ascending => ("$gt", "$gte", 1),
        Direction::Descending => ("$lt", "$lte", -1),
    }
}

/// What lies behind a place in the order of some fields: first those fields, then their values.
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
    // The first condition says nothing new; it is the one that an index can begin at.
    doc! { fields[0]: { from: values[0].clone() }, "$or": ways }
}

/// The order of events.
fn by_time(direction: Direction) -> Document {
    let (_, _, order) = sign(direction);
    doc! { "m": order, "_id.i": order, "_id.t": order }
}

/// Events behind this one.
fn behind_event(direction: Direction, after: &EventPosition) -> Document {
    behind(
        direction,
        ["m", "_id.i", "_id.t"],
        &[after.time.as_micros().into(), binary(after.id.as_bytes()), ticket_key(after.ticket_id)],
    )
}

fn occurrences_of(documents: &[Document]) -> ticket_core::Result<Vec<Occurrence>> {
    documents.iter().map(crate::row::occurrence).collect()
}
