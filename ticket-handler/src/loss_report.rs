//! [`LossReport`]: losses as a ticket, once the store is back.

use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{ErrorKind, Level, Record};
use ticket_direct::pipeline::Pipeline;

use crate::own_record::CHANNEL;
use crate::shared::Shared;
use crate::sink::Sink;
use crate::stats::Dropped;
use crate::sync::{Instant, timeout};

const FINGERPRINT: &str = "ticket_handler: records were lost";
/// The minimum time between two reports.
const PAUSE: Duration = Duration::from_secs(60);

/// Records how many records were lost as an occurrence in the store.
///
/// It bypasses the spool: a report is not counted as one of the application's records, is not lost when
/// there is no room, and its own failure is no loss to be reported.
#[derive(Debug, Default)]
pub(crate) struct LossReport {
    /// The losses reported so far.
    reported: Dropped,
    last: Option<Instant>,
    /// The next report, which keeps its id until the store has it, and the losses up to which it reports.
    next: Option<(NewOccurrence, Dropped)>,
}

impl LossReport {
    /// Reports new losses if the last report is at least a minute old or this is the `end`.
    pub(crate) async fn send(&mut self, shared: &Shared, sink: &Sink, end: bool) {
        let (dropped, now) = (shared.counters.dropped(), Instant::now());
        let Some(occurrence) = self.due(&shared.pipeline, dropped, now, end) else { return };
        let call = sink.record_own(occurrence.clone());
        match timeout(shared.call_deadline, call).await {
            Ok(Ok(_)) => self.sent(),
            // The store will never accept it; standard error has the same report.
            Ok(Err(error)) if error.kind() == ErrorKind::Rejected => self.sent(),
            Ok(Err(_)) | Err(_) => {}
        }
    }

    fn due(
        &mut self,
        pipeline: &Pipeline,
        dropped: Dropped,
        now: Instant,
        end: bool,
    ) -> Option<&NewOccurrence> {
        let recent = self.last.is_some_and(|last| now.duration_since(last) < PAUSE);
        if dropped == self.reported || (recent && !end) {
            return None;
        }
        // Set before the attempt, so that a backend that panics over it is not called again at once.
        self.last = Some(now);
        let reported = self.reported;
        let next =
            self.next.get_or_insert_with(|| (occurrence(pipeline, reported, dropped), dropped));
        Some(&next.0)
    }

    fn sent(&mut self) {
        if let Some((_, dropped)) = self.next.take() {
            self.reported = dropped;
        }
    }
}

fn occurrence(pipeline: &Pipeline, reported: Dropped, dropped: Dropped) -> NewOccurrence {
    let lost = dropped.total() - reported.total();
    let message = format!("{lost} records were lost");
    let mut record = Record::new(Level::Warning, CHANNEL, message).with_fingerprint(FINGERPRINT);
    record.process = Some(std::process::id());
    for ((reason, now), (_, before)) in dropped.reasons().into_iter().zip(reported.reasons()) {
        if now > before {
            record = record.with_trait(reason, now - before);
        }
    }
    pipeline.prepare_own(record.with_trait("lost", lost))
}

#[cfg(test)]
mod tests {
    use ticket_core::Value;
    use ticket_direct::HandlerOptions;

    use super::*;

    #[test]
    fn each_loss_is_reported_once_and_keeps_its_id_until_it_is_stored() {
        let options = HandlerOptions::new("app").with_level(Level::Error);
        let (pipeline, start) = (Pipeline::new(options), Instant::now());
        let mut report = LossReport::default();
        let dropped = |full, rejected| Dropped { full, rejected, ..Dropped::default() };
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(report.due(&pipeline, dropped(0, 0), at(0), true).is_none());

        let first = report.due(&pipeline, dropped(5, 0), at(1), false).unwrap().clone();
        assert_eq!(first.record().traits["full"], Value::Int(5));
        assert_eq!(first.record().app_id, "app");
        assert!(report.due(&pipeline, dropped(6, 0), at(2), false).is_none());
        // It was not stored, so the same report is due again, although there are more losses by now.
        assert_eq!(*report.due(&pipeline, dropped(7, 0), at(62), false).unwrap(), first);
        report.sent();

        assert!(report.due(&pipeline, dropped(7, 3), at(63), false).is_none());
        let second = report.due(&pipeline, dropped(7, 3), at(64), true).unwrap().clone();
        assert_eq!(second.ticket_id(), first.ticket_id());
        let traits = &second.record().traits;
        assert_eq!(traits["full"], Value::Int(2));
        assert_eq!((&traits["rejected"], &traits["lost"]), (&Value::Int(3), &Value::Int(5)));
        report.sent();
        assert!(report.due(&pipeline, dropped(7, 3), at(999), true).is_none());
    }
}
