//! The version of the tables: creating, migrating and checking them (rule 24).

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};
use ticket_core::Occurrence;
use ticket_core::backend::check_schema_version;

use crate::BACKEND;
use crate::error::{Answer, Failure};
use crate::tables::{Tables, id_key, ticket_key};

/// The version of the tables that this program uses.
const CURRENT: i64 = 2;

/// The version of the tables in the file, under the key `version`.
const META: TableDefinition<'_, &str, i64> = TableDefinition::new("meta");

/// Fails unless the tables have the current version.
pub(crate) fn check(version: i64) -> Answer<()> {
    Ok(check_schema_version(BACKEND, "tables", version, CURRENT)?)
}

/// Returns the error of a change in a store that was never set up.
pub(crate) fn missing() -> Failure {
    Failure(check_schema_version(BACKEND, "tables", 0, CURRENT).unwrap_err())
}

/// Returns the version, or 0 if the store was never set up.
pub(crate) fn version(transaction: &ReadTransaction) -> Answer<i64> {
    match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get("version")?.map_or(0, |version| version.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Returns the version that a transaction sees which is about to write.
pub(crate) fn version_to_write(transaction: &WriteTransaction) -> Answer<i64> {
    let meta = transaction.open_table(META)?;
    Ok(meta.get("version")?.map_or(0, |version| version.value()))
}

/// Brings the tables to the current version. redb has one writer at a time, which is all the lock this takes.
pub(crate) fn set_up(transaction: &WriteTransaction) -> Answer<()> {
    let found = version_to_write(transaction)?;
    if found == CURRENT {
        return Ok(());
    }
    if found > CURRENT {
        return check(found);
    }
    // Opening a table creates it, so this is all that an empty file needs.
    let mut tables = Tables::open(transaction)?;
    if found == 1 {
        for row in tables.occurrences.iter()? {
            let Occurrence { ticket_id, record, .. } = serde_json::from_slice(row?.1.value())?;
            if let Some(external_id) = &record.external_id {
                let (time, id) = (record.time.as_micros(), id_key(record.id));
                tables.external.insert((&**external_id, time, id, ticket_key(ticket_id)), ())?;
            }
        }
    }
    transaction.open_table(META)?.insert("version", CURRENT)?;
    Ok(())
}
