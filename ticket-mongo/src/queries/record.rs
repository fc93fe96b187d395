//! Recording (rules 1 to 8 and 32).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use mongodb::bson::RawDocumentBuf;
use mongodb::bson::{Bson, Document, doc};
use ticket_core::backend::{
    Added, Batch, KnownTicket, NewOccurrence, Recorded, TicketBatch, TicketChange, TicketUpdate,
};
use ticket_core::{Author, HistoryEvent, OccurrenceId, Result, Status, StatusKind, TicketId};

use super::positions::store_positions;
use super::sums::{self, Sums};
use super::{history, to_i64};
use crate::connection::Connection;
use crate::error::{Outcome, corrupt};
use crate::lease;
use crate::place::Keys;
use crate::row::{
    self, occurrence_ids, occurrence_key, status_fields, ticket_id, ticket_key, trait_key,
    trait_value,
};
use crate::unit::{Effects, Unit, Work};
use crate::write::write;

/// The number of pairs of release and environment that a ticket's own document remembers. For a
/// remembered pair nothing has to be written.
const REMEMBERED: usize = 8;

pub(crate) async fn record_tickets(connection: &Connection, batch: Batch) -> Result<Recorded> {
    if batch.is_empty() && batch.positions().is_empty() {
        return Ok(Recorded::default());
    }
    write(connection, &Recording { batch }).await
}

/// The recording of a batch. After a write conflict it is planned again from the same batch.
struct Recording {
    batch: Batch,
}

impl Recording {
    /// Returns the occurrences that are stored already.
    async fn stored(
        &self,
        unit: &mut Unit,
        tickets: &Tickets<'_>,
    ) -> Outcome<HashSet<(TicketId, OccurrenceId)>> {
        let of_ticket = |(id, news): (&TicketId, &Vec<&NewOccurrence>)| {
            let keys = news.iter().map(|new| Bson::from(occurrence_key(*id, new.record().id)));
            keys.collect::<Vec<_>>()
        };
        let keys = tickets.iter().flat_map(of_ticket);
        let find = doc! {
            "find": unit.name("occurrences"),
            "filter": { "_id": { "$in": keys.collect::<Vec<_>>() } },
            "projection": { "_id": 1, "w": 1 },
        };
        let found = unit.read(find).await?;
        let found = lease::without_undone(unit, found).await?;
        Ok(found.iter().map(occurrence_ids).collect::<Result<_>>()?)
    }

    /// Returns the tickets that exist, and which tickets get the occurrences of merged ones. Only if the
    /// batch has occurrences of merged tickets does this take two commands.
    async fn known(&self, unit: &mut Unit) -> Outcome<(HashMap<TicketId, Known>, Merged)> {
        let (mut known, mut merged) = (HashMap::new(), Merged::new());
        let mut ids: Vec<TicketId> = self.batch.tickets().map(TicketBatch::id).collect();
        while !ids.is_empty() {
            let mut targets = BTreeSet::new();
            for ticket in &Self::find(unit, &ids).await? {
                let id = ticket_id(ticket.get("_id"))?;
                if ticket.contains_key("into") {
                    let into = ticket_id(ticket.get("into"))?;
                    merged.insert(id, into);
                    targets.insert(into);
                } else {
                    known.insert(id, Known::of(ticket)?);
                }
            }
            ids = targets.into_iter().filter(|id| !known.contains_key(id)).collect();
        }
        Ok((known, merged))
    }

    async fn find(unit: &mut Unit, ids: &[TicketId]) -> Outcome<Vec<Document>> {
        let keys: Vec<Bson> = ids.iter().map(|id| ticket_key(*id)).collect();
        let mut fields = Keys::fields();
        fields.extend(doc! { "fi": 1, "mi": 1, "seen": 1, "h": 1, "hn": 1, "y": 1, "into": 1 });
        let find = doc! {
            "find": unit.name("tickets"),
            "filter": { "_id": { "$in": keys } },
            "projection": fields,
        };
        unit.read(find).await
    }

