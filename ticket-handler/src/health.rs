//! [`Health`]: reports to the store how this process is doing.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use ticket_core::{
    Capability, ProcessReport, ReportedError, ReportedRetention, Result, Store, Timestamp,
};
use ticket_direct::HandlerOptions;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::shared::Shared;

/// The minimum time between two reports.
const PAUSE: Duration = Duration::from_secs(30);
/// How long after a report the next one is overdue. Until then two may fail at once, or one by the deadline of calls.
const OVERDUE: Duration = Duration::from_secs(120);
/// How long the final report may delay the end of the worker or of the program.
const FAREWELL: Duration = Duration::from_secs(1);

/// A model of threads has neither tokio's tasks nor its timers, so nothing reports there.
const IS_MODEL: bool = cfg!(all(test, ticket_shuttle));

/// What the process reports about itself, and whether its end is reported.
///
/// Its locks are those of the standard library even under a model, where nothing takes them.
#[derive(Debug)]
pub(crate) struct Health {
    /// The part of the report that never changes.
    base: ProcessReport,
    pub(crate) retention: ReportedRetention,
    /// The time of the last report.
    last: AtomicI64,
    is_reporting: AtomicBool,
    /// Asks for a final report.
    end: Notify,
    /// The number of final reports that were sent, or given up.
    ends: Mutex<u64>,
    end_reported: Condvar,
}

impl Health {
    pub(crate) fn new(options: &HandlerOptions) -> Self {
        let started = Timestamp::now();
        let clean = |text: &str| options.redaction().text(text).into_owned();
        let (host, pid) = (options.host().map(clean), std::process::id());
        // Only the beginning of a long name, because the limit on the length would cut off what distinguishes processes.
        let place: String = host.as_deref().unwrap_or("unknown host").chars().take(40).collect();
        // A process may have several handlers, and containers may share a host's name and have equal process ids.
        let process = format!("{place} {pid} {started} {:08x}", fastrand::u32(..));
        let mut base = ProcessReport::new(process, options.app_id(), started);
        base.pid = Some(pid);
        base.release = options.release().map(clean);
        base.environment = options.environment().map(clean);
        base.version = Some(env!("CARGO_PKG_VERSION").to_owned());
        base.host = host;
        Self {
            base,
            retention: ReportedRetention::default(),
            last: AtomicI64::new(i64::MIN),
            is_reporting: AtomicBool::new(false),
            end: Notify::new(),
            ends: Mutex::new(0),
            end_reported: Condvar::new(),
        }
    }

    /// Asks for the final report of the process, and waits for it within limits. If the process goes on, its next
    /// report replaces that one.
    pub(crate) fn report_end(&self, longest: Duration) {
        if !self.is_reporting.load(Relaxed) {
            return;
        }
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *ends;
        self.end.notify_one();
        let wait = longest.min(FAREWELL);
        drop(self.end_reported.wait_timeout_while(ends, wait, |ends| *ends == before));
    }

    fn end_was_reported(&self) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.end_reported.notify_all();
    }

    /// Returns the time of the next report: now, but later than that of the one before even if the clock was set back.
    /// Otherwise the store would ignore it, or an earlier call that was thought lost could replace it.
    fn next_time(&self) -> Timestamp {
        let now = Timestamp::now().as_micros();
        let next = |last: i64| now.max(last.saturating_add(1));
        let last = self.last.fetch_update(Relaxed, Relaxed, |last| Some(next(last)));
        Timestamp::from_micros(next(last.unwrap_or_else(|last| last)))
    }
}

/// Returns how the process is doing now.
fn report(shared: &Shared, ended: bool) -> ProcessReport {
    let health = &shared.health;
    let (stats, (spooled, spooled_bytes)) = (shared.stats(), shared.spool.load());
    let mut report = health.base.clone();
    report.time = health.next_time();
    report.until = report.time.saturating_add(OVERDUE);
    report.ended = ended;
    report.stored = stats.recorded + stats.duplicates;
    report.waiting = stats.queued;
    report.accepted = report.stored + report.waiting + stats.dropped.total();
    report.spooled = spooled as u64;
    report.spooled_bytes = spooled_bytes;
    report.on_disk = shared.spool.dir().is_some() && stats.disk_error.is_none();
    let lost = stats.dropped.reasons().into_iter().filter(|(_, count)| *count > 0);
    report.lost = lost.map(|(reason, count)| (reason.to_owned(), count)).collect();
    let failure = shared.counters.last_failure();
    report.last_error = failure.map(|(time, text)| ReportedError { time, text });
    report.retention.clone_from(&health.retention);
    report.within_limits()
}

/// Reports beside the worker's other work, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct HealthTask(JoinSet<()>);

impl HealthTask {
    /// Starts over with this store.
    pub(crate) fn start(&mut self, shared: &Arc<Shared>, store: &Arc<dyn Store>) {
        self.stop(shared);
        if !IS_MODEL && store.capabilities().has(Capability::ProcessReports) {
            shared.health.is_reporting.store(true, Relaxed);
            self.0.spawn(keep_reporting(Arc::clone(shared), Arc::clone(store)));
        }
    }

    pub(crate) fn stop(&mut self, shared: &Shared) {
        shared.health.is_reporting.store(false, Relaxed);
        self.0 = JoinSet::new();
    }

