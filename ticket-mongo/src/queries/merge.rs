//! Merging tickets (rule 30).

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use ticket_core::backend::{MergeParty, MergeStep, check_merge};
use ticket_core::{Author, HistoryEvent, Result, Status, Ticket, TicketId, Timestamp};

use super::prune::merged_keys;
use super::sums::{self, Sums};
use super::tickets::at;
use super::{delete_by_keys, history};
use crate::connection::Connection;
use crate::error::{Outcome, corrupt};
use crate::place::Keys;
use crate::row::{self, history_key, integer, status_fields, ticket_id, ticket_key};
use crate::unit::{Effects, Unit, Work};
use crate::write::write;

/// The fields that come from a ticket's first occurrence, and those from its newest one.
const OF_FIRST: [&str; 3] = ["f", "fi", "first_release"];
const OF_NEWEST: [&str; 12] = [
    "l",
    "c",
    "m",
    "mi",
    "last_release",
    "message",
    "file",
    "line",
    "module",
    "function",
    "error",
    "search",
];

pub(crate) async fn merge_tickets(
    connection: &Connection,
    into: TicketId,
    from: TicketId,
    author: Author,
) -> Result<Option<Ticket>> {
    write(connection, &Merging { into, from, author }).await
}

struct Merging {
    into: TicketId,
    from: TicketId,
    author: Author,
}

#[async_trait]
impl Work for Merging {
    type Answer = Option<Ticket>;

    fn tickets(&self) -> Vec<TicketId> {
        vec![self.into, self.from]
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(Option<Ticket>, Effects)> {
        let mut effects = Effects::default();
        let (target, source) = (find(unit, self.into).await?, find(unit, self.from).await?);
        let step = check_merge((self.into, party(&target)?), (self.from, party(&source)?))?;
        let (Some(mut target), Some(source)) = (target, source) else {
            return Ok((None, effects));
        };
        if step == MergeStep::Merge {
            self.merge(unit, &mut effects, &mut target, &source).await?;
        }
        Ok((Some(at(row::ticket(&target)?, Timestamp::now())), effects))
    }
}

async fn find(unit: &mut Unit, id: TicketId) -> Outcome<Option<Document>> {
    let find = doc! { "find": unit.name("tickets"), "filter": { "_id": ticket_key(id) } };
    Ok(unit.read(find).await?.pop())
}

/// Returns what is stored under a ticket's id.
fn party(found: &Option<Document>) -> Result<MergeParty<'_>> {
    let Some(found) = found else { return Ok(MergeParty::Unknown) };
    if found.contains_key("into") {
        return Ok(MergeParty::Merged { into: ticket_id(found.get("into"))? });
    }
    let app_id = found.get_str("a").map_err(|_| corrupt("a ticket"))?;
    Ok(MergeParty::Ticket { app_id })
}

impl Merging {
    /// Adds a ticket to another one, and leaves a redirection in its place.
    async fn merge(
        &self,
        unit: &mut Unit,
        effects: &mut Effects,
        target: &mut Document,
        source: &Document,
    ) -> Outcome<()> {
        let before = Keys::of(target)?;
        let twice = self.move_occurrences(unit, effects).await?;
        let mut fields = Document::new();
        let count = integer(target, "n")? + integer(source, "n")? - twice.values().sum::<i64>();
        fields.insert("n", count);
        fields.insert("reopened", integer(target, "reopened")? + integer(source, "reopened")?);
        if first(source)? < first(target)? {
            copy(source, &OF_FIRST, &mut fields);
        }
        if newest(source)? > newest(target)? {
            copy(source, &OF_NEWEST, &mut fields);
        }
        if let Status::Solved { at, .. } = row::status(target)?
            && at < row::time(source, "m")?
        {
            fields.extend(status_fields(&Status::Open));
        }
        fields.extend(self.move_hours(unit, effects, target, source, &twice).await?);
        self.move_seen(unit, effects, target).await?;
        fields.insert("y", self.move_history(unit, effects, target).await?);
        let mut merged = merged_keys(target);
        merged.extend(merged_keys(source));
        merged.push(ticket_key(self.from));
        fields.insert("from", merged);

        target.extend(fields.clone());
        fields.extend(Keys::of(target)?.places(self.into, Some(&before)));
        let mut statements =
            vec![unit.change(ticket_key(self.into), doc! { "$set": fields }, false)];
        statements.push(self.redirect(unit, ticket_key(self.from)));
        for key in merged_keys(source) {
            statements.push(self.redirect(unit, key));
        }
        effects.update(&unit.name("tickets"), statements);
        Ok(())
    }

