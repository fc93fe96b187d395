//! Queries for tickets (rules 10 to 14).

use rusqlite::{ToSql, params_from_iter};
use ticket_core::backend::SortKey;
use ticket_core::{
    Direction, Page, ReleaseQuery, Result, StatusKind, Ticket, TicketFilter, TicketId, TicketQuery,
    TicketSort, Timestamp,
};

use super::to_i64;
use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::names::Names;
use crate::row::{self, TICKET_COLUMNS, ticket};

/// The number of tickets that are sampled from the start of an order to estimate how many of them
/// the filter matches.
const SAMPLE: u64 = 300;
/// The order's index is not followed if filling the page is expected to take more rows than this.
const FAR: u64 = 20_000;

/// A statement and the values of its named parameters.
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

/// Returns a ticket with its status as stored.
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

/// The applications that have tickets. Each row finds the next one in the index, because there are far more
/// pairs of ticket and release than applications.
const APPS: &str = "SELECT min(app_id) FROM {p}seen UNION ALL \
    SELECT (SELECT min(s.app_id) FROM {p}seen s WHERE s.app_id > apps.app_id) FROM apps \
    WHERE app_id IS NOT NULL";

/// Builds the statement that lists the releases of the application ?1, or of all if it is null. Releases
/// are found one by one like [`APPS`]. A missing one is the number 0, which is less than each text.
pub(super) fn releases(query: &ReleaseQuery) -> String {
    let apps = if query.app_id.is_some() { "SELECT ?1" } else { APPS };
    let next = |app, is_next| {
        format!(
            "(SELECT min(s.release) FROM {{p}}seen s WHERE s.app_id = {app} AND s.release {is_next})"
        )
    };
    let (first, next) = (next("apps.app_id", ">= ''"), next("found.app_id", "> found.release"));
    format!(
        "WITH RECURSIVE apps (app_id) AS ({apps}), found (app_id, release) AS ( \
           SELECT app_id, {first} FROM apps WHERE app_id IS NOT NULL UNION ALL \
           SELECT app_id, {next} FROM found WHERE release IS NOT NULL \
         ) SELECT DISTINCT release FROM found WHERE release IS NOT NULL ORDER BY release"
    )
}

pub(crate) fn get_releases(connection: &Connection, query: &ReleaseQuery) -> Result<Vec<String>> {
    let sql = connection.names.sql(&releases(query));
    let mut read = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let params = params_from_iter(&query.app_id);
    let rows = read.query_map(params, |row| row.get(0)).map_err(from_sqlite)?;
    rows.collect::<rusqlite::Result<_>>().map_err(from_sqlite)
}

pub(crate) fn count_tickets(connection: &Connection, filter: &TicketFilter) -> Result<u64> {
    let statement = count(&connection.names, filter, Timestamp::now());
    let mut read = connection.sqlite.prepare_cached(&statement.sql).map_err(from_sqlite)?;
    let mut rows = read.query(&*statement.named()).map_err(from_sqlite)?;
    rows.next().map_err(from_sqlite)?.map_or(Ok(0), |row| row::count(row, 0))
}

/// Returns `true` if filling the page along its order would read very many rows, judging by a
/// sample.
fn finds_little(connection: &Connection, query: &TicketQuery, now: Timestamp) -> Result<bool> {
    let Some(statement) = sample(&connection.names, query, now)? else { return Ok(false) };
    let mut read = connection.sqlite.prepare_cached(&statement.sql).map_err(from_sqlite)?;
    let mut rows = read.query(&*statement.named()).map_err(from_sqlite)?;
    let Some(row) = rows.next().map_err(from_sqlite)? else { return Ok(false) };
    let (looked_at, found) = (row::count(row, 0)?, row::count(row, 1)?);
    let wanted = query.offset().saturating_add(u64::from(query.limit()));
    Ok(looked_at == SAMPLE && wanted.saturating_mul(SAMPLE) > FAR * found)
}

/// Returns the ticket with its status at the time `now`.
pub(super) fn at(ticket: Ticket, now: Timestamp) -> Ticket {
    Ticket { status: ticket.status.clone().effective(now), ..ticket }
}

/// The access path of a page's statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// The index of the order. If the filter matches many tickets, this reads few rows more than
    /// the page holds.
    Order,
    /// The table, followed by a sort. If the filter matches few tickets, reading all of them
    /// sequentially is several times faster than looking each up through the index.
    Table,
}

/// Builds the statement of a page.
///
/// Each index starts with the status, so it yields the order for one status alone. The statement is
/// a `UNION ALL` of one ordered branch per status, which SQLite merges without reading more of each
/// branch than the page needs.
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

/// Builds the statement that counts the sampled tickets and those among them that the filter
/// matches; `None` if the index alone decides what matches.
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

/// Builds the statement of a count.
pub(super) fn count(names: &Names, filter: &TicketFilter, now: Timestamp) -> Statement {
    let conditions = Conditions::new(filter, now, Walk::Any);
    let branches = conditions.branches("SELECT count(*) FROM {p}tickets t");
    let sql = format!("SELECT ({})", branches.join(") + ("));
    Statement { sql: names.sql(&sql), values: conditions.values }
}

/// The first sort key of a page; the second is the id.
struct Order {
    column: &'static str,
    /// The column's position in [`TICKET_COLUMNS`], counted from 1.
    position: usize,
    direction: &'static str,
    /// The operator that a later row satisfies when compared with an earlier one.
    after: &'static str,
}

impl Order {
    const fn of(query: &TicketQuery) -> Self {
        let (column, position) = match query.sort {
            TicketSort::FirstOccurrence => ("first_time", 14),
            TicketSort::Count => ("count", 16),
            TicketSort::Level => ("level", 3),
            TicketSort::Channel => ("channel", 4),
            // Unknown sort keys of a later version sort like the default.
            _ => ("last_time", 15),
        };
        let (after, direction) = match query.direction {
            Direction::Ascending => (">", "ASC"),
            Direction::Descending => ("<", "DESC"),
        };
        Self { column, position, direction, after }
    }
}

/// The index that a statement is meant to use.
enum Walk {
    /// The index of an order. A unary plus hides all other columns from SQLite's planner, which has
    /// no statistics and would rather use another index and sort.
    Order(&'static str),
    /// The index of ids, for the few tickets with a prefix.
    Id,
    /// No index: the table is read sequentially.
    Table,
    /// Whichever SQLite chooses.
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
    /// Conditions that the index can check without reading the row.
    bounds: Vec<String>,
    /// Conditions that need the row.
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

    /// Restricts the statement to rows after the query's cursor.
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

    /// Returns one statement for each stored status, or a single one if it reads the whole table.
    fn branches(&self, select: &str) -> Vec<String> {
        let others: String =
            self.bounds.iter().chain(&self.tests).map(|text| format!(" AND {text}")).collect();
        let of = |status: &str| format!("{select} WHERE {status}{others}");
        if self.is_table {
            return vec![of(&format!("({})", self.statuses.join(" OR ")))];
        }
        self.statuses.iter().map(|status| of(status)).collect()
    }

    /// Returns a statement for the rows of all statuses.
    fn rows(&self, select: &str) -> String {
        self.branches(select).join(" UNION ALL ")
    }
}

/// Returns the conditions on stored columns under which a ticket has a status now. A ticket that is
/// muted until a time in the past is open.
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
