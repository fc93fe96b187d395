//! Every statement but those that make the tables.

mod events;
#[cfg(test)]
mod explain;
mod histogram;
mod leads;
mod leases;
mod occurrences;
mod prune;
mod record;
mod status;
mod tickets;
mod traits;
mod walk;

use rusqlite::{CachedStatement, TransactionBehavior};
use ticket_core::Result;

pub(crate) use self::events::get_events;
pub(crate) use self::histogram::count_occurrences;
pub(crate) use self::leases::lease;
pub(crate) use self::occurrences::get_occurrences;
pub(crate) use self::prune::{Expiring, Keeping, clear, delete_ticket, purge_deleted};
pub(crate) use self::record::record_tickets;
pub(crate) use self::status::set_status;
pub(crate) use self::tickets::{count_tickets, get_ticket, get_tickets};
pub(crate) use self::traits::{event_types, get_traits, trait_types};

use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::interner::Interner;
use crate::names::Names;

/// A transaction that writes. Nobody else writes meanwhile, and what is read stays true.
struct Writer<'a> {
    sqlite: &'a rusqlite::Connection,
    names: &'a Names,
    interner: &'a mut Interner,
}

impl<'a> Writer<'a> {
    fn prepare(&self, template: &str) -> Result<CachedStatement<'a>> {
        self.sqlite.prepare_cached(&self.names.sql(template)).map_err(from_sqlite)
    }

    /// Carries out one statement and says how many rows it changed.
    fn execute(&self, template: &str, row: impl rusqlite::Params) -> Result<usize> {
        self.prepare(template)?.execute(row).map_err(from_sqlite)
    }
}

/// Writes in one transaction, whole or not at all.
fn write<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
) -> Result<T> {
    let result = in_transaction(connection, work);
    if result.is_err() {
        // Numbers that were made in it are not there.
        connection.interner.forget();
    }
    result
}

fn in_transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
) -> Result<T> {
    // To begin as a reader and to write later would fail at once when somebody else writes.
    let transaction = connection
        .sqlite
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(from_sqlite)?;
    // Another program may have replaced the tables by newer ones.
    connection.schema.require_current(&transaction)?;
    connection.interner.sync(&transaction)?;
    let mut writer = Writer {
        sqlite: &transaction,
        names: &connection.names,
        interner: &mut connection.interner,
    };
    let value = work(&mut writer)?;
    transaction.commit().map_err(from_sqlite)?;
    Ok(value)
}

/// A number as SQLite holds it; what is larger is as good as endless.
fn to_i64(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
