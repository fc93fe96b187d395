//! Questions about tickets (rules 10 to 14).

use rusqlite::ToSql;
use ticket_core::backend::SortKey;
use ticket_core::{
    Direction, Page, Result, StatusKind, Ticket, TicketFilter, TicketId, TicketQuery, TicketSort,
    Timestamp,
};

use super::to_i64;
use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::names::Names;
use crate::row::{self, TICKET_COLUMNS, ticket};

/// So many of an order's first tickets are looked at, to see how many of them a filter finds …
const SAMPLE: u64 = 300;
/// … and if a page would be full only after more than so many, the order is not followed.
const FAR: u64 = 20_000;

/// A statement and what its named parameters stand for.
pub(super) struct Statement {
    pub(super) sql: String,
    values: Vec<(&'static str, Box<dyn ToSql>)>,
}

impl Statement {
    fn named(&self) -> Vec<(&str, &dyn ToSql)> {
        self.values.iter().map(|(name, value)| (*name, &**value)).collect()
    }
}

pub(crate) fn get_ticket(connection: &Connection, id: TicketId) -> Result<Option<Ticket>> {
    let found = find_ticket(&connection.sqlite, &connection.names, id)?;
    Ok(found.map(|ticket| at(ticket, Timestamp::now())))
}

/// A ticket with its status as it was set.
pub(super) fn find_ticket(
    sqlite: &rusqlite::Connection,
    names: &Names,
    id: TicketId,
) -> Result<Option<Ticket>> {
    let sql = names.sql(&format!("SELECT {TICKET_COLUMNS} FROM {{p}}tickets t WHERE t.id = ?1"));
    let mut find = sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let mut rows = find.query([id.as_bytes()]).map_err(from_sqlite)?;
    rows.next().map_err(from_sqlite)?.map(ticket).transpose()
}

pub(crate) fn get_tickets(connection: &Connection, query: &TicketQuery) -> Result<Page<Ticket>> {
    let (plan, now) = (query.plan()?, Timestamp::now());
    let along = if finds_little(connection, query, now)? { Along::Table } else { Along::Order };
    let statement = list(&connection.names, query, now, along)?;
    let mut read = connection.sqlite.prepare_cached(&statement.sql).map_err(from_sqlite)?;
    let mut rows = read.query(&*statement.named()).map_err(from_sqlite)?;
    let mut tickets = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        tickets.push(at(ticket(row)?, now));
    }
    Ok(plan.page(tickets))
}

pub(crate) fn count_tickets(connection: &Connection, filter: &TicketFilter) -> Result<u64> {
    let statement = count(&connection.names, filter, Timestamp::now());
    let mut read = connection.sqlite.prepare_cached(&statement.sql).map_err(from_sqlite)?;
    let mut rows = read.query(&*statement.named()).map_err(from_sqlite)?;
    rows.next().map_err(from_sqlite)?.map_or(Ok(0), |row| row::count(row, 0))
}

/// Whether a page would have to go far along its order, judging by the first tickets of it.
fn finds_little(connection: &Connection, query: &TicketQuery, now: Timestamp) -> Result<bool> {
    let Some(statement) = sample(&connection.names, query, now)? else { return Ok(false) };
    let mut read = connection.sqlite.prepare_cached(&statement.sql).map_err(from_sqlite)?;
    let mut rows = read.query(&*statement.named()).map_err(from_sqlite)?;
    let Some(row) = rows.next().map_err(from_sqlite)? else { return Ok(false) };
    let (looked_at, found) = (row::count(row, 0)?, row::count(row, 1)?);
    let wanted = query.offset().saturating_add(u64::from(query.limit()));
    Ok(looked_at == SAMPLE && wanted.saturating_mul(SAMPLE) > FAR * found)
}

/// The ticket with its status as it is at the time `now`.
fn at(ticket: Ticket, now: Timestamp) -> Ticket {
    Ticket { status: ticket.status.clone().effective(now), ..ticket }
}

/// What the statement of a page goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// The index of the order: it reads no more than the page needs, where the filter finds many.
    Order,
    /// The table, and sorts what it finds: where the filter finds few, to read all tickets one after
    /// the other is several times faster than to look each of them up.
    Table,
}

