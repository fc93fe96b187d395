//! The values of the statement of [`record`](super::record), column by column.

use std::collections::{BTreeMap, BTreeSet};

use ticket_core::backend::NewOccurrence;
use ticket_core::{Result, TicketId};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::to_i64;
use crate::connection::Param;
use crate::error::corrupt;
use crate::row::{type_key, uuid_of, value_key};

/// The values of a statement, column by column, as PostgreSQL takes them in.
#[derive(Default)]
pub(super) struct Rows<'a> {
    // Occurrences.
    ticket_ids: Vec<Uuid>,
    ids: Vec<Uuid>,
    times: Vec<i64>,
    types: Vec<i64>,
    app_ids: Vec<&'a str>,
    channels: Vec<&'a str>,
    repeats: Vec<i64>,
    payloads: Vec<String>,
    tickets: TicketRows<'a>,
    hours: (Vec<Uuid>, Vec<i64>, Vec<i64>),
    seen: (Vec<Uuid>, Vec<String>, Vec<String>),
    traits: TraitRows<'a>,
}

#[derive(Default)]
struct TicketRows<'a> {
    ids: Vec<Uuid>,
    numbers: Vec<i64>,
    app_ids: Vec<&'a str>,
    levels: Vec<i16>,
    channels: Vec<&'a str>,
    messages: Vec<&'a str>,
    files: Vec<Option<&'a str>>,
    lines: Vec<Option<i64>>,
    modules: Vec<Option<&'a str>>,
    functions: Vec<Option<&'a str>>,
    error_types: Vec<Option<&'a str>>,
    first_times: Vec<i64>,
    first_ids: Vec<Uuid>,
    first_releases: Vec<Option<&'a str>>,
    last_times: Vec<i64>,
    last_ids: Vec<Uuid>,
    last_releases: Vec<Option<&'a str>>,
    counts: Vec<i64>,
    ingredients: Vec<String>,
    search_texts: Vec<String>,
}

#[derive(Default)]
struct TraitRows<'a> {
    ticket_ids: Vec<Uuid>,
    occurrence_ids: Vec<Uuid>,
    times: Vec<i64>,
    types: Vec<i64>,
    names: Vec<&'a str>,
    values: Vec<Vec<u8>>,
}

