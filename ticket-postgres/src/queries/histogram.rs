//! Counts of occurrences per hour (rule 12).

use ticket_core::backend::HistogramScope;
use ticket_core::{Bucket, HistogramQuery, Result};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::connection::{Connections, Param};
use crate::row::{count, get, uuid_of};

pub(super) const OF_TICKET: &str = r#"SELECT hour, count FROM {s}."{p}hours"
WHERE ticket_id = $3 AND hour >= $1 AND hour < $2"#;

pub(super) const OF_APP: &str = r#"SELECT hour, sum(count)::int8 FROM {s}."{p}app_counts"
WHERE hour >= $1 AND hour < $2 AND app_id = $3 GROUP BY hour"#;

pub(super) const OF_ALL: &str = r#"SELECT hour, sum(count)::int8 FROM {s}."{p}app_counts"
WHERE hour >= $1 AND hour < $2 GROUP BY hour"#;

pub(crate) async fn count_occurrences(
    connections: &Connections,
    query: &HistogramQuery,
) -> Result<Vec<Bucket>> {
    let hours = query.hours()?;
    let mut params: Vec<Param<'_>> = vec![(&hours.start, Type::INT8), (&hours.end, Type::INT8)];
    let id: Uuid;
    let template = match &query.scope {
        HistogramScope::Ticket(ticket) => {
            id = uuid_of(*ticket);
            params.push((&id, Type::UUID));
            OF_TICKET
        }
        HistogramScope::App(Some(app_id)) => {
            params.push((app_id, Type::TEXT));
            OF_APP
        }
        HistogramScope::App(None) => OF_ALL,
    };
    let call = connections.read().await?;
    let sql = call.names().sql(template);
    let rows = call.only(&sql, &params).await?;
    let counts: Vec<(i64, u64)> =
        rows.iter().map(|row| Ok((get(row, 0)?, count(row, 1)?))).collect::<Result<_>>()?;
    query.buckets(counts)
}
