//! [`Sink`]: what the worker records in.

use std::sync::Arc;

use ticket_core::backend::NewOccurrence;
use ticket_core::{Record, Result, SmolStr, Store, TicketingBaseHandler, Value};

use crate::own_record::REPEATS;

/// A store, which takes batches, or another handler, which takes single records.
#[derive(Clone, Debug)]
pub(crate) enum Sink {
    Store(Arc<dyn Store>),
    Handler(Arc<dyn TicketingBaseHandler>),
}

impl Sink {
    pub(crate) async fn set_up(&self) -> Result<()> {
        match self {
            Self::Store(store) => store.setup_backend().await,
            Self::Handler(_) => Ok(()),
        }
    }

    /// Records an occurrence of the handler's own, whatever becomes of it.
    pub(crate) async fn record_own(&self, occurrence: NewOccurrence) -> Result<()> {
        match self {
            Self::Store(store) => store.record_tickets(occurrence.into()).await.map(drop),
            Self::Handler(handler) => handler.emit(record_of(&occurrence)).await.map(drop),
        }
    }

    pub(crate) const fn store(&self) -> Option<&Arc<dyn Store>> {
        match self {
            Self::Store(store) => Some(store),
            Self::Handler(_) => None,
        }
    }
}

/// Returns the record of an occurrence for a handler, which has no other way to learn how many records it stands for.
pub(crate) fn record_of(occurrence: &NewOccurrence) -> Record {
    let mut record = occurrence.record().clone();
    if occurrence.repeats() > 1 {
        let repeats = Value::from(occurrence.repeats());
        record.traits.insert(SmolStr::new_static(REPEATS), repeats);
    }
    record
}
