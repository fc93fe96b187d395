//! Leases (rule 28): at most one holder at a time does a job.

use ticket_core::Result;
use ticket_core::backend::Lease;
use tokio_postgres::types::Type;

use crate::connection::{Connections, Param};

/// Takes or renews a lease in one statement, so that no two processes see it free. The clock is the
/// server's, which all processes share.
///
/// The lease has expired if the new end is later than the old one by at least the time $3 for which it is
/// taken. The condition does not ask for the time itself: in an `ON CONFLICT`, Citus accepts immutable
/// functions only.
pub(super) const TAKE: &str = r#"INSERT INTO {s}."{p}leases" AS l (name, holder, until)
VALUES ($1, $2, clock_timestamp() + $3::int8 * interval '1 microsecond')
ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until
WHERE l.holder = EXCLUDED.holder OR EXCLUDED.until - l.until >= $3::int8 * interval '1 microsecond'
RETURNING 1"#;

pub(crate) async fn lease(connections: &Connections, lease: &Lease) -> Result<bool> {
    again!(async {
        let mut call = connections.write().await?;
        let sql = call.names().sql(TAKE);
        let micros = lease.micros();
        let params: [Param<'_>; 3] =
            [(&lease.name, Type::TEXT), (&lease.holder, Type::TEXT), (&micros, Type::INT8)];
        let taken = call.query(&sql, &params).await?;
        call.finish().await?;
        Ok(!taken.is_empty())
    })
}