    /// Sends the final report.
    pub(crate) async fn end(&mut self, shared: &Arc<Shared>, store: Option<&Arc<dyn Store>>) {
        if self.0.is_empty() {
            return;
        }
        self.stop(shared);
        if let Some(store) = store {
            // If the store cannot be reached, the process soon counts as stale.
            let _ = timeout(FAREWELL, send(shared, store, true)).await;
        }
        shared.health.end_was_reported();
    }
}

async fn keep_reporting(shared: Arc<Shared>, store: Arc<dyn Store>) {
    let mut ended = false;
    loop {
        let failure = send(&shared, &store, ended).await.err();
        shared.counters.reported(failure);
        if ended {
            shared.health.end_was_reported();
        }
        // With jitter, so that not all processes report at the same time.
        let pause = PAUSE.mul_f64(1.0 + fastrand::f64() / 4.0);
        ended = timeout(pause, shared.health.end.notified()).await.is_ok();
    }
}

/// Sends one report, or returns what went wrong.
async fn send(shared: &Arc<Shared>, store: &Arc<dyn Store>, ended: bool) -> Result<(), String> {
    let deadline = shared.call_deadline;
    let (report, store) = (report(shared, ended), Arc::clone(store));
    // In a task of its own, so that a panic in the backend ends only this report.
    let mut call = JoinSet::new();
    call.spawn(async move { timeout(deadline, store.report_process(report)).await });
    match call.join_next().await {
        Some(Ok(Ok(Ok(())))) | None => Ok(()),
        Some(Ok(Ok(Err(error)))) => Err(error.to_string()),
        Some(Ok(Err(_))) => Err(format!("the store did not answer within {deadline:?}")),
        Some(Err(error)) => {
            // Dropping a panic's payload may panic.
            std::mem::forget(error);
            Err("the backend panicked".to_owned())
        }
    }
}

#[cfg(all(test, not(any(ticket_loom, ticket_shuttle))))]
mod tests {
    use futures::FutureExt as _;
    use ticket_core::{BackendBase, ReportQuery};
    use ticket_memory::MemoryBackend;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::spool::Spool;
    use crate::storm::Storm;

    fn shared() -> Arc<Shared> {
        let (options, spool) = (HandlerOptions::new("app"), Spool::in_memory(1 << 20));
        Arc::new(Shared::new(options, spool, Duration::from_secs(1), Storm::new(1, 1)))
    }

    async fn reported(store: &MemoryBackend) -> Option<ProcessReport> {
        store.get_reports(&ReportQuery::new()).await.expect("reports can be read").pop()
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_reports_every_half_minute_and_at_once_when_it_is_about_to_end() {
        let (shared, store) = (shared(), MemoryBackend::new());
        let (mut task, dynamic) =
            (HealthTask::default(), Arc::new(store.clone()) as Arc<dyn Store>);
        task.start(&shared, &dynamic);
        let (start, mut at, mut last) = (Instant::now(), Vec::new(), None);
        while at.len() < 20 {
            sleep(Duration::from_millis(100)).await;
            let report = reported(&store).await.map(|report| report.time);
            if report != last {
                at.push(start.elapsed());
                last = report;
            }
        }
        assert!(at[0] < Duration::from_secs(1), "{at:?}");
        for pair in at.windows(2) {
            let pause = pair[1].saturating_sub(pair[0]);
            assert!((Duration::from_secs(29)..Duration::from_secs(39)).contains(&pause), "{at:?}");
        }
        assert!(!reported(&store).await.unwrap().ended);
        shared.health.end.notify_one();
        sleep(Duration::from_millis(100)).await;
        assert!(reported(&store).await.unwrap().ended);
        assert_eq!(*shared.health.ends.lock().unwrap(), 1);
        sleep(Duration::from_secs(40)).await;
        assert!(!reported(&store).await.unwrap().ended, "the process goes on");
        task.end(&shared, Some(&dynamic)).await;
        assert!(reported(&store).await.unwrap().ended);
    }

    #[test]
    fn each_report_has_a_later_time_even_if_the_clock_is_set_back() {
        let shared = shared();
        let later = Timestamp::now().saturating_add(Duration::from_secs(3_600));
        shared.health.last.store(later.as_micros(), Relaxed);
        for micros in 1..4 {
            let report = report(&shared, false);
            assert_eq!(report.time, later.saturating_add(Duration::from_micros(micros)));
            assert_eq!(report.until, report.time.saturating_add(OVERDUE));
        }
    }

    #[test]
    fn processes_with_the_same_long_host_are_distinct() {
        for host in ["h".repeat(300), "\u{1F980}".repeat(300)] {
            let options = HandlerOptions::new("app").with_host(host);
            let [one, other] = [(); 2].map(|()| Health::new(&options).base.within_limits().process);
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_end_of_a_program_waits_for_the_final_report() {
        let shared = shared();
        shared.health.is_reporting.store(true, Relaxed);
        let (start, longest) = (std::time::Instant::now(), Duration::from_millis(50));
        shared.health.report_end(longest);
        assert!(start.elapsed() >= longest);
    }

    #[test]
    fn nobody_waits_for_the_final_report_of_a_process_that_does_not_report() {
        let shared = shared();
        shared.health.report_end(Duration::from_secs(3_600));
        assert_eq!(shared.health.end.notified().now_or_never(), None, "nothing is asked for");
    }
}
