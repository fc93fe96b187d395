//! The write concerns of the store.

use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, WriteConcern};

/// Acknowledged by the journals of a majority: a failover cannot lose it.
pub(crate) fn durable() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
}

/// [`durable`] as a field of a command.
pub(crate) fn durable_command() -> Document {
    doc! { "w": "majority", "j": true }
}

/// Acknowledged by one server, before its journal: for writes that a later durable write confirms.
pub(crate) fn quick() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Nodes(1)).build()
}
