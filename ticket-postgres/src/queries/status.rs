//! Changes of a ticket's status by a person (rules 6, 7 and 31).

use ticket_core::backend::{StatusChange, VersionKey, status_columns};
use ticket_core::{Author, HistoryEvent, Result, Status, Ticket, TicketId, Timestamp};
use tokio_postgres::types::Type;

use super::history::{change, changing};
use super::tickets::{at, get_ticket};
use crate::connection::{Connections, Param};
use crate::row::ticket;

/// The statement itself checks that the ticket has no occurrence later than the moment of solving
/// ($8).
pub(super) fn set_status_sql() -> String {
    changing(
        "status = $5, status_time = $6, solved_release = $7, solved_after = $9, solved_name = $10,
    solved_version = $11, ",
        " AND ($8::int8 IS NULL OR $8 >= t.last_time)",
    )
}

pub(crate) async fn set_status(
    connections: &Connections,
    id: TicketId,
    change_of_status: StatusChange,
    author: &Author,
) -> Result<Option<Ticket>> {
    // The statement checks whether the ticket has recurred since.
    let Some(status) = change_of_status.status(Timestamp::MIN) else {
        return get_ticket(connections, id).await;
    };
    let (kind, time, release, is_after) = status_columns(&status);
    let version = release.and_then(VersionKey::of);
    let name = version.as_ref().map(|version| version.name);
    let version = version.as_ref().map(|version| version.bytes.as_slice());
    let kind = i16::from(kind);
    let settled = if let Status::Solved { at, .. } = &status { Some(at.as_micros()) } else { None };
    let params: [Param<'_>; 7] = [
        (&kind, Type::INT2),
        (&time, Type::INT8),
        (&release, Type::TEXT),
        (&settled, Type::INT8),
        (&is_after, Type::BOOL),
        (&name, Type::TEXT),
        (&version, Type::BYTEA),
    ];
    let event = HistoryEvent::Status(status.clone());
    let rows = change(connections, id, author, &event, &set_status_sql(), &params).await?;
    match rows.first() {
        Some(row) => Ok(Some(at(ticket(row)?, Timestamp::now()))),
        None => get_ticket(connections, id).await,
    }
}
