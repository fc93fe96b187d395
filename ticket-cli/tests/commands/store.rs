//! A store in its own folder, and the command to run on it.

use std::sync::Arc;
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;
use ticket_core::backend::{Batch, NewOccurrence};
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Payload, Request, Span};
use ticket_core::{Level, Location, ProcessReport, Record, Registry, Store, TicketId, Timestamp};
use ticket_grouping::Grouping;

pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// Creates a folder without a store.
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// Creates a folder with these records in its `tickets.db`.
    pub(crate) fn with(records: Vec<Record>) -> Self {
        let place = Self::empty();
        place.record(records);
        place
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        let mut backends = Registry::new();
        ticket_sqlite::register(&mut backends);
        let url = format!("sqlite:{}/tickets.db", self.folder.path().display());
        let store = block_on(backends.connect(&url)).unwrap();
        block_on(store.setup_backend()).unwrap();
        store
    }

    pub(crate) fn record(&self, records: Vec<Record>) {
        let batch: Vec<NewOccurrence> = records.into_iter().map(occurrence).collect();
        block_on(self.store().record_tickets(Batch::from(&batch[..]))).unwrap();
    }

    pub(crate) fn report(&self, report: ProcessReport) {
        block_on(self.store().report_process(report.within_limits())).unwrap();
    }

    /// Returns the command in the folder, without the variables that would change what it does.
    pub(crate) fn ticket(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo_bin!("ticket"));
        for name in ["TICKET_URL", "TICKET_APP", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.current_dir(self.path()).env("COLUMNS", "100").args(arguments);
        command
    }

    /// Runs a command that succeeds and returns its output.
    pub(crate) fn output(&self, arguments: &[&str]) -> String {
        let assert = self.ticket(arguments).assert().success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    }

    /// Returns the objects that a command writes, one per line.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let output = self.output(&[arguments, &["--json"]].concat());
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns one text of each object that a command writes.
    pub(crate) fn texts(&self, name: &str, arguments: &[&str]) -> Vec<String> {
        let objects = self.json(arguments);
        objects.iter().map(|object| object[name].as_str().unwrap().to_owned()).collect()
    }

    /// Runs a command that fails and returns its exit code and message.
    pub(crate) fn failure(&self, arguments: &[&str]) -> (i32, String) {
        let assert = self.ticket(arguments).assert().failure();
        let output = assert.get_output();
        (output.status.code().unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn occurrence(record: Record) -> NewOccurrence {
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    NewOccurrence::new(record, fingerprint)
}

/// Returns the id of a record's ticket.
pub(crate) fn id(record: &Record) -> TicketId {
    occurrence(record.clone()).ticket_id()
}

/// Returns the time this many seconds ago.
pub(crate) fn ago(seconds: u64) -> Timestamp {
    Timestamp::now().saturating_sub(Duration::from_secs(seconds))
}

/// Creates a record of the application `shop`.
pub(crate) fn record(level: Level, channel: &str, message: &str, seconds_ago: u64) -> Record {
    Record::new(level, channel, message).with_time(ago(seconds_ago)).with_app_id("shop")
}

/// Creates records of five tickets with different messages.
pub(crate) fn five() -> Vec<Record> {
    vec![
        record(Level::Error, "db", "connection lost", 7_500),
        record(Level::Error, "db", "connection lost", 200),
        record(Level::Critical, "worker", "panicked", 90_000),
        record(Level::Warning, "cache", "slow answer", 3_700).with_release("1.0"),
        record(Level::Warning, "cache", "slow answer", 4_000),
        record(Level::Warning, "cache", "slow answer", 5_000),
        record(Level::Notice, "auth", "unusual login", 300).with_environment("staging"),
        record(Level::Error, "mail", "no route", 600_000).with_app_id("post"),
    ]
}

/// Creates a record with all kinds of fields.
pub(crate) fn full() -> Record {
    let mut record = record(Level::Error, "shop::checkout", "payment 4711 refused", 200)
        .with_location(Location::new().with_file("src/pay.rs").with_line(42))
        .with_trait("user_id", 42)
        .with_trait("ratio", 0.5)
        .with_trait("path", "/api")
        .with_trait("ok", false)
        .with_trait("type", "card")
        .with_release("1.4.0")
        .with_environment("production")
        .with_external_id("order-4711")
        .with_payload(r#"{"order":4711,"total":17.50}"#.parse::<Payload>().unwrap());
    record.error = vec![
        ErrorCause::new(Some("PaymentError".into()), "refused"),
        ErrorCause::new(None, "insufficient funds"),
    ];
    let mut frame = Frame::new("shop::pay");
    frame.in_app = true;
    record.backtrace = vec![frame, Frame::new("std::panicking::catch")];
    let mut request = Request::default();
    request.method = Some("POST".into());
    request.status = Some(500);
    record.request = Some(request);
    record.breadcrumbs = vec![Breadcrumb::new(record.time, Level::Info, "shop", "card read")];
    record.spans = vec![Span::new("checkout")];
    record
}
