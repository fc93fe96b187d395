//! [`Shared`]: the state behind a handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ticket_core::{Error, ErrorKind, Fingerprint, Record, Result, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use ticket_direct::pipeline::Pipeline;

use crate::forked::Home;
use crate::health::Health;
use crate::spool::{Refused, Spool};
use crate::stats::{Counters, Stats, add};
use crate::storm::{Outgoing, Storm};
use crate::traces::Traces;

/// The state that producers share with the worker.
pub(crate) struct Shared {
    /// Distinguishes the handlers of the process.
    pub(crate) number: u64,
    pub(crate) pipeline: Pipeline,
    /// The handler that records are passed on to, in place of a store.
    pub(crate) handler: Option<Arc<dyn TicketingBaseHandler>>,
    pub(crate) storm: Storm,
    pub(crate) spool: Spool,
    pub(crate) traces: Traces,
    pub(crate) counters: Counters,
    pub(crate) health: Health,
    pub(crate) call_deadline: Duration,
    pub(crate) home: Home,
    pub(crate) is_off: bool,
}

impl Shared {
    pub(crate) fn new(
        options: HandlerOptions,
        spool: Spool,
        call_deadline: Duration,
        storm: Storm,
    ) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NUMBER.fetch_add(1, Relaxed),
            health: Health::new(&options),
            pipeline: Pipeline::new(options),
            handler: None,
            storm,
            spool,
            traces: Traces::default(),
            counters: Counters::default(),
            call_deadline,
            home: Home::here(),
            is_off: false,
        }
    }

    /// Returns the fingerprint of a record. If records are passed on to a handler, that one decides on their tickets.
    pub(crate) fn hash_record(&self, record: &Record) -> Fingerprint {
        match &self.handler {
            Some(handler) => handler.hash_record(record),
            None => self.pipeline.options().hash_record(record),
        }
    }

    /// Returns `true` if a key decides a record's ticket, so that no function of the application has to see the
    /// record.
    pub(crate) fn is_pure(&self) -> bool {
        self.handler.is_none() && self.pipeline.is_pure()
    }

    /// Pushes what is counted in storms so far.
    pub(crate) fn release(&self) {
        self.storm.release(&|outgoing| self.push(outgoing));
    }

    /// Pushes a record to the spool, and counts what is lost.
    pub(crate) fn push(&self, outgoing: Outgoing<'_>) -> Result<()> {
        let counters = &self.counters;
        let Outgoing { occurrence, is_first, is_traced: _, is_tail } = outgoing;
        let records = occurrence.repeats() as usize;
        match self.spool.push(occurrence, is_first, !is_tail) {
            Ok(evicted) => {
                if evicted > 0 {
                    add(&counters.full, evicted);
                }
                Ok(())
            }
            Err(Refused::Full) => {
                add(&counters.full, records);
                Err(Error::new(
                    ErrorKind::Unavailable,
                    "handler",
                    "the spool has no room for the record",
                ))
            }
            Err(Refused::Closed) => {
                add(&counters.closed, records);
                Err(Error::new(ErrorKind::Unavailable, "handler", "the handler is closed"))
            }
        }
    }

    /// Notes a failure of the store; `answered` says whether it was an answer of the store, which then is available.
    ///
    /// The text goes to standard error, to the application and into the reports of the process.
    pub(crate) fn failed(&self, text: &str, answered: bool) {
        self.counters.failed(self.redacted(text), answered);
    }

    /// Returns the text of an error without secrets. A backend of the application, or a panic, may quote one.
    pub(crate) fn redacted(&self, text: &str) -> String {
        self.pipeline.options().redaction().text(text).into_owned()
    }

    pub(crate) fn stats(&self) -> Stats {
        let forked = self.home.is_left();
        let queued = if forked { (0, 0) } else { self.spool.load() };
        let (counted, held_bytes) = if forked { (0, 0) } else { self.storm.load() };
        let queued = (queued.0 + counted, queued.1 + held_bytes as u64);
        let mut stats = self.counters.snapshot(queued, forked);
        if !forked {
            (stats.disk_failures, stats.disk_error) = self.spool.disk_failures();
        }
        stats
    }
}
