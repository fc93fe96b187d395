//! Helpers for cases: records to write, ways to read everything back, and expected results.

use std::sync::Arc;

use futures::TryStreamExt;
use ticket_core::backend::{
    Batch, HistogramScope, NewOccurrence, ReadPosition, Recorded, StatusChange, TicketChange,
};
use ticket_core::{
    Author, BackendBase, BackendExt, Bucket, BucketWidth, Direction, Error, ErrorKind, EventFilter,
    EventQuery, EventStoreExt, HistogramQuery, KeepPerTicket, Level, Location, MAX_LIMIT,
    Occurrence, OccurrenceQuery, Record, ReleaseQuery, Status, Store, Ticket, TicketFilter,
    TicketId, TicketQuery, Timestamp,
};
use ticket_grouping::Grouping;

/// Returns the time `seconds` after a fixed noon; negative numbers lie before it.
pub(crate) fn at(seconds: i64) -> Timestamp {
    // 2026-03-01T12:00:00Z
    Timestamp::from_micros((1_772_366_400 + seconds) * 1_000_000)
}

/// Returns the next representable time.
pub(crate) fn just_after(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros() + 1)
}

/// The default application of records.
pub(crate) const APP: &str = "shop";

/// The default channel of records.
pub(crate) const CHANNEL: &str = "shop::cart";

/// Returns an error of the application [`APP`] for the ticket of this name, `seconds` after noon.
pub(crate) fn record(ticket: &str, seconds: i64) -> Record {
    Record::new(Level::Error, CHANNEL, format!("{ticket} failed"))
        .with_time(at(seconds))
        .with_app_id(APP)
        .with_fingerprint(ticket)
        .with_location(Location::new().with_file("src/cart.rs").with_line(7))
}

/// Groups a record under `Stable` grouping, ready to be recorded.
pub(crate) fn occurrence(record: Record) -> NewOccurrence {
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    NewOccurrence::new(record, fingerprint)
}

/// Returns an occurrence of the ticket of this name, `seconds` after noon.
pub(crate) fn new(ticket: &str, seconds: i64) -> NewOccurrence {
    occurrence(record(ticket, seconds))
}

/// Returns one occurrence for each of these seconds.
pub(crate) fn series(ticket: &str, seconds: impl IntoIterator<Item = i64>) -> Vec<NewOccurrence> {
    seconds.into_iter().map(|seconds| new(ticket, seconds)).collect()
}

/// Returns an occurrence of the release `1` in the environment `production`, `seconds` after noon.
pub(crate) fn released(ticket: &str, seconds: i64) -> NewOccurrence {
    occurrence(record(ticket, seconds).with_release("1").with_environment("production"))
}

/// Returns the filters that find the ticket of a [`released`] occurrence by its release and its environment.
pub(crate) fn by_release() -> [TicketFilter; 3] {
    let filter = TicketFilter::new();
    [
        filter.clone().with_release("1"),
        filter.clone().with_environment("production"),
        filter.with_release("1").with_environment("production"),
    ]
}

/// Asserts that tickets which are gone took the release and the environment of [`released`] along: recorded
/// again without, they are not found by them.
pub(crate) async fn assert_seen_nowhere(store: &Arc<dyn Store>, tickets: &[&str]) {
    let releases = store.get_releases(&ReleaseQuery::new()).await;
    assert_eq!(releases.expect("get_releases succeeds"), [""; 0], "the tickets are gone");
    for name in tickets {
        put(store, &[new(name, 0)]).await;
    }
    for filter in by_release() {
        assert_eq!(find_ids(store, &filter).await, [], "recorded again without, by {filter:?}");
    }
    let releases = store.get_releases(&ReleaseQuery::new()).await;
    assert_eq!(releases.expect("get_releases succeeds"), [""; 0], "recorded again without");
}

/// Returns the id of the ticket of this name.
pub(crate) fn id_of(ticket: &str) -> TicketId {
    new(ticket, 0).ticket_id()
}

