//! Changes of a ticket's status by a person (rules 6 and 7).

use ticket_core::backend::{StatusChange, VersionKey, status_columns};
use ticket_core::{Result, Status, Ticket, TicketId, Timestamp};
use tokio_postgres::types::Type;

use super::tickets::{BY_ID, at, get_ticket};
use crate::connection::{Connections, Param};
use crate::row::{TICKET_COLUMNS, ticket, uuid_of};

/// The statement itself checks that the ticket has no occurrence later than the moment of solving
/// ($5).
pub(super) const SET_STATUS: &str = r#"UPDATE {s}."{p}tickets" t
SET status = $2, status_time = $3, solved_release = $4, solved_after = $6, solved_name = $7,
  solved_version = $8
WHERE t.id = $1 AND ($5::int8 IS NULL OR $5 >= t.last_time)"#;

pub(crate) async fn set_status(
    connections: &Connections,
    id: TicketId,
    change: StatusChange,
) -> Result<Option<Ticket>> {
    // The statement checks whether the ticket has recurred since.
    let Some(status) = change.status(Timestamp::MIN) else {
        return get_ticket(connections, id).await;
    };
    again!(async {
        let id = uuid_of(id);
        let (kind, time, release, is_after) = status_columns(&status);
        let version = release.and_then(VersionKey::of);
        let name = version.as_ref().map(|version| version.name);
        let version = version.as_ref().map(|version| version.bytes.as_slice());
        let kind = i16::from(kind);
        let settled =
            if let Status::Solved { at, .. } = &status { Some(at.as_micros()) } else { None };
        let mut call = connections.write().await?;
        let sql = call.names().sql(&format!("{SET_STATUS} RETURNING {TICKET_COLUMNS}"));
        let params: [Param<'_>; 8] = [
            (&id, Type::UUID),
            (&kind, Type::INT2),
            (&time, Type::INT8),
            (&release, Type::TEXT),
            (&settled, Type::INT8),
            (&is_after, Type::BOOL),
            (&name, Type::TEXT),
            (&version, Type::BYTEA),
        ];
        let mut rows = call.query(&sql, &params).await?;
        if rows.is_empty() {
            let sql = call.names().sql(&format!("SELECT {TICKET_COLUMNS} {BY_ID}"));
            rows = call.query(&sql, &[(&id, Type::UUID)]).await?;
        }
        call.finish().await?;
        let now = Timestamp::now();
        rows.first().map(|row| Ok(at(ticket(row)?, now))).transpose()
    })
}
