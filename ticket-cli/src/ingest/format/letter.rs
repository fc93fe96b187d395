//! The lines of a spool's `dead-letter.jsonl`: records that a store refused, with their identity.

use serde_json::Value;
use ticket_handler::spool::DeadLetter;

use super::fields::Fields;
use super::{Entry, Parsed};

pub(super) fn knows(fields: &Fields) -> bool {
    ["reason", "ticket_id", "ingredients", "record"].iter().all(|name| fields.0.contains_key(*name))
}

pub(super) fn read(fields: Fields) -> Parsed {
    match serde_json::from_value::<DeadLetter>(Value::Object(fields.0)) {
        Ok(letter) => {
            let mut entry = Entry::new();
            let occurrence = letter.into_occurrence();
            entry.time = Some(occurrence.record().time);
            entry.level = Some(occurrence.record().level);
            entry.occurrence = Some(Box::new(occurrence));
            Parsed::Entry(Box::new(entry))
        }
        Err(error) => Parsed::Malformed(format!("not a dead letter: {error}")),
    }
}