    /// Returns the occurrences of the batch under the tickets that get them. An id counts once within its
    /// ticket, also if two fingerprints of the batch belong to one ticket by now.
    fn redirected(&self, merged: &Merged) -> Tickets<'_> {
        let mut tickets = Tickets::new();
        for ticket in self.batch.tickets() {
            let id = merged.get(&ticket.id()).copied().unwrap_or(ticket.id());
            let news = tickets.entry(id).or_default();
            let have: HashSet<OccurrenceId> = news.iter().map(|new| new.record().id).collect();
            let more = ticket.occurrences().iter();
            news.extend(more.filter(|new| have.is_empty() || !have.contains(&new.record().id)));
        }
        tickets
    }
}

/// Merged tickets, and the tickets that get their occurrences.
type Merged = HashMap<TicketId, TicketId>;

/// The occurrences of a batch by the tickets that get them.
type Tickets<'a> = BTreeMap<TicketId, Vec<&'a NewOccurrence>>;

/// The fields of a stored ticket that recording needs.
struct Known {
    ticket: KnownTicket,
    keys: Keys,
    seen: Vec<Bson>,
    /// Its newest hour and the count of it, which the ticket's own document holds.
    hour: Option<(i64, i64)>,
    /// The number of the newest entry of its history.
    history: i64,
}

impl Known {
    fn of(ticket: &Document) -> Result<Self> {
        Ok(Self {
            ticket: KnownTicket {
                first: (row::time(ticket, "f")?, row::occurrence_id(ticket, "fi")?),
                last: (row::time(ticket, "m")?, row::occurrence_id(ticket, "mi")?),
                count: row::count(ticket, "n")?,
                status: row::status(ticket)?,
            },
            keys: Keys::of(ticket)?,
            seen: ticket.get_array("seen").map_err(|_| corrupt("a ticket"))?.clone(),
            hour: match ticket.get("h") {
                None => None,
                Some(_) => Some((row::integer(ticket, "h")?, row::integer(ticket, "hn")?)),
            },
            history: history::newest(ticket)?,
        })
    }
}

/// Statements by collection.
#[derive(Default)]
struct Statements {
    tickets: Vec<Document>,
    hours: Vec<Document>,
    seen: Vec<Document>,
    sums: Sums,
}

#[async_trait]
impl Work for Recording {
    type Answer = Recorded;