impl<'a> Rows<'a> {
    pub(super) fn add(&mut self, id: TicketId, occurrences: &[&'a NewOccurrence]) -> Result<()> {
        let ticket_id = uuid_of(id);
        let mut hours = BTreeMap::<i64, u64>::new();
        let mut seen = BTreeSet::new();
        // Two writers with the same occurrences insert them in the same order.
        let mut by_id = occurrences.to_vec();
        by_id.sort_unstable_by_key(|new| new.record().id);
        for new in by_id {
            let record = new.record();
            let (id, time) = (*record.id.as_uuid(), record.time.as_micros());
            let event_type = type_key(&record.app_id, &record.channel);
            self.ticket_ids.push(ticket_id);
            self.ids.push(id);
            self.times.push(time);
            self.types.push(event_type);
            self.app_ids.push(&record.app_id);
            self.channels.push(&record.channel);
            self.repeats.push(new.repeats().into());
            self.payloads.push(to_json(record)?);
            for (name, value) in &record.traits {
                self.traits.ticket_ids.push(ticket_id);
                self.traits.occurrence_ids.push(id);
                self.traits.times.push(time);
                self.traits.types.push(event_type);
                self.traits.names.push(name);
                self.traits.values.push(value_key(value));
            }
            *hours.entry(record.time.hour()).or_default() += u64::from(new.repeats());
            seen.insert((record.release.as_deref(), record.environment.as_deref()));
        }
        for (hour, count) in hours {
            self.hours.0.push(ticket_id);
            self.hours.1.push(hour);
            self.hours.2.push(to_i64(count));
        }
        for (release, environment) in seen {
            self.seen.0.push(ticket_id);
            self.seen.1.push(seen_text(release));
            self.seen.2.push(seen_text(environment));
        }
        self.tickets.add(ticket_id, occurrences)
    }

    pub(super) fn params<'b>(&'b self, batch: &'b Uuid) -> [Param<'b>; 42] {
        let (tickets, traits) = (&self.tickets, &self.traits);
        [
            (&self.ticket_ids, Type::UUID_ARRAY),
            (&self.ids, Type::UUID_ARRAY),
            (&self.times, Type::INT8_ARRAY),
            (&self.types, Type::INT8_ARRAY),
            (&self.app_ids, Type::TEXT_ARRAY),
            (&self.channels, Type::TEXT_ARRAY),
            (&self.repeats, Type::INT8_ARRAY),
            (&self.payloads, Type::TEXT_ARRAY),
            (&tickets.ids, Type::UUID_ARRAY),
            (&tickets.numbers, Type::INT8_ARRAY),
            (&tickets.app_ids, Type::TEXT_ARRAY),
            (&tickets.levels, Type::INT2_ARRAY),
            (&tickets.channels, Type::TEXT_ARRAY),
            (&tickets.messages, Type::TEXT_ARRAY),
            (&tickets.files, Type::TEXT_ARRAY),
            (&tickets.lines, Type::INT8_ARRAY),
            (&tickets.modules, Type::TEXT_ARRAY),
            (&tickets.functions, Type::TEXT_ARRAY),
            (&tickets.error_types, Type::TEXT_ARRAY),
            (&tickets.first_times, Type::INT8_ARRAY),
            (&tickets.first_ids, Type::UUID_ARRAY),
            (&tickets.first_releases, Type::TEXT_ARRAY),
            (&tickets.last_times, Type::INT8_ARRAY),
            (&tickets.last_ids, Type::UUID_ARRAY),
            (&tickets.last_releases, Type::TEXT_ARRAY),
            (&tickets.counts, Type::INT8_ARRAY),
            (&tickets.ingredients, Type::TEXT_ARRAY),
            (&tickets.search_texts, Type::TEXT_ARRAY),
            (&self.hours.0, Type::UUID_ARRAY),
            (&self.hours.1, Type::INT8_ARRAY),
            (&self.hours.2, Type::INT8_ARRAY),
            (&self.seen.0, Type::UUID_ARRAY),
            (&self.seen.1, Type::TEXT_ARRAY),
            (&self.seen.2, Type::TEXT_ARRAY),
            (&traits.ticket_ids, Type::UUID_ARRAY),
            (&traits.occurrence_ids, Type::UUID_ARRAY),
            (&traits.times, Type::INT8_ARRAY),
            (&traits.types, Type::INT8_ARRAY),
            (&traits.names, Type::TEXT_ARRAY),
            (&traits.values, Type::BYTEA_ARRAY),
            (batch, Type::UUID),
            (&crate::schema::CURRENT, Type::INT4),
        ]
    }
}

impl<'a> TicketRows<'a> {
    fn add(&mut self, id: Uuid, occurrences: &[&'a NewOccurrence]) -> Result<()> {
        let first = occurrences.iter().min_by_key(|new| new.age_key());
        let last = occurrences.iter().max_by_key(|new| new.age_key());
        let (Some(first), Some(last)) = (first, last) else {
            return Err(corrupt("a ticket without occurrences"));
        };
        let (first, record, location) = (first.record(), last.record(), &last.record().location);
        self.ids.push(id);
        self.numbers.push(to_i64(occurrences.len()));
        self.app_ids.push(&record.app_id);
        self.levels.push(record.level.as_u8().into());
        self.channels.push(&record.channel);
        self.messages.push(&record.message);
        self.files.push(location.file.as_deref());
        self.lines.push(location.line.map(i64::from));
        self.modules.push(location.module.as_deref());
        self.functions.push(location.function.as_deref());
        self.error_types.push(record.error_type());
        self.first_times.push(first.time.as_micros());
        self.first_ids.push(*first.id.as_uuid());
        self.first_releases.push(first.release.as_deref());
        self.last_times.push(record.time.as_micros());
        self.last_ids.push(*record.id.as_uuid());
        self.last_releases.push(record.release.as_deref());
        self.counts.push(to_i64(repeats(occurrences)));
        // Of those that came with it, the ticket shows the ingredients of the one that was there first.
        self.ingredients.push(to_json(occurrences[0].ingredients())?);
        self.search_texts.push(last.search_text());
        Ok(())
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| corrupt("a record").with_source(error))
}

/// How many records these stand for.
pub(super) fn repeats(occurrences: &[&NewOccurrence]) -> u64 {
    occurrences.iter().map(|new| u64::from(new.repeats())).sum()
}

/// A release or an environment as a part of a key, which cannot hold a null.
pub(super) fn seen_text(text: Option<&str>) -> String {
    text.map(|text| format!("={text}")).unwrap_or_default()
}
