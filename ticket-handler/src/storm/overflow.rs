//! The overflow ticket, which collects what is beyond the limit of new tickets.

use ticket_core::SmolStr;
use ticket_core::backend::NewOccurrence;
use ticket_direct::pipeline::Pipeline;

use crate::own_record::CHANNEL;

/// The fingerprint of its records.
const FINGERPRINT: &str = "ticket_handler: too many new tickets";

/// Turns an occurrence into one of its application's overflow ticket, whose message says so.
pub(super) fn overflow(pipeline: &Pipeline, occurrence: NewOccurrence) -> NewOccurrence {
    let mut record = occurrence.into_occurrence().record;
    record.message =
        format!("too many new tickets within an hour, such as: {}", record.message).into();
    let channel = std::mem::replace(&mut record.channel, SmolStr::new_static(CHANNEL));
    record.traits.insert_new(SmolStr::new_static("ticket_handler.channel"), channel.into());
    record.fingerprint = Some(SmolStr::new_static(FINGERPRINT));
    pipeline.prepare_own(record)
}
