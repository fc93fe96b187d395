//! The one ticket for what is beyond the limit of new tickets.

use ticket_core::{HandlerOptions, NewOccurrence};

use crate::losses::CHANNEL;

/// What its records have in common.
const FINGERPRINT: &str = "ticket_handler: too many new tickets";

/// The same record as one of the overflow ticket of its application, which says so.
pub(super) fn overflow(options: &HandlerOptions, occurrence: NewOccurrence) -> NewOccurrence {
    let mut record = occurrence.into_occurrence().record;
    record.message = format!("too many new tickets within an hour, among them: {}", record.message);
    let channel = std::mem::replace(&mut record.channel, CHANNEL.to_owned());
    record.traits.entry("ticket_handler.channel".to_owned()).or_insert_with(|| channel.into());
    record.fingerprint = Some(FINGERPRINT.to_owned());
    options.prepare_own(record)
}
