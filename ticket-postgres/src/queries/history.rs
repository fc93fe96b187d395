//! A ticket's history (rule 31).

use ticket_core::backend::HistoryPosition;
use ticket_core::{
    Author, Direction, HistoryEntry, HistoryEvent, HistoryQuery, Note, Page, Result, TicketId,
    limits,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::occurrences::signs;
use super::to_i64;
use crate::connection::{Connections, Param};
use crate::error::corrupt;
use crate::row::{HISTORY_COLUMNS, TICKET_COLUMNS, history_entry, uuid_of};

/// Changes the ticket $1 and adds an entry with the time $2, the author $3 and the event $4 to its
/// history. Returns the ticket, or no row if it does not exist or the condition does not hold.
///
/// The number of the entry is counted in the ticket's row, so it is given out under the row's lock.
/// The highest number in the table of entries would not do: this statement does not see the entries
/// that another one adds while it waits for the lock.
pub(super) fn changing(columns: &str, condition: &str) -> String {
    let kept = limits::HISTORY;
    format!(
        r#"WITH changed AS (
  UPDATE {{s}}."{{p}}tickets" t SET {columns}history = t.history + 1
  WHERE t.id = $1 AND t.merged_into IS NULL{condition}
  RETURNING t.*
), entry AS (
  INSERT INTO {{s}}."{{p}}history" (ticket_id, no, time, author, event)
  SELECT t.id, t.history, $2::int8, $3::text, $4::text FROM changed t
), forgotten AS (
  DELETE FROM {{s}}."{{p}}history" h USING changed t
  WHERE h.ticket_id = $1 AND h.ticket_id = t.id AND h.no <= t.history - {kept}
)
SELECT {TICKET_COLUMNS} FROM changed t"#
    )
}

pub(crate) async fn add_note(connections: &Connections, id: TicketId, note: &Note) -> Result<bool> {
    let event = HistoryEvent::Note(note.text().to_owned());
    let rows = change(connections, id, note.author(), &event, &changing("", ""), &[]).await?;
    Ok(!rows.is_empty())
}

/// Executes a statement made by [`changing`], with further parameters from $5 on.
pub(super) async fn change(
    connections: &Connections,
    id: TicketId,
    author: &Author,
    event: &HistoryEvent,
    template: &str,
    further: &[Param<'_>],
) -> Result<Vec<Row>> {
    let (id, time, name) = (uuid_of(id), author.time().as_micros(), author.name());
    let event = serde_json::to_string(event)
        .map_err(|error| corrupt("an entry of a history").with_source(error))?;
    let mut params: Vec<Param<'_>> =
        vec![(&id, Type::UUID), (&time, Type::INT8), (&name, Type::TEXT), (&event, Type::TEXT)];
    params.extend_from_slice(further);
    again!(async {
        let call = connections.write().await?;
        let sql = call.names().sql(template);
        call.only(&sql, &params).await
    })
}

pub(crate) async fn get_history(
    connections: &Connections,
    id: TicketId,
    query: &HistoryQuery,
) -> Result<Page<HistoryEntry>> {
    let plan = query.plan()?;
    let id = uuid_of(id);
    let after = match (plan.after(), query.direction) {
        (Some(HistoryPosition(number)), _) => to_i64(*number),
        (None, Direction::Ascending) => 0,
        (None, Direction::Descending) => i64::MAX,
    };
    let (limit, offset) = (to_i64(plan.fetch()), to_i64(plan.offset()));
    let call = connections.read().await?;
    let sql = call.names().sql(&of_ticket(query.direction));
    let params: [Param<'_>; 4] =
        [(&id, Type::UUID), (&after, Type::INT8), (&limit, Type::INT8), (&offset, Type::INT8)];
    let rows = call.only(&sql, &params).await?;
    Ok(plan.page(rows.iter().map(history_entry).collect::<Result<_>>()?))
}

/// $1 is the ticket's id; the entries start after the number $2. A ticket that has just reopened may have
/// one entry more than is kept.
pub(super) fn of_ticket(direction: Direction) -> String {
    let (sign, order) = signs(direction);
    let kept = limits::HISTORY;
    format!(
        r#"SELECT {HISTORY_COLUMNS} FROM {{s}}."{{p}}history" h
WHERE h.ticket_id = $1 AND h.no {sign} $2
  AND h.no > (SELECT t.history FROM {{s}}."{{p}}tickets" t WHERE t.id = $1) - {kept}
ORDER BY h.no {order} LIMIT $3 OFFSET $4"#
    )
}
