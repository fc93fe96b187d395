//! The writing half: records batches, and waits for a store that is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;
use ticket_core::{Change, ErrorKind, NewOccurrence, Recorded, Store};
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
    pub(super) bar: ProgressBar,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) endless: bool,
}

impl Writer {
    /// Records until the other side ends. The summary is right also if that fails.
    pub(super) async fn write(
        &self,
        receiver: &mut mpsc::Receiver<Batch>,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        while let Some(batch) = receiver.recv().await {
            let (sources, occurrences): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .map(|Item { occurrence, file, line }| ((file, line), occurrence))
                .unzip();
            // A batch that the store refuses is halved until the record that it means stands alone.
            let mut ranges = Vec::new();
            ranges.push(0..occurrences.len());
            while let Some(range) = ranges.pop() {
                match self.record(&occurrences[range.clone()]).await {
                    Ok(recorded) => count(summary, range.len() as u64, &recorded),
                    Err(error) if error.kind() == ErrorKind::Rejected && range.len() > 1 => {
                        let middle = range.start + range.len() / 2;
                        ranges.push(middle..range.end);
                        ranges.push(range.start..middle);
                    }
                    Err(error) if error.kind() == ErrorKind::Rejected => {
                        let (file, line) = &sources[range.start];
                        let (file, reason) = (file.to_string(), error.message().to_owned());
                        summary.rejected(Fault { file, line: *line, reason });
                    }
                    Err(error) => {
                        return Err(error).context(
                            "cannot record; ingest the same again later, what is recorded will not \
                             count twice",
                        );
                    }
                }
            }
        }
        Ok(())
    }

    async fn record(&self, batch: &[NewOccurrence]) -> ticket_core::Result<Recorded> {
        self.retry(async || self.store.record_tickets(batch).await).await
    }

    /// Repeats a call while the store is away.
    pub(super) async fn retry<T>(
        &self,
        call: impl AsyncFn() -> ticket_core::Result<T>,
    ) -> ticket_core::Result<T> {
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
    summary.new_tickets += changes(Change::Created);
    summary.reopened_tickets += changes(Change::Reopened);
}
