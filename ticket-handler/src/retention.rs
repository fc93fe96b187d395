//! [`Retention`]: deleting what is too old or too much.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ticket_core::backend::Lease;
use ticket_core::{
    Error, ErrorKind, EventStore, EventStoreExt, Expired, Expiry, KeepPerTicket, ReportedRetention,
    Result, Store, Timestamp,
};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::shared::Shared;

/// The number of occurrences that are deleted at once.
const STEP: u64 = 1_000;
/// The pause after each step, as a multiple of its time: deleting takes at most a tenth of the time.
const REST: u32 = 9;
/// The minimum time between two rounds.
const PAUSE: Duration = Duration::from_secs(60);
/// The time of the lease, which is how long a dead process keeps others from taking over.
const LEASE: Duration = Duration::from_secs(300);
/// How long giving the lease back may delay the end of the worker.
const FAREWELL: Duration = Duration::from_secs(1);
/// The time limit of the one call that is not made in steps; well within the lease.
const LONGEST_CALL: Duration = Duration::from_secs(240);

/// Limits on what is kept. Without any, everything is kept forever.
///
/// Counts, including those per hour, are never reduced. A solved ticket is deleted with its last
/// occurrence; open and muted tickets stay.
///
/// ```
/// use std::time::Duration;
///
/// use ticket_direct::HandlerOptions;
/// use ticket_handler::{BackgroundHandler, Retention};
/// use ticket_memory::MemoryBackend;
///
/// const DAY: Duration = Duration::from_secs(86_400);
///
/// let retention =
///     Retention::new().with_max_age(90 * DAY).with_max_per_ticket(200).with_max_total(1_000_000);
/// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
///     .with_retention(retention)
///     .backend(MemoryBackend::new())?;
/// # Ok::<(), ticket_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Retention {
    max_age: Option<Duration>,
    max_per_ticket: Option<u32>,
    max_total: Option<u64>,
}

impl Retention {
    /// Creates a retention that keeps everything.
    pub const fn new() -> Self {
        Self { max_age: None, max_per_ticket: None, max_total: None }
    }

    /// Deletes occurrences older than this, and solved tickets without a younger one.
    pub const fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Keeps this many occurrences of each ticket: the first and the newest.
    pub const fn with_max_per_ticket(mut self, occurrences: u32) -> Self {
        self.max_per_ticket = Some(occurrences);
        self
    }

    /// Keeps this many of the application's newest occurrences, and those of the same microsecond as the
    /// oldest of them.
    pub const fn with_max_total(mut self, occurrences: u64) -> Self {
        self.max_total = Some(occurrences);
        self
    }

    /// Returns the limits as the process reports them.
    pub(crate) const fn reported(&self) -> ReportedRetention {
        let Self { max_age, max_per_ticket, max_total } = *self;
        ReportedRetention { max_age, max_per_ticket, max_total }
    }

    /// Returns `true` if everything is kept.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::new()
    }

    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a limit of zero, which would delete everything.
    pub(crate) fn check(&self) -> Result<()> {
        let is_zero = self.max_age.is_some_and(|age| age.is_zero())
            || self.max_per_ticket == Some(0)
            || self.max_total == Some(0);
        match is_zero {
            true => Err(Error::config(
                "the limits of a retention must be at least 1: 0 would delete everything",
            )),
            false => Ok(()),
        }
    }

    /// Deletes once what is too old or too much, of one application or of all. For programs without a
    /// handler; with one, [`Builder::with_retention`](crate::Builder::with_retention) does so regularly.
    ///
    /// It works in steps of at most 1,000 occurrences and pauses after each for nine times as long as the
    /// step took, to leave the store to others. Only the limit per ticket is applied in a single call,
    /// which a store carries out in short transactions; it is cut off after four minutes, and what it has
    /// deleted by then is deleted.
    ///
    /// Any number of processes may do this at the same time, and may be killed while they do: nothing is
    /// deleted that should stay.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a limit of zero, and the errors of the store.
    pub async fn apply<S: EventStore + ?Sized>(
        &self,
        store: &S,
        app_id: Option<&str>,
    ) -> Result<Expired> {
        self.check()?;
        let mut done = Expired::default();
        let count = |expired: Expired| {
            done.occurrences += expired.occurrences;
            done.tickets += expired.tickets;
        };
        self.round(store, app_id, None, count).await?;
        Ok(done)
    }

    /// Runs one round. With a lease, renews it before each step and stops once it is lost.
    async fn round<S: EventStore + ?Sized>(
        &self,
        store: &S,
        app_id: Option<&str>,
        lease: Option<&Lease>,
        mut done: impl FnMut(Expired) + Send,
    ) -> Result<()> {
        let is_too_old = self.max_age.map(|age| Timestamp::now().saturating_sub(age));
        let is_too_much = match self.max_total {
            Some(newest) => store.expiry_beyond(app_id, newest).await?.map(|expiry| expiry.before),
            None => None,
        };
        if let Some(before) = is_too_old.max(is_too_much) {
            let mut expiry = Expiry::before(before).with_max_count(STEP);
            if let Some(app_id) = app_id {
                expiry = expiry.with_app_id(app_id);
            }
            loop {
                if !is_held(store, lease).await? {
                    return Ok(());
                }
                let start = Instant::now();
                let expired = store.clear_expired(&expiry).await?;
                done(expired);
                if expired.occurrences < STEP {
                    break;
                }
                sleep(start.elapsed() * REST).await;
            }
        }
        if let Some(count) = self.max_per_ticket
            && is_held(store, lease).await?
        {
            let mut keep = KeepPerTicket::new(count)?;
            if let Some(app_id) = app_id {
                keep = keep.with_app_id(app_id);
            }
            let start = Instant::now();
            // A timeout is no failure: what was deleted is deleted, and the rest is left to the next round.
            if let Ok(deleted) = timeout(LONGEST_CALL, store.keep_per_ticket(&keep)).await {
                done(Expired { occurrences: deleted?, tickets: 0 });
            }
            sleep(start.elapsed() * REST).await;
        }
        Ok(())
    }
}

