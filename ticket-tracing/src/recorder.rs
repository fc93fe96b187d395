//! For the tests of applications: what was recorded.

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

/// How long a test waits for its records: much longer than memory needs.
const LONG: Duration = Duration::from_secs(60);

/// Records what the code under test logs, in memory, and says in a test's words what it has to be; with the
/// feature `test-util`.
///
/// From [`new`](Self::new) on it is the default subscriber *of this thread*, until it is dropped: tests that run
/// side by side do not see each other's tickets. What another thread logs is seen if the code hands it the
/// subscriber, or if that thread is given [`handler`](Self::handler).
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
#[must_use = "it records until it is dropped: bind it to a name"]
pub struct Recorder {
    backend: MemoryBackend,
    handler: BackgroundHandler,
    _default: DefaultGuard,
}

/// As [`new`](Recorder::new).
impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// Records warnings and errors of this thread from now on, with the defaults of [`HandlerOptions`].
    ///
    /// # Panics
    ///
    /// The operating system has no thread for the handler's worker.
    pub fn new() -> Self {
        Self::with_options(HandlerOptions::default())
    }

    /// The same with the application's own options: its filter, grouping, redaction.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
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

    /// The handler, for code that is given one.
    #[must_use]
    pub const fn handler(&self) -> &BackgroundHandler {
        &self.handler
    }

    /// All records so far, the oldest first.
    ///
    /// # Panics
    ///
    /// Records were lost: a filter or a processor panicked over them.
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

    /// All tickets so far, the one with the newest record first.
    ///
    /// # Panics
    ///
    /// As [`records`](Self::records).
    #[must_use]
    #[track_caller]
    pub fn tickets(&self) -> Vec<Ticket> {
        self.settle();
        ok(block_on(self.backend.get_tickets(&TicketQuery::new().with_limit(MAX_LIMIT)))).items
    }

    /// Nothing was recorded.
    ///
    /// # Panics
    ///
    /// Something was; the panic lists it.
    #[track_caller]
    pub fn assert_none(&self) {
        if !self.records().is_empty() {
            self.fail("nothing was to be recorded");
        }
    }

    /// Exactly one ticket has this message, however many records it stands for; its newest record, for further
    /// assertions. Other tickets may be there too.
    ///
    /// # Panics
    ///
    /// None has it, or more than one; the panic lists what was recorded.
    #[track_caller]
    pub fn assert_one(&self, message: &str) -> Record {
        let tickets = self.tickets();
        let count = tickets.iter().filter(|ticket| ticket.message == message).count();
        let newest = self.records().into_iter().rev().find(|record| record.message == message);
        match (count, newest) {
            (1, Some(record)) => record,
            _ => self.fail(&format!(
                "exactly one ticket was to have the message {message:?}, {count} have"
            )),
        }
    }

    /// Exactly one ticket has this message, and one of its records has all of these traits, with these types: it.
    ///
    /// # Panics
    ///
    /// As [`assert_one`](Self::assert_one), and if no record with the message has the traits.
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
                self.fail(&format!("a record with the message {message:?} was to have{traits}"))
            }
        }
    }

    /// So many records have this message.
    ///
    /// # Panics
    ///
    /// More have it, or fewer; the panic lists what was recorded.
    #[track_caller]
    pub fn assert_count(&self, message: &str, count: usize) {
        let found = self.records().iter().filter(|record| record.message == message).count();
        if found != count {
            self.fail(&format!(
                "{count} records were to have the message {message:?}, {found} have"
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
                let _ = write!(text, "recorded were {count}:");
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

/// Texts in quotes, so that `"17"` and `17` can be told apart.
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
