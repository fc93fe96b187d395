//! The version of the tables: creating, migrating and checking them (rule 24).

use redb::{ReadableTable, TableError, WriteTransaction};
use ticket_core::Occurrence;
use ticket_core::backend::check_schema_version;

use crate::BACKEND;
use crate::error::Answer;
use crate::tables::{Tables, Transaction};

/// The version of the tables that this program uses.
pub(crate) const CURRENT: i64 = 2;

/// The table with the version of the tables in the file, and its key there.
const META: &str = "meta";
const VERSION: &str = "version";

/// Fails unless the tables have the current version.
pub(crate) fn check(version: i64) -> Answer<()> {
    Ok(check_schema_version(BACKEND, "tables", version, CURRENT)?)
}

/// Returns the version, or 0 if the store was never set up.
pub(crate) fn version(transaction: impl Transaction) -> Answer<i64> {
    match transaction.table::<&str, i64>(META) {
        Ok(meta) => Ok(meta.get(VERSION)?.map_or(0, |version| version.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Brings the tables to the current version. redb has one writer at a time, which is all the lock this takes.
pub(crate) fn set_up(transaction: &WriteTransaction) -> Answer<()> {
    let found = version(transaction)?;
    if found >= CURRENT {
        return check(found);
    }
    // Opening a table creates it, so this is all that an empty file needs.
    let mut tables = Tables::open(transaction)?;
    if found == 1 {
        for row in tables.occurrences.iter()? {
            let Occurrence { ticket_id, record, .. } = serde_json::from_slice(row?.1.value().1)?;
            if let Some(external_id) = &record.external_id {
                let (time, id) = (record.time.as_micros(), record.id.as_bytes());
                let key = (Some(&**external_id), time, id, ticket_id.as_bytes());
                tables.events.insert(key, ())?;
            }
        }
    }
    transaction.table::<&str, i64>(META)?.insert(VERSION, CURRENT)?;
    Ok(())
}
