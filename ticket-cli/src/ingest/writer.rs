//! The writing half: records batches, and waits for a store that is unavailable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;
use ticket_core::backend::{Backoff, Batch, NewOccurrence, Recorded, TicketChange};
use ticket_core::{Error, ErrorKind, Store, Timestamp};
use tokio::sync::mpsc;

use super::collect::{Located, LocatedBatch, Progress};
use super::place::Known;
use super::summary::{Fault, Summary};
use crate::failure;

/// How long a store may be unavailable before the command gives up. With `--follow` it waits for ever.
const PATIENCE: Duration = Duration::from_secs(300);
/// The same for a command that was asked to stop.
const LAST_PATIENCE: Duration = Duration::from_secs(10);
/// The bounds of the first and of the longest delay between two attempts.
const DELAYS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(4)];

/// Records batches.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) store: Arc<dyn Store>,
    pub(super) patience: Patience,
    /// Files are read from their start, whatever was read of them before.
    pub(super) again: bool,
}

impl Writer {
    /// Records until the reading half ends. The summary is correct even if this fails.
    pub(super) async fn write(
        &self,
        receiver: &mut mpsc::Receiver<LocatedBatch>,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        while let Some(located) = receiver.recv().await {
            self.write_batch(located, summary).await.context(
                "cannot record; ingest the same again later, what is recorded is not counted twice",
            )?;
        }
        Ok(())
    }

