//! How a write is acknowledged.

use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, WriteConcern};

/// Acknowledged by a majority, in its journal: what a failover cannot take back.
pub(crate) fn durable() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
}

/// [`durable`] as a field of a command.
pub(crate) fn durable_command() -> Document {
    doc! { "w": "majority", "j": true }
}

/// Acknowledged by one server, not yet in its journal: for what a later, durable write confirms.
pub(crate) fn quick() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Nodes(1)).build()
}
