//! Records that the handler makes itself.

/// The channel of records that the handler makes itself.
pub(crate) const CHANNEL: &str = "ticket_handler";
