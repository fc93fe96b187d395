//! Losses as a ticket of their own, when the store is back.

use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{BackendBase, ErrorKind, Level, Record};
use ticket_direct::HandlerOptions;

use crate::shared::Shared;
use crate::stats::Dropped;
use crate::sync::{Instant, timeout};

/// The channel of records that the handler makes itself.
pub(crate) const CHANNEL: &str = "ticket_handler";
const FINGERPRINT: &str = "ticket_handler: records were lost";
/// The least time between two of them.
const PAUSE: Duration = Duration::from_secs(60);

/// What was told in the store.
///
/// It goes past where records wait: it is not counted among them, it is not lost when there is no room,
/// and its own failure is no loss of which to tell.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    told: Dropped,
    last: Option<Instant>,
    /// What is to be told next, under the same id until the store has it, and up to where it tells.
    next: Option<(NewOccurrence, Dropped)>,
}

impl Losses {
    /// Tells of what is new since the last time, if that is long enough ago, or this is the `end`.
    pub(crate) async fn tell(&mut self, shared: &Shared, backend: &dyn BackendBase, end: bool) {
        let (dropped, now) = (shared.counters.dropped(), Instant::now());
        let Some(occurrence) = self.due(&shared.options, dropped, now, end) else { return };
        let call = backend.record_tickets(occurrence.clone().into());
        match timeout(shared.call_deadline, call).await {
            Ok(Ok(_)) => self.told(),
            // It never will: standard error has it.
            Ok(Err(error)) if error.kind() == ErrorKind::Rejected => self.told(),
            Ok(Err(_)) | Err(_) => {}
        }
    }

    fn due(
        &mut self,
        options: &HandlerOptions,
        dropped: Dropped,
        now: Instant,
        end: bool,
    ) -> Option<&NewOccurrence> {
        let recent = self.last.is_some_and(|last| now.duration_since(last) < PAUSE);
        if dropped == self.told || (recent && !end) {
            return None;
        }
        // Before the attempt: a backend that panics over it is not asked again at once.
        self.last = Some(now);
        let told = self.told;
        let next = self.next.get_or_insert_with(|| (occurrence(options, told, dropped), dropped));
        Some(&next.0)
    }

    fn told(&mut self) {
        if let Some((_, dropped)) = self.next.take() {
            self.told = dropped;
        }
    }
}

fn occurrence(options: &HandlerOptions, told: Dropped, dropped: Dropped) -> NewOccurrence {
    let lost = dropped.total() - told.total();
    let message = format!("{lost} records were lost");
    let mut record = Record::new(Level::Warning, CHANNEL, message).with_fingerprint(FINGERPRINT);
    record.process = Some(std::process::id());
    for ((reason, now), (_, before)) in dropped.reasons().into_iter().zip(told.reasons()) {
        if now > before {
            record = record.with_trait(reason, now - before);
        }
    }
    options.prepare_own(record.with_trait("lost", lost))
}

#[cfg(test)]
mod tests {
    use ticket_core::Value;

    use super::*;

    #[test]
    fn each_loss_is_told_once_at_most_once_a_minute_and_under_one_id_until_it_is_stored() {
        let (options, start) =
            (HandlerOptions::new("app").with_level(Level::Error), Instant::now());
        let mut losses = Losses::default();
        let dropped = |full, rejected| Dropped { full, rejected, ..Dropped::default() };
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(losses.due(&options, dropped(0, 0), at(0), true).is_none());

        let first = losses.due(&options, dropped(5, 0), at(1), false).unwrap().clone();
        assert_eq!(first.record().traits["full"], Value::Int(5));
        assert_eq!(first.record().app_id, "app");
        assert!(losses.due(&options, dropped(6, 0), at(2), false).is_none());
        // It was not stored: the same again, though there is more to tell by now.
        assert_eq!(*losses.due(&options, dropped(7, 0), at(62), false).unwrap(), first);
        losses.told();

        assert!(losses.due(&options, dropped(7, 3), at(63), false).is_none());
        let second = losses.due(&options, dropped(7, 3), at(64), true).unwrap().clone();
        assert_eq!(second.ticket_id(), first.ticket_id());
        let traits = &second.record().traits;
        assert_eq!(traits["full"], Value::Int(2));
        assert_eq!((&traits["rejected"], &traits["lost"]), (&Value::Int(3), &Value::Int(5)));
        losses.told();
        assert!(losses.due(&options, dropped(7, 3), at(999), true).is_none());
    }
}
