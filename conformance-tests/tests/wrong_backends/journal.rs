//! [`Change`]: what a process writes to the journal for the others, which apply it before they read.

use std::time::Duration;

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use ticket_core::backend::{Batch, Lease, NewOccurrence, ReadPosition, StatusChange};
use ticket_core::{
    Author, BackendBase, EventStore, Expiry, Fix, KeepPerTicket, Note, ProcessReport, Record,
    TicketId, Timestamp,
};
use ticket_grouping::Grouping;
use ticket_memory::MemoryBackend;

/// A change of the store.
#[derive(Serialize, Deserialize)]
pub(crate) enum Change {
    /// A batch and the positions up to which it was read: source, position and time.
    Record(Vec<(Record, u32)>, Vec<(String, String, Timestamp)>),
    Solve(TicketId, Timestamp, Option<Fix>, By),
    Reopen(TicketId, By),
    Mute(TicketId, Option<Timestamp>, By),
    Merge(TicketId, TicketId, By),
    Unmerge(TicketId, By),
    Note(TicketId, String, By),
    Delete(TicketId),
    Expire(Option<String>, Timestamp, Option<u64>),
    Keep(Option<String>, u32),
    Clear,
    Lease(String, String, Duration),
    Report(Box<ProcessReport>),
}

/// The name and the time of an author.
pub(crate) type By = (Option<String>, Timestamp);

impl Change {
    pub(crate) fn record(batch: &Batch) -> Self {
        let position =
            |read: &ReadPosition| (read.source().into(), read.position().into(), read.at());
        let records = batch.iter().map(|new| (new.record().clone(), new.repeats()));
        Self::Record(records.collect(), batch.positions().iter().map(position).collect())
    }

    pub(crate) fn status(id: TicketId, change: &StatusChange, author: &Author) -> Self {
        match change {
            StatusChange::Solve { at, release } => {
                Self::Solve(id, *at, release.clone(), by(author))
            }
            StatusChange::Reopen => Self::Reopen(id, by(author)),
            StatusChange::Mute { until } => Self::Mute(id, *until, by(author)),
        }
    }

    pub(crate) fn note(id: TicketId, note: &Note) -> Self {
        Self::Note(id, note.text().to_owned(), by(note.author()))
    }

    pub(crate) fn expire(expiry: &Expiry) -> Self {
        Self::Expire(expiry.app_id.clone(), expiry.before, expiry.max_count)
    }

    pub(crate) fn keep(keep: &KeepPerTicket) -> Self {
        Self::Keep(keep.app_id.clone(), keep.count.get())
    }

    pub(crate) fn lease(lease: &Lease) -> Self {
        Self::Lease(lease.name.clone(), lease.holder.clone(), lease.time)
    }

    /// Makes the change of another process, which has received the answer.
    pub(crate) fn apply(self, store: &MemoryBackend) {
        match self {
            Self::Record(records, read) => {
                let batch: Vec<_> = records.into_iter().map(occurrence).collect();
                let read =
                    read.into_iter().map(|(s, position, at)| ReadPosition::new(s, position, at));
                let batch = Batch::from(&batch[..]).with_positions(read.collect());
                drop(store.record_tickets(batch).now_or_never());
            }
            Self::Solve(id, at, release, by) => {
                decide(store, id, StatusChange::Solve { at, release }, by);
            }
            Self::Reopen(id, by) => decide(store, id, StatusChange::Reopen, by),
            Self::Mute(id, until, by) => decide(store, id, StatusChange::Mute { until }, by),
            Self::Merge(into, from, by) => {
                drop(store.merge_tickets(into, from, author(by)).now_or_never());
            }
            Self::Unmerge(from, by) => drop(store.unmerge_ticket(from, author(by)).now_or_never()),
            Self::Note(id, text, by) => {
                drop(store.add_note(id, Note::new(text, author(by))).now_or_never());
            }
            Self::Delete(id) => drop(store.delete_ticket(id).now_or_never()),
            Self::Expire(app_id, before, max_count) => {
                let mut expiry = Expiry::before(before);
                (expiry.app_id, expiry.max_count) = (app_id, max_count);
                drop(store.clear_expired(&expiry).now_or_never());
            }
            Self::Keep(app_id, count) => {
                let mut keep = KeepPerTicket::new(count).unwrap();
                keep.app_id = app_id;
                drop(store.keep_per_ticket(&keep).now_or_never());
            }
            Self::Clear => drop(store.clear().now_or_never()),
            Self::Lease(name, holder, time) => {
                drop(store.lease(&Lease::new(name, holder, time)).now_or_never());
            }
            Self::Report(report) => drop(store.report_process(*report).now_or_never()),
        }
    }
}

fn decide(store: &MemoryBackend, id: TicketId, change: StatusChange, by: By) {
    drop(store.set_status(id, change, author(by)).now_or_never());
}

pub(crate) fn by(author: &Author) -> By {
    (author.name().map(str::to_owned), author.time())
}

fn author((name, time): By) -> Author {
    name.map_or_else(Author::unknown, Author::new).with_time(time)
}

fn occurrence((record, repeats): (Record, u32)) -> NewOccurrence {
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    NewOccurrence::new(record, fingerprint).with_repeats(repeats)
}
