//! Questions about tickets (rules 10 to 14).

use rusqlite::ToSql;
use ticket_core::{
    Direction, Page, Result, SortKey, StatusKind, Ticket, TicketFilter, TicketId, TicketQuery,
    TicketSort, Timestamp,
};

use super::to_i64;
use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::row::{self, TICKET_COLUMNS, ticket};
use crate::schema::Names;

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
    let statement = list(&connection.names, query, now)?;
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

/// The ticket with its status as it is at the time `now`.
fn at(ticket: Ticket, now: Timestamp) -> Ticket {
    Ticket { status: ticket.status.clone().effective(now), ..ticket }
}

/// The statement of a page.
///
/// An index gives the order for one status, so that statuses are read side by side, as their own
/// ordered lists, and merged: SQLite reads no more of each than the page needs.
pub(super) fn list(names: &Names, query: &TicketQuery, now: Timestamp) -> Result<Statement> {
    let plan = query.plan()?;
    let (column, position) = sort_column(query.sort);
    let (sign, order) = match query.direction {
        Direction::Ascending => (">", "ASC"),
        Direction::Descending => ("<", "DESC"),
    };
    let mut conditions = Conditions::new(&query.filter, now, Walk::Order(column));
    if let Some(after) = plan.after() {
        let key: Box<dyn ToSql> = match &after.key {
            SortKey::Number(number) => Box::new(*number),
            SortKey::Text(text) => Box::new(text.clone()),
        };
        conditions.texts.push(format!("(t.{column}, t.id) {sign} (:key, :after)"));
        conditions.values.push((":key", key));
        conditions.values.push((":after", Box::new(*after.id.as_bytes())));
    }
    let select = format!("SELECT {TICKET_COLUMNS} FROM {{p}}tickets t");
    let branches: Vec<String> = conditions.branches(&select);
    let sql = format!(
        "{} ORDER BY {position} {order}, 1 {order} LIMIT :limit OFFSET :offset",
        branches.join(" UNION ALL ")
    );
    let mut values = conditions.values;
    values.push((":limit", Box::new(to_i64(plan.fetch()))));
    values.push((":offset", Box::new(to_i64(query.offset))));
    Ok(Statement { sql: names.sql(&sql), values })
}

/// The statement of a count.
pub(super) fn count(names: &Names, filter: &TicketFilter, now: Timestamp) -> Statement {
    let conditions = Conditions::new(filter, now, Walk::Any);
    let branches = conditions.branches("SELECT count(*) FROM {p}tickets t");
    let sql = format!("SELECT ({})", branches.join(") + ("));
    Statement { sql: names.sql(&sql), values: conditions.values }
}

/// The column that an order goes by, and its place in [`TICKET_COLUMNS`], counted from 1.
const fn sort_column(sort: TicketSort) -> (&'static str, usize) {
    match sort {
        TicketSort::FirstOccurrence => ("first_time", 14),
        TicketSort::Count => ("count", 16),
        TicketSort::Level => ("level", 3),
        TicketSort::Channel => ("channel", 4),
        // Including those that this version does not know.
        _ => ("last_time", 15),
    }
}

/// Which index a statement goes along.
enum Walk {
    /// The one of an order. Other columns are hidden from SQLite's choice by a plus sign: it knows
    /// nothing of how many rows there are, and would rather sort them all.
    Order(&'static str),
    /// That of the ids, of which the few with a prefix are wanted.
    Id,
    /// Whichever SQLite takes.
    Any,
}

impl Walk {
    fn plus(&self, column: &str) -> &'static str {
        let chosen = match self {
            Self::Order(order) => [*order, "app_id", "status"].contains(&column),
            Self::Id => column == "id",
            Self::Any => true,
        };
        if chosen { "" } else { "+" }
    }
}

struct Conditions {
    texts: Vec<String>,
    statuses: Vec<String>,
    values: Vec<(&'static str, Box<dyn ToSql>)>,
}

impl Conditions {
    fn new(filter: &TicketFilter, now: Timestamp, walk: Walk) -> Self {
        let walk = if filter.id_prefix.is_some() { Walk::Id } else { walk };
        let mut this = Self {
            texts: Vec::new(),
            statuses: statuses(filter.status, walk.plus("status")),
            values: Vec::new(),
        };
        if filter.status.is_some_and(|status| status != StatusKind::Solved) {
            this.values.push((":now", Box::new(now.as_micros())));
        }
        let mut add = |column: &str, test: &str, name: &'static str, value: Box<dyn ToSql>| {
            this.texts.push(format!("{}t.{column} {test} {name}", walk.plus(column)));
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
            this.texts.push("instr(t.search_text, :search) > 0".to_owned());
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
            self.texts
                .push(format!("EXISTS (SELECT 1 FROM {{p}}seen s WHERE s.ticket = t.no{tests})"));
        }
    }

    /// One statement for each stored status.
    fn branches(&self, select: &str) -> Vec<String> {
        let others: String = self.texts.iter().map(|text| format!(" AND {text}")).collect();
        self.statuses.iter().map(|status| format!("{select} WHERE {status}{others}")).collect()
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
