//! Numbers in place of names that nearly every occurrence repeats: event types and trait names.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use ticket_core::{Result, ValueKind};

use crate::error::from_sqlite;
use crate::names::Names;

/// The limit on remembered names, because producers can invent names without end.
const CAPACITY: usize = 20_000;

const FIND_TYPE: &str = "SELECT no FROM {p}event_types WHERE channel = ?1 AND app_id = ?2";
const ADD_TYPE: &str = "INSERT INTO {p}event_types (channel, app_id) VALUES (?1, ?2)";
const FIND_KEY: &str = "SELECT no FROM {p}trait_keys WHERE type = ?1 AND name = ?2 AND kind = ?3";
const ADD_KEY: &str = "INSERT INTO {p}trait_keys (type, name, kind) VALUES (?1, ?2, ?3)";

/// The numbers that this connection knows.
///
/// A number is valid only while no other connection writes: a name is deleted with its last use,
/// and SQLite may give its number to another name. So every transaction begins with
/// [`sync`](Self::sync), and whoever deletes names or rolls back calls [`forget`](Self::forget).
#[derive(Debug, Default)]
pub(crate) struct Interner {
    data_version: Option<i64>,
    size: usize,
    /// By application, then by channel.
    types: HashMap<String, HashMap<String, EventType>>,
}

#[derive(Debug)]
struct EventType {
    no: i64,
    keys: HashMap<String, Vec<(ValueKind, i64)>>,
}

impl Interner {
    /// Forgets everything if another connection has written to the file since the last call.
    pub(crate) fn sync(&mut self, connection: &Connection) -> Result<()> {
        let mut read = connection.prepare_cached("PRAGMA data_version").map_err(from_sqlite)?;
        let version: i64 = read.query_row([], |row| row.get(0)).map_err(from_sqlite)?;
        if self.data_version != Some(version) || self.size > CAPACITY {
            self.forget();
            self.data_version = Some(version);
        }
        Ok(())
    }

    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Returns the number of an event type, adding it if it is new.
    pub(crate) fn type_no(
        &mut self,
        connection: &Connection,
        names: &Names,
        app_id: &str,
        channel: &str,
    ) -> Result<i64> {
        if let Some(known) = self.types.get(app_id).and_then(|types| types.get(channel)) {
            return Ok(known.no);
        }
        let no = find_or_add(connection, names, [FIND_TYPE, ADD_TYPE], params![channel, app_id])?;
        let event_type = EventType { no, keys: HashMap::new() };
        self.types.entry(app_id.to_owned()).or_default().insert(channel.to_owned(), event_type);
        self.size += 1;
        Ok(no)
    }

    /// Returns the number of a trait's name and kind under an event type, adding it if it is new.
    pub(crate) fn key_no(
        &mut self,
        connection: &Connection,
        names: &Names,
        (app_id, channel): (&str, &str),
        name: &str,
        kind: ValueKind,
    ) -> Result<i64> {
        let type_no = self.type_no(connection, names, app_id, channel)?;
        let known = self.types.get_mut(app_id).and_then(|types| types.get_mut(channel));
        let mut keys = known.map(|known| &mut known.keys);
        let of_name = keys.as_ref().and_then(|keys| keys.get(name));
        if let Some((_, no)) =
            of_name.and_then(|keys| keys.iter().find(|(known, _)| *known == kind))
        {
            return Ok(*no);
        }
        let row = params![type_no, name, kind.as_u8()];
        let no = find_or_add(connection, names, [FIND_KEY, ADD_KEY], row)?;
        if let Some(keys) = &mut keys {
            keys.entry(name.to_owned()).or_default().push((kind, no));
            self.size += 1;
        }
        Ok(no)
    }
}

fn find_or_add(
    connection: &Connection,
    names: &Names,
    [find, add]: [&str; 2],
    row: &[&dyn rusqlite::ToSql],
) -> Result<i64> {
    let mut find = connection.prepare_cached(&names.sql(find)).map_err(from_sqlite)?;
    if let Some(no) = find.query_row(row, |row| row.get(0)).optional().map_err(from_sqlite)? {
        return Ok(no);
    }
    let mut add = connection.prepare_cached(&names.sql(add)).map_err(from_sqlite)?;
    add.execute(row).map_err(from_sqlite)?;
    Ok(connection.last_insert_rowid())
}
