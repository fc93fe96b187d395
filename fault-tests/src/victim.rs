//! Starts the victim, the program that the tests break, and collects what it reports.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use clap::Parser;

use crate::Outcome;
use crate::servers::until;

/// The application that the victim's records belong to.
pub const APP: &str = "faults";
/// The number of tickets that the victim's records belong to.
pub const TICKETS: u64 = 20;

/// The victim's command line: which records it emits, and how.
#[derive(Clone, Debug, Parser)]
pub struct Plan {
    /// The database's URI
    #[arg(long)]
    pub url: String,
    /// The spool's folder; without it, the spool is kept in memory
    #[arg(long)]
    pub spool: Option<PathBuf>,
    /// The number of threads that emit records
    #[arg(long, default_value_t = 8)]
    pub threads: u64,
    /// The number of the first record
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// The number of records to emit
    #[arg(long, default_value_t = 0)]
    pub records: u64,
    /// The pause of each thread after a record, in microseconds
    #[arg(long, default_value_t = 0)]
    pub pace: u64,
    /// Emit through `tracing`, with a layer that records the events of all libraries at every level
    #[arg(long)]
    pub traced: bool,
    /// Take the time of each record from the clock instead of its number
    #[arg(long)]
    pub own_clock: bool,
    /// Ask for the lease of this name before emitting, and report the answer
    #[arg(long)]
    pub lease: Option<String>,
    /// Wait for a line on standard input before exiting
    #[arg(long)]
    pub linger: bool,
}

impl Plan {
    /// Creates a plan that emits no records. A victim with this plan only stores what waits in its spool.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            spool: None,
            threads: 8,
            first: 0,
            records: 0,
            pace: 0,
            traced: false,
            own_clock: false,
            lease: None,
            linger: false,
        }
    }

    /// Returns the numbers of the records that the plan emits.
    pub const fn issued(&self) -> Range<u64> {
        self.first..self.first + self.records
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--url={}", self.url),
            format!("--threads={}", self.threads),
            format!("--first={}", self.first),
            format!("--records={}", self.records),
            format!("--pace={}", self.pace),
        ];
        if let Some(spool) = &self.spool {
            arguments.push(format!("--spool={}", spool.display()));
        }
        if self.traced {
            arguments.push("--traced".to_owned());
        }
        if self.own_clock {
            arguments.push("--own-clock".to_owned());
        }
        if let Some(lease) = &self.lease {
            arguments.push(format!("--lease={lease}"));
        }
        if self.linger {
            arguments.push("--linger".to_owned());
        }
        arguments
    }
}

/// A running victim.
#[derive(Debug)]
pub struct Victim {
    child: Child,
    heard: Arc<Mutex<Heard>>,
    hearing: Option<JoinHandle<()>>,
    said: Option<JoinHandle<String>>,
}

/// The reports of a victim, read from its standard output.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The numbers of the records whose `emit` succeeded.
    pub acknowledged: BTreeSet<u64>,
    /// The numbers of the records whose `emit` returned an error.
    pub refused: BTreeSet<u64>,
    /// Whether the victim got the lease that it asked for.
    pub lease: Option<bool>,
    /// The handler's counters, which the victim prints before it exits.
    pub stats: Option<serde_json::Value>,
}

/// The outcome of a victim that has exited.
#[derive(Debug)]
pub struct Ended {
    /// What the victim reported.
    pub heard: Heard,
    status: ExitStatus,
    /// The victim's standard error.
    said: String,
}

impl Ended {
    /// Returns one of the handler's counters by its name in the victim's `STATS` line.
    pub fn counted(&self, name: &str) -> Outcome<u64> {
        let stats = self.heard.stats.as_ref();
        let count = stats.and_then(|stats| stats[name].as_u64());
        Ok(count.ok_or_else(|| format!("the victim reported no counter `{name}`: {stats:?}"))?)
    }
}

impl Victim {
    /// Starts the victim's program with this plan.
    pub fn start(program: &str, plan: &Plan) -> Outcome<Self> {
        Self::run(Command::new(program).args(plan.arguments()))
    }

    /// Starts the victim through another program, such as `strace`.
    ///
    /// The victim's program and arguments are appended to `wrapper`.
    pub fn start_by(mut wrapper: Command, program: &str, plan: &Plan) -> Outcome<Self> {
        Self::run(wrapper.arg(program).args(plan.arguments()))
    }

    fn run(command: &mut Command) -> Outcome<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let stdout = child.stdout.take().ok_or("the victim's output is not piped")?;
        let mut stderr = child.stderr.take().ok_or("the victim's output is not piped")?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let to = Arc::clone(&heard);
        let hearing = std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout);
            let mut line = String::new();
            // A line without its newline was cut off by a kill and acknowledges nothing.
            while lines.read_line(&mut line).is_ok_and(|_| line.ends_with('\n')) {
                to.lock().unwrap_or_else(PoisonError::into_inner).hear(line.trim_end());
                line.clear();
            }
        });
        let said = std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = stderr.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        Ok(Self { child, heard, hearing: Some(hearing), said: Some(said) })
    }

    /// Returns what the victim has reported so far.
    pub fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the victim's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells a lingering victim to exit.
    pub fn let_go(&mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
    }

    /// Kills the victim and returns what it had reported until then.
    pub fn kill(mut self) -> Outcome<Ended> {
        self.child.kill()?;
        self.ended()
    }

    /// Tells the victim to exit, and waits until it has done so successfully.
    pub fn wait(mut self) -> Outcome<Ended> {
        self.let_go();
        let child = &mut self.child;
        until("the victim has exited", || Ok(child.try_wait()?.is_some()))?;
        let ended = self.ended()?;
        if ended.status.success() {
            return Ok(ended);
        }
        Err(format!("the victim failed: {}: {}", ended.status, ended.said).into())
    }

    fn ended(mut self) -> Outcome<Ended> {
        let status = self.child.wait()?;
        let gone = "a thread that reads the victim's output panicked";
        self.hearing.take().ok_or(gone)?.join().map_err(|_| gone)?;
        let said = self.said.take().ok_or(gone)?.join().map_err(|_| gone)?;
        let heard = self.heard();
        Ok(Ended { heard, status, said })
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Killing fails if the victim has already exited, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Heard {
    fn hear(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("ACK", number)) => drop(number.parse().map(|n| self.acknowledged.insert(n))),
            Some(("ERR", number)) => drop(number.parse().map(|n| self.refused.insert(n))),
            Some(("LEASE", answer)) => self.lease = answer.parse().ok(),
            Some(("STATS", stats)) => self.stats = serde_json::from_str(stats).ok(),
            _ => {}
        }
    }

    /// Merges the reports of another victim into these, keeping the other victim's counters.
    pub fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.refused.extend(other.refused);
        self.stats = other.stats;
    }
}
