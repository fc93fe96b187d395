//! Changes of a ticket's status by a person (rules 6, 7 and 31).

use async_trait::async_trait;
use mongodb::bson::doc;
use ticket_core::backend::StatusChange;
use ticket_core::{Author, HistoryEvent, Result, Ticket, TicketId, Timestamp};

use super::history::{add_entry, newest};
use super::tickets::find_ticket;
use crate::connection::Connection;
use crate::error::Outcome;
use crate::place::Keys;
use crate::row::{status_fields, ticket_key};
use crate::unit::{Effects, Unit, Work};
use crate::write::write;

pub(crate) async fn set_status(
    connection: &Connection,
    id: TicketId,
    change: StatusChange,
    author: Author,
) -> Result<Option<Ticket>> {
    write(connection, &Deciding { id, change, author }).await
}

struct Deciding {
    id: TicketId,
    change: StatusChange,
    author: Author,
}

#[async_trait]
impl Work for Deciding {
    type Answer = Option<Ticket>;

    fn tickets(&self) -> Vec<TicketId> {
        vec![self.id]
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(Option<Ticket>, Effects)> {
        let mut effects = Effects::default();
        let Some(found) = unit.read(find_ticket(&unit.name("tickets"), self.id)).await?.pop()
        else {
            return Ok((None, effects));
        };
        let mut ticket = crate::row::ticket(&found)?;
        if let Some(status) = self.change.clone().status(ticket.last_occurrence_time) {
            let before = Keys::of(&found)?;
            let after = Keys { status: status.kind(), ..before.clone() };
            let event = HistoryEvent::Status(status.clone());
            let number =
                add_entry(unit, &mut effects, self.id, newest(&found)?, &self.author, &event)?;
            let mut fields = status_fields(&status);
            fields.insert("y", number);
            fields.extend(after.places(self.id, Some(&before)));
            let change = unit.change(ticket_key(self.id), doc! { "$set": fields }, false);
            effects.update(&unit.name("tickets"), vec![change]);
            ticket.status = status;
        }
        ticket.status = ticket.status.effective(Timestamp::now());
        Ok((Some(ticket), effects))
    }
}
