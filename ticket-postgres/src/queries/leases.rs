//! Who does what only one should do (rule 28).

use ticket_core::Result;
use ticket_core::backend::Lease;
use tokio_postgres::types::Type;

use crate::connection::{Connections, Param};

/// Whether somebody else holds it is found in the statement that takes it. By the server's clock.
const TAKE: &str = r#"INSERT INTO {s}."{p}leases" AS l (name, holder, until)
VALUES ($1, $2, clock_timestamp() + $3::int8 * interval '1 microsecond')
ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until
WHERE l.holder = EXCLUDED.holder OR l.until <= clock_timestamp()
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