async fn is_held<S: EventStore + ?Sized>(store: &S, lease: Option<&Lease>) -> Result<bool> {
    match lease {
        Some(lease) => store.lease(lease).await,
        None => Ok(true),
    }
}

/// Runs retention beside the worker's other work, until it is dropped.
#[derive(Debug)]
pub(crate) struct RetentionTask {
    retention: Retention,
    lease: Lease,
    task: JoinSet<()>,
}

impl RetentionTask {
    pub(crate) fn new(retention: Retention, app_id: &str) -> Self {
        let holder = format!("{} {:016x}", std::process::id(), fastrand::u64(..));
        let lease = Lease::new(format!("retention {app_id}"), holder, LEASE);
        Self { retention, lease, task: JoinSet::new() }
    }

    /// Starts over with this store.
    pub(crate) fn start(&mut self, shared: &Arc<Shared>, store: &Arc<dyn Store>) {
        self.stop();
        if !self.retention.is_empty() {
            let (shared, store) = (Arc::clone(shared), Arc::clone(store));
            self.task.spawn(keep(self.retention.clone(), self.lease.clone(), shared, store));
        }
    }

    /// Gives the lease back, so that another process can take over at once.
    pub(crate) async fn end(&mut self, store: Option<&Arc<dyn Store>>) {
        self.stop();
        if let Some(store) = store.filter(|_| !self.retention.is_empty()) {
            let lease = self.lease.clone().given_back();
            // If the store cannot be reached, the lease runs out by itself.
            let _ = timeout(FAREWELL, store.lease(&lease)).await;
        }
    }

    pub(crate) fn stop(&mut self) {
        self.task = JoinSet::new();
    }
}

/// Runs round after round, whatever goes wrong in one.
async fn keep(retention: Retention, lease: Lease, shared: Arc<Shared>, store: Arc<dyn Store>) {
    loop {
        // In a task of its own, so that a panic in the backend ends only this round.
        let mut round = JoinSet::new();
        let (shared_too, store) = (Arc::clone(&shared), Arc::clone(&store));
        round.spawn(one_round(retention.clone(), shared_too, store, lease.clone()));
        match round.join_next().await {
            Some(Ok(Ok(()))) | None => {}
            Some(Ok(Err(error))) => {
                shared.counters.retention_failed(error.to_string());
                if error.kind() == ErrorKind::Unsupported {
                    return;
                }
            }
            Some(Err(error)) => {
                shared.counters.retention_failed("the backend panicked".to_owned());
                // Dropping a panic's payload may panic.
                std::mem::forget(error);
            }
        }
        // With jitter, so that not all processes ask at the same time.
        sleep(PAUSE.mul_f64(1.0 + fastrand::f64() / 4.0)).await;
    }
}

async fn one_round(
    retention: Retention,
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    lease: Lease,
) -> Result<()> {
    if !store.lease(&lease).await? {
        return Ok(());
    }
    let app_id = Some(shared.pipeline.options().app_id());
    let count = |expired: Expired| {
        shared.counters.pruned.fetch_add(expired.occurrences, Relaxed);
    };
    // The lease is kept after the round: the same process goes on until it dies or is away for long.
    retention.round(&*store, app_id, Some(&lease), count).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_zero_are_rejected() {
        let zero = [
            Retention::new().with_max_age(Duration::ZERO),
            Retention::new().with_max_per_ticket(0),
            Retention::new().with_max_total(0),
        ];
        for retention in zero {
            assert!(!retention.is_empty());
            assert_eq!(retention.check().unwrap_err().kind(), ErrorKind::Config);
        }
        assert!(Retention::new().is_empty() && Retention::new().check().is_ok());
        assert!(LONGEST_CALL < LEASE && PAUSE * 2 < LEASE);
    }
}