    async fn write_batch(
        &self,
        mut located: LocatedBatch,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        loop {
            self.look_up(&mut located, summary).await?;
            let batch = batch(&located);
            // A batch holds each occurrence once, so these are known as soon as it is recorded.
            let repeated = (located.records.len() - batch.len()) as u64;
            let record = async |chunk: Batch| {
                self.patience.retry(async || self.store.record_tickets(chunk.clone()).await).await
            };
            let each = |chunk: &[NewOccurrence], result: Result<Recorded, Error>| match result {
                Ok(recorded) => count(summary, chunk.len() as u64, &recorded),
                Err(error) => {
                    // A chunk that is refused has one occurrence. The batch has reordered them, so its
                    // place is found by its id.
                    let id = chunk[0].record().id;
                    let refused = located.records.iter().find(|of| of.occurrence.record().id == id);
                    if let Some(Located { file, line, .. }) = refused {
                        let (file, reason) = (file.to_string(), error.message().to_owned());
                        summary.rejected(Fault { file, line: *line, reason });
                    }
                }
            };
            match record_in_chunks(&batch, record, each).await {
                Ok(()) => {
                    summary.already_known += repeated;
                    for Progress { place, position } in located.progress {
                        let stored = Some(position.to_string());
                        place.set_known(Some(Known { stored, position: Some(position) }));
                    }
                    return Ok(());
                }
                // Another process reads one of the files too, or the answer to an earlier attempt was lost.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    located
                        .progress
                        .iter()
                        .for_each(|Progress { place, .. }| place.set_known(None));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks the store how far the files were read for which that is not known, and leaves out what others
    /// have read of them.
    async fn look_up(
        &self,
        located: &mut LocatedBatch,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let LocatedBatch { records, progress } = located;
        for index in (0..progress.len()).rev() {
            let Progress { place, position } = &progress[index];
            let known = match place.known() {
                Some(known) => known,
                None => self.patience.retry(async || place.look_up(&*self.store).await).await?,
            };
            place.set_known(Some(known.clone()));
            let Some(known) = known.position.filter(|_| !self.again) else { continue };
            let is_new = |of: &Located| {
                let is_here = of.place.as_ref().is_some_and(|of| Arc::ptr_eq(of, place));
                !(is_here && known.covers(of.offset))
            };
            let before = records.len();
            records.retain(is_new);
            summary.already_known += (before - records.len()) as u64;
            if known.reaches(position) && known != *position {
                progress.remove(index);
            }
        }
        Ok(())
    }
}

/// Returns the occurrences, and how far their files were read.
fn batch(located: &LocatedBatch) -> Batch {
    let now = Timestamp::now();
    let positions = located.progress.iter().flat_map(|Progress { place, position }| {
        let stored = place.known().and_then(|known| known.stored);
        place.read_positions(position, stored, now)
    });
    let occurrences = located.records.iter().map(|located| located.occurrence.clone());
    occurrences.collect::<Batch>().with_positions(positions.collect())
}

/// Records a batch and reports the result of each chunk of it.
///
/// A batch that the store refuses is halved until the record that is to blame stands alone, so one bad
/// record does not keep the others out. The read positions follow when all other records are stored.
async fn record_in_chunks(
    batch: &Batch,
    record: impl AsyncFn(Batch) -> Result<Recorded, Error>,
    mut each: impl FnMut(&[NewOccurrence], Result<Recorded, Error>),
) -> Result<(), Error> {
    match record(batch.clone()).await {
        Err(error) if error.kind() == ErrorKind::Rejected && !batch.is_empty() => {}
        result => {
            each(batch, Ok(result?));
            return Ok(());
        }
    }
    let mut chunks = Vec::new();
    chunks.push(0..batch.len());
    while let Some(chunk) = chunks.pop() {
        match record(batch.slice(chunk.clone())).await {
            Err(error) if error.kind() == ErrorKind::Rejected && chunk.len() > 1 => {
                let middle = chunk.start + chunk.len() / 2;
                chunks.push(middle..chunk.end);
                chunks.push(chunk.start..middle);
            }
            Err(error) if error.kind() != ErrorKind::Rejected => return Err(error),
            result => each(&batch[chunk], result),
        }
    }
    if !batch.positions().is_empty() {
        let positions = batch.positions().to_vec();
        record(Batch::default().with_positions(positions)).await?;
    }
    Ok(())
}

/// How long to wait for a store that is unavailable.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) bar: ProgressBar,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) endless: bool,
}

impl Patience {
    /// Repeats a call while the store is unavailable.
    pub(super) async fn retry<T>(
        &self,
        call: impl AsyncFn() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut away_since = None;
        let mut stopped_since = None;
        let [first, longest] = DELAYS;
        let mut backoff = Backoff::new(first, longest);
        loop {
            let error = match call().await {
                Err(error) if error.is_retryable() => error,
                done => {
                    if away_since.is_some() && done.is_ok() {
                        self.say("the database is available again");
                    }
                    return done;
                }
            };
            if away_since.is_none() {
                self.say(&format!("waiting for the database: {}", error.message()));
            }
            let away = away_since.get_or_insert_with(Instant::now).elapsed();
            let gives_up = if self.stop.load(Ordering::Relaxed) {
                stopped_since.get_or_insert_with(Instant::now).elapsed() >= LAST_PATIENCE
            } else {
                !self.endless && away >= PATIENCE
            };
            if gives_up {
                return Err(error);
            }
            tokio::time::sleep(backoff.next_delay()).await;
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
    fn an_unavailable_store_is_waited_for() {
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
    fn other_errors_are_not_retried() {
        let tries = Cell::new(0);
        let call = async || -> Result<(), Error> {
            tries.set(tries.get() + 1);
            Err(Error::new(ErrorKind::Corrupt, "test", "damaged"))
        };
        assert_eq!(run(patience().retry(call)).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(tries.get(), 1);
    }

    #[test]
    fn a_refused_record_does_not_keep_the_others_out() {
        let options = HandlerOptions::default();
        let batch: Batch = (0..21)
            .map(|number| Record::new(Level::Error, "", number.to_string()))
            .map(|record| options.prepare(record).unwrap())
            .collect();
        let message = |occurrence: &NewOccurrence| occurrence.record().message.to_string();
        let stored = RefCell::new(Vec::new());
        let record = async |chunk: Batch| {
            if chunk.iter().map(message).any(|message| message == "7" || message == "20") {
                return Err(Error::new(ErrorKind::Rejected, "test", "no"));
            }
            stored.borrow_mut().extend(chunk.iter().map(message));
            Ok(Recorded::default())
        };
        let mut rejected = Vec::new();
        let each = |chunk: &[NewOccurrence], result: Result<Recorded, Error>| {
            if result.is_err() {
                rejected.push(chunk.iter().map(message).collect::<Vec<_>>());
            }
        };
        run(record_in_chunks(&batch, record, each)).unwrap();
        rejected.sort();
        assert_eq!(rejected, [["20"], ["7"]]);
        assert_eq!(stored.borrow().len(), 19);
    }
}
