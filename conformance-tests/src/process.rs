//! Further processes: this program, started again, opens the same store and takes the steps that a case asks for.

use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use ticket_core::backend::{Batch, Lease, NewOccurrence, Recorded, StatusChange, TicketChange};
use ticket_core::{
    Author, BackendBase, EventStore, Expiry, Note, ProcessReport, Record, Result, Store, TicketId,
    Timestamp,
};

use crate::case::Case;
use crate::runtime::runtime;
use crate::subject::Subject;
use crate::support;

/// The environment variable that is set in a further process.
pub(crate) const VARIABLE: &str = "TICKET_CONFORMANCE_PROCESS";

/// Starts every line that a process writes for its parent. The backend may print other lines.
const PREFIX: &str = "ticket-conformance process: ";

/// The number of processes that a case lets race. Two would do to break a rule. With eight, the lock of a
/// correct store is nearly always taken, so that whatever a wrong one decides before it gets the lock is old
/// by then.
pub(crate) const PROCESSES: usize = 8;

/// A call that waited this long before it answered that the store is unavailable is repeated: on a busy machine, one
/// process may wait for the others longer than its backend lets it. A call that fails at once did not wait.
const WAITED: Duration = Duration::from_secs(1);

/// How long a step is repeated.
const PATIENCE: Duration = Duration::from_secs(30);

/// One call that a process makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Step {
    SetUp,
    Record(Vec<Record>),
    Solve(TicketId, Timestamp),
    Note(TicketId, String),
    Delete(TicketId),
    /// Deletes everything that is older than this time.
    Expire(Timestamp),
    /// Asks for a lease, or releases it if the duration is zero.
    Lease {
        name: String,
        holder: String,
        time: Duration,
    },
    /// Reads a source to its end, see [`support::read_source`].
    Read {
        source: String,
        end: u32,
    },
    Report(Box<ProcessReport>),
}

impl Step {
    pub(crate) fn report(report: ProcessReport) -> Self {
        Self::Report(Box::new(report))
    }
}

/// Shows the call without the records of a batch.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(records) => {
                let tickets: BTreeSet<&str> =
                    records.iter().filter_map(|record| record.fingerprint.as_deref()).collect();
                write!(f, "record_tickets of {} records for {tickets:?}", records.len())
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// What the steps of one process did together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The number of new occurrences.
    pub(crate) occurrences: u64,
    /// The tickets that were reported as created.
    pub(crate) created: Vec<TicketId>,
    /// The tickets that were reported as reopened.
    pub(crate) reopened: Vec<TicketId>,
    /// The number of tickets that were reported as deleted, by a deletion or by expiry.
    pub(crate) deleted: u64,
    /// The number of occurrences that expiry reported as deleted.
    pub(crate) expired: u64,
    /// The names of the leases that were granted.
    pub(crate) leases: Vec<String>,
}

impl Report {
    fn add(&mut self, recorded: &Recorded) {
        self.occurrences += recorded.occurrences;
        self.created.extend(support::changed(recorded, TicketChange::Created));
        self.reopened.extend(support::changed(recorded, TicketChange::Reopened));
    }

    /// Joins the reports of several processes.
    pub(crate) fn sum(reports: Vec<Self>) -> Self {
        let mut sum = Self::default();
        for Self { occurrences, created, reopened, deleted, expired, leases } in reports {
            sum.occurrences += occurrences;
            sum.created.extend(created);
            sum.reopened.extend(reopened);
            sum.deleted += deleted;
            sum.expired += expired;
            sum.leases.extend(leases);
        }
        sum
    }
}

/// Processes that have the same store open.
pub(crate) struct Crew {
    processes: Vec<Process>,
}

impl Crew {
    /// Starts [`PROCESSES`] processes, which open the store of a case.
    pub(crate) async fn start(case: &Case) -> Self {
        let case = case.clone();
        let start = move || (0..PROCESSES).map(|_| Process::start(&case)).collect();
        let processes: io::Result<_> = blocking(start).await;
        Self { processes: processes.expect("processes start") }
    }

    /// Lets each process take its steps, all of them beginning at the same moment, and returns their reports.
    ///
    /// Every step has to succeed, at the latest when it is repeated because it waited in vain.
    pub(crate) async fn run(&mut self, steps: impl IntoIterator<Item = Vec<Step>>) -> Vec<Report> {
        let mut processes = std::mem::take(&mut self.processes);
        let steps: Vec<Vec<Step>> = steps.into_iter().collect();
        assert_eq!(steps.len(), processes.len(), "each process has steps");
        let (processes, reports) = blocking(move || {
            for (process, steps) in processes.iter_mut().zip(&steps) {
                process.send(steps).expect("a process takes its steps");
            }
            for process in &mut processes {
                process.expect("ready");
            }
            for process in &mut processes {
                process.send(&"go").expect("a process begins");
            }
            let reports = processes.iter_mut().map(Process::report).collect();
            (processes, reports)
        })
        .await;
        self.processes = processes;
        reports
    }
}

