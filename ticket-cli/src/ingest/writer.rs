//! The writing half: records batches, and waits for a store that is away.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;
use ticket_core::backend::{NewOccurrence, Recorded, TicketChange};
use ticket_core::{Error, ErrorKind, Store};
use tokio::sync::mpsc;

use super::reader::{Batch, Item};
use super::summary::{Fault, Summary};
use crate::failure;

/// How long a store may be away before the command gives up. With `--follow` it may be away for good.
const PATIENCE: Duration = Duration::from_secs(300);
/// The same for a command that is being stopped.
const LAST_PATIENCE: Duration = Duration::from_secs(10);
/// The first and the longest wait between two tries.
const WAITS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// Records what it gets.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) store: Arc<dyn Store>,
    pub(super) patience: Patience,
}

impl Writer {
    /// Records until the other side ends. The summary is right also if that fails.
    pub(super) async fn write(
        &self,
        receiver: &mut mpsc::Receiver<Batch>,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        while let Some(batch) = receiver.recv().await {
            let (lines, occurrences): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .map(|Item { occurrence, file, line }| ((file, line), occurrence))
                .unzip();
            let record = async |part: &[NewOccurrence]| {
                self.patience.retry(async || self.store.record_tickets(part.into()).await).await
            };
            let each = |part: Range<usize>, done: Result<Recorded, Error>| match done {
                Ok(recorded) => count(summary, part.len() as u64, &recorded),
                Err(error) => {
                    let (file, line) = &lines[part.start];
                    let (file, reason) = (file.to_string(), error.message().to_owned());
                    summary.rejected(Fault { file, line: *line, reason });
                }
            };
            record_in_parts(&occurrences, record, each).await.context(
                "cannot record; ingest the same again later, what is recorded will not count twice",
            )?;
        }
        Ok(())
    }
}

/// Records a batch. One that the store refuses is halved until the record that it means stands alone.
async fn record_in_parts(
    batch: &[NewOccurrence],
    record: impl AsyncFn(&[NewOccurrence]) -> Result<Recorded, Error>,
    mut each: impl FnMut(Range<usize>, Result<Recorded, Error>),
) -> Result<(), Error> {
    let mut parts = Vec::new();
    parts.push(0..batch.len());
    while let Some(part) = parts.pop() {
        match record(&batch[part.clone()]).await {
            Err(error) if error.kind() == ErrorKind::Rejected && part.len() > 1 => {
                let middle = part.start + part.len() / 2;
                parts.push(middle..part.end);
                parts.push(part.start..middle);
            }
            Err(error) if error.kind() != ErrorKind::Rejected => return Err(error),
            done => each(part, done),
        }
    }
    Ok(())
}

/// How to wait for a store that is away.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) bar: ProgressBar,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) endless: bool,
}

impl Patience {
    /// Repeats a call while the store is away.
    pub(super) async fn retry<T>(
        &self,
        call: impl AsyncFn() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut away_since = None;
        let mut stopped_since = None;
        let [mut wait, longest] = WAITS;
        loop {
            let error = match call().await {
                Err(error) if error.is_retryable() => error,
                done => {
                    if away_since.is_some() && done.is_ok() {
                        self.say("the database is back");
                    }
                    return done;
                }
            };
            if away_since.is_none() {
                self.say(&format!("waiting for the database: {}", error.message()));
            }
            let away = away_since.get_or_insert_with(Instant::now).elapsed();
            let given_up = if self.stop.load(Ordering::Relaxed) {
                stopped_since.get_or_insert_with(Instant::now).elapsed() >= LAST_PATIENCE
            } else {
                !self.endless && away >= PATIENCE
            };
            if given_up {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    fn say(&self, text: &str) {
        self.bar.suspend(|| failure::say(text));
    }
}

fn count(summary: &mut Summary, sent: u64, recorded: &Recorded) {
    summary.recorded += recorded.occurrences;
    summary.already_known += sent.saturating_sub(recorded.occurrences);
    let changes = |change| {
        recorded.updates.iter().filter(|update| update.change == Some(change)).count() as u64
    };
    summary.new_tickets += changes(TicketChange::Created);
    summary.reopened_tickets += changes(TicketChange::Reopened);
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use ticket_core::{Level, Record};
    use ticket_direct::HandlerOptions;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn patience() -> Patience {
        Patience { bar: ProgressBar::hidden(), stop: Arc::default(), endless: false }
    }

    #[test]
    fn a_store_that_is_away_is_waited_for() {
        let tries = Cell::new(0);
        let call = async || {
            tries.set(tries.get() + 1);
            if tries.get() < 3 {
                return Err(Error::new(ErrorKind::Unavailable, "test", "away"));
            }
            Ok(tries.get())
        };
        assert_eq!(run(patience().retry(call)).unwrap(), 3);
    }

    #[test]
    fn other_errors_are_not_repeated() {
        let tries = Cell::new(0);
        let call = async || -> Result<(), Error> {
            tries.set(tries.get() + 1);
            Err(Error::new(ErrorKind::Corrupt, "test", "damaged"))
        };
        assert_eq!(run(patience().retry(call)).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(tries.get(), 1);
    }

    #[test]
    fn a_refused_record_does_not_keep_the_others() {
        let options = HandlerOptions::default();
        let batch: Vec<NewOccurrence> = (0..21)
            .map(|number| Record::new(Level::Error, "", number.to_string()))
            .map(|record| options.prepare(record).unwrap())
            .collect();
        let stored = RefCell::new(Vec::new());
        let record = async |part: &[NewOccurrence]| {
            let messages = || part.iter().map(|one| one.record().message.clone());
            if messages().any(|message| message == "7" || message == "20") {
                return Err(Error::new(ErrorKind::Rejected, "test", "no"));
            }
            stored.borrow_mut().extend(messages());
            Ok(Recorded::default())
        };
        let mut rejected = Vec::new();
        let each = |part: Range<usize>, done: Result<Recorded, Error>| {
            if done.is_err() {
                rejected.push(part);
            }
        };
        run(record_in_parts(&batch, record, each)).unwrap();
        assert_eq!(rejected, [7..8, 20..21]);
        assert_eq!(stored.borrow().len(), 19);
    }
}
