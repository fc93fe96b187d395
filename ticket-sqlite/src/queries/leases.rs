//! Leases (rule 28): at most one holder at a time does a job.

use rusqlite::params;
use ticket_core::backend::Lease;
use ticket_core::{Result, Timestamp};

use super::write;
use crate::connection::Connection;

/// Takes or renews a lease in one statement, so that no two processes see it free. The clock is
/// this machine's, which all processes on the file share.
const TAKE: &str = "INSERT INTO {p}leases (name, holder, until) VALUES (?1, ?2, ?3) \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
    WHERE holder = excluded.holder OR until <= ?4";

pub(crate) fn lease(connection: &mut Connection, lease: &Lease) -> Result<bool> {
    write(connection, |writer| {
        let now = Timestamp::now().as_micros();
        let until = now.saturating_add(lease.micros());
        let taken = writer.execute(TAKE, params![lease.name, lease.holder, until, now])?;
        Ok(taken == 1)
    })
}
