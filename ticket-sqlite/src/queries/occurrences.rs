//! The occurrences of one ticket (rules 10 and 11), and the reader that all queries for occurrences
//! share.

use rusqlite::{Row, Rows, params};
use ticket_core::backend::{EventPosition, Tally};
use ticket_core::{
    Clause, Direction, Occurrence, OccurrenceId, OccurrenceQuery, Page, Result, TicketId, Timestamp,
};

use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::row::{OCCURRENCE_COLUMNS, get, occurrence, occurrence_id, tested, time};

pub(crate) fn get_occurrences(
    connection: &Connection,
    id: TicketId,
    query: &OccurrenceQuery,
) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    let sql = connection.names.sql(&of_ticket(query.direction));
    let mut read = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let start = Start::new(query.direction, plan.after());
    let mut rows = read.query(params![id.as_bytes(), start.time, start.id]).map_err(from_sqlite)?;
    let mut reader = Reader::new(query.direction, plan.after(), plan.offset(), plan.fetch());
    reader.read(&mut rows, usize::MAX, |row, _| occurrence(row).map(Some))?;
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

/// The operator for comparing with the start, and the SQL keyword of the order.
pub(super) const fn signs(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Ascending => (">=", "ASC"),
        Direction::Descending => ("<=", "DESC"),
    }
}

/// The position in the order of time at which to start. With a cursor it is the cursor's own
/// position, and the reader skips that row.
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

/// Collects the answers of a page from rows in the order of time.
pub(super) struct Reader<'a, T> {
    direction: Direction,
    /// The last position that is done: the cursor's, then that of the row read last.
    pub(super) after: Option<EventPosition>,
    skip: u64,
    wanted: usize,
    pub(super) tally: Tally<'a>,
    pub(super) found: Vec<T>,
}

impl<'a, T> Reader<'a, T> {
    pub(super) fn new(
        direction: Direction,
        after: Option<&EventPosition>,
        skip: u64,
        wanted: usize,
    ) -> Self {
        Self {
            direction,
            after: after.copied(),
            skip,
            wanted,
            tally: Tally::new(&[]),
            found: Vec::new(),
        }
    }

    pub(super) fn testing(mut self, clauses: &'a [Clause]) -> Self {
        self.tally = Tally::new(clauses);
        self
    }

    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= self.wanted
    }

    /// Reads rows until the page is full or `until` rows have been tested in all, and returns
    /// `true` if there may be more. Each row starts with the time, the occurrence id and the ticket
    /// id. `make` returns `None` for a row that contributes nothing.
    pub(super) fn read(
        &mut self,
        rows: &mut Rows<'_>,
        until: usize,
        mut make: impl FnMut(&Row<'_>, EventPosition) -> Result<Option<T>>,
    ) -> Result<bool> {
        while !self.is_full() && self.tally.tested() < until {
            let Some(row) = rows.next().map_err(from_sqlite)? else { return Ok(false) };
            let position = position(row)?;
            let is_behind = |after| self.direction.apply(position.cmp(after)).is_gt();
            if !self.after.as_ref().is_none_or(is_behind) {
                continue;
            }
            self.after = Some(position);
            if !self.is_meant(row)? {
                continue;
            }
            if self.skip > 0 {
                self.skip -= 1;
            } else {
                self.found.extend(make(row, position)?);
            }
        }
        Ok(!self.is_full())
    }

    fn is_meant(&mut self, row: &Row<'_>) -> Result<bool> {
        Ok(self.tally.clauses().is_empty() || self.tally.test(&tested(row, 4)?))
    }

    /// Returns how many more matching events are needed, those to skip included.
    pub(super) fn missing(&self) -> usize {
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        self.wanted.saturating_sub(self.found.len()).saturating_add(skip)
    }
}

fn position(row: &Row<'_>) -> Result<EventPosition> {
    let id: OccurrenceId = occurrence_id(row, 1)?;
    Ok(EventPosition { time: time(row, 0)?, id, ticket_id: TicketId::from_bytes(get(row, 2)?) })
}
