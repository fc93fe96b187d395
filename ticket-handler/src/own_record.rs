//! What the handler itself adds to records.

/// The channel of records that the handler makes itself.
pub(crate) const CHANNEL: &str = "ticket_handler";
/// The trait with the number of records that a record stands for, where no field has it.
pub(crate) const REPEATS: &str = "ticket_handler.repeats";
