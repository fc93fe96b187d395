//! `ticket ingest` under load, while its server suffers a fault.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use ticket_faults::servers::until;

use super::ticket::{Summary, assert_exact, counts, line, lines, set_up, ticket};
use super::{Outcome, Place};

/// A run of `ticket ingest` that reads from a pipe. It gets half of the lines before the fault, and the other half
/// during it.
#[derive(Debug)]
pub(crate) struct Load {
    url: String,
    lines: u64,
    folder: TempDir,
    ingest: Child,
    stdin: Option<ChildStdin>,
    feeder: Option<JoinHandle<std::io::Result<()>>>,
}

impl Load {
    /// Sends the first half and waits until some of it is recorded.
    pub(crate) fn start(place: &impl Place) -> Outcome<Self> {
        let lines = lines()?;
        let folder = TempDir::new()?;
        let url = place.url();
        set_up(&url)?;
        let mut ingest = ticket(&place.impatient_url(), &["ingest", "-"]);
        ingest.stdin(Stdio::piped()).stdout(File::create(folder.path().join("summary"))?);
        ingest.stderr(File::create(folder.path().join("said"))?);
        let mut ingest = ingest.spawn()?;
        let stdin = ingest.stdin.take();
        let mut load = Self { url, lines, folder, ingest, stdin, feeder: None };
        load.feed(0..lines / 2)?;
        load.wait_for_feeder()?;
        until("a batch is recorded", || Ok(counts(&load.url)?.iter().sum::<u64>() > 0))?;
        Ok(load)
    }

    /// Begins to send the other half, in the background.
    pub(crate) fn go_on(&mut self) -> Outcome {
        self.feed(self.lines / 2..self.lines)?;
        // Make sure that lines are in flight when the fault happens.
        std::thread::sleep(Duration::from_millis(100));
        assert!(self.ingest.try_wait()?.is_none(), "ingest ended before the fault");
        Ok(())
    }

    fn feed(&mut self, lines: std::ops::Range<u64>) -> Outcome {
        let stdin = self.stdin.take().ok_or("the pipe is in use")?;
        let last = lines.end == self.lines;
        let copy =
            (!last).then(|| std::os::fd::AsFd::as_fd(&stdin).try_clone_to_owned()).transpose()?;
        self.stdin = copy.map(ChildStdin::from);
        self.feeder = Some(std::thread::spawn(move || {
            let mut pipe = BufWriter::new(stdin);
            lines.into_iter().try_for_each(|number| writeln!(pipe, "{}", line(number)))?;
            pipe.flush()
        }));
        Ok(())
    }

    fn wait_for_feeder(&mut self) -> Outcome {
        let feeder = self.feeder.take().ok_or("nothing is on its way")?;
        Ok(feeder.join().map_err(|_| "the feeder panicked")??)
    }

    /// Returns `true` if `ingest` is running and has reported that it waits for the database.
    pub(crate) fn waits(&mut self) -> Outcome<bool> {
        Ok(self.ingest.try_wait()?.is_none() && self.said()?.contains(WAITING))
    }

    /// Waits for the end and checks that every line is recorded once. `noticed` says that the fault is one that
    /// `ingest` must have noticed.
    pub(crate) fn finish(mut self, noticed: bool) -> Outcome {
        let fault_end = Instant::now();
        let mut status = None;
        let ended = until("ingest has ended", || {
            status = self.ingest.try_wait()?;
            Ok(status.is_some())
        });
        let said = self.said()?;
        ended.map_err(|error| format!("{error}; it said:\n{said}"))?;
        self.wait_for_feeder()?;
        let summary = self.read("summary")?;
        println!("{:?} after the fault ended: {}", fault_end.elapsed(), summary.trim());
        if !status.is_some_and(|status| status.success()) {
            return Err(format!("ingest failed: {status:?}\n{said}{summary}").into());
        }
        if noticed && !said.contains(WAITING) {
            return Err(format!("ingest did not notice the fault: {said}").into());
        }
        let summary = Summary::read(&summary)?;
        assert_eq!(summary.recorded + summary.known, self.lines, "{summary:?}");
        assert_exact(&self.url, self.lines)
    }

    fn said(&self) -> Outcome<String> {
        self.read("said")
    }

    fn read(&self, name: &str) -> Outcome<String> {
        let mut text = String::new();
        File::open(Path::new(self.folder.path()).join(name))?.read_to_string(&mut text)?;
        Ok(text)
    }
}

/// The message of `ticket ingest` while it waits.
const WAITING: &str = "waiting for the database";

impl Drop for Load {
    fn drop(&mut self) {
        // After `finish`, the process has ended already.
        let _ = self.ingest.kill();
        let _ = self.ingest.wait();
    }
}
