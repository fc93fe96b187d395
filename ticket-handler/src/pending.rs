//! [`Pending`]: a record on its way from the producer to the spool.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::record::Frame;
use ticket_core::{Emitted, Error, ErrorKind, Level, Record, Result};

use crate::panics;
use crate::request::RequestContext;
use crate::shared::Shared;
use crate::stats::add;
use crate::storm::{Push, Ticket};

/// A record that is about to be built, from [`BackgroundHandler::begin`](crate::BackgroundHandler::begin).
#[must_use = "the record has to be built and emitted"]
pub struct Pending<'a> {
    shared: &'a Shared,
    key: Option<u64>,
    /// The ticket that the key is known to lead to.
    ticket: Option<Arc<Ticket>>,
}

impl<'a> Pending<'a> {
    pub(crate) const fn new(
        shared: &'a Shared,
        key: Option<u64>,
        ticket: Option<Arc<Ticket>>,
    ) -> Self {
        Self { shared, key, ticket }
    }

    /// Takes the record, as [`BackgroundHandler::emit`](crate::BackgroundHandler::emit) does.
    ///
    /// # Errors
    ///
    /// Those of [`BackgroundHandler::emit`](crate::BackgroundHandler::emit).
    #[inline]
    pub fn emit(self, record: Record) -> Result<Emitted> {
        let shared = self.shared;
        self.take(record, 0, &|outgoing| shared.push(outgoing))
    }

    /// Takes the record, as [`emit`](Self::emit) does, together with its backtrace.
    ///
    /// `capture` is called on this thread, but only if the record is going to be stored by itself and fewer than
    /// `max_per_minute` backtraces of its ticket were captured within the minute. It has to be fast. What it returns is
    /// called by the worker: it resolves what was captured within the time that it is given, and returns the frames,
    /// the innermost first. They become the record's [`backtrace`](Record::backtrace).
    ///
    /// From the frames the worker also learns the record's [function](ticket_core::Location::function), if it is
    /// unknown: that of the innermost frame in the record's module, or else in the application. Later records from the
    /// same line have it too, with or without a backtrace. Neither the frames nor the function decide the ticket.
    /// Another [handler](crate::Builder::handler) gets the frames alone, because it decides on the ticket itself.
    ///
    /// Captured backtraces wait in memory, the newest 1,024 of them. A record that is stored after its process was
    /// killed has none.
    ///
    /// # Errors
    ///
    /// Those of [`BackgroundHandler::emit`](crate::BackgroundHandler::emit).
    pub fn emit_traced<R>(
        self,
        record: Record,
        max_per_minute: u32,
        capture: impl FnOnce() -> R,
    ) -> Result<Emitted>
    where
        R: FnOnce(Duration) -> Vec<Frame> + Send + 'static,
    {
        let shared = self.shared;
        let capture = Cell::new(Some(capture));
        self.take(record, max_per_minute, &|outgoing| {
            if outgoing.is_traced
                && let Some(Ok(resolve)) = capture.take().map(panics::catch)
            {
                shared.traces.add(outgoing.occurrence.record().id, Box::new(resolve));
            }
            shared.push(outgoing)
        })
    }

    #[inline]
    fn take(self, mut record: Record, max_traces: u32, push: Push<'_>) -> Result<Emitted> {
        let Self { shared, key, ticket } = self;
        let Shared { number, pipeline, storm, counters, .. } = shared;
        let request = RequestContext::current();
        if let Some(request) = &request
            && record.level >= pipeline.options().level()
        {
            // Before the filter, which may decide by it, and before the redaction.
            request.fill(&mut record, *number);
        }
        let prepared = panics::catch(|| {
            if !pipeline.admit(&mut record) {
                return None;
            }
            let fingerprint = match &ticket {
                Some(ticket) => ticket.fingerprint.clone(),
                None => shared.hash_record(&record),
            };
            pipeline.finish(&mut record, &fingerprint);
            Some(fingerprint)
        });
        let fingerprint = match prepared {
            Ok(Some(fingerprint)) => fingerprint,
            Ok(None) => {
                add(&counters.ignored, 1);
                return Ok(Emitted::Ignored);
            }
            Err(text) => {
                add(&counters.panicked, 1);
                let text = format!("a function of the handler's options panicked: {text}");
                return Err(Error::new(ErrorKind::Rejected, "handler", text));
            }
        };
        let level = record.level;
        let occurrence = NewOccurrence::from_normalized(record, fingerprint);
        // A key that already leads to its ticket need not be stored again.
        let new_key = key.filter(|_| ticket.is_none());
        let id = storm.admit(pipeline, occurrence, ticket, new_key, max_traces, push)?;
        if let Some(request) = request {
            request.note_recorded(level);
        }
        Ok(Emitted::Accepted(id))
    }
}

impl fmt::Debug for Pending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Notes on the current request that a record was counted which will not be built.
pub(crate) fn note(level: Level) {
    if let Some(request) = RequestContext::current() {
        request.note_recorded(level);
    }
}
