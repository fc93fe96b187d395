//! [`Health`]: tells the store how this process is doing, for whoever asks there.

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
/// How long after a report the next one is overdue. Two reports may fail until then.
const OVERDUE: Duration = Duration::from_secs(120);
/// How long the last report may delay the end of the worker or of the program.
const FAREWELL: Duration = Duration::from_secs(1);

/// A model of threads has neither tokio's tasks nor its timers, and reports have no part in what it tries.
const IS_MODEL: bool = cfg!(all(test, ticket_shuttle));

/// What the process reports about itself, and who waits for its last report.
///
/// Locks come from the standard library, also under a model: there nobody takes them.
#[derive(Debug)]
pub(crate) struct Health {
    /// The report without what changes.
    base: ProcessReport,
    pub(crate) retention: ReportedRetention,
    /// The time of the last report. A clock that is set back must not keep the store from taking the next one.
    last: AtomicI64,
    is_reporting: AtomicBool,
    asked: Notify,
    /// The number of last reports that were sent, or given up.
    told: Mutex<u64>,
    heard: Condvar,
}

impl Health {
    pub(crate) fn new(options: &HandlerOptions) -> Self {
        let started = Timestamp::now();
        let clean = |text: &str| options.redaction().text(text).into_owned();
        let (host, pid) = (options.host().map(clean), std::process::id());
        let place = host.as_deref().unwrap_or("unknown host");
        // A process may have several handlers, and containers may share their host's name and have equal ids.
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
            asked: Notify::new(),
            told: Mutex::new(0),
            heard: Condvar::new(),
        }
    }

    /// Asks for the last report of the process, and waits for it within limits. If the process goes on, its next report
    /// takes the place of that one.
    pub(crate) fn say_goodbye(&self, longest: Duration) {
        if !self.is_reporting.load(Relaxed) {
            return;
        }
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *told;
        self.asked.notify_one();
        let wait = longest.min(FAREWELL);
        drop(self.heard.wait_timeout_while(told, wait, |told| *told == before));
    }

    fn said_goodbye(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.heard.notify_all();
    }
}

/// Returns how the process is doing now.
fn report(shared: &Shared, ended: bool) -> ProcessReport {
    let health = &shared.health;
    let (stats, (spooled, spooled_bytes)) = (shared.stats(), shared.spool.load());
    let now = Timestamp::now().as_micros();
    let last = health.last.fetch_max(now, Relaxed);
    let mut report = health.base.clone();
    report.time = Timestamp::from_micros(now.max(last));
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
    let redaction = shared.pipeline.options().redaction();
    report.last_error = shared
        .counters
        .last_failure()
        .map(|(time, text)| ReportedError { time, text: redaction.text(&text).into_owned() });
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

    /// Sends the last report.
    pub(crate) async fn end(&mut self, shared: &Arc<Shared>, store: Option<&Arc<dyn Store>>) {
        if self.0.is_empty() {
            return;
        }
        self.stop(shared);
        if let Some(store) = store {
            // If the store cannot be reached, the report before this one is overdue soon.
            let _ = timeout(FAREWELL, send(shared, store, true)).await;
        }
        shared.health.said_goodbye();
    }
}

async fn keep_reporting(shared: Arc<Shared>, store: Arc<dyn Store>) {
    let mut ended = false;
    loop {
        let failure = send(&shared, &store, ended).await.err();
        shared.counters.reported(failure);
        if ended {
            shared.health.said_goodbye();
        }
        // With jitter, so that not all processes report at the same time.
        let pause = PAUSE.mul_f64(1.0 + fastrand::f64() / 4.0);
        ended = timeout(pause, shared.health.asked.notified()).await.is_ok();
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
        shared.health.asked.notify_one();
        sleep(Duration::from_millis(100)).await;
        assert!(reported(&store).await.unwrap().ended);
        assert_eq!(*shared.health.told.lock().unwrap(), 1);
        sleep(Duration::from_secs(40)).await;
        assert!(!reported(&store).await.unwrap().ended, "the process goes on");
        task.end(&shared, Some(&dynamic)).await;
        assert!(reported(&store).await.unwrap().ended);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_make_reports_older() {
        let shared = shared();
        let later = Timestamp::now().saturating_add(Duration::from_secs(3_600));
        shared.health.last.store(later.as_micros(), Relaxed);
        let report = report(&shared, false);
        assert_eq!((report.time, report.until), (later, later.saturating_add(OVERDUE)));
    }

    #[test]
    fn nobody_waits_for_the_last_report_of_a_process_that_does_not_report() {
        let start = std::time::Instant::now();
        shared().health.say_goodbye(Duration::from_secs(3_600));
        assert!(start.elapsed() < Duration::from_secs(60));
    }
}