/// Lets new processes take one set of steps each, see [`Crew::run`].
pub(crate) async fn run_all(
    case: &Case,
    steps: impl IntoIterator<Item = Vec<Step>>,
) -> Vec<Report> {
    Crew::start(case).await.run(steps).await
}

/// Lets a process record the batches [`burst_of`] an application one after another, kills it while it does so,
/// and returns how many it has reported as recorded.
///
/// The process never pauses, so the kill meets a batch that is being recorded, however busy the machine is.
/// `part` says how much of the time that a batch takes passes between the last report and the kill.
pub(crate) async fn kill_in_a_burst(case: &Case, app: &str, reports: u32, part: f64) -> u32 {
    let (case, app) = (case.clone(), app.to_owned());
    blocking(move || {
        let mut process = Process::start(&case).expect("a process starts");
        process.send(&Burst { app }).expect("a process takes its steps");
        let mut began = Instant::now();
        let mut took = Duration::ZERO;
        for _ in 0..reports {
            process.report();
            took = began.elapsed();
            began = Instant::now();
        }
        std::thread::sleep(took.mul_f64(part));
        process.kill().expect("a process is killed");
        // What it has written before is still in the pipe.
        let mut recorded = reports;
        while let Ok(answer) = process.read::<Answer>() {
            answer.done();
            recorded += 1;
        }
        recorded
    })
    .await
}

/// Returns a batch of a burst: 200 records of 20 tickets. The parent builds the same batch as the process.
pub(crate) fn burst_of(app: &str, number: u32) -> Vec<Record> {
    let app = format!("{app}_{number}");
    let one = |i: i64| {
        let record = support::record(&format!("ticket {}", i % 20), i);
        record.with_key(&i.to_string()).with_app_id(app.as_str())
    };
    (0..200).map(one).collect()
}

async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(act).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// What a process is told.
#[derive(Deserialize)]
#[serde(untagged)]
enum Order {
    Steps(Vec<Step>),
    Burst(Burst),
}

#[derive(Serialize, Deserialize)]
struct Burst {
    app: String,
}

/// What a process answers.
#[derive(Serialize, Deserialize)]
enum Answer {
    Done(Report),
    /// The step that failed, and its error.
    Failed(String),
}

impl Answer {
    fn done(self) -> Report {
        match self {
            Self::Done(report) => report,
            Self::Failed(error) => panic!("in another process, {error}"),
        }
    }
}

/// A running process, as seen by the case that started it. It is killed on drop.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(case: &Case) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .env(VARIABLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(io::Error::other("the pipes of the process are missing"));
        };
        let mut process = Self { child, input, output: BufReader::new(output) };
        process.send(case)?;
        Ok(process)
    }

    fn send(&mut self, order: &impl Serialize) -> io::Result<()> {
        // A single write, because the pipe is not buffered.
        let order = serde_json::to_string(order)? + "\n";
        self.input.write_all(order.as_bytes())
    }

    fn expect(&mut self, word: &str) {
        let answer: String = self.read().expect("a process answers");
        assert_eq!(answer, word, "a process is {word}");
    }

    fn report(&mut self) -> Report {
        self.read::<Answer>().expect("a process reports").done()
    }

    fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn read<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                return Err(io::Error::other("the process ended without a report"));
            }
            if let Some(answer) = line.strip_prefix(PREFIX) {
                return Ok(serde_json::from_str(answer)?);
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails only if the process has already ended.
        let _ = self.kill();
    }
}