    /// Returns the statement that replaces a ticket by a redirection.
    fn redirect(&self, unit: &Unit, key: Bson) -> Document {
        let mut statement = unit.change(key, Document::new(), false);
        let mut redirection = doc! { "into": ticket_key(self.into) };
        if unit.token > 0 {
            redirection.insert("w", unit.token);
        }
        statement.insert("u", redirection);
        statement
    }

    /// Moves the occurrences, whose keys begin with the ticket, and returns how many records both tickets
    /// have, by hour.
    async fn move_occurrences(
        &self,
        unit: &mut Unit,
        effects: &mut Effects,
    ) -> Outcome<BTreeMap<i64, i64>> {
        let of_ticket = |id: TicketId| {
            doc! {
                "find": unit.name("occurrences"),
                "filter": { "_id.t": ticket_key(id) },
                "hint": "by_ticket",
            }
        };
        let (mut of_target, of_source) = (of_ticket(self.into), of_ticket(self.from));
        of_target.insert("projection", doc! { "_id": 1 });
        let known = unit.read(of_target).await?;
        let known: HashSet<_> =
            known.iter().map(|one| Ok(row::occurrence_ids(one)?.1)).collect::<Result<_>>()?;
        let (mut keys, mut twice) = (Vec::new(), BTreeMap::new());
        for mut one in unit.read(of_source).await? {
            let id = row::occurrence_ids(&one)?.1;
            let key = row::occurrence_key(self.into, id);
            keys.extend(one.insert("_id", key.clone()));
            if known.contains(&id) {
                let hour = row::time(&one, "m")?.hour();
                *twice.entry(hour).or_default() += integer(&one, "n")?;
                continue;
            }
            if unit.token > 0 {
                one.insert("w", unit.token);
            }
            effects.ids.push(key);
            let one = RawDocumentBuf::try_from(&one).map_err(|_| corrupt("an occurrence"))?;
            effects.occurrences.push(one);
        }
        delete_by_keys(unit, effects, "occurrences", &keys);
        Ok(twice)
    }

    /// Adds the counts per hour, and returns the fields of the newest hour, which the ticket holds itself.
    async fn move_hours(
        &self,
        unit: &mut Unit,
        effects: &mut Effects,
        target: &Document,
        source: &Document,
        twice: &BTreeMap<i64, i64>,
    ) -> Outcome<Document> {
        let app_id = row::required_text(target, "a")?;
        let mut hours = BTreeMap::<i64, i64>::new();
        for ticket in [target, source] {
            if ticket.contains_key("h") {
                *hours.entry(integer(ticket, "h")?).or_default() += integer(ticket, "hn")?;
            }
        }
        let end = |hour: i64| doc! { "t": ticket_key(self.from), "h": hour };
        let all = doc! { "_id": { "$gte": end(i64::MIN), "$lte": end(i64::MAX) } };
        let find = doc! { "find": unit.name("hours"), "filter": all.clone(), "hint": "_id_" };
        for found in unit.read(find).await? {
            let key = found.get_document("_id").map_err(|_| corrupt("an hour"))?;
            *hours.entry(integer(key, "h")?).or_default() += integer(&found, "n")?;
        }
        for (hour, count) in twice {
            *hours.entry(*hour).or_default() -= count;
        }
        let less = twice.iter().map(|(hour, count)| ((app_id.clone(), *hour), -count));
        sums::add(unit, effects, less.collect::<Sums>());
        effects.delete(&unit.name("hours"), vec![unit.guarded_delete(all)]);
        let Some((newest, count)) = hours.pop_last() else { return Ok(Document::new()) };
        let statements = hours.into_iter().map(|(hour, count)| {
            let key = doc! { "t": ticket_key(self.into), "h": hour };
            let update = doc! { "$inc": { "n": count }, "$setOnInsert": { "a": &app_id } };
            unit.change(key, update, true)
        });
        effects.update(&unit.name("hours"), statements.collect());
        Ok(doc! { "h": newest, "hn": count })
    }

