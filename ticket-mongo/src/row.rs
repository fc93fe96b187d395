//! Conversions between documents and the model.

use mongodb::bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype};
use ticket_core::backend::{status_columns, status_from_columns};
use ticket_core::{
    HistoryEntry, Level, Location, Occurrence, OccurrenceId, Result, Status, Ticket, TicketId,
    Timestamp, Value, ValueKind,
};

use crate::error::corrupt;

/// Stores the bytes of an id; they sort like the ids.
pub(crate) fn binary(bytes: &[u8]) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() })
}

pub(crate) fn ticket_key(id: TicketId) -> Bson {
    binary(id.as_bytes())
}

pub(crate) fn occurrence_key(ticket: TicketId, id: OccurrenceId) -> Document {
    doc! { "t": ticket_key(ticket), "i": binary(id.as_bytes()) }
}

/// The length of a block of time in milliseconds: six hours.
pub(crate) const BLOCK: i64 = 6 * 3_600 * 1_000;

/// Returns the end of the block that contains a time.
///
/// Each occurrence stores it as a date. The index of traits orders by trait, block and value, so a
/// query for a range of values finds the newest events without reading all of them; and the TTL
/// index uses the same field.
pub(crate) fn block(time: Timestamp) -> DateTime {
    DateTime::from_millis((time.as_micros().div_euclid(BLOCK * 1_000) + 1) * BLOCK)
}

/// Returns the expression with which the server computes [`block`] from the field `m`, in 64-bit
/// integers throughout.
pub(crate) fn block_of_time() -> Document {
    let length = BLOCK * 1_000;
    // `$mod` has the sign of the dividend; adding the length and taking it again makes it positive.
    let into = doc! { "$mod": [{ "$add": [{ "$mod": ["$m", length] }, length] }, length] };
    let end = doc! { "$add": [{ "$subtract": ["$m", into] }, length] };
    doc! { "$toDate": { "$toLong": { "$divide": [end, 1_000_i64] } } }
}

/// Reads the ticket of a document, with its status as stored.
pub(crate) fn ticket(document: &Document) -> Result<Ticket> {
    let mut location = Location::new();
    location.file = text(document, "file")?.map(Into::into);
    location.line = match document.get("line") {
        None | Some(Bson::Null) => None,
        Some(line) => {
            Some(number(line).and_then(|n| n.try_into().ok()).ok_or_else(|| corrupt("a line"))?)
        }
    };
    location.module = text(document, "module")?.map(Into::into);
    location.function = text(document, "function")?.map(Into::into);
    let ingredients = required_text(document, "g")?;
    Ok(Ticket {
        id: ticket_id(document.get("_id"))?,
        app_id: required_text(document, "a")?,
        level: u8::try_from(integer(document, "l")?)
            .ok()
            .and_then(Level::from_u8)
            .ok_or_else(|| corrupt("a ticket's level"))?,
        channel: required_text(document, "c")?,
        message: required_text(document, "message")?,
        location,
        error_type: text(document, "error")?,
        status: status(document)?,
        first_occurrence_time: time(document, "f")?,
        last_occurrence_time: time(document, "m")?,
        occurrence_count: count(document, "n")?,
        reopened_count: count(document, "reopened")?,
        first_release: text(document, "first_release")?,
        last_release: text(document, "last_release")?,
        ingredients: serde_json::from_str(&ingredients)
            .map_err(|error| corrupt("a ticket's ingredients").with_source(error))?,
    })
}

/// Reads the status of a ticket's document, as stored.
pub(crate) fn status(document: &Document) -> Result<Status> {
    let time = match document.get("st") {
        None | Some(Bson::Null) => None,
        Some(_) => Some(integer(document, "st")?),
    };
    // Tickets of version 4 have no such field.
    let is_after = document.get_bool("solved_after").unwrap_or(false);
    status_from_columns(integer(document, "s")?, time, text(document, "solved_release")?, is_after)
        .ok_or_else(|| corrupt("a ticket's status"))
}

/// Returns the fields of a status.
pub(crate) fn status_fields(status: &Status) -> Document {
    let (kind, time, release, is_after) = status_columns(status);
    doc! { "s": i32::from(kind), "st": time, "solved_release": release, "solved_after": is_after }
}