/// The statement of a page.
///
/// An index gives the order for one status, so that statuses are read side by side, as their own
/// ordered lists, and merged: SQLite reads no more of each than the page needs.
pub(super) fn list(
    names: &Names,
    query: &TicketQuery,
    now: Timestamp,
    along: Along,
) -> Result<Statement> {
    let plan = query.plan()?;
    let order = Order::of(query);
    let walk = match along {
        Along::Order => Walk::Order(order.column),
        Along::Table => Walk::Table,
    };
    let mut conditions = Conditions::new(&query.filter, now, walk);
    conditions.add_after(&order, query)?;
    let rows = conditions.rows(&format!("SELECT {TICKET_COLUMNS} FROM {{p}}tickets t"));
    let Order { position, direction, .. } = order;
    let sql = format!(
        "{rows} ORDER BY {position} {direction}, 1 {direction} LIMIT :limit OFFSET :offset"
    );
    let mut values = conditions.values;
    values.push((":limit", Box::new(to_i64(plan.fetch()))));
    values.push((":offset", Box::new(to_i64(plan.offset()))));
    Ok(Statement { sql: names.sql(&sql), values })
}

/// The statement that says how many of the first tickets of an order there are, and how many of
/// them a filter finds; none if whatever the order's index gives is found.
pub(super) fn sample(
    names: &Names,
    query: &TicketQuery,
    now: Timestamp,
) -> Result<Option<Statement>> {
    let order = Order::of(query);
    let mut conditions = Conditions::new(&query.filter, now, Walk::Order(order.column));
    if conditions.tests.is_empty() || query.filter.id_prefix.is_some() {
        return Ok(None);
    }
    conditions.add_after(&order, query)?;
    let tests = std::mem::take(&mut conditions.tests).join(" AND ");
    let Order { column, direction, .. } = order;
    let rows = conditions
        .rows(&format!("SELECT t.{column}, t.id, ({tests}) AS found FROM {{p}}tickets t"));
    let sql = format!(
        "SELECT count(*), coalesce(sum(found), 0) FROM \
         ({rows} ORDER BY 1 {direction}, 2 {direction} LIMIT {SAMPLE})"
    );
    Ok(Some(Statement { sql: names.sql(&sql), values: conditions.values }))
}

/// The statement of a count.
pub(super) fn count(names: &Names, filter: &TicketFilter, now: Timestamp) -> Statement {
    let conditions = Conditions::new(filter, now, Walk::Any);
    let branches = conditions.branches("SELECT count(*) FROM {p}tickets t");
    let sql = format!("SELECT ({})", branches.join(") + ("));
    Statement { sql: names.sql(&sql), values: conditions.values }
}

/// What a page is sorted by, and then by the id.
struct Order {
    column: &'static str,
    /// The column's place in [`TICKET_COLUMNS`], counted from 1.
    position: usize,
    direction: &'static str,
    /// How what comes after something compares to it.
    after: &'static str,
}

impl Order {
    const fn of(query: &TicketQuery) -> Self {
        let (column, position) = match query.sort {
            TicketSort::FirstOccurrence => ("first_time", 14),
            TicketSort::Count => ("count", 16),
            TicketSort::Level => ("level", 3),
            TicketSort::Channel => ("channel", 4),
            // Including those that this version does not know.
            _ => ("last_time", 15),
        };
        let (after, direction) = match query.direction {
            Direction::Ascending => (">", "ASC"),
            Direction::Descending => ("<", "DESC"),
        };
        Self { column, position, direction, after }
    }
}

/// Which index a statement goes along.
enum Walk {
    /// The one of an order. Other columns are hidden from SQLite's choice by a plus sign: it knows
    /// nothing of how many rows there are, and would rather sort them all.
    Order(&'static str),
    /// That of the ids, of which the few with a prefix are wanted.
    Id,
    /// None: all rows of the table, one after the other.
    Table,
    /// Whichever SQLite takes.
    Any,
}

impl Walk {
    fn plus(&self, column: &str) -> &'static str {
        let chosen = match self {
            Self::Order(order) => [*order, "app_id", "status"].contains(&column),
            Self::Id => column == "id",
            Self::Table => false,
            Self::Any => true,
        };
        if chosen { "" } else { "+" }
    }
}