    async fn move_seen(
        &self,
        unit: &mut Unit,
        effects: &mut Effects,
        target: &Document,
    ) -> Outcome<()> {
        let app_id = row::required_text(target, "a")?;
        let all = doc! { "_id.t": ticket_key(self.from) };
        let find = doc! { "find": unit.name("seen"), "filter": all.clone(), "hint": "by_ticket" };
        let mut statements = Vec::new();
        for found in unit.read(find).await? {
            let mut key = found.get_document("_id").cloned().map_err(|_| corrupt("a release"))?;
            key.insert("t", ticket_key(self.into));
            let update = doc! { "$setOnInsert": { "w": unit.token, "a": &app_id } };
            statements.push(doc! { "q": { "_id": key }, "u": update, "upsert": true });
        }
        effects.update(&unit.name("seen"), statements);
        effects.delete(&unit.name("seen"), vec![unit.guarded_delete(all)]);
        Ok(())
    }

    /// Adds the entries of the history, then one of the merge, and returns its number.
    async fn move_history(
        &self,
        unit: &mut Unit,
        effects: &mut Effects,
        target: &Document,
    ) -> Outcome<i64> {
        let mut number = history::newest(target)?;
        let all = history::between(self.from, 1, i64::MAX);
        let find = doc! {
            "find": unit.name("history"),
            "filter": all.clone(),
            "sort": { "_id": 1 },
            "hint": "_id_",
        };
        let mut statements = Vec::new();
        for mut entry in unit.read(find).await? {
            number += 1;
            entry.remove("_id");
            entry.remove("w");
            let key = history_key(self.into, number);
            statements.push(unit.change(key, doc! { "$set": entry }, true));
        }
        effects.update(&unit.name("history"), statements);
        effects.delete(&unit.name("history"), vec![unit.guarded_delete(all)]);
        let event = HistoryEvent::Merged(self.from);
        history::add_entry(unit, effects, self.into, number, &self.author, &event)
    }
}

fn first(ticket: &Document) -> Result<(Timestamp, ticket_core::OccurrenceId)> {
    Ok((row::time(ticket, "f")?, row::occurrence_id(ticket, "fi")?))
}

fn newest(ticket: &Document) -> Result<(Timestamp, ticket_core::OccurrenceId)> {
    Ok((row::time(ticket, "m")?, row::occurrence_id(ticket, "mi")?))
}

fn copy(source: &Document, names: &[&str], fields: &mut Document) {
    for name in names {
        fields.insert(*name, source.get(name).cloned().unwrap_or(Bson::Null));
    }
}

pub(crate) async fn unmerge_ticket(
    connection: &Connection,
    from: TicketId,
    author: Author,
) -> Result<bool> {
    write(connection, &Unmerging { from, author }).await
}

struct Unmerging {
    from: TicketId,
    author: Author,
}

#[async_trait]
impl Work for Unmerging {
    type Answer = bool;

    fn tickets(&self) -> Vec<TicketId> {
        vec![self.from]
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(bool, Effects)> {
        let mut effects = Effects::default();
        let found = find(unit, self.from).await?;
        let MergeParty::Merged { into } = party(&found)? else { return Ok((false, effects)) };
        let Some(target) = find(unit, into).await? else { return Ok((false, effects)) };
        let event = HistoryEvent::Unmerged(self.from);
        let newest = history::newest(&target)?;
        let number = history::add_entry(unit, &mut effects, into, newest, &self.author, &event)?;
        let key = ticket_key(self.from);
        let mut left = merged_keys(&target);
        left.retain(|merged| *merged != key);
        let update = doc! { "$set": { "y": number, "from": left } };
        effects.update(&unit.name("tickets"), vec![unit.change(ticket_key(into), update, false)]);
        delete_by_keys(unit, &mut effects, "tickets", &[key]);
        Ok((true, effects))
    }
}
