//! Changes of a ticket's status by a person (rules 6, 7 and 31).

use rusqlite::params;
use ticket_core::backend::{StatusChange, status_columns};
use ticket_core::{Author, HistoryEvent, Result, Ticket, TicketId, Timestamp};

use super::history::add_entry;
use super::tickets::find_ticket;
use super::write;
use crate::connection::Connection;

const SET_STATUS: &str = "UPDATE {p}tickets SET status = ?2, status_time = ?3, solved_release = ?4, \
    solved_after = ?5 WHERE id = ?1";

pub(crate) fn set_status(
    connection: &mut Connection,
    id: TicketId,
    change: StatusChange,
    author: &Author,
) -> Result<Option<Ticket>> {
    write(connection, |writer| {
        let Some(mut ticket) = find_ticket(writer.sqlite, writer.names, id)? else {
            return Ok(None);
        };
        if let Some(status) = change.status(ticket.last_occurrence_time) {
            let (kind, time, release, is_after) = status_columns(&status);
            let row = params![id.as_bytes(), kind, time, release, is_after];
            writer.execute(SET_STATUS, row)?;
            ticket.status = status.clone();
            add_entry(writer, id, author, &HistoryEvent::Status(status))?;
        }
        ticket.status = ticket.status.effective(Timestamp::now());
        Ok(Some(ticket))
    })
}
