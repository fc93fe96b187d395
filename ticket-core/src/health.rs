//! What processes report about themselves, and what a store knows about itself (rule 33).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::limits::{self, fit};

/// The name of the losses whose reasons are beyond the limit.
const OTHERS: &str = "…";

/// What a process that records says about itself, for whoever asks the store how its writers are doing.
///
/// A handler sends one from time to time, each in place of the one before. The fields describe the handler since its start.
///
/// ```
/// use std::time::Duration;
///
/// use ticket_core::{ProcessReport, Timestamp};
///
/// let now = Timestamp::now();
/// let mut report = ProcessReport::new("web-1 4711", "shop", now);
/// report.until = now.saturating_add(Duration::from_secs(120));
/// report.lost.insert("full".into(), 3);
/// let report = report.within_limits();
/// # assert_eq!(report.lost.values().sum::<u64>(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProcessReport {
    /// A text that no other process has, made of the host, the process id and the start.
    pub process: String,
    /// The application.
    pub app_id: String,
    /// The time of the report, by the clock of the process.
    pub time: Timestamp,
    /// When the process started.
    pub started: Timestamp,
    /// The time by which the process has sent another report if it still runs.
    pub until: Timestamp,
    /// Whether this is the last report, which the process sends when it ends in order.
    #[serde(default)]
    pub ended: bool,
    /// The host.
    #[serde(default)]
    pub host: Option<String>,
    /// The process id.
    #[serde(default)]
    pub pid: Option<u32>,
    /// The release of the application.
    #[serde(default)]
    pub release: Option<String>,
    /// The environment.
    #[serde(default)]
    pub environment: Option<String>,
    /// The version of what sends the report.
    #[serde(default)]
    pub version: Option<String>,
    /// The records that were given to the handler and not ignored: stored, waiting or lost.
    #[serde(default)]
    pub accepted: u64,
    /// The records that are stored.
    #[serde(default)]
    pub stored: u64,
    /// The records that wait to be stored.
    #[serde(default)]
    pub waiting: u64,
    /// The records among those waiting that are in the spool; the others are only counted, because their ticket is in a
    /// storm.
    #[serde(default)]
    pub spooled: u64,
    /// The bytes that the spool takes.
    #[serde(default)]
    pub spooled_bytes: u64,
    /// Whether the spool is a folder on disk, where records outlive the process.
    #[serde(default)]
    pub on_disk: bool,
    /// The number of lost records by reason.
    #[serde(default)]
    pub lost: BTreeMap<String, u64>,
    /// The last failure of the store.
    #[serde(default)]
    pub last_error: Option<ReportedError>,
    /// What the handler deletes.
    #[serde(default)]
    pub retention: ReportedRetention,
}

/// A failure of the store, as a process has seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedError {
    /// When the store failed.
    pub time: Timestamp,
    /// The text of the error, without secrets.
    pub text: String,
}

/// The retention that a handler was given. Nothing is deleted if all limits are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRetention {
    /// Older occurrences are deleted.
    #[serde(default)]
    pub max_age: Option<Duration>,
    /// This many occurrences of each ticket are kept.
    #[serde(default)]
    pub max_per_ticket: Option<u32>,
    /// This many occurrences of the application are kept.
    #[serde(default)]
    pub max_total: Option<u64>,
}

impl ProcessReport {
    /// How long a store keeps the report of a process that sends no other: a report that is stored deletes those whose
    /// time is earlier by more than this.
    pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);

    /// Creates the report of a process that starts at the time of the report and has done nothing yet.
    #[must_use]
    pub fn new(process: impl Into<String>, app_id: impl Into<String>, time: Timestamp) -> Self {
        Self {
            process: process.into(),
            app_id: app_id.into(),
            time,
            started: time,
            until: time,
            ended: false,
            host: None,
            pid: None,
            release: None,
            environment: None,
            version: None,
            accepted: 0,
            stored: 0,
            waiting: 0,
            spooled: 0,
            spooled_bytes: 0,
            on_disk: false,
            lost: BTreeMap::new(),
            last_error: None,
            retention: ReportedRetention::default(),
        }
        .within_limits()
    }

    /// Brings the texts within their [limits], and adds up the losses beyond the first [`limits::REASONS`] under one
    /// name. Applying it again changes nothing.
    ///
    /// Call it before [`report_process`](crate::BackendBase::report_process), once all fields are set.
    #[must_use]
    pub fn within_limits(mut self) -> Self {
        // Without `..`, so that a field that is added later does not compile until it is decided on here.
        let Self {
            process,
            app_id,
            time: _,
            started: _,
            until: _,
            ended: _,
            host,
            pid: _,
            release,
            environment,
            version,
            accepted: _,
            stored: _,
            waiting: _,
            spooled: _,
            spooled_bytes: _,
            on_disk: _,
            lost,
            last_error,
            retention: _,
        } = &mut self;
        fit(process, limits::NAME);
        fit(app_id, limits::NAME);
        for name in [host, release, environment, version].into_iter().flatten() {
            fit(name, limits::NAME);
        }
        if let Some(ReportedError { time: _, text }) = last_error {
            fit(text, limits::REPORTED_ERROR);
        }
        let mut kept = BTreeMap::new();
        let count = lost.len();
        for (number, (mut reason, records)) in std::mem::take(lost).into_iter().enumerate() {
            let is_beyond = count > limits::REASONS && number + 1 >= limits::REASONS;
            if is_beyond {
                OTHERS.clone_into(&mut reason);
            }
            fit(&mut reason, limits::NAME);
            let sum: &mut u64 = kept.entry(reason).or_default();
            *sum = sum.saturating_add(records);
        }
        *lost = kept;
        self
    }

    /// Returns the sum of the lost records.
    #[must_use]
    pub fn total_lost(&self) -> u64 {
        self.lost.values().copied().fold(0, u64::saturating_add)
    }

    /// Returns the time before which reports are deleted once this one is stored.
    #[must_use]
    pub fn forgets_before(&self) -> Timestamp {
        self.time.saturating_sub(Self::LIFETIME)
    }
}

