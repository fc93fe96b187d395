//! The one ticket for what is beyond the limit of new tickets.

use ticket_core::SmolStr;
use ticket_core::backend::NewOccurrence;
use ticket_direct::HandlerOptions;

use crate::losses::CHANNEL;

/// What its records have in common.
const FINGERPRINT: &str = "ticket_handler: too many new tickets";

/// The same record as one of the overflow ticket of its application, which says so.
pub(super) fn overflow(options: &HandlerOptions, occurrence: NewOccurrence) -> NewOccurrence {
    let mut record = occurrence.into_occurrence().record;
    record.message =
        format!("too many new tickets within an hour, among them: {}", record.message).into();
    let channel = std::mem::replace(&mut record.channel, SmolStr::new_static(CHANNEL));
    record.traits.insert_new(SmolStr::new_static("ticket_handler.channel"), channel.into());
    record.fingerprint = Some(SmolStr::new_static(FINGERPRINT));
    options.prepare_own(record)
}
