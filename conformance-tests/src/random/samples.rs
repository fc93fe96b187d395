//! The values that operations are made of. There are few of each, so that operations often touch the same
//! data.

use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{Level, Location, OccurrenceId, Record, TicketId, Timestamp, Value};
use ticket_grouping::Grouping;

/// The application and custom fingerprint of each ticket. The last one is never recorded.
pub(super) const TICKETS: [(&str, &str); 6] =
    [("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("b", "2"), ("a", "unknown")];
pub(super) const RECORDED_TICKETS: usize = 5;

/// The sources that are read, and the positions in them.
pub(super) const SOURCES: [&str; 3] = ["", "a.log", "b\u{0}.é"];
pub(super) const POSITIONS: [&str; 3] = ["0", "1", ""];

pub(super) const APPS: [&str; 3] = ["a", "b", "nobody"];
pub(super) const CHANNELS: [&str; 4] = ["", "db", "Db", "web.é"];
pub(super) const MESSAGES: [&str; 4] = ["", "100% of disk_1 used", "Disk É lost", "日本\u{0}🦀"];
pub(super) const FILES: [&str; 2] = ["src/Disk.rs", "src/é.rs"];
pub(super) const SEARCHES: [&str; 11] =
    ["", "disk", "É", "%", "_", "0% of d", "src", "\u{0}", "?", "TIMEOUT", "failed"];
pub(super) const RELEASES: [Option<&str>; 9] = [
    None,
    Some("1"),
    Some(""),
    Some("1.3.9"),
    Some("v1.4.0-rc.1"),
    Some("1.4.0+7"),
    Some("shop@1.4.0"),
    Some("web@1.10.0"),
    Some("1.10.0"),
];
pub(super) const ENVIRONMENTS: [Option<&str>; 3] = [None, Some("live"), Some("test")];
pub(super) const ERRORS: [Option<&str>; 3] = [None, Some("Timeout"), Some("Refused")];
pub(super) const LEVELS: [Level; 3] = [Level::Error, Level::Info, Level::Critical];
pub(super) const EXTERNAL_IDS: [Option<&str>; 4] =
    [None, Some("order-1"), Some("Order-1"), Some("")];
pub(super) const PAYLOADS: [Option<&str>; 4] =
    [None, Some("null"), Some(r#"{"b":1e400,"a":"\u0000"}"#), Some("[{},1.0]")];
pub(super) const TRAITS: [&str; 4] = ["n", "a.b", "", "$n"];

/// 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// Times within one millisecond (so that one id has several times), hours and days apart, and at both ends
/// of the range.
pub(super) fn times() -> Vec<Timestamp> {
    let after_start = [
        Duration::ZERO,
        Duration::from_micros(1),
        Duration::from_millis(1),
        Duration::from_secs(3_599),
        Duration::from_secs(3_600),
        Duration::from_secs(86_399),
        Duration::from_secs(86_400),
        Duration::from_secs(40 * 86_400),
    ];
    let mut times = after_start.map(|duration| START.saturating_add(duration)).to_vec();
    times.extend([
        START.saturating_sub(Duration::from_micros(1)),
        Timestamp::from_micros(-1),
        Timestamp::MIN,
        Timestamp::MAX,
    ]);
    times
}

/// Numbers of both types, including those on which databases differ.
pub(super) fn numbers() -> Vec<Value> {
    vec![
        Value::Int(0),
        Value::Int(1),
        Value::Int(-1),
        Value::Int(i64::MAX),
        Value::Int(i64::MIN),
        Value::Int((1 << 53) + 1),
        Value::Float(0.0),
        Value::Float(-0.0),
        Value::Float(0.5),
        Value::Float(9_007_199_254_740_992.0),
        Value::Float(f64::MAX),
        Value::Float(5e-324),
    ]
}

/// Texts that sort differently by code point, in UTF-16, in a locale, and as numbers.
pub(super) fn texts() -> Vec<Value> {
    ["", "0", "a", "B", "é", "\u{fffd}", "\u{1f980}"].map(Value::from).to_vec()
}

/// Bools and times.
pub(super) fn others() -> Vec<Value> {
    vec![
        Value::Bool(false),
        Value::Bool(true),
        Value::Time(START),
        Value::Time(START.saturating_add(Duration::from_micros(1))),
        Value::Time(Timestamp::MIN),
    ]
}

/// Returns the id of a sample ticket.
pub(super) fn ticket_id(ticket: usize) -> TicketId {
    let (app_id, fingerprint) = TICKETS[ticket];
    let record =
        Record::new(Level::Error, "", "").with_app_id(app_id).with_fingerprint(fingerprint);
    Grouping::Stable.fingerprint(&record, b"").id()
}

/// Returns the name of a sample ticket in a failing sequence.
pub(super) fn ticket_name(ticket: usize) -> String {
    let (app_id, fingerprint) = TICKETS[ticket];
    format!("{app_id}/{fingerprint}")
}

/// The fields of an occurrence, as a failing sequence shows them.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) ticket: usize,
    /// The occurrence's id is derived from this key and the time.
    pub(super) key: u8,
    pub(super) time: Timestamp,
    pub(super) repeats: u32,
    pub(super) level: Level,
    pub(super) channel: &'static str,
    pub(super) message: &'static str,
    pub(super) file: Option<&'static str>,
    pub(super) error: Option<&'static str>,
    pub(super) release: Option<&'static str>,
    pub(super) environment: Option<&'static str>,
    pub(super) external_id: Option<&'static str>,
    pub(super) payload: Option<&'static str>,
    pub(super) traits: Vec<(&'static str, Value)>,
}

impl Draft {
    /// Creates an occurrence that has nothing but its ticket, under an id that no other one has.
    pub(super) fn bare(ticket: usize) -> Self {
        Self {
            ticket,
            key: u8::MAX,
            time: START,
            repeats: 1,
            level: Level::Error,
            channel: "",
            message: "",
            file: None,
            error: None,
            release: None,
            environment: None,
            external_id: None,
            payload: None,
            traits: Vec::new(),
        }
    }

    pub(super) fn build(&self) -> NewOccurrence {
        let (app_id, fingerprint) = TICKETS[self.ticket];
        let mut record = Record::new(self.level, self.channel, self.message)
            .with_time(self.time)
            .with_app_id(app_id)
            .with_fingerprint(fingerprint);
        record.id = self.id();
        record.location = Location::new();
        record.location.file = self.file.map(Into::into);
        record.release = self.release.map(Into::into);
        record.environment = self.environment.map(Into::into);
        record.external_id = self.external_id.map(Into::into);
        record.payload = self.payload.and_then(|json| json.parse().ok());
        record.error = self
            .error
            .map(|name| ticket_core::record::ErrorCause::new(Some(name.into()), "failed"))
            .into_iter()
            .collect();
        for (name, value) in &self.traits {
            record = record.with_trait(*name, value.clone());
        }
        let fingerprint = Grouping::Stable.fingerprint(&record, b"");
        NewOccurrence::new(record, fingerprint).with_repeats(self.repeats)
    }

    fn id(&self) -> OccurrenceId {
        occurrence_id(self.time, self.key)
    }
}

pub(super) fn occurrence_id(time: Timestamp, key: u8) -> OccurrenceId {
    OccurrenceId::from_key(time, &key.to_string())
}

/// Omits fields that are not set.
impl std::fmt::Display for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ticket = ticket_name(self.ticket);
        write!(f, "ticket {ticket}, id {}, {}, {}", self.id(), self.time, self.level)?;
        if self.repeats != 1 {
            write!(f, ", repeats {}", self.repeats)?;
        }
        let texts = [
            ("channel", Some(self.channel).filter(|text| !text.is_empty())),
            ("message", Some(self.message).filter(|text| !text.is_empty())),
            ("file", self.file),
            ("error", self.error),
            ("release", self.release),
            ("environment", self.environment),
            ("external id", self.external_id),
            ("payload", self.payload),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                write!(f, ", {name} {text:?}")?;
            }
        }
        self.traits.iter().try_for_each(|(name, value)| write!(f, ", trait {name:?} = {value:?}"))
    }
}