struct Conditions {
    /// What the index holds, so that no row is read in vain for it.
    bounds: Vec<String>,
    /// What each row has to be read for.
    tests: Vec<String>,
    is_table: bool,
    statuses: Vec<String>,
    values: Vec<(&'static str, Box<dyn ToSql>)>,
}

impl Conditions {
    fn new(filter: &TicketFilter, now: Timestamp, walk: Walk) -> Self {
        let walk = if filter.id_prefix.is_some() { Walk::Id } else { walk };
        let mut this = Self {
            bounds: Vec::new(),
            tests: Vec::new(),
            is_table: matches!(walk, Walk::Table),
            statuses: statuses(filter.status, walk.plus("status")),
            values: Vec::new(),
        };
        if filter.status.is_some_and(|status| status != StatusKind::Solved) {
            this.values.push((":now", Box::new(now.as_micros())));
        }
        let mut add = |column: &str, test: &str, name: &'static str, value: Box<dyn ToSql>| {
            let plus = walk.plus(column);
            let texts = if plus.is_empty() { &mut this.bounds } else { &mut this.tests };
            texts.push(format!("{plus}t.{column} {test} {name}"));
            this.values.push((name, value));
        };
        if let Some(app_id) = &filter.app_id {
            add("app_id", "=", ":app_id", Box::new(app_id.clone()));
        }
        if let Some(level) = filter.min_level {
            add("level", ">=", ":level", Box::new(level.as_u8()));
        }
        if let Some(channel) = &filter.channel {
            add("channel", "=", ":channel", Box::new(channel.clone()));
        }
        if let Some(since) = filter.since {
            add("last_time", ">=", ":since", Box::new(since.as_micros()));
        }
        if let Some(until) = filter.until {
            add("first_time", "<=", ":until", Box::new(until.as_micros()));
        }
        if let Some(prefix) = filter.id_prefix {
            add("id", ">=", ":first", Box::new(*prefix.first().as_bytes()));
            add("id", "<=", ":last", Box::new(*prefix.last().as_bytes()));
        }
        if let Some(text) = &filter.search {
            this.tests.push("instr(t.search_text, :search) > 0".to_owned());
            this.values.push((":search", Box::new(text.clone())));
        }
        this.add_seen(filter);
        this
    }

    fn add_seen(&mut self, filter: &TicketFilter) {
        let asked = [
            ("release", ":release", &filter.release),
            ("environment", ":environment", &filter.environment),
        ];
        let mut tests = String::new();
        for (column, name, value) in asked {
            if let Some(value) = value {
                tests.push_str(&format!(" AND s.{column} = {name}"));
                self.values.push((name, Box::new(value.clone())));
            }
        }
        if !tests.is_empty() {
            self.tests
                .push(format!("EXISTS (SELECT 1 FROM {{p}}seen s WHERE s.ticket = t.no{tests})"));
        }
    }

    /// Only what comes after the query's cursor.
    fn add_after(&mut self, order: &Order, query: &TicketQuery) -> Result<()> {
        let plan = query.plan()?;
        let Some(after) = plan.after() else { return Ok(()) };
        let key: Box<dyn ToSql> = match &after.key {
            SortKey::Number(number) => Box::new(*number),
            SortKey::Text(text) => Box::new(text.clone()),
        };
        self.bounds.push(format!("(t.{}, t.id) {} (:key, :after)", order.column, order.after));
        self.values.push((":key", key));
        self.values.push((":after", Box::new(*after.id.as_bytes())));
        Ok(())
    }

    /// One statement for each stored status; one for all of them if it reads the whole table.
    fn branches(&self, select: &str) -> Vec<String> {
        let others: String =
            self.bounds.iter().chain(&self.tests).map(|text| format!(" AND {text}")).collect();
        let of = |status: &str| format!("{select} WHERE {status}{others}");
        if self.is_table {
            return vec![of(&format!("({})", self.statuses.join(" OR ")))];
        }
        self.statuses.iter().map(|status| of(status)).collect()
    }

    /// The rows of all statuses.
    fn rows(&self, select: &str) -> String {
        self.branches(select).join(" UNION ALL ")
    }
}

/// The conditions on what is stored that make a status as it is now: one that is muted until a time
/// that has passed is open.
fn statuses(status: Option<StatusKind>, plus: &str) -> Vec<String> {
    let is = |status: StatusKind| format!("{plus}t.status = {}", status.as_u8());
    match status {
        None => StatusKind::ALL.map(is).to_vec(),
        Some(StatusKind::Open) => {
            vec![
                is(StatusKind::Open),
                format!("{} AND t.status_time <= :now", is(StatusKind::Muted)),
            ]
        }
        Some(StatusKind::Solved) => vec![is(StatusKind::Solved)],
        Some(StatusKind::Muted) => vec![format!(
            "{} AND (t.status_time IS NULL OR t.status_time > :now)",
            is(StatusKind::Muted)
        )],
    }
}

#[cfg(test)]
mod tests;
