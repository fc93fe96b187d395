//! The tables of the file, and the reading that all calls share.
//!
//! Ids are stored as their bytes, which sort like the ids, and times as microseconds. Tickets and occurrences are JSON, in
//! which all types of `ticket-core` are lossless.

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, TableError, Value,
    WriteTransaction,
};
use serde_json::from_slice;
use ticket_core::backend::{EventPosition, StoredTicket};
use ticket_core::{Occurrence, OccurrenceId, TicketId, Timestamp};

use crate::error::Answer;

type Id = &'static [u8; 16];
type Json = &'static [u8];

/// The bounds of all ids.
const FIRST: &[u8; 16] = &[0; 16];
const LAST: &[u8; 16] = &[u8::MAX; 16];

/// A transaction. redb has a type of tables for each of its two kinds.
pub(crate) trait Transaction: Copy {
    type Table<K: Key + 'static, V: Value + 'static>: ReadableTable<K, V>;

    /// Opens a table, which a transaction that writes creates if it has to.
    fn table<K: Key + 'static, V: Value + 'static>(
        self,
        name: &str,
    ) -> Result<Self::Table<K, V>, TableError>;
}

impl Transaction for &ReadTransaction {
    type Table<K: Key + 'static, V: Value + 'static> = ReadOnlyTable<K, V>;

    fn table<K: Key + 'static, V: Value + 'static>(
        self,
        name: &str,
    ) -> Result<Self::Table<K, V>, TableError> {
        self.open_table(TableDefinition::new(name))
    }
}

impl<'t> Transaction for &'t WriteTransaction {
    type Table<K: Key + 'static, V: Value + 'static> = Table<'t, K, V>;

    fn table<K: Key + 'static, V: Value + 'static>(
        self,
        name: &str,
    ) -> Result<Self::Table<K, V>, TableError> {
        self.open_table(TableDefinition::new(name))
    }
}

/// All tables, opened in a transaction of the kind `T`.
pub(crate) struct Tables<T: Transaction> {
    /// [`StoredTicket`]s.
    pub(crate) tickets: T::Table<Id, Json>,
    /// The time and the rest of each [`Occurrence`], by ticket and id. An id counts once within its ticket (rule 2).
    pub(crate) occurrences: T::Table<(Id, Id), (i64, Json)>,
    /// The time, id and ticket of all occurrences, oldest first: once under `None`, and once more under their external
    /// id if they have one. Version 1 of the schema had the entries under `None` only.
    pub(crate) events: T::Table<(Option<&'static str>, i64, Id, Id), ()>,
    /// The tickets that were merged, and the tickets that have their occurrences now.
    pub(crate) merged: T::Table<Id, Id>,
    /// The position up to which each source was read, and when.
    pub(crate) positions: T::Table<&'static str, (&'static str, i64)>,
    /// The holder of each lease, and until when it has it.
    pub(crate) leases: T::Table<&'static str, (&'static str, i64)>,
}

pub(crate) type Reader<'t> = Tables<&'t ReadTransaction>;
pub(crate) type Writer<'t> = Tables<&'t WriteTransaction>;

impl<T: Transaction> Tables<T> {
    pub(crate) fn open(transaction: T) -> Answer<Self> {
        Ok(Self {
            tickets: transaction.table("tickets")?,
            occurrences: transaction.table("occurrences")?,
            events: transaction.table("events")?,
            merged: transaction.table("merged")?,
            positions: transaction.table("positions")?,
            leases: transaction.table("leases")?,
        })
    }

    pub(crate) fn ticket(&self, id: TicketId) -> Answer<Option<StoredTicket>> {
        Ok(self.tickets.get(id.as_bytes())?.map(|json| from_slice(json.value())).transpose()?)
    }

    /// Returns all tickets of an application, or of all of them.
    pub(crate) fn tickets_of(&self, app_id: Option<&str>) -> Answer<Vec<StoredTicket>> {
        let mut found = Vec::new();
        for row in self.tickets.iter()? {
            let stored: StoredTicket = from_slice(row?.1.value())?;
            if app_id.is_none_or(|app_id| app_id == stored.ticket.app_id) {
                found.push(stored);
            }
        }
        Ok(found)
    }

    pub(crate) fn occurrence(&self, at: EventPosition) -> Answer<Option<Occurrence>> {
        let found = self.occurrences.get((at.ticket_id.as_bytes(), at.id.as_bytes()))?;
        Ok(found.map(|found| from_slice(found.value().1)).transpose()?)
    }

    /// Returns the positions of a ticket's occurrences, oldest first.
    pub(crate) fn occurrences_of(&self, ticket: TicketId) -> Answer<Vec<EventPosition>> {
        let keys = (ticket.as_bytes(), FIRST)..=(ticket.as_bytes(), LAST);
        let mut found = Vec::new();
        for row in self.occurrences.range(keys)? {
            let (key, value) = row?;
            found.push(position(value.value().0, key.value().1, ticket.as_bytes()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Returns the positions of the events with an external id, or of all, oldest first.
    pub(crate) fn events_between(
        &self,
        external_id: Option<&str>,
        since: Timestamp,
        until: Timestamp,
    ) -> Answer<Vec<EventPosition>> {
        let (since, until) = (since.as_micros(), until.as_micros());
        if since > until {
            return Ok(Vec::new());
        }
        let keys = (external_id, since, FIRST, FIRST)..=(external_id, until, LAST, LAST);
        let rows = self.events.range(keys)?.map(|row| {
            let (key, _) = row?;
            let (_, time, id, ticket) = key.value();
            Ok(position(time, id, ticket))
        });
        rows.collect()
    }
}

fn position(time: i64, id: &[u8; 16], ticket: &[u8; 16]) -> EventPosition {
    EventPosition {
        time: Timestamp::from_micros(time),
        id: OccurrenceId::from_bytes(*id),
        ticket_id: TicketId::from_bytes(*ticket),
    }
}
