//! Rule 32: read positions.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::backend::{Batch, NewOccurrence, ReadPosition, Recorded};
use ticket_core::{ErrorKind, Expiry, Result, Store, Timestamp, limits};

use crate::context::Context;
use crate::process::{PROCESSES, Report, Step, run_all};
use crate::support::{at, id_of, just_after, put, read_source, series, together};

const SOURCE: &str = "/var/log/app.log";

fn read(source: &str, position: &str) -> ReadPosition {
    ReadPosition::new(source, position, at(0))
}

fn after(position: &str, stored: Option<&str>) -> ReadPosition {
    read(SOURCE, position).following(stored.map(str::to_owned))
}

/// Records occurrences and positions.
async fn send(
    store: &Arc<dyn Store>,
    batch: &[NewOccurrence],
    positions: Vec<ReadPosition>,
) -> Result<Recorded> {
    store.record_tickets(Batch::from(batch).with_positions(positions)).await
}

async fn position(store: &Arc<dyn Store>, source: &str) -> Option<String> {
    store.read_position(source).await.expect("read_position succeeds")
}

/// Returns the number of occurrences of the ticket `a`, 0 if there is none.
async fn count(store: &Arc<dyn Store>) -> u64 {
    let ticket = store.get_ticket(id_of("a")).await.expect("get_ticket succeeds");
    ticket.map_or(0, |ticket| ticket.occurrence_count)
}

pub(super) async fn rule_32_a_position_is_stored_with_its_batch(cx: Context) {
    let store = cx.store().await;
    assert_eq!(position(&store, SOURCE).await, None, "an unknown source has none");
    let recorded = send(&store, &series("a", 0..3), vec![read(SOURCE, "3")]).await;
    assert_eq!(recorded.expect("the batch is recorded").occurrences, 3);
    assert_eq!(position(&store, SOURCE).await.as_deref(), Some("3"));
    send(&store, &series("a", 3..5), vec![read(SOURCE, "5")]).await.expect("it is replaced");
    assert_eq!(position(&store, SOURCE).await.as_deref(), Some("5"));
    assert_eq!(count(&store).await, 5);
    put(&store, &series("a", 5..6)).await;
    assert_eq!(
        position(&store, SOURCE).await.as_deref(),
        Some("5"),
        "a batch without one keeps it"
    );
}

pub(super) async fn rule_32_a_batch_of_positions_alone_is_recorded(cx: Context) {
    let store = cx.store().await;
    let recorded = send(&store, &[], vec![read(SOURCE, "1"), read("other", "2")]).await;
    assert_eq!(recorded.expect("the batch is recorded"), Recorded::default());
    assert_eq!(position(&store, SOURCE).await.as_deref(), Some("1"));
    assert_eq!(position(&store, "other").await.as_deref(), Some("2"), "each source has its own");
    assert_eq!(position(&store, "OTHER").await, None, "names are compared exactly");
}

pub(super) async fn rule_32_a_position_that_does_not_follow_changes_nothing(cx: Context) {
    let store = cx.store().await;
    send(&store, &series("a", 0..1), vec![after("1", None)]).await.expect("the first one");
    for wrong in [after("2", None), after("2", Some("0"))] {
        // It is sorted before the wrong one.
        let also = read("!another", "9");
        let error =
            send(&store, &series("a", 1..4), vec![also, wrong]).await.expect_err("a conflict");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert_eq!(count(&store).await, 1, "nothing is recorded");
        assert_eq!(position(&store, SOURCE).await.as_deref(), Some("1"));
        assert_eq!(position(&store, "!another").await, None, "no other position is stored");
    }
    let error = send(&store, &[], vec![after("2", Some("0"))]).await.expect_err("a conflict");
    assert_eq!(error.kind(), ErrorKind::Conflict, "also without an occurrence");
    send(&store, &series("a", 1..4), vec![after("4", Some("1"))]).await.expect("it follows");
    send(&store, &[], vec![after("4", Some("4"))]).await.expect("it may stay the same");
    assert_eq!(count(&store).await, 4);
}

pub(super) async fn rule_32_a_known_occurrence_does_not_keep_its_position_out(cx: Context) {
    let store = cx.store().await;
    let all = series("a", 0..4);
    put(&store, &all[..2]).await;
    for (batch, stored) in [(&all[..2], None), (&all[1..], Some("x"))] {
        send(&store, batch, vec![after("x", stored)]).await.expect("the batch is recorded");
    }
    assert_eq!(count(&store).await, 4);
    assert_eq!(position(&store, SOURCE).await.as_deref(), Some("x"));
}