/// Returns the ticket that a store makes of these occurrences if nobody changes its status: the contract's
/// rules 3 to 5, computed from the whole list.
#[track_caller]
pub(crate) fn expected<'a>(occurrences: impl IntoIterator<Item = &'a NewOccurrence>) -> Ticket {
    let mut sorted: Vec<&NewOccurrence> = occurrences.into_iter().collect();
    sorted.sort_by_key(|occurrence| occurrence.age_key());
    let (Some(first), Some(newest)) = (sorted.first(), sorted.last()) else {
        panic!("a ticket has occurrences");
    };
    let record = newest.record();
    Ticket {
        id: newest.ticket_id(),
        app_id: record.app_id.to_string(),
        level: record.level,
        channel: record.channel.to_string(),
        message: record.message.to_string(),
        location: record.location.clone(),
        error_type: record.error_type().map(Into::into),
        status: Status::Open,
        first_occurrence_time: first.record().time,
        last_occurrence_time: record.time,
        occurrence_count: sorted.iter().map(|occurrence| u64::from(occurrence.repeats())).sum(),
        reopened_count: 0,
        first_release: first.record().release.clone().map(Into::into),
        last_release: record.release.clone().map(Into::into),
        ingredients: newest.ingredients().clone(),
    }
}

/// Returns the tickets that `recorded` reports with this change.
pub(crate) fn changed(recorded: &Recorded, change: TicketChange) -> Vec<TicketId> {
    let updates = recorded.updates.iter().filter(|update| update.change == Some(change));
    updates.map(|update| update.ticket_id).collect()
}

/// Records a batch, which has to succeed.
pub(crate) async fn put(store: &Arc<dyn Store>, batch: &[NewOccurrence]) -> Recorded {
    store.record_tickets(batch.into()).await.expect("the batch is recorded")
}

/// Returns a ticket, which has to exist.
pub(crate) async fn ticket(store: &Arc<dyn Store>, id: TicketId) -> Ticket {
    let ticket = store.get_ticket(id).await.expect("get_ticket succeeds");
    ticket.unwrap_or_else(|| panic!("the ticket {id} exists"))
}

/// Solves a ticket, which has to exist, as of `seconds` after noon.
pub(crate) async fn solve(store: &Arc<dyn Store>, id: TicketId, seconds: i64) -> Ticket {
    set(store, id, StatusChange::Solve { at: at(seconds), release: None }).await
}

/// Keeps `count` occurrences of each ticket in all applications.
pub(crate) fn keeping(count: u32) -> KeepPerTicket {
    KeepPerTicket::new(count).expect("at least one occurrence is kept")
}

/// Changes the status of a ticket, which has to exist.
pub(crate) async fn set(store: &Arc<dyn Store>, id: TicketId, change: StatusChange) -> Ticket {
    let ticket =
        store.set_status(id, change, Author::unknown()).await.expect("set_status succeeds");
    ticket.unwrap_or_else(|| panic!("the ticket {id} exists"))
}

/// Returns the status of a ticket that was solved as of `seconds` after noon.
pub(crate) fn solved(seconds: i64) -> Status {
    Status::Solved { at: at(seconds), release: None }
}

/// Returns all tickets that match a filter, sorted by id. The store's count and its pages have to agree.
pub(crate) async fn find(store: &Arc<dyn Store>, filter: &TicketFilter) -> Vec<Ticket> {
    let query = TicketQuery::new().with_filter(filter.clone()).with_limit(MAX_LIMIT);
    let walk = store.walk_tickets(query).try_collect::<Vec<_>>().await;
    let mut tickets = walk.expect("get_tickets succeeds");
    let count = store.count_tickets(filter).await.expect("count_tickets succeeds");
    assert_eq!(count, tickets.len() as u64, "count_tickets and get_tickets agree on {filter:?}");
    tickets.sort_by_key(|ticket| ticket.id);
    tickets
}

