//! The program that faults are done to, and what it has told before.

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
/// How many tickets they belong to.
pub const TICKETS: u64 = 20;

/// What a victim does: emits the numbered records, waits for them if `linger` says so, and ends.
#[derive(Clone, Debug, Parser)]
pub struct Plan {
    /// Where the database is
    #[arg(long)]
    pub url: String,
    /// The spool's folder; without it, memory
    #[arg(long)]
    pub spool: Option<PathBuf>,
    /// How many threads emit
    #[arg(long, default_value_t = 8)]
    pub threads: u64,
    /// The first record's number
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// How many records
    #[arg(long, default_value_t = 0)]
    pub records: u64,
    /// Microseconds that each thread rests after a record
    #[arg(long, default_value_t = 0)]
    pub pace: u64,
    /// Emit by `tracing`, where everything is recorded that any library says
    #[arg(long)]
    pub traced: bool,
    /// Wait for a line on the standard input before the end
    #[arg(long)]
    pub linger: bool,
}

impl Plan {
    /// Nothing but a start at this database: what waits in the spool is recorded.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            spool: None,
            threads: 8,
            first: 0,
            records: 0,
            pace: 0,
            traced: false,
            linger: false,
        }
    }

    /// The numbers of the records that it issues.
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

/// What it has told.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The records whose `emit` returned well.
    pub acknowledged: BTreeSet<u64>,
    /// The records whose `emit` returned an error.
    pub refused: BTreeSet<u64>,
    /// Its last line: what its handler counted.
    pub stats: Option<serde_json::Value>,
}

/// What became of a victim that has ended.
#[derive(Debug)]
pub struct Ended {
    /// What it has told.
    pub heard: Heard,
    status: ExitStatus,
    /// What it wrote to standard error.
    said: String,
}

impl Ended {
    /// What its handler has counted, by the name that it has in the victim's last line.
    pub fn counted(&self, name: &str) -> Outcome<u64> {
        let stats = self.heard.stats.as_ref();
        let count = stats.and_then(|stats| stats[name].as_u64());
        Ok(count.ok_or_else(|| format!("no count of {name}: {stats:?}"))?)
    }
}

impl Victim {
    /// Starts the program.
    pub fn start(program: &str, plan: &Plan) -> Outcome<Self> {
        Self::run(Command::new(program).args(plan.arguments()))
    }

    /// Starts it by another program, such as one that limits or traces it: `wrapper` ends with what
    /// comes before the program's own name.
    pub fn start_by(mut wrapper: Command, program: &str, plan: &Plan) -> Outcome<Self> {
        Self::run(wrapper.arg(program).args(plan.arguments()))
    }

    fn run(command: &mut Command) -> Outcome<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let mut stderr = child.stderr.take().ok_or("no pipe")?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let to = Arc::clone(&heard);
        let hearing = std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout);
            let mut line = String::new();
            // A line that was cut off by a kill acknowledges nothing.
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

    /// What it has told by now.
    pub fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets one that lingers go to its end.
    pub fn let_go(&mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
    }

    /// Kills it, wherever it is, and says what it had told.
    pub fn kill(mut self) -> Outcome<Ended> {
        self.child.kill()?;
        self.ended()
    }

    /// Waits for its end, which has to be a good one.
    pub fn wait(mut self) -> Outcome<Ended> {
        self.let_go();
        let child = &mut self.child;
        until("the victim has ended", || Ok(child.try_wait()?.is_some()))?;
        let ended = self.ended()?;
        if ended.status.success() {
            return Ok(ended);
        }
        Err(format!("the victim: {}: {}", ended.status, ended.said).into())
    }

    fn ended(mut self) -> Outcome<Ended> {
        let status = self.child.wait()?;
        let gone = "a thread of the test panicked";
        self.hearing.take().ok_or(gone)?.join().map_err(|_| gone)?;
        let said = self.said.take().ok_or(gone)?.join().map_err(|_| gone)?;
        let heard = self.heard();
        Ok(Ended { heard, status, said })
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // After its end there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Heard {
    fn hear(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("ACK", number)) => drop(number.parse().map(|n| self.acknowledged.insert(n))),
            Some(("ERR", number)) => drop(number.parse().map(|n| self.refused.insert(n))),
            Some(("STATS", stats)) => self.stats = serde_json::from_str(stats).ok(),
            _ => {}
        }
    }

    /// Joins what several victims have told.
    pub fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.refused.extend(other.refused);
        self.stats = other.stats;
    }
}
