//! The occurrences of one ticket (rules 10 and 11).

use ticket_core::{Direction, Occurrence, OccurrenceQuery, Page, Result, TicketId, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::to_i64;
use crate::connection::{Connections, Param};
use crate::row::{OCCURRENCE_COLUMNS, occurrence, uuid_of};

pub(crate) async fn get_occurrences(
    connections: &Connections,
    id: TicketId,
    query: &OccurrenceQuery,
) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    let id = uuid_of(id);
    let start = match (plan.after(), query.direction) {
        (Some(after), _) => (after.time.as_micros(), *after.id.as_uuid()),
        (None, direction) => before_all(direction),
    };
    let (limit, offset) = (to_i64(plan.fetch()), to_i64(plan.offset()));
    let call = connections.read().await?;
    let sql = call.names().sql(&of_ticket(query.direction));
    let params: [Param<'_>; 5] = [
        (&id, Type::UUID),
        (&start.0, Type::INT8),
        (&start.1, Type::UUID),
        (&limit, Type::INT8),
        (&offset, Type::INT8),
    ];
    let rows = call.only(&sql, &params).await?;
    Ok(plan.page(rows.iter().map(occurrence).collect::<Result<_>>()?))
}

/// $1 is the ticket's id; the occurrences start after the time $2 and the id $3.
pub(super) fn of_ticket(direction: Direction) -> String {
    let (sign, order) = signs(direction);
    format!(
        r#"SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o
WHERE o.ticket_id = $1 AND (o.time, o.id) {sign} ($2, $3)
ORDER BY o.time {order}, o.id {order} LIMIT $4 OFFSET $5"#
    )
}

/// The operator for comparing with an earlier position, and the SQL keyword of the order.
pub(super) const fn signs(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Ascending => (">", "ASC"),
        Direction::Descending => ("<", "DESC"),
    }
}

/// Returns a position before all others in the order of time.
pub(super) fn before_all(direction: Direction) -> (i64, Uuid) {
    match direction {
        Direction::Ascending => (Timestamp::MIN.as_micros() - 1, Uuid::from_bytes([0; 16])),
        Direction::Descending => (Timestamp::MAX.as_micros() + 1, Uuid::from_bytes([0xff; 16])),
    }
}
