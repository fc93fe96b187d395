//! Queries for tickets (rules 10 to 14).

use ticket_core::backend::SortKey;
use ticket_core::{
    Direction, Page, ReleaseQuery, Result, StatusKind, Ticket, TicketFilter, TicketId, TicketQuery,
    TicketSort, Timestamp,
};
use tokio_postgres::types::{ToSql, Type};

use super::record::seen_text;
use super::to_i64;
use crate::connection::{Connections, Param};
use crate::row::{self, TICKET_COLUMNS, get, ticket, uuid_of};

pub(super) const BY_ID: &str =
    r#"FROM {s}."{p}tickets" t WHERE t.id = $1 AND t.merged_into IS NULL"#;

pub(crate) async fn get_ticket(connections: &Connections, id: TicketId) -> Result<Option<Ticket>> {
    let call = connections.read().await?;
    let sql = call.names().sql(&format!("SELECT {TICKET_COLUMNS} {BY_ID}"));
    let rows = call.only(&sql, &[(&uuid_of(id), Type::UUID)]).await?;
    rows.first().map(|row| Ok(at(ticket(row)?, Timestamp::now()))).transpose()
}

pub(crate) async fn get_tickets(
    connections: &Connections,
    query: &TicketQuery,
) -> Result<Page<Ticket>> {
    let (plan, now) = (query.plan()?, Timestamp::now());
    let statement = list(query, now)?;
    let call = connections.read().await?;
    let sql = call.names().sql(&statement.sql);
    let rows = call.only(&sql, &statement.params()).await?;
    let tickets = rows.iter().map(|row| Ok(at(ticket(row)?, now))).collect::<Result<_>>()?;
    Ok(plan.page(tickets))
}

/// The applications that have tickets. Each row finds the next one in the index, because there are far more
/// pairs of ticket and release than applications.
const APPS: &str = r#"SELECT min(s.app_id) FROM {s}."{p}seen" s
  UNION ALL
  SELECT (SELECT min(s.app_id) FROM {s}."{p}seen" s WHERE s.app_id > apps.app_id) FROM apps
  WHERE app_id IS NOT NULL"#;

/// Builds the statement that lists the releases of the application $1, or of all if it is null. Releases
/// are found one by one like [`APPS`]; a missing one is an empty text.
pub(super) fn releases(query: &ReleaseQuery) -> String {
    let apps = if query.app_id.is_some() { "SELECT $1::text" } else { APPS };
    let next = |app, last| {
        format!(
            r#"(SELECT min(s.release) FROM {{s}}."{{p}}seen" s WHERE s.app_id = {app} AND s.release > {last})"#
        )
    };
    let (first, next) = (next("apps.app_id", "''"), next("found.app_id", "found.release"));
    format!(
        r#"WITH RECURSIVE apps (app_id) AS (
  {apps}
), found (app_id, release) AS (
  SELECT app_id, {first}
  FROM apps WHERE app_id IS NOT NULL
  UNION ALL
  SELECT app_id, {next}
  FROM found WHERE release IS NOT NULL
)
SELECT DISTINCT release FROM found WHERE release IS NOT NULL ORDER BY release"#
    )
}

pub(crate) async fn get_releases(
    connections: &Connections,
    query: &ReleaseQuery,
) -> Result<Vec<String>> {
    let call = connections.read().await?;
    let sql = call.names().sql(&releases(query));
    let app_id = query.app_id.as_ref().map(|app_id| (app_id as _, Type::TEXT));
    let rows = call.only(&sql, app_id.as_slice()).await?;
    // `seen_text` puts a sign before each release.
    rows.iter().map(|row| Ok(get::<&str>(row, 0)?[1..].to_owned())).collect()
}

pub(crate) async fn count_tickets(connections: &Connections, filter: &TicketFilter) -> Result<u64> {
    let statement = count(filter, Timestamp::now());
    let call = connections.read().await?;
    let sql = call.names().sql(&statement.sql);
    let rows = call.only(&sql, &statement.params()).await?;
    rows.first().map_or(Ok(0), |row| row::count(row, 0))
}

/// Returns the ticket with its status at the time `now`.
pub(super) fn at(ticket: Ticket, now: Timestamp) -> Ticket {
    Ticket { status: ticket.status.clone().effective(now), ..ticket }
}

/// A statement and the values of its parameters.
pub(super) struct Statement {
    pub(super) sql: String,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Statement {
    pub(super) fn params(&self) -> Vec<Param<'_>> {
        self.values.iter().map(|(value, kind)| (&**value as _, kind.clone())).collect()
    }
}

/// Builds the statement of a page.
pub(super) fn list(query: &TicketQuery, now: Timestamp) -> Result<Statement> {
    let plan = query.plan()?;
    let column = sort_column(query.sort);
    let (sign, order) = match query.direction {
        Direction::Ascending => (">", "ASC"),
        Direction::Descending => ("<", "DESC"),
    };
    let mut conditions = Conditions::new(&query.filter, now);
    if let Some(after) = plan.after() {
        let key = match &after.key {
            SortKey::Number(number) => conditions.value(*number, Type::INT8),
            SortKey::Text(text) => conditions.value(text.clone(), Type::TEXT),
        };
        let id = conditions.value(uuid_of(after.id), Type::UUID);
        conditions.texts.push(format!("(t.{column}, t.id) {sign} ({key}, {id})"));
    }
    let limit = conditions.value(to_i64(plan.fetch()), Type::INT8);
    let offset = conditions.value(to_i64(plan.offset()), Type::INT8);
    Ok(conditions.statement(
        TICKET_COLUMNS,
        &format!("ORDER BY t.{column} {order}, t.id {order} LIMIT {limit} OFFSET {offset}"),
    ))
}

