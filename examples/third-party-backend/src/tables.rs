//! The tables of the file, and how ids and times become keys.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use serde_json::from_slice;
use ticket_core::backend::EventPosition;
use ticket_core::{HistoryEntry, Occurrence, OccurrenceId, Ticket, TicketId, Timestamp};

use crate::error::Answer;

/// The bytes of a ticket's id. As a number they sort like the ids.
pub(crate) type TicketKey = u128;

/// A time in microseconds, an occurrence's id, and its ticket: the order of events.
pub(crate) type EventKey = (i64, u128, TicketKey);

/// What is stored as JSON, in which all types of `ticket-core` are lossless.
type Json = &'static [u8];

macro_rules! tables {
    ($($(#[$docs:meta])* $name:ident, $field:ident: $key:ty => $value:ty;)*) => {
        $($(#[$docs])* pub(crate) const $name: TableDefinition<'_, $key, $value> =
            TableDefinition::new(stringify!($field));)*

        /// All tables, open for writing: redb opens each of them once in a transaction.
        pub(crate) struct Tables<'t> {
            $($(#[$docs])* pub(crate) $field: Table<'t, $key, $value>,)*
        }

        impl<'t> Tables<'t> {
            pub(crate) fn open(transaction: &'t WriteTransaction) -> Answer<Self> {
                Ok(Self { $($field: transaction.open_table($name)?,)* })
            }

            /// Deletes everything but leases (rule 20).
            pub(crate) fn clear(&mut self) -> Answer<()> {
                $(if stringify!($field) != "leases" {
                    self.$field.retain(|_, _| false)?;
                })*
                Ok(())
            }
        }
    };
}

tables! {
    /// [`Stored`] tickets.
    TICKETS, tickets: TicketKey => Json;
    /// [`Occurrence`]s, unique by ticket and id.
    OCCURRENCES, occurrences: (TicketKey, u128) => Json;
    /// The occurrences of each ticket by age.
    AGES, ages: (TicketKey, i64, u128) => ();
    /// The occurrences of all tickets by age.
    EVENTS, events: EventKey => ();
    /// The occurrences that have an external id. Version 1 of the schema did not have this table.
    EXTERNAL, external: (&'static str, i64, u128, TicketKey) => ();
    /// The tickets that were merged, and the tickets that have their occurrences now.
    MERGED, merged: TicketKey => TicketKey;
    /// The position up to which each source was read, and when.
    POSITIONS, positions: &'static str => (&'static str, i64);
    /// The holder of each lease, and until when it has it.
    LEASES, leases: &'static str => (&'static str, i64);
}

/// A ticket with everything that is deleted along with it, except for its occurrences.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) ticket: Ticket,
    /// The first and the newest occurrence, stored or pruned.
    pub(crate) first: (Timestamp, OccurrenceId),
    pub(crate) last: (Timestamp, OccurrenceId),
    /// The search text of the newest occurrence.
    pub(crate) search_text: String,
    /// The pairs of release and environment of all records, and the counts per hour. Pruning keeps both.
    pub(crate) seen: BTreeSet<(Option<String>, Option<String>)>,
    pub(crate) hours: BTreeMap<i64, u64>,
    /// The newest entries of the history, oldest first.
    pub(crate) history: VecDeque<HistoryEntry>,
}

impl Stored {
    pub(crate) fn key(&self) -> TicketKey {
        ticket_key(self.ticket.id)
    }

    /// Returns the ticket as queries do: with the status that it has now.
    pub(crate) fn now(self) -> Ticket {
        let status = self.ticket.status.effective(Timestamp::now());
        Ticket { status, ..self.ticket }
    }
}

pub(crate) fn ticket_key(id: TicketId) -> TicketKey {
    u128::from_be_bytes(*id.as_bytes())
}

pub(crate) fn ticket_id(key: TicketKey) -> TicketId {
    TicketId::from_bytes(key.to_be_bytes())
}

pub(crate) fn id_key(id: OccurrenceId) -> u128 {
    u128::from_be_bytes(*id.as_bytes())
}

pub(crate) fn event_key(at: &EventPosition) -> EventKey {
    (at.time.as_micros(), id_key(at.id), ticket_key(at.ticket_id))
}

/// The keys of everything that belongs to a ticket in a table whose keys begin with it.
pub(crate) fn ages_of(ticket: TicketKey) -> std::ops::RangeInclusive<(TicketKey, i64, u128)> {
    (ticket, i64::MIN, 0)..=(ticket, i64::MAX, u128::MAX)
}

pub(crate) fn ticket_of(
    tickets: &impl ReadableTable<TicketKey, Json>,
    key: TicketKey,
) -> Answer<Option<Stored>> {
    Ok(tickets.get(key)?.map(|json| from_slice(json.value())).transpose()?)
}

/// Returns all tickets of an application, or of all of them.
pub(crate) fn tickets_of(
    tickets: &impl ReadableTable<TicketKey, Json>,
    app_id: Option<&str>,
) -> Answer<Vec<Stored>> {
    let all = tickets.range::<TicketKey>(..)?.map(|row| Ok(from_slice::<Stored>(row?.1.value())?));
    let of_app = |stored: &Stored| app_id.is_none_or(|app_id| app_id == stored.ticket.app_id);
    all.filter(|stored| stored.as_ref().is_ok_and(of_app) || stored.is_err()).collect()
}

pub(crate) fn occurrence_of(
    occurrences: &impl ReadableTable<(TicketKey, u128), Json>,
    ticket: TicketKey,
    id: u128,
) -> Answer<Option<Occurrence>> {
    Ok(occurrences.get((ticket, id))?.map(|json| from_slice(json.value())).transpose()?)
}