/// Reads the occurrence of a document.
pub(crate) fn occurrence(document: &Document) -> Result<Occurrence> {
    let payload = document.get_str("p").map_err(|_| corrupt("an occurrence"))?;
    let (ticket_id, _) = occurrence_ids(document)?;
    Ok(Occurrence {
        ticket_id,
        repeats: integer(document, "n")?.try_into().map_err(|_| corrupt("an occurrence"))?,
        record: serde_json::from_str(payload)
            .map_err(|error| corrupt("an occurrence").with_source(error))?,
    })
}

/// Returns the key of an entry of a ticket's history.
pub(crate) fn history_key(ticket: TicketId, number: i64) -> Document {
    doc! { "t": ticket_key(ticket), "n": number }
}

/// Reads an entry of a history.
pub(crate) fn history_entry(document: &Document) -> Result<HistoryEntry> {
    let key = document.get_document("_id").map_err(|_| corrupt("an entry of a history"))?;
    let event = required_text(document, "e")?;
    Ok(HistoryEntry {
        number: count(key, "n")?,
        time: time(document, "m")?,
        by: text(document, "by")?,
        event: serde_json::from_str(&event)
            .map_err(|error| corrupt("an entry of a history").with_source(error))?,
    })
}

/// Reads the two parts of an occurrence's key.
pub(crate) fn occurrence_ids(document: &Document) -> Result<(TicketId, OccurrenceId)> {
    let key = document.get_document("_id").map_err(|_| corrupt("an occurrence's id"))?;
    let id = bytes(key.get("i")).ok_or_else(|| corrupt("an occurrence's id"))?;
    Ok((ticket_id(key.get("t"))?, OccurrenceId::from_bytes(id)))
}

/// Returns the key of a trait: its kind and its name. All values under one key then have one kind,
/// and compare within it.
pub(crate) fn trait_key(name: &str, kind: ValueKind) -> String {
    // The kind is one digit and comes first, because a name may be any text.
    format!("{}{name}", kind.as_u8())
}

/// Reads the name and the kind of a [`trait_key`].
pub(crate) fn split_trait_key(key: &str) -> Result<(&str, ValueKind)> {
    let kind = key.chars().next().and_then(|digit| digit.to_digit(10));
    kind.and_then(|kind| ValueKind::from_u8(kind.try_into().ok()?))
        .map(|kind| (&key[1..], kind))
        .ok_or_else(|| corrupt("a trait's name"))
}

/// Converts a trait's value to the form in which it is compared.
pub(crate) fn trait_value(value: &Value) -> Bson {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Bool(yes) => (*yes).into(),
        Value::Time(time) => time.as_micros().into(),
    }
}

pub(crate) fn ticket_id(value: Option<&Bson>) -> Result<TicketId> {
    bytes(value).map(TicketId::from_bytes).ok_or_else(|| corrupt("a ticket's id"))
}

fn bytes(value: Option<&Bson>) -> Option<[u8; 16]> {
    match value {
        Some(Bson::Binary(binary)) => binary.bytes.as_slice().try_into().ok(),
        _ => None,
    }
}

pub(crate) fn occurrence_id(document: &Document, field: &str) -> Result<OccurrenceId> {
    bytes(document.get(field))
        .map(OccurrenceId::from_bytes)
        .ok_or_else(|| corrupt("an occurrence's id"))
}

pub(crate) fn time(document: &Document, field: &str) -> Result<Timestamp> {
    integer(document, field).map(Timestamp::from_micros)
}

pub(crate) fn count(document: &Document, field: &str) -> Result<u64> {
    integer(document, field)?.try_into().map_err(|_| corrupt("a count"))
}

fn number(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        _ => None,
    }
}

pub(crate) fn integer(document: &Document, field: &str) -> Result<i64> {
    document.get(field).and_then(number).ok_or_else(|| corrupt("a number"))
}

pub(crate) fn text(document: &Document, field: &str) -> Result<Option<String>> {
    match document.get(field) {
        None | Some(Bson::Null) => Ok(None),
        Some(Bson::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(corrupt("a text")),
    }
}

pub(crate) fn required_text(document: &Document, field: &str) -> Result<String> {
    text(document, field)?.ok_or_else(|| corrupt("a text"))
}
