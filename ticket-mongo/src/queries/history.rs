//! A ticket's history (rule 31).

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use ticket_core::backend::HistoryPosition;
use ticket_core::{
    Author, HistoryEntry, HistoryEvent, HistoryQuery, Note, Page, Result, TicketId, limits,
};

use super::tickets::find_ticket;
use super::{sign, to_i64};
use crate::connection::Connection;
use crate::error::{Outcome, corrupt};
use crate::row::{self, history_key, ticket_key};
use crate::unit::{Effects, Unit, Work};
use crate::write::write;

pub(crate) async fn add_note(connection: &Connection, id: TicketId, note: Note) -> Result<bool> {
    write(connection, &Noting { id, note }).await
}

struct Noting {
    id: TicketId,
    note: Note,
}

#[async_trait]
impl Work for Noting {
    type Answer = bool;

    fn tickets(&self) -> Vec<TicketId> {
        vec![self.id]
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(bool, Effects)> {
        let mut effects = Effects::default();
        let mut find = find_ticket(&unit.name("tickets"), self.id);
        find.insert("projection", doc! { "y": 1 });
        let Some(ticket) = unit.read(find).await?.pop() else { return Ok((false, effects)) };
        let event = HistoryEvent::Note(self.note.text().to_owned());
        let number =
            add_entry(unit, &mut effects, self.id, newest(&ticket)?, self.note.author(), &event)?;
        let update = doc! { "$set": { "y": number } };
        let change = unit.change(ticket_key(self.id), update, false);
        effects.update(&unit.name("tickets"), vec![change]);
        Ok((true, effects))
    }
}

/// Returns the number of a ticket's newest entry.
pub(super) fn newest(ticket: &Document) -> Result<i64> {
    match ticket.get("y") {
        None => Ok(0),
        Some(_) => row::integer(ticket, "y"),
    }
}

/// Adds an entry to a history, and returns its number, which the ticket has to store. Whoever adds
/// another entry at the same time changes the ticket too, so the two conflict.
pub(super) fn add_entry(
    unit: &Unit,
    effects: &mut Effects,
    id: TicketId,
    newest: i64,
    author: &Author,
    event: &HistoryEvent,
) -> Outcome<i64> {
    let number = newest + 1;
    let event = serde_json::to_string(event)
        .map_err(|error| corrupt("an entry of a history").with_source(error))?;
    let fields = doc! { "m": author.time().as_micros(), "by": author.name(), "e": event };
    let entry = unit.change(history_key(id, number), doc! { "$set": fields }, true);
    effects.update(&unit.name("history"), vec![entry]);
    let forgotten = number - to_i64(limits::HISTORY);
    if forgotten > 0 {
        let first = unit.guarded_delete(between(id, 1, forgotten));
        effects.delete(&unit.name("history"), vec![first]);
    }
    Ok(number)
}

/// Returns the condition for entries of a ticket with these numbers, both included.
pub(super) fn between(id: TicketId, from: i64, to: i64) -> Document {
    doc! { "_id": { "$gte": history_key(id, from), "$lte": history_key(id, to) } }
}

pub(crate) async fn get_history(
    connection: &Connection,
    id: TicketId,
    query: &HistoryQuery,
) -> Outcome<Page<HistoryEntry>> {
    let plan = query.plan()?;
    let (beyond, _, order) = sign(query.direction);
    let mut conditions = vec![between(id, 1, i64::MAX)];
    if let Some(HistoryPosition(number)) = plan.after() {
        conditions.push(doc! { "_id": { beyond: history_key(id, to_i64(*number)) } });
    }
    let find = doc! {
        "find": connection.names.of("history"),
        "filter": { "$and": conditions },
        "sort": { "_id": order },
        "skip": to_i64(plan.offset()),
        "limit": to_i64(plan.fetch()),
        "hint": "_id_",
    };
    let found = connection.read(find).await?;
    Ok(plan.page(found.iter().map(row::history_entry).collect::<Result<_>>()?))
}