/// Builds the statement of a count.
pub(super) fn count(filter: &TicketFilter, now: Timestamp) -> Statement {
    if *filter == TicketFilter::new().with_status(StatusKind::Open) {
        return count_open(now);
    }
    Conditions::new(filter, now).statement("count(*)", "")
}

/// Builds the statement that counts all open tickets: those that are not merged, solved or muted now. It reads the
/// index of those that are not open, and any index of all tickets.
fn count_open(now: Timestamp) -> Statement {
    let sql = r#"SELECT (SELECT count(*) FROM {s}."{p}tickets") - (SELECT count(*) FROM {s}."{p}tickets" t
  WHERE t.status <> 1 AND (t.status <> 3 OR t.status_time IS NULL OR t.status_time > $1))"#;
    Statement { sql: sql.to_owned(), values: vec![(Box::new(now.as_micros()), Type::INT8)] }
}

/// Returns the column of an order.
const fn sort_column(sort: TicketSort) -> &'static str {
    match sort {
        TicketSort::FirstOccurrence => "first_time",
        TicketSort::Count => "count",
        TicketSort::Level => "level",
        TicketSort::Channel => "channel",
        // Unknown sort keys of a later version sort like the default.
        _ => "last_time",
    }
}

struct Conditions {
    texts: Vec<String>,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Conditions {
    fn new(filter: &TicketFilter, now: Timestamp) -> Self {
        let mut this = Self { texts: Vec::new(), values: Vec::new() };
        match filter.status {
            // A merged ticket has a status of its own. Without its column, the index by status has all that a count
            // needs.
            Some(status) => {
                let now = this.value(now.as_micros(), Type::INT8);
                this.texts.push(status_is(status, &now));
            }
            None => this.texts.push("t.merged_into IS NULL".to_owned()),
        }
        if let Some(app_id) = &filter.app_id {
            this.test("t.app_id =", app_id.clone(), Type::TEXT);
        }
        if let Some(level) = filter.min_level {
            this.test("t.level >=", i16::from(level.as_u8()), Type::INT2);
        }
        if let Some(channel) = &filter.channel {
            this.test("t.channel =", channel.clone(), Type::TEXT);
        }
        if let Some(since) = filter.since {
            this.test("t.last_time >=", since.as_micros(), Type::INT8);
        }
        if let Some(until) = filter.until {
            this.test("t.first_time <=", until.as_micros(), Type::INT8);
        }
        if let Some(prefix) = filter.id_prefix {
            this.test("t.id >=", uuid_of(prefix.first()), Type::UUID);
            this.test("t.id <=", uuid_of(prefix.last()), Type::UUID);
        }
        if let Some(text) = &filter.search {
            let text = this.value(text.clone(), Type::TEXT);
            this.texts.push(format!("position({text} IN t.search_text) > 0"));
        }
        this.add_seen(filter);
        this
    }

    fn add_seen(&mut self, filter: &TicketFilter) {
        let mut tests = String::new();
        for (column, value) in [("release", &filter.release), ("environment", &filter.environment)]
        {
            if let Some(value) = value {
                let value = self.value(seen_text(Some(value)), Type::TEXT);
                tests.push_str(&format!(" AND s.{column} = {value}"));
            }
        }
        if !tests.is_empty() {
            self.texts.push(format!(
                r#"EXISTS (SELECT 1 FROM {{s}}."{{p}}seen" s WHERE s.ticket_id = t.id{tests})"#
            ));
        }
    }

    /// Adds a parameter and returns its placeholder.
    fn value(&mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> String {
        self.values.push((Box::new(value), kind));
        format!("${}", self.values.len())
    }

    fn test(&mut self, test: &str, value: impl ToSql + Sync + Send + 'static, kind: Type) {
        let value = self.value(value, kind);
        self.texts.push(format!("{test} {value}"));
    }

    fn statement(self, columns: &str, end: &str) -> Statement {
        let conditions = self.texts.join(" AND ");
        let sql =
            format!(r#"SELECT {columns} FROM {{s}}."{{p}}tickets" t WHERE {conditions} {end}"#);
        Statement { sql, values: self.values }
    }
}

/// Returns the condition on stored columns under which a ticket has a status now. A ticket that is
/// muted until a time in the past is open.
fn status_is(status: StatusKind, now: &str) -> String {
    match status {
        StatusKind::Open => {
            format!(
                "({now}::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= {now})))"
            )
        }
        StatusKind::Solved => format!("({now}::int8 IS NOT NULL AND t.status = 2)"),
        StatusKind::Muted => {
            format!("(t.status = 3 AND (t.status_time IS NULL OR t.status_time > {now}))")
        }
    }
}
