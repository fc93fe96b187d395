//! Conversions between rows and the model.

use sha2::{Digest, Sha256};
use ticket_core::backend::{Tested, status_from_columns};
use ticket_core::{
    Error, HistoryEntry, Level, Location, Occurrence, OccurrenceId, Result, Ticket, TicketId,
    Timestamp, Value,
};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use crate::error::{corrupt, from_postgres};

/// The columns that [`ticket`] reads, of the table with the alias `t`.
pub(crate) const TICKET_COLUMNS: &str = "t.id, t.app_id, t.level, t.channel, t.message, t.file, \
    t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, \
    t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, \
    t.solved_after";

/// Reads the ticket of a row that starts with [`TICKET_COLUMNS`], with its status as stored.
pub(crate) fn ticket(row: &Row) -> Result<Ticket> {
    let mut location = Location::new();
    location.file = get::<Option<&str>>(row, 5)?.map(Into::into);
    location.line = get::<Option<i64>>(row, 6)?.and_then(|line| u32::try_from(line).ok());
    location.module = get::<Option<&str>>(row, 7)?.map(Into::into);
    location.function = get::<Option<&str>>(row, 8)?.map(Into::into);
    let level = u8::try_from(get::<i16>(row, 2)?).ok().and_then(Level::from_u8);
    Ok(Ticket {
        id: ticket_id(row, 0)?,
        app_id: get(row, 1)?,
        level: level.ok_or_else(|| corrupt("a ticket's level"))?,
        channel: get(row, 3)?,
        message: get(row, 4)?,
        location,
        error_type: get(row, 9)?,
        status: status_from_columns(
            get::<i16>(row, 10)?,
            get(row, 11)?,
            get(row, 12)?,
            get(row, 20)?,
        )
        .ok_or_else(|| corrupt("a ticket's status"))?,
        first_occurrence_time: time(row, 13)?,
        last_occurrence_time: time(row, 14)?,
        occurrence_count: count(row, 15)?,
        reopened_count: count(row, 16)?,
        first_release: get(row, 17)?,
        last_release: get(row, 18)?,
        ingredients: json(get(row, 19)?, "a ticket's ingredients")?,
    })
}

/// The columns that [`occurrence`] reads, of the table with the alias `o`. Events are ordered by
/// the first three.
pub(crate) const OCCURRENCE_COLUMNS: &str = "o.time, o.id, o.ticket_id, o.repeats, o.payload";

/// Reads the occurrence of a row with [`OCCURRENCE_COLUMNS`].
pub(crate) fn occurrence(row: &Row) -> Result<Occurrence> {
    Ok(Occurrence {
        ticket_id: ticket_id(row, 2)?,
        repeats: u32::try_from(get::<i64>(row, 3)?).map_err(|_| corrupt("an occurrence"))?,
        record: json(get(row, 4)?, "an occurrence")?,
    })
}

/// The columns that [`history_entry`] reads, of the table with the alias `h`.
pub(crate) const HISTORY_COLUMNS: &str = "h.no, h.time, h.author, h.event";

/// Reads the entry of a row with [`HISTORY_COLUMNS`].
pub(crate) fn history_entry(row: &Row) -> Result<HistoryEntry> {
    Ok(HistoryEntry {
        number: count(row, 0)?,
        time: time(row, 1)?,
        by: get(row, 2)?,
        event: json(get(row, 3)?, "an entry of a history")?,
    })
}

/// Reads only what clauses look at of the record in a row with [`OCCURRENCE_COLUMNS`].
pub(crate) fn tested(row: &Row) -> Result<Tested<'_>> {
    json(get(row, 4)?, "an occurrence")
}

pub(crate) fn json<'a, T: serde::Deserialize<'a>>(text: &'a str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| corrupt(what).with_source(error))
}

pub(crate) fn time(row: &Row, column: usize) -> Result<Timestamp> {
    get(row, column).map(Timestamp::from_micros)
}

pub(crate) fn ticket_id(row: &Row, column: usize) -> Result<TicketId> {
    get::<Uuid>(row, column).map(|uuid| TicketId::from_bytes(uuid.into_bytes()))
}

pub(crate) fn occurrence_id(row: &Row, column: usize) -> Result<OccurrenceId> {
    get(row, column).map(OccurrenceId::from_uuid)
}

pub(crate) fn count(row: &Row, column: usize) -> Result<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| corrupt("a count"))
}

pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Error> {
    row.try_get(column).map_err(from_postgres)
}

/// Converts a ticket's id to a parameter.
pub(crate) fn uuid_of(id: TicketId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

/// Returns an event's type as a number, with which the indexes of times and of traits start.
///
/// Half of a hash is enough: a collision only means that an index finds more, and each record is
/// tested itself.
pub(crate) fn type_key(app_id: &str, channel: &str) -> i64 {
    let mut hash = Sha256::new();
    hash.update((app_id.len() as u64).to_be_bytes());
    hash.update(app_id);
    hash.update(channel);
    let mut key = [0; 8];
    key.copy_from_slice(&hash.finalize()[..8]);
    i64::from_be_bytes(key)
}

/// Encodes a trait's value as bytes that sort like the values. The first byte is the kind, so that
/// kinds do not mix.
pub(crate) fn value_key(value: &Value) -> Vec<u8> {
    const SIGN: u64 = 1 << 63;
    let number = |number: u64| number.to_be_bytes().to_vec();
    let tail = match value {
        Value::Text(text) => text.as_bytes().to_vec(),
        Value::Int(int) => number(int.cast_unsigned() ^ SIGN),
        Value::Time(time) => number(time.as_micros().cast_unsigned() ^ SIGN),
        Value::Bool(yes) => vec![u8::from(*yes)],
        Value::Float(float) => {
            // -0.0 and 0.0 compare as equal. The bits of negative numbers sort in reverse.
            let bits = (*float + 0.0).to_bits();
            number(if bits & SIGN == 0 { bits ^ SIGN } else { !bits })
        }
    };
    let mut key = vec![value.kind().as_u8()];
    key.extend(tail);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_like_values() {
        let ascending: [&[Value]; 4] = [
            &[
                Value::from(f64::MIN),
                Value::from(-1.5),
                Value::from(-1e-300),
                Value::from(0.0),
                Value::from(2.0),
                Value::from(f64::MAX),
            ],
            &[Value::from(i64::MIN), Value::from(-1), Value::from(0), Value::from(i64::MAX)],
            &[
                Value::from(""),
                Value::from("Z"),
                Value::from("a"),
                Value::from("aa"),
                Value::from("\u{ffff}"),
                Value::from("\u{10000}"),
            ],
            &[
                Value::from(Timestamp::MIN),
                Value::from(Timestamp::UNIX_EPOCH),
                Value::from(Timestamp::MAX),
            ],
        ];
        for values in ascending {
            assert!(values.iter().map(value_key).is_sorted_by(|a, b| a < b), "{values:?}");
        }
        assert_eq!(value_key(&Value::Float(-0.0)), value_key(&Value::Float(0.0)));
    }
}
