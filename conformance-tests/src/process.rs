//! Further processes: this program, started again, opens the same store and runs a [`Job`].

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};
use ticket_core::backend::{Batch, TicketChange};
use ticket_core::{BackendBase, Record, TicketId};

use crate::case::Case;
use crate::runtime::runtime;
use crate::subject::Subject;
use crate::support;

/// The environment variable that is set in a further process.
pub(crate) const VARIABLE: &str = "TICKET_CONFORMANCE_PROCESS";

/// Starts every line that a process writes for its parent. The backend may print other lines.
const PREFIX: &str = "ticket-conformance process: ";

/// What a process does: it opens the store, waits for the signal to begin, sets the store up if asked to,
/// and records the batches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    case: Case,
    setup: bool,
    batches: Vec<Vec<Record>>,
}

/// The result of a [`Job`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The number of new occurrences.
    pub(crate) occurrences: u64,
    /// The tickets that were reported as created.
    pub(crate) created: Vec<TicketId>,
    /// The kind and message of the error that ended the job.
    pub(crate) error: Option<String>,
}

impl Job {
    /// Creates a job that sets the store up.
    pub(crate) fn set_up(case: &Case) -> Self {
        Self { case: case.clone(), setup: true, batches: Vec::new() }
    }

    /// Creates a job that records these batches in order.
    pub(crate) fn record(case: &Case, batches: Vec<Vec<Record>>) -> Self {
        Self { case: case.clone(), setup: false, batches }
    }
}

/// Runs all jobs at the same moment, each in a process of its own, and returns their reports.
pub(crate) async fn run_all(jobs: Vec<Job>) -> Vec<Report> {
    blocking(move || {
        let mut processes: Vec<Process> =
            jobs.iter().map(Process::start).collect::<io::Result<_>>().expect("processes start");
        for process in &mut processes {
            process.begin().expect("a process begins");
        }
        processes.into_iter().map(|process| process.finish().expect("a process reports")).collect()
    })
    .await
}

/// Starts a job and kills its process after this time, whatever it has done by then.
pub(crate) async fn run_and_kill(job: Job, after: std::time::Duration) {
    blocking(move || {
        let mut process = Process::start(&job).expect("a process starts");
        process.begin().expect("a process begins");
        std::thread::sleep(after);
        drop(process);
    })
    .await;
}

async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(act).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// A running process, as seen by the case that started it. It is killed on drop.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(job: &Job) -> io::Result<Self> {
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
        // A single write, because the pipe is not buffered.
        let job = serde_json::to_string(job)? + "\n";
        process.input.write_all(job.as_bytes())?;
        Ok(process)
    }

    /// Waits until the process has opened the store, and lets it begin.
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
        // Both fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The `main` of a further process.
pub(crate) fn main(subject: &Subject) -> ExitCode {
    match run(subject) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent shows this as its own failure. If the parent is gone, nobody can.
            let _ = send(&format!("the process failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(subject: &Subject) -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let mut read = || lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
    let job: Job = serde_json::from_str(&read()?)?;
    runtime("process")?.block_on(async {
        let fixture = (subject.open)(job.case.clone()).await.map_err(io::Error::other)?;
        send(&"ready")?;
        read()?;
        send(&carry_out(&fixture.store, job).await)
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
        let batch: Vec<_> = records.into_iter().map(support::occurrence).collect();
        match store.record_tickets(Batch::from(&batch[..])).await {
            Ok(recorded) => {
                report.occurrences += recorded.occurrences;
                report.created.extend(support::changed(&recorded, TicketChange::Created));
            }
            Err(error) => {
                report.error = failed(error);
                return report;
            }
        }
    }
    report
}

#[allow(clippy::print_stdout, reason = "a process reports through its output")]
fn send(message: &impl Serialize) -> io::Result<()> {
    println!("{PREFIX}{}", serde_json::to_string(message)?);
    io::stdout().flush()
}
