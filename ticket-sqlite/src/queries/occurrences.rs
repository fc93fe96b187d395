//! The occurrences of one ticket (rules 10 and 11), and what all readers of occurrences share.

use rusqlite::{Row, Rows, params};
use ticket_core::{
    Direction, EventPosition, Occurrence, OccurrenceId, OccurrenceQuery, Page, Result, TicketId,
    Timestamp,
};

use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::row::{OCCURRENCE_COLUMNS, get, occurrence, occurrence_id, time};

pub(crate) fn get_occurrences(
    connection: &Connection,
    id: TicketId,
    query: &OccurrenceQuery,
) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    let sql = connection.names.sql(&of_ticket(query.direction));
    let mut read = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let start = Start::new(query.direction, plan.after());
    let rows = read.query(params![id.as_bytes(), start.time, start.id]).map_err(from_sqlite)?;
    let mut reader = Reader::new(query.direction, plan.after(), query.offset, plan.fetch());
    reader.read(rows, |_| Ok(true), |row, _| occurrence(row))?;
    Ok(plan.page(reader.found))
}

/// ?1 is the ticket's id; the occurrences begin at the time ?2 and the id ?3.
pub(super) fn of_ticket(direction: Direction) -> String {
    let (from, order) = signs(direction);
    format!(
        "SELECT {OCCURRENCE_COLUMNS} FROM {{p}}tickets t CROSS JOIN {{p}}occurrences o \
         WHERE t.id = ?1 AND o.ticket = t.no AND (o.time, o.id) {from} (?2, ?3) \
         ORDER BY o.time {order}, o.id {order}"
    )
}

/// How to compare with the start, and the order.
pub(super) const fn signs(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Ascending => (">=", "ASC"),
        Direction::Descending => ("<=", "DESC"),
    }
}

/// Where in the order of time to begin: with the cursor's own place, which is passed over.
pub(super) struct Start {
    pub(super) time: i64,
    pub(super) id: [u8; 16],
}

impl Start {
    pub(super) fn new(direction: Direction, after: Option<&EventPosition>) -> Self {
        let (time, id) = match (after, direction) {
            (Some(after), _) => (after.time, *after.id.as_bytes()),
            (None, Direction::Ascending) => (Timestamp::MIN, [0; 16]),
            (None, Direction::Descending) => (Timestamp::MAX, [0xff; 16]),
        };
        Self { time: time.as_micros(), id }
    }
}

/// Takes what belongs on a page from rows in the order of time.
pub(super) struct Reader<'a, T> {
    direction: Direction,
    after: Option<&'a EventPosition>,
    pass_over: u64,
    wanted: usize,
    pub(super) found: Vec<T>,
}

impl<'a, T> Reader<'a, T> {
    pub(super) const fn new(
        direction: Direction,
        after: Option<&'a EventPosition>,
        pass_over: u64,
        wanted: usize,
    ) -> Self {
        Self { direction, after, pass_over, wanted, found: Vec::new() }
    }

    pub(super) const fn direction(&self) -> Direction {
        self.direction
    }

    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= self.wanted
    }

    /// Reads rows that begin with the time, the occurrence's id and the ticket's id: tests whether a row
    /// is meant, and makes of it what goes on the page.
    pub(super) fn read(
        &mut self,
        mut rows: Rows<'_>,
        mut is_meant: impl FnMut(&Row<'_>) -> Result<bool>,
        mut make: impl FnMut(&Row<'_>, EventPosition) -> Result<T>,
    ) -> Result<()> {
        while !self.is_full() {
            let Some(row) = rows.next().map_err(from_sqlite)? else { break };
            let position = position(row)?;
            let is_behind = |after| self.direction.apply(position.cmp(after)).is_gt();
            if !self.after.is_none_or(is_behind) || !is_meant(row)? {
                continue;
            }
            if self.pass_over > 0 {
                self.pass_over -= 1;
            } else {
                self.found.push(make(row, position)?);
            }
        }
        Ok(())
    }
}

fn position(row: &Row<'_>) -> Result<EventPosition> {
    let id: OccurrenceId = occurrence_id(row, 1)?;
    Ok(EventPosition { time: time(row, 0)?, id, ticket_id: TicketId::from_bytes(get(row, 2)?) })
}