/// The `main` of a further process. It ends when its parent closes the pipe or kills it.
pub(crate) fn main(subject: &Subject) -> ExitCode {
    match run(subject) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent shows this as its own failure. If the parent is gone, nobody can.
            let _ = send(&format!("not ready: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(subject: &Subject) -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let Some(case) = lines.next() else { return Ok(()) };
    let case: Case = serde_json::from_str(&case?)?;
    runtime("process")?.block_on(async {
        let store = (subject.open)(case).await.map_err(io::Error::other)?.store;
        while let Some(order) = lines.next() {
            match serde_json::from_str(&order?)? {
                Order::Steps(steps) => {
                    send(&"ready")?;
                    let Some(go) = lines.next() else { break };
                    go?;
                    send(&take(&store, steps).await)?;
                }
                Order::Burst(Burst { app }) => burst(&store, &app).await?,
            }
        }
        Ok(())
    })
}

async fn take(store: &Arc<dyn Store>, steps: Vec<Step>) -> Answer {
    let mut report = Report::default();
    for (number, step) in steps.into_iter().enumerate() {
        let start = Instant::now();
        loop {
            let called = Instant::now();
            let Err(error) = make(store, step.clone(), &mut report).await else { break };
            let waited = called.elapsed() >= WAITED && start.elapsed() < PATIENCE;
            if error.is_retryable() && waited {
                continue;
            }
            let kind = error.kind();
            return Answer::Failed(format!("step {}, {step}, failed: {kind}: {error}", number + 1));
        }
    }
    Answer::Done(report)
}

/// Takes one step, and adds what it did to the report.
async fn make(store: &Arc<dyn Store>, step: Step, report: &mut Report) -> Result<()> {
    match step {
        Step::SetUp => store.setup_backend().await?,
        Step::Record(records) => {
            let batch: Vec<_> = records.into_iter().map(support::occurrence).collect();
            report.add(&store.record_tickets(Batch::from(&batch[..])).await?);
        }
        Step::Solve(id, at) => {
            let change = StatusChange::Solve { at, release: None };
            store.set_status(id, change, Author::unknown()).await?;
        }
        Step::Note(id, text) => {
            store.add_note(id, Note::new(text, Author::unknown())).await?;
        }
        Step::Delete(id) => report.deleted += u64::from(store.delete_ticket(id).await?),
        Step::Expire(before) => {
            let expired = store.clear_expired(&Expiry::before(before)).await?;
            report.deleted += expired.tickets;
            report.expired += expired.occurrences;
        }
        Step::Lease { name, holder, time } => {
            if store.lease(&Lease::new(name.as_str(), holder, time)).await? {
                report.leases.push(name);
            }
        }
        Step::Read { source, end } => {
            support::read_source(store, &source, end, &mut report.occurrences).await?;
        }
        Step::Report(own) => store.report_process(*own).await?,
    }
    Ok(())
}

/// Records batches until the process is killed, and reports each. The next one is ready by then.
async fn burst(store: &Arc<dyn Store>, app: &str) -> io::Result<()> {
    let batch = |number| {
        let app = app.to_owned();
        tokio::task::spawn_blocking(move || -> Vec<NewOccurrence> {
            burst_of(&app, number).into_iter().map(support::occurrence).collect()
        })
    };
    let mut number = 0;
    let mut next = batch(number);
    loop {
        let ready = next.await.map_err(io::Error::other)?;
        number += 1;
        next = batch(number);
        match store.record_tickets(Batch::from(&ready[..])).await {
            Ok(_) => send(&Answer::Done(Report::default()))?,
            Err(error) => send(&Answer::Failed(format!("record_tickets failed: {error}")))?,
        }
    }
}

#[allow(clippy::print_stdout, reason = "a process reports through its output")]
fn send(message: &impl Serialize) -> io::Result<()> {
    println!("{PREFIX}{}", serde_json::to_string(message)?);
    io::stdout().flush()
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use ticket_core::ErrorKind;
    use ticket_memory::MemoryBackend;

    use super::*;
    use crate::{Fault, FaultyBackend, Method, script};

    /// Takes one step with a store whose first call waits, and then fails. Returns the answer and the number of calls.
    fn record_after(wait: Duration, kind: ErrorKind) -> (Answer, u64) {
        let fails = script(Method::RecordTickets, [Fault::Error(kind)]);
        let waits = script(Method::RecordTickets, [Fault::Slow(wait)]);
        let failing = FaultyBackend::new(MemoryBackend::new(), fails);
        let backend = Arc::new(FaultyBackend::new(failing, waits));
        let store: Arc<dyn Store> = backend.clone();
        let steps = vec![Step::Record(vec![support::record("ticket", 1)])];
        let answer = block_on(take(&store, steps));
        (answer, backend.calls(Method::RecordTickets))
    }

    #[test]
    fn a_step_that_waited_in_vain_is_repeated_and_reported_once() {
        let (answer, calls) = record_after(WAITED, ErrorKind::Unavailable);
        assert_eq!(calls, 2);
        let report = answer.done();
        assert_eq!((report.occurrences, report.created.len()), (1, 1));
    }

    #[test]
    fn a_step_that_fails_at_once_or_for_good_is_not_repeated() {
        for (wait, kind) in
            [(Duration::ZERO, ErrorKind::Unavailable), (WAITED, ErrorKind::Rejected)]
        {
            let (answer, calls) = record_after(wait, kind);
            assert_eq!(calls, 1, "{kind}");
            let Answer::Failed(error) = answer else { panic!("the step did not fail: {kind}") };
            assert!(error.starts_with("step 1, record_tickets of 1 records"), "{error}");
        }
    }
}