/// Returns the ids of the tickets that match a filter, sorted.
pub(crate) async fn find_ids(store: &Arc<dyn Store>, filter: &TicketFilter) -> Vec<TicketId> {
    find(store, filter).await.into_iter().map(|ticket| ticket.id).collect()
}

/// Returns all occurrences of a ticket, oldest first.
pub(crate) async fn occurrences(store: &Arc<dyn Store>, id: TicketId) -> Vec<Occurrence> {
    let query = OccurrenceQuery::new().with_direction(Direction::Ascending).with_limit(MAX_LIMIT);
    let walk = store.walk_occurrences(id, query).try_collect().await;
    walk.expect("get_occurrences succeeds")
}

/// Returns all events that match a filter, oldest first.
pub(crate) async fn events(store: &Arc<dyn Store>, filter: EventFilter) -> Vec<Occurrence> {
    let query = EventQuery::new()
        .with_filter(filter)
        .with_direction(Direction::Ascending)
        .with_limit(MAX_LIMIT);
    store.walk_events(query).try_collect().await.expect("get_events succeeds")
}

/// Returns these occurrences as the store has to return them, oldest first.
pub(crate) fn stored<'a>(batch: impl IntoIterator<Item = &'a NewOccurrence>) -> Vec<Occurrence> {
    let mut stored: Vec<Occurrence> =
        batch.into_iter().cloned().map(NewOccurrence::into_occurrence).collect();
    stored.sort_by_key(ticket_core::backend::EventPosition::of);
    stored
}

/// Returns the buckets of a histogram.
pub(crate) async fn histogram(store: &Arc<dyn Store>, query: &HistogramQuery) -> Vec<Bucket> {
    store.count_occurrences(query).await.expect("count_occurrences succeeds")
}

/// Returns the sum of the counts within 150 days before and after noon.
pub(crate) async fn counted(store: &Arc<dyn Store>, scope: HistogramScope) -> u64 {
    const DAYS: i64 = 150 * 86_400;
    let mut query = HistogramQuery::of_app(None, BucketWidth::Day, at(-DAYS), at(DAYS));
    query.scope = scope;
    histogram(store, &query).await.iter().map(|bucket| bucket.count).sum()
}

/// Returns the error of a call that has to fail with this kind.
#[track_caller]
pub(crate) fn rejected<T: std::fmt::Debug>(
    answer: ticket_core::Result<T>,
    kind: ErrorKind,
    what: &str,
) -> Error {
    match answer {
        Err(error) if error.kind() == kind => error,
        Err(error) => panic!("{what} has to fail with kind {kind}, not {}: {error}", error.kind()),
        Ok(answer) => panic!("{what} has to fail with kind {kind}, and returned {answer:?}"),
    }
}

/// Reads a source like one of several readers, and adds to `recorded` how many occurrences it recorded.
///
/// The source has `end` records of the ticket `a`. The reader records the next one with its position, or
/// continues where another reader has been faster. What it recorded before an error counts too.
pub(crate) async fn read_source(
    store: &Arc<dyn Store>,
    source: &str,
    end: u32,
    recorded: &mut u64,
) -> ticket_core::Result<()> {
    loop {
        let stored = store.read_position(source).await?;
        let number: u32 = stored.as_deref().map_or(0, |text| text.parse().expect("a number"));
        if number == end {
            return Ok(());
        }
        let next = ReadPosition::new(source, (number + 1).to_string(), at(0)).following(stored);
        let batch = Batch::from(&[new("a", number.into())][..]).with_positions(vec![next]);
        match store.record_tickets(batch).await {
            Ok(answer) => {
                *recorded += answer.occurrences;
                // Now its id does not keep the others out any more.
                store.delete_ticket(id_of("a")).await?;
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
}

/// Runs all tasks concurrently on several threads and returns their results in the same order.
pub(crate) async fn together<T, F>(tasks: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.await {
            Ok(answer) => answers.push(answer),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    answers
}
