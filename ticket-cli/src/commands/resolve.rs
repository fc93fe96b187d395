//! Finds the ticket that the first digits of an id mean.

use anyhow::bail;
use ticket_core::{Store, Ticket, TicketIdPrefix, TicketQuery};

use crate::context::Context;
use ticket_query::sanitize;

/// Returns the one ticket of the application, or of all applications, whose id starts with these digits.
///
/// If several tickets match, the error lists the first of them, one per line.
pub(super) async fn ticket(
    store: &dyn Store,
    context: &Context,
    id: TicketIdPrefix,
) -> anyhow::Result<Ticket> {
    const SHOWN: u32 = 5;
    let filter = context.filter().with_id_prefix(id);
    let mut page =
        store.get_tickets(&TicketQuery::new().with_filter(filter).with_limit(SHOWN)).await?;
    match (page.items.pop(), page.items.is_empty()) {
        (Some(ticket), true) => return Ok(ticket),
        (Some(ticket), false) => page.items.push(ticket),
        (None, _) => {
            let of = context.app_id.as_ref().map(|app| format!(" of {app:?}")).unwrap_or_default();
            bail!(
                "{id}: no ticket{of} has an id that starts with this; `ticket list --status all` lists all \
                 tickets"
            );
        }
    }
    let mut message =
        format!("{id}: several tickets have an id that starts with this; write more digits:");
    for ticket in &page.items {
        let text = sanitize::beginning(&ticket.message, 60);
        message += &format!("\n  {}  {text}", ticket.id);
    }
    if page.next.is_some() {
        message += "\n  and more";
    }
    bail!(message)
}