    fn tickets(&self) -> Vec<TicketId> {
        self.batch.tickets().map(TicketBatch::id).collect()
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(Recorded, Effects)> {
        // Usually none is, so the first attempt does not look. In a transaction an insertion then
        // fails if one is, and the retry looks. Under a lease a failed insertion could not be
        // rolled back, so there every attempt looks.
        let (known, merged) = self.known(unit).await?;
        let tickets = self.redirected(&merged);
        let stored = if unit.is_retry || unit.token > 0 {
            self.stored(unit, &tickets).await?
        } else {
            HashSet::new()
        };
        let mut recorded = Recorded::default();
        let mut effects = Effects::default();
        store_positions(unit, &mut effects, &self.batch).await?;
        let mut statements = Statements::default();
        for (id, news) in tickets {
            let added: Vec<&NewOccurrence> =
                news.into_iter().filter(|new| !stored.contains(&(id, new.record().id))).collect();
            let known = known.get(&id);
            let Some(update) = add(unit, id, known, &added, &mut statements, &mut effects)? else {
                continue;
            };
            recorded.updates.push(update);
            recorded.occurrences += added.len() as u64;
            for new in added {
                effects.ids.push(occurrence_key(id, new.record().id));
                effects.occurrences.push(occurrence(id, new, unit.token)?);
            }
        }
        effects.update(&unit.name("tickets"), statements.tickets);
        effects.update(&unit.name("hours"), statements.hours);
        effects.update(&unit.name("seen"), statements.seen);
        sums::add(unit, &mut effects, statements.sums);
        Ok((recorded, effects))
    }
}

/// Adds occurrences to a ticket; `None` if there are none.
fn add(
    unit: &Unit,
    id: TicketId,
    known: Option<&Known>,
    added: &[&NewOccurrence],
    statements: &mut Statements,
    effects: &mut Effects,
) -> Outcome<Option<TicketUpdate>> {
    let Some(added) = Added::of(added.iter().copied()) else { return Ok(None) };
    let (first, last, count) = (added.oldest, added.newest, added.repeats);
    let before = known.map(|known| &known.keys);
    let mut keys = before.cloned().unwrap_or_else(|| keys_of(first));
    keys.count = keys.count.saturating_add(to_i64(count));
    let mut fields = add_seen(unit, id, known, &added, statements);
    fields.extend(add_hours(unit, id, known, &added, statements));
    let change;
    if known.is_none_or(|known| known.ticket.begins_with(&added)) {
        fields.extend(begin_with(first));
        keys.first = first.record().time.as_micros();
    }
    if known.is_none_or(|known| known.ticket.is_described_by(&added)) {
        fields.extend(describe(last));
        let newest = keys_of(last);
        keys = Keys { last: newest.last, level: newest.level, channel: newest.channel, ..keys };
    }
    let mut update = doc! { "$inc": { "n": to_i64(count) } };
    if let Some(known) = known {
        change = known.ticket.change(&added);
        if change == Some(TicketChange::Reopened) {
            keys.status = StatusKind::Open;
            fields.extend(status_fields(&Status::Open));
            update.insert("$inc", doc! { "n": to_i64(count), "reopened": 1_i64 });
            // A later occurrence may be known already, if the fix settles its release.
            let newest = last.record().time.max(known.ticket.last.0);
            let author = Author::unknown().with_time(newest);
            let event = HistoryEvent::Recurred;
            fields.insert(
                "y",
                history::add_entry(unit, effects, id, known.history, &author, &event)?,
            );
        }
    } else {
        change = Some(TicketChange::Created);
        fields.extend(status_fields(&Status::Open));
        fields.insert("a", first.record().app_id.as_str());
        fields.insert("reopened", 0_i64);
        // Ingredients are plain texts, which always serialize.
        fields.insert("g", serde_json::to_string(first.ingredients()).unwrap_or_default());
    }
    fields.extend(keys.places(id, before));
    update.insert("$set", fields);
    statements.tickets.push(unit.change(ticket_key(id), update, known.is_none()));
    Ok(Some(TicketUpdate {
        ticket_id: id,
        change,
        added: count,
        occurrence_count: known.map_or(0, |known| known.ticket.count) + count,
    }))
}

/// Returns the sort keys of a ticket whose only occurrence is this one, before it is counted.
fn keys_of(new: &NewOccurrence) -> Keys {
    let record = new.record();
    Keys {
        app_id: record.app_id.to_string(),
        status: StatusKind::Open,
        last: record.time.as_micros(),
        first: record.time.as_micros(),
        count: 0,
        level: record.level.as_u8().into(),
        channel: record.channel.to_string(),
    }
}

/// Returns the fields that come from a ticket's first occurrence.
fn begin_with(first: &NewOccurrence) -> Document {
    let record = first.record();
    doc! {
        "f": record.time.as_micros(),
        "fi": row::binary(record.id.as_bytes()),
        "first_release": record.release.as_deref(),
    }
}

/// Returns the fields that come from a ticket's newest occurrence.
fn describe(last: &NewOccurrence) -> Document {
    let (record, location) = (last.record(), &last.record().location);
    doc! {
        "l": i32::from(record.level.as_u8()),
        "c": record.channel.as_str(),
        "m": record.time.as_micros(),
        "mi": row::binary(record.id.as_bytes()),
        "last_release": record.release.as_deref(),
        "message": record.message.as_str(),
        "file": location.file.as_deref(),
        "line": location.line.map(i64::from),
        "module": location.module.as_deref(),
        "function": location.function.as_deref(),
        "error": record.error_type(),
        "search": last.search_text(),
    }
}

/// Adds to the counts per hour, and returns the ticket's fields for its newest hour. That hour is
/// counted in the ticket's own document, which a batch writes anyway, and moves to `hours` when a
/// newer one begins.
fn add_hours(
    unit: &Unit,
    id: TicketId,
    known: Option<&Known>,
    added: &Added<'_>,
    statements: &mut Statements,
) -> Document {
    let app_id = added.newest.record().app_id.as_str();
    let mut hours: BTreeMap<i64, i64> = known.and_then(|known| known.hour).into_iter().collect();
    for (hour, count) in &added.hours {
        let (hour, count) = (*hour, to_i64(*count));
        *hours.entry(hour).or_default() += count;
        *statements.sums.entry((app_id.to_owned(), hour)).or_default() += count;
    }
    let Some((newest, count)) = hours.pop_last() else { return Document::new() };
    for (hour, count) in hours {
        let key = doc! { "t": ticket_key(id), "h": hour };
        let update = doc! { "$inc": { "n": count }, "$setOnInsert": { "a": app_id } };
        statements.hours.push(unit.change(key, update, true));
    }
    doc! { "h": newest, "hn": count }
}

/// Adds the pairs of release and environment that the ticket does not remember, and returns the
/// field of those that it remembers from now on.
fn add_seen(
    unit: &Unit,
    id: TicketId,
    known: Option<&Known>,
    added: &Added<'_>,
    statements: &mut Statements,
) -> Document {
    let remembered = known.map_or(&[][..], |known| &known.seen);
    let new: Vec<Bson> = added
        .seen
        .keys()
        .map(|(release, environment)| Bson::from(doc! { "r": *release, "e": *environment }))
        .filter(|pair| !remembered.contains(pair))
        .collect();
    if known.is_some() && new.is_empty() {
        return Document::new();
    }
    for pair in &new {
        let mut key = doc! { "t": ticket_key(id) };
        key.extend(pair.as_document().cloned().unwrap_or_default());
        let app_id = added.newest.record().app_id.as_str();
        let update = doc! { "$setOnInsert": { "w": unit.token, "a": app_id } };
        statements.seen.push(doc! { "q": { "_id": key }, "u": update, "upsert": true });
    }
    let from = (remembered.len() + new.len()).saturating_sub(REMEMBERED);
    let pairs: Vec<Bson> = remembered.iter().cloned().chain(new).skip(from).collect();
    doc! { "seen": pairs }
}

/// Returns the document of an occurrence.
fn occurrence(ticket: TicketId, new: &NewOccurrence, token: i64) -> Outcome<RawDocumentBuf> {
    let record = new.record();
    let payload = serde_json::to_string(record)
        .map_err(|error| corrupt("an occurrence").with_source(error))?;
    let traits: Vec<Bson> = record
        .traits
        .iter()
        .map(|(name, value)| {
            Bson::from(doc! { "k": trait_key(name, value.kind()), "v": trait_value(value) })
        })
        .collect();
    let mut document = doc! {
        "_id": occurrence_key(ticket, record.id),
        "m": record.time.as_micros(),
        "a": record.app_id.as_str(),
        "c": record.channel.as_str(),
        "n": i64::from(new.repeats()),
        "r": traits,
        "d": row::block(record.time),
        "p": payload,
    };
    if let Some(external_id) = &record.external_id {
        document.insert("x", external_id.as_str());
    }
    if token > 0 {
        document.insert("w", token);
    }
    RawDocumentBuf::try_from(&document).map_err(|_| corrupt("an occurrence").into())
}
