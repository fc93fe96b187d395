//! From the first digits of an id to the ticket.

use anyhow::bail;
use ticket_core::{Store, Ticket, TicketQuery};

use crate::cli::TypedId;
use crate::context::Context;
use crate::output::sanitize;

/// The one ticket of the application, or of all, whose id begins so.
///
/// The candidates are shown one a line, which is why this is not `BackendExt::find_ticket`.
pub(super) async fn ticket(
    store: &dyn Store,
    context: &Context,
    id: &TypedId,
) -> anyhow::Result<Ticket> {
    const SHOWN: u32 = 5;
    let filter = context.filter().with_id_prefix(id.prefix);
    let mut page =
        store.get_tickets(&TicketQuery::new().with_filter(filter).with_limit(SHOWN)).await?;
    match (page.items.pop(), page.items.is_empty()) {
        (Some(ticket), true) => return Ok(ticket),
        (Some(ticket), false) => page.items.push(ticket),
        (None, _) => {
            let of = context.app_id.as_ref().map(|app| format!(" of {app:?}")).unwrap_or_default();
            bail!(
                "{}: no ticket{of} has an id that begins so; `ticket list --status all` shows them",
                id.text
            );
        }
    }
    let mut message =
        format!("{}: several tickets have an id that begins so; write more digits:", id.text);
    for ticket in &page.items {
        let text = sanitize::beginning(&ticket.message, 60);
        message += &format!("\n  {}  {text}", ticket.id);
    }
    if page.next.is_some() {
        message += "\n  and more";
    }
    bail!(message)
}
