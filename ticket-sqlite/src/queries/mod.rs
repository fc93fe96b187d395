//! All statements except those that create the tables.

mod events;
#[cfg(test)]
mod explain;
mod histogram;
mod history;
mod leads;
mod leases;
mod merge;
mod occurrences;
mod positions;
mod prune;
mod record;
mod reports;
mod status;
mod tickets;
mod traits;
mod walk;

use rusqlite::{CachedStatement, TransactionBehavior};
use ticket_core::Result;

pub(crate) use self::events::get_events;
pub(crate) use self::histogram::count_occurrences;
pub(crate) use self::history::{add_note, get_history};
pub(crate) use self::leases::lease;
pub(crate) use self::merge::{merge_tickets, unmerge_ticket};
pub(crate) use self::occurrences::get_occurrences;
pub(crate) use self::positions::read_position;
pub(crate) use self::prune::{Expiring, Keeping, clear, delete_ticket, purge_deleted};
pub(crate) use self::record::record_tickets;
pub(crate) use self::reports::{get_reports, report_process, store_info};
pub(crate) use self::status::set_status;
pub(crate) use self::tickets::{count_tickets, get_releases, get_ticket, get_tickets};
pub(crate) use self::traits::{event_types, get_traits, trait_types};

use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::interner::Interner;
use crate::names::Names;

/// A write transaction. It holds the write lock, so what it reads stays true until it commits.
struct Writer<'a> {
    sqlite: &'a rusqlite::Connection,
    names: &'a Names,
    interner: &'a mut Interner,
}

impl<'a> Writer<'a> {
    fn prepare(&self, template: &str) -> Result<CachedStatement<'a>> {
        self.sqlite.prepare_cached(&self.names.sql(template)).map_err(from_sqlite)
    }

    /// Runs one statement and returns the number of rows it changed.
    fn execute(&self, template: &str, row: impl rusqlite::Params) -> Result<usize> {
        self.prepare(template)?.execute(row).map_err(from_sqlite)
    }
}

/// Runs `work` in one transaction.
fn write<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
) -> Result<T> {
    let result = in_transaction(connection, work);
    if result.is_err() {
        // The rollback has removed the numbers that the transaction added.
        connection.interner.forget();
    }
    result
}

fn in_transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
) -> Result<T> {
    // A deferred transaction that upgrades to writing fails at once if another connection wrote in
    // between; an immediate one waits for its turn.
    let transaction = connection
        .sqlite
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(from_sqlite)?;
    // A newer program may have migrated the tables since the last transaction.
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

/// Converts a number for SQLite, saturating at the largest `i64`.
fn to_i64(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
