//! Other processes: this program, started again, opens the same store and does a small job.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};
use ticket_core::backend::{Batch, TicketChange};
use ticket_core::{BackendBase, Record, TicketId};

use crate::run::runtime;
use crate::suite::Backend;
use crate::{Case, kit};

/// Set in a process that is such a worker.
pub(crate) const VARIABLE: &str = "TICKET_CONFORMANCE_WORKER";

/// Before everything that a worker tells: the backend may print, too.
const MARK: &str = "ticket-conformance worker: ";

/// What another process is to do: open the store, wait for the word, set it up, record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    case: Case,
    setup: bool,
    batches: Vec<Vec<Record>>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// How many occurrences were new.
    pub(crate) occurrences: u64,
    /// The tickets it was told to have created.
    pub(crate) created: Vec<TicketId>,
    /// What failed, and what kind of error that was.
    pub(crate) error: Option<String>,
}

impl Job {
    /// Sets the store up.
    pub(crate) fn set_up(case: &Case) -> Self {
        Self { case: case.clone(), setup: true, batches: Vec::new() }
    }

    /// Records these batches, one after the other.
    pub(crate) fn record(case: &Case, batches: Vec<Vec<Record>>) -> Self {
        Self { case: case.clone(), setup: false, batches }
    }
}

/// Does all jobs at the same moment, each in a process of its own, and collects their reports.
pub(crate) async fn run_all(jobs: Vec<Job>) -> Vec<Report> {
    blocking(move || {
        let mut workers: Vec<Worker> =
            jobs.iter().map(Worker::start).collect::<io::Result<_>>().expect("workers start");
        for worker in &mut workers {
            worker.begin().expect("a worker begins");
        }
        workers.into_iter().map(|worker| worker.finish().expect("a worker reports")).collect()
    })
    .await
}

/// Starts a job and kills its process after a while, wherever it is by then.
pub(crate) async fn run_and_kill(job: Job, after: std::time::Duration) {
    blocking(move || {
        let mut worker = Worker::start(&job).expect("a worker starts");
        worker.begin().expect("a worker begins");
        std::thread::sleep(after);
        drop(worker);
    })
    .await;
}

async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(act).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// A worker, seen from the case that started it. Dropped, it is killed.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(job: &Job) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .env(VARIABLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(io::Error::other("the worker's pipes are missing"));
        };
        let mut worker = Self { child, input, output: BufReader::new(output) };
        // In one piece: the pipe has no buffer of its own.
        let job = serde_json::to_string(job)? + "\n";
        worker.input.write_all(job.as_bytes())?;
        Ok(worker)
    }

    /// Waits until the worker has opened the store, and gives the word.
    fn begin(&mut self) -> io::Result<()> {
        let ready: String = self.read()?;
        if ready != "ready" {
            return Err(io::Error::other(ready));
        }
        self.input.write_all(b"go\n")
    }

    fn finish(mut self) -> io::Result<Report> {
        let report = self.read()?;
        self.child.wait()?;
        Ok(report)
    }

    fn read<T: for<'de> Deserialize<'de>>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                return Err(io::Error::other("the worker ended without an answer"));
            }
            if let Some(answer) = line.strip_prefix(MARK) {
                return Ok(serde_json::from_str(answer)?);
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only where the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The `main` of a worker.
pub(crate) fn main(backend: &Backend) -> ExitCode {
    match work(backend) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent shows this as its own failure; if it is gone, nobody is there to tell.
            let _ = tell(&format!("the worker failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn work(backend: &Backend) -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let mut read = || lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
    let job: Job = serde_json::from_str(&read()?)?;
    runtime("worker")?.block_on(async {
        let fixture = (backend.open)(job.case.clone()).await.map_err(io::Error::other)?;
        tell(&"ready")?;
        read()?;
        tell(&carry_out(&fixture.store, job).await)
    })
}

async fn carry_out(store: &std::sync::Arc<dyn ticket_core::Store>, job: Job) -> Report {
    let mut report = Report::default();
    let failed = |error: ticket_core::Error| Some(format!("{}: {error}", error.kind()));
    if job.setup
        && let Err(error) = store.setup_backend().await
    {
        report.error = failed(error);
        return report;
    }
    for records in job.batches {
        let batch: Vec<_> = records.into_iter().map(kit::occurrence).collect();
        match store.record_tickets(Batch::from(&batch[..])).await {
            Ok(recorded) => {
                report.occurrences += recorded.occurrences;
                report.created.extend(kit::changed(&recorded, TicketChange::Created));
            }
            Err(error) => {
                report.error = failed(error);
                return report;
            }
        }
    }
    report
}

#[allow(clippy::print_stdout, reason = "its output is how a worker reports")]
fn tell(what: &impl Serialize) -> io::Result<()> {
    println!("{MARK}{}", serde_json::to_string(what)?);
    io::stdout().flush()
}
