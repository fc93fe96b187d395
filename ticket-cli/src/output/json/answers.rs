//! The other answers as JSON. Scripts depend on their names as well.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use ticket_core::{Bucket, EventTrait, Level, OccurrenceId, TicketId, Timestamp, ValueKind};
use ticket_handler::spool::{Contents, Drained};

use ticket_query::json::{HistoryView, OccurrenceView, ProcessView, StoreInfoView, TicketView};

/// A ticket with its charts and newest occurrences.
#[derive(Serialize)]
pub(crate) struct ShowView<'a> {
    #[serde(flatten)]
    pub(crate) ticket: TicketView<'a>,
    pub(crate) last_24_hours: Vec<BucketView>,
    pub(crate) last_30_days: Vec<BucketView>,
    pub(crate) history: Vec<HistoryView<'a>>,
    pub(crate) occurrences: Vec<OccurrenceView<'a>>,
}

/// The number of occurrences in an hour or a day.
#[derive(Serialize)]
pub(crate) struct BucketView {
    start: Timestamp,
    count: u64,
}

impl From<&Bucket> for BucketView {
    fn from(bucket: &Bucket) -> Self {
        Self { start: bucket.start, count: bucket.count }
    }
}

/// A value of a trait and the event that it belongs to.
#[derive(Serialize)]
pub(crate) struct TraitView<'a> {
    name: &'a str,
    kind: ValueKind,
    value: serde_json::Value,
    time: Timestamp,
    occurrence_id: OccurrenceId,
    ticket_id: TicketId,
}

impl<'a> From<&'a EventTrait> for TraitView<'a> {
    fn from(item: &'a EventTrait) -> Self {
        Self {
            name: &item.name,
            kind: item.value.kind(),
            value: item.value.to_json(),
            time: item.event.time,
            occurrence_id: item.event.id,
            ticket_id: item.event.ticket_id,
        }
    }
}

/// A type of events.
#[derive(Serialize)]
pub(crate) struct TypeView<'a> {
    pub(crate) r#type: &'a str,
}

/// A trait that events of a type have.
#[derive(Serialize)]
pub(crate) struct TraitTypeView<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: ValueKind,
}

/// A ticket on which a note was written.
#[derive(Serialize)]
pub(crate) struct NotedView {
    pub(crate) id: TicketId,
    pub(crate) noted: bool,
}

/// A merged ticket whose occurrences are recorded in a ticket of its own again.
#[derive(Serialize)]
pub(crate) struct UnmergedView {
    pub(crate) id: TicketId,
    pub(crate) unmerged: bool,
}

/// A ticket that was deleted.
#[derive(Serialize)]
pub(crate) struct DeletedView {
    pub(crate) id: TicketId,
    pub(crate) deleted: bool,
}

/// A store that was set up.
#[derive(Serialize)]
pub(crate) struct SetupView {
    pub(crate) backend: &'static str,
    pub(crate) ready: bool,
}

/// What `expire` deleted.
#[derive(Default, Serialize)]
pub(crate) struct ExpiredView {
    pub(crate) expired_occurrences: u64,
    pub(crate) expired_tickets: u64,
    pub(crate) pruned_occurrences: u64,
}

/// What `clear` deleted.
#[derive(Serialize)]
pub(crate) struct ClearedView {
    pub(crate) deleted_tickets: u64,
}

/// What a backend is capable of.
#[derive(Serialize)]
pub(crate) struct CapabilitiesView {
    pub(crate) backend: &'static str,
    pub(crate) capabilities: BTreeMap<String, bool>,
}

/// What a process has in its folder of a spool.
#[derive(Serialize)]
pub(crate) struct SpoolView<'a> {
    path: Cow<'a, str>,
    live: bool,
    records: u64,
    segments: usize,
    bytes: u64,
    damaged: u64,
    other_version: usize,
}

impl<'a> From<&'a Contents> for SpoolView<'a> {
    fn from(contents: &'a Contents) -> Self {
        Self {
            path: contents.path.to_string_lossy(),
            live: contents.live,
            records: contents.records,
            segments: contents.segments,
            bytes: contents.bytes,
            damaged: contents.damaged,
            other_version: contents.foreign,
        }
    }
}

/// What happened to the records of dead processes.
#[derive(Serialize)]
pub(crate) struct DrainedView<'a> {
    recorded: u64,
    already_known: u64,
    rejected: u64,
    torn: u64,
    damaged: u64,
    removed: usize,
    left: Vec<Cow<'a, str>>,
}

impl<'a> From<&'a Drained> for DrainedView<'a> {
    fn from(drained: &'a Drained) -> Self {
        Self {
            recorded: drained.recorded,
            already_known: drained.duplicates,
            rejected: drained.rejected,
            torn: drained.torn,
            damaged: drained.damaged,
            removed: drained.folders,
            left: drained.left.iter().map(|path| path.to_string_lossy()).collect(),
        }
    }
}

/// The numbers of tickets and occurrences.
#[derive(Serialize)]
pub(crate) struct StatsView<'a> {
    pub(crate) tickets: CountView,
    pub(crate) levels: Vec<LevelView>,
    pub(crate) occurrences: RecentView,
    pub(crate) top: Vec<TicketView<'a>>,
}

/// The number of tickets of each status.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct CountView {
    pub(crate) open: u64,
    pub(crate) solved: u64,
    pub(crate) muted: u64,
}

/// The number of tickets of a level.
#[derive(Serialize)]
pub(crate) struct LevelView {
    pub(crate) level: Level,
    #[serde(flatten)]
    pub(crate) tickets: CountView,
}

/// The number of recent occurrences, in whole hours up to the current one.
#[derive(Serialize)]
pub(crate) struct RecentView {
    pub(crate) this_hour: u64,
    pub(crate) last_24_hours: u64,
    pub(crate) last_7_days: u64,
}

/// How the store and the processes that record are doing.
#[derive(Serialize)]
pub(crate) struct HealthView {
    pub(crate) backend: &'static str,
    pub(crate) store: StoreInfoView,
    pub(crate) occurrences: RecentView,
    /// `None` if the store keeps no reports.
    pub(crate) processes: Option<Vec<ProcessView>>,
}
