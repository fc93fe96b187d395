//! Every statement but those that make the tables.

/// How often something is tried that others get in the way of.
const ATTEMPTS: u32 = 10;

/// Tries again what failed because others wrote at the same time: all of it was rolled back. The work is
/// an `async` block that borrows what it needs. (A function of an async closure could not say that its
/// future is `Send`.)
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
mod leads;
mod leases;
mod occurrences;
mod prune;
mod record;
mod status;
mod tickets;
mod traits;
mod walk;

use std::time::Duration;

use ticket_core::backend::Backoff;

pub(crate) use self::events::get_events;
pub(crate) use self::histogram::count_occurrences;
pub(crate) use self::leases::lease;
pub(crate) use self::occurrences::get_occurrences;
pub(crate) use self::prune::{clear, clear_expired, delete_ticket, keep_per_ticket};
pub(crate) use self::record::record_tickets;
pub(crate) use self::status::set_status;
pub(crate) use self::tickets::{count_tickets, get_ticket, get_tickets};
pub(crate) use self::traits::{event_types, get_traits, trait_types};

/// The waits between attempts: about as long as the transactions take that were in the way.
const fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(4), Duration::from_millis(64))
}

/// A number as PostgreSQL holds it; what is larger is as good as endless.
fn to_i64(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
