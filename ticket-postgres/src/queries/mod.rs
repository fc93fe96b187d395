//! All statements except those that create the tables.

/// The number of attempts when other transactions interfere.
const ATTEMPTS: u32 = 10;

/// Repeats work that failed because another transaction wrote at the same time; all of it was
/// rolled back. The work is an `async` block that borrows what it needs. This is a macro because
/// the future of an async closure could not be declared `Send`.
macro_rules! again {
    ($work:expr) => {{
        let mut attempt = 1;
        let mut backoff = $crate::queries::backoff();
        loop {
            match $work.await {
                Err(error)
                    if attempt < $crate::queries::ATTEMPTS
                        && $crate::error::is_conflict(&error) =>
                {
                    tokio::time::sleep(backoff.next_delay()).await;
                }
                result => break result,
            }
            attempt += 1;
        }
    }};
}

mod events;
#[cfg(test)]
mod explain;
mod histogram;
mod history;
mod leads;
mod leases;
mod merge;
mod occurrences;
mod positions;
mod prune;
mod record;
mod reports;
mod status;
mod tickets;
mod traits;
mod walk;

use std::time::Duration;

use ticket_core::backend::Backoff;

pub(crate) use self::events::get_events;
pub(crate) use self::histogram::count_occurrences;
pub(crate) use self::history::{add_note, get_history};
pub(crate) use self::leases::lease;
pub(crate) use self::merge::{merge_tickets, unmerge_ticket};
pub(crate) use self::occurrences::get_occurrences;
pub(crate) use self::positions::read_position;
pub(crate) use self::prune::{clear, clear_expired, delete_ticket, keep_per_ticket};
pub(crate) use self::record::record_tickets;
pub(crate) use self::reports::{get_reports, report_process, store_info};
pub(crate) use self::status::set_status;
pub(crate) use self::tickets::{count_tickets, get_releases, get_ticket, get_tickets};
pub(crate) use self::traits::{event_types, get_traits, trait_types};

/// The delays between attempts, about as long as the interfering transactions take.
const fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(4), Duration::from_millis(64))
}

/// Converts a number for PostgreSQL, saturating at the largest `i64`.
fn to_i64(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
