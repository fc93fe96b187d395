//! [`Recorder`]: checks in tests which tickets the code under test makes.

use std::fmt::Write as _;
use std::time::Duration;

use futures::executor::block_on;
use ticket_core::{
    BackendBase, Direction, EventQuery, EventStore, MAX_LIMIT, Record, Ticket, TicketQuery, Value,
};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_memory::MemoryBackend;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::TicketLayer;

/// How long a test waits for its records, which takes a store in memory far less.
const LONG: Duration = Duration::from_secs(60);

/// Records in memory what the code under test logs, for assertions; with the feature `test-util`.
///
/// Until it is dropped it is the default subscriber *of the current thread*, so tests that run in parallel do
/// not see each other's tickets. What another thread logs is recorded only if the code passes the subscriber on
/// to it, or reports to [`handler`](Self::handler).
///
/// ```
/// use ticket_tracing::Recorder;
///
/// fn pay(order: u64) {
///     tracing::error!(order, "payment refused");
/// }
///
/// let recorder = Recorder::new();
/// pay(17);
/// pay(18);
/// let record = recorder.assert_one("payment refused");
/// assert_eq!(record.channel, module_path!());
/// recorder.assert_one_with("payment refused", [("order", 18)]);
/// recorder.assert_count("payment refused", 2);
/// ```
#[derive(Debug)]
#[must_use = "the recorder records until it is dropped: bind it to a name"]
pub struct Recorder {
    backend: MemoryBackend,
    handler: BackgroundHandler,
    _default: DefaultGuard,
}

/// The same as [`new`](Recorder::new).
impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// Starts to record the warnings and errors of this thread, with default [`HandlerOptions`].
    ///
    /// # Panics
    ///
    /// Panics if the operating system cannot start the handler's worker.
    pub fn new() -> Self {
        Self::with_options(HandlerOptions::default())
    }

    /// Starts to record with the application's options: its filter, grouping and redaction.
    ///
    /// # Panics
    ///
    /// Panics if the operating system cannot start the handler's worker.
    #[track_caller]
    pub fn with_options(options: HandlerOptions) -> Self {
        let backend = MemoryBackend::new();
        let handler = match BackgroundHandler::builder(options).backend(backend.clone()) {
            Ok(handler) => handler,
            Err(error) => panic!("the recorder cannot start: {error}"),
        };
        let layer = TicketLayer::new(handler.clone()).filtered();
        let default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { backend, handler, _default: default }
    }

    /// Returns the handler, for code that takes one.
    #[must_use]
    pub const fn handler(&self) -> &BackgroundHandler {
        &self.handler
    }

    /// Returns all records so far, the oldest first.
    ///
    /// # Panics
    ///
    /// Panics if records were lost because a filter or a processor panicked.
    #[must_use]
    #[track_caller]
    pub fn records(&self) -> Vec<Record> {
        self.settle();
        let mut query =
            EventQuery::new().with_direction(Direction::Ascending).with_limit(MAX_LIMIT);
        let mut records = Vec::new();
        loop {
            let page = ok(block_on(self.backend.get_events(&query)));
            records.extend(page.items.into_iter().map(|event| event.record));
            match page.next {
                Some(next) => query = query.with_after(next),
                None => return records,
            }
        }
    }

    /// Returns all tickets so far, the one with the newest record first.
    ///
    /// # Panics
    ///
    /// Panics if records were lost because a filter or a processor panicked.
    #[must_use]
    #[track_caller]
    pub fn tickets(&self) -> Vec<Ticket> {
        self.settle();
        ok(block_on(self.backend.get_tickets(&TicketQuery::new().with_limit(MAX_LIMIT)))).items
    }

    /// Asserts that nothing was recorded.
    ///
    /// # Panics
    ///
    /// Panics if something was recorded, and lists it.
    #[track_caller]
    pub fn assert_none(&self) {
        if !self.records().is_empty() {
            self.fail("expected no records");
        }
    }

    /// Asserts that exactly one ticket has this message, with any number of records, and returns its newest
    /// record. There may be tickets with other messages.
    ///
    /// # Panics
    ///
    /// Panics if no ticket or more than one has the message, and lists what was recorded.
    #[track_caller]
    pub fn assert_one(&self, message: &str) -> Record {
        let tickets = self.tickets();
        let count = tickets.iter().filter(|ticket| ticket.message == message).count();
        let newest = self.records().into_iter().rev().find(|record| record.message == message);
        match (count, newest) {
            (1, Some(record)) => record,
            _ => self
                .fail(&format!("expected one ticket with the message {message:?}, found {count}")),
        }
    }

    /// Asserts that exactly one ticket has this message and that one of its records has all these traits with
    /// these types; returns that record.
    ///
    /// # Panics
    ///
    /// Panics if no ticket or more than one has the message, or no such record has the traits; lists what was
    /// recorded.
    #[track_caller]
    pub fn assert_one_with<N: Into<String>, V: Into<Value>>(
        &self,
        message: &str,
        traits: impl IntoIterator<Item = (N, V)>,
    ) -> Record {
        self.assert_one(message);
        let traits: Vec<_> =
            traits.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let has = |record: &Record| {
            record.message == message
                && traits
                    .iter()
                    .all(|(name, value)| record.traits.get(name.as_str()) == Some(value))
        };
        match self.records().into_iter().rev().find(has) {
            Some(record) => record,
            None => {
                let traits: String = traits
                    .iter()
                    .map(|(name, value)| format!(" {name}={}", shown(value)))
                    .collect();
                self.fail(&format!("expected a record with the message {message:?} and{traits}"))
            }
        }
    }

    /// Asserts that exactly this many records have the message.
    ///
    /// # Panics
    ///
    /// Panics if more or fewer records have it, and lists what was recorded.
    #[track_caller]
    pub fn assert_count(&self, message: &str, count: usize) {
        let found = self.records().iter().filter(|record| record.message == message).count();
        if found != count {
            self.fail(&format!(
                "expected {count} records with the message {message:?}, found {found}"
            ));
        }
    }

    #[track_caller]
    fn settle(&self) {
        ok(self.handler.blocking_flush(LONG));
        let dropped = self.handler.stats().dropped;
        assert!(dropped.total() == 0, "records were lost: {dropped:?}");
    }

    #[track_caller]
    fn fail(&self, expected: &str) -> ! {
        let records = self.records();
        let mut text = format!("{expected}; ");
        match records.len() {
            0 => text.push_str("nothing was recorded"),
            count => {
                let _ = write!(text, "{count} were recorded:");
            }
        }
        for Record { level, channel, message, traits, error, .. } in &records {
            let _ = write!(text, "\n  {level} {channel}: {message:?}");
            for (name, value) in traits {
                let _ = write!(text, " {name}={}", shown(value));
            }
            for cause in error {
                let _ = write!(text, "\n    caused by {}", cause.message);
            }
        }
        panic!("{text}")
    }
}

/// Quotes texts, so that `"17"` differs from `17`.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => value.to_string(),
    }
}

#[track_caller]
fn ok<T>(result: ticket_core::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the recorder failed: {error}"),
    }
}