/// What a store knows about itself without reading its data.
///
/// ```
/// use ticket_core::StoreInfo;
///
/// let info = StoreInfo::new().with_schema_version(6).with_part("tickets", 8_192).with_part("traits", 16_384);
/// assert_eq!(info.bytes(), Some(24_576));
/// assert_eq!(StoreInfo::new().bytes(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreInfo {
    /// The version of the stored schema; `None` if the store was never set up or has no versions.
    pub schema_version: Option<u64>,
    /// The parts of the store, such as its tables, with their indexes. Empty if the store does not know their sizes.
    pub parts: Vec<StorePart>,
}

/// A part of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePart {
    /// The name of the part.
    pub name: String,
    /// The bytes that it takes.
    pub bytes: u64,
}

impl StoreInfo {
    /// Creates the answer of a store that knows nothing about itself.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the version of the stored schema.
    #[must_use]
    pub const fn with_schema_version(mut self, version: u64) -> Self {
        self.schema_version = Some(version);
        self
    }

    /// Adds a part and the bytes that it takes.
    #[must_use]
    pub fn with_part(mut self, name: impl Into<String>, bytes: u64) -> Self {
        self.parts.push(StorePart { name: name.into(), bytes });
        self
    }

    /// Returns the bytes of all parts; `None` if the store does not know them.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        let sum = |sum: u64, part: &StorePart| sum.saturating_add(part.bytes);
        (!self.parts.is_empty()).then(|| self.parts.iter().fold(0, sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ProcessReport {
        let at = Timestamp::from_micros(-1);
        let mut report = ProcessReport::new("web-1 4711", "shop", at);
        report.started = Timestamp::MIN;
        report.until = Timestamp::MAX;
        report.ended = true;
        report.host = Some("web-1".into());
        report.pid = Some(u32::MAX);
        report.release = Some(String::new());
        report.environment = Some("production".into());
        report.version = Some("0.1.0".into());
        (report.accepted, report.stored, report.waiting) = (u64::MAX, 2, 3);
        (report.spooled, report.spooled_bytes, report.on_disk) = (4, u64::MAX, true);
        report.lost = [("full".to_owned(), 1), ("forked".to_owned(), u64::MAX)].into();
        report.last_error = Some(ReportedError { time: at, text: "the disk is \"full\"".into() });
        report.retention = ReportedRetention {
            max_age: Some(Duration::MAX),
            max_per_ticket: Some(1),
            max_total: Some(u64::MAX),
        };
        report
    }

    #[test]
    fn a_report_round_trips_through_json_and_fields_may_be_added_later() {
        let report = full();
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<ProcessReport>(&json).unwrap(), report);
        let old = r#"{"process":"a","app_id":"b","time":"2026-01-01T00:00:00Z",
            "started":"2026-01-01T00:00:00Z","until":"2026-01-01T00:00:00Z","is_new":[]}"#;
        let report: ProcessReport = serde_json::from_str(old).unwrap();
        assert_eq!(report, ProcessReport::new("a", "b", report.time));
    }

    #[test]
    fn a_report_is_brought_within_its_limits() {
        assert_eq!(full().within_limits(), full());
        let long = "x\0".repeat(5_000);
        let mut report = ProcessReport::new(long.as_str(), long.as_str(), Timestamp::MIN);
        for text in
            [&mut report.host, &mut report.release, &mut report.environment, &mut report.version]
        {
            *text = Some(long.clone());
        }
        report.last_error = Some(ReportedError { time: Timestamp::MIN, text: long });
        report.lost = (0..1_000).map(|i| (format!("{i:03}{}", "y".repeat(500)), i)).collect();
        let sum = report.total_lost();
        let report = report.within_limits();
        let ProcessReport { process, app_id, host, release, environment, version, .. } = &report;
        let names = [host, release, environment, version].map(|text| text.as_ref().unwrap());
        for name in names.into_iter().chain([process, app_id]).chain(report.lost.keys()) {
            assert!(name.len() <= limits::NAME && !name.contains('\0'), "{name}");
        }
        let error = report.last_error.as_ref().unwrap();
        assert!(error.text.len() <= limits::REPORTED_ERROR && error.text.starts_with("x␀x"));
        assert_eq!((report.lost.len(), report.total_lost()), (limits::REASONS, sum));
        assert_eq!(report.clone().within_limits(), report);
    }
}