pub(super) async fn rule_32_of_eight_readers_of_one_source_one_records_each_batch(cx: Context) {
    const BATCHES: u32 = 10;
    let store = cx.store().await;
    let readers = (0..8).map(|_| {
        let store = Arc::clone(&store);
        async move {
            let mut recorded = 0;
            let read = read_source(&store, SOURCE, BATCHES, &mut recorded).await;
            read.expect("the source is read");
            recorded
        }
    });
    let recorded: u64 = together(readers).await.iter().sum();
    assert_eq!(recorded, u64::from(BATCHES), "each batch is recorded by one reader");
}

pub(super) async fn rule_32_of_eight_processes_that_read_one_source_one_records_each_batch(
    cx: Context,
) {
    const BATCHES: u32 = 60;
    let store = cx.store().await;
    let read = Step::Read { source: SOURCE.to_owned(), end: BATCHES };
    let read = Report::sum(run_all(cx.case(), vec![vec![read]; PROCESSES]).await);
    assert_eq!(read.occurrences, u64::from(BATCHES), "each batch is recorded by one process");
    assert_eq!(position(&store, SOURCE).await, Some(BATCHES.to_string()));
}

pub(super) async fn rule_32_positions_outlive_a_deleted_ticket(cx: Context) {
    let store = cx.store().await;
    send(&store, &series("a", 0..3), vec![read(SOURCE, "3")]).await.expect("it is recorded");
    store.delete_ticket(id_of("a")).await.expect("delete_ticket succeeds");
    assert_eq!(position(&store, SOURCE).await.as_deref(), Some("3"));
}

pub(super) async fn rule_32_positions_outlive_expiry(cx: Context) {
    let store = cx.store().await;
    send(&store, &series("a", 0..3), vec![read(SOURCE, "3")]).await.expect("it is recorded");
    store.clear_expired(&Expiry::before(Timestamp::MAX)).await.expect("clear_expired succeeds");
    assert_eq!(position(&store, SOURCE).await.as_deref(), Some("3"));
}

pub(super) async fn rule_32_clear_deletes_positions_of_this_store(cx: Context) {
    let (store, other) = (cx.store().await, cx.second_store().await);
    for store in [&store, &other] {
        send(store, &[], vec![read(SOURCE, "1")]).await.expect("it is recorded");
    }
    store.clear().await.expect("clear succeeds");
    assert_eq!(position(&store, SOURCE).await, None);
    assert_eq!(position(&other, SOURCE).await.as_deref(), Some("1"), "another store");
}

pub(super) async fn rule_32_positions_that_are_not_written_for_a_year_are_deleted(cx: Context) {
    let store = cx.store().await;
    let (start, year) = (at(0), ReadPosition::LIFETIME);
    let written = |source: &str, time| vec![ReadPosition::new(source, "1", time)];
    for (source, time) in [
        ("older", start),
        ("as old", just_after(start)),
        ("renewed", start),
        ("newer", start.saturating_add(Duration::from_secs(60))),
    ] {
        send(&store, &[], written(source, time)).await.expect("it is recorded");
    }
    send(&store, &[], written("renewed", start.saturating_add(year))).await.expect("a year later");
    assert!(position(&store, "older").await.is_some(), "it is not older than a year");
    let later = just_after(start).saturating_add(year);
    send(&store, &[], written("last", later)).await.expect("a moment later");
    assert_eq!(position(&store, "older").await, None);
    for kept in ["as old", "renewed", "newer", "last"] {
        assert!(position(&store, kept).await.is_some(), "{kept}");
    }
}

pub(super) async fn rule_32_positions_take_texts_changed_by_the_limits(cx: Context) {
    let store = cx.store().await;
    let (source, text) = (format!("a\0{}", "é".repeat(limits::NAME)), "x".repeat(9_000));
    send(&store, &[], vec![read(&source, &text)]).await.expect("it is recorded");
    let stored = position(&store, &source).await.expect("it is found by the name as it was given");
    assert!(stored.len() <= limits::POSITION && stored.starts_with("xxx"));
    let expected = read(&source, &text);
    send(&store, &[], vec![read(&source, "2").following(Some(expected.position().into()))])
        .await
        .expect("it follows");
}

pub(super) async fn rule_32_two_handles_share_positions(cx: Context) {
    let (one, two) = (cx.store().await, cx.store().await);
    send(&one, &[], vec![after("1", None)]).await.expect("it is recorded");
    assert_eq!(position(&two, SOURCE).await.as_deref(), Some("1"));
    let error = send(&two, &[], vec![after("2", None)]).await.expect_err("a conflict");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
