//! Rules 1 to 3: batches, repeated ids, and the creation of tickets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ticket_core::backend::{
    Batch, HistogramScope, NewOccurrence, Recorded, TicketChange, TicketUpdate,
};
use ticket_core::record::ErrorCause;
use ticket_core::{
    BackendBase, Level, Location, Record, Store, TicketFilter, TicketId, TicketQuery,
};

use crate::context::Context;
use crate::process::{Report, Step, burst_of, kill_in_a_burst, run_all};
use crate::support::{
    APP, at, changed, counted, expected, find, id_of, new, occurrence, occurrences, put, record,
    series, set, solved, stored, ticket, together,
};

pub(super) async fn rule_01_a_batch_of_one_is_recorded(cx: Context) {
    let store = cx.store().await;
    let one = new("one", 0);
    let recorded = put(&store, std::slice::from_ref(&one)).await;
    let update = TicketUpdate {
        ticket_id: one.ticket_id(),
        change: Some(TicketChange::Created),
        added: 1,
        occurrence_count: 1,
    };
    assert_eq!(recorded, Recorded { occurrences: 1, updates: vec![update] });
    assert_eq!(ticket(&store, one.ticket_id()).await, expected([&one]));
    assert_eq!(occurrences(&store, one.ticket_id()).await, stored([&one]));
}

pub(super) async fn rule_01_a_batch_of_ten_thousand_is_recorded(cx: Context) {
    let store = cx.store().await;
    // The tickets alternate, so that every part of the batch has occurrences of each.
    let batch: Vec<NewOccurrence> =
        (0..10_000).map(|i| new(&format!("ticket {}", i % 100), i)).collect();
    let recorded = put(&store, &batch).await;
    assert_eq!(recorded.occurrences, 10_000);
    assert_eq!(recorded.updates.len(), 100);
    assert!(recorded.updates.iter().all(|update| update.added == 100));
    assert_eq!(counted(&store, HistogramScope::App(None)).await, 10_000);
    for number in 0..100 {
        let own: Vec<_> = batch.iter().skip(number).step_by(100).collect();
        assert_eq!(ticket(&store, own[0].ticket_id()).await, expected(own.iter().copied()));
        if number % 25 == 0 {
            assert_eq!(occurrences(&store, own[0].ticket_id()).await, stored(own));
        }
    }
}

pub(super) async fn rule_01_an_empty_batch_changes_nothing(cx: Context) {
    let store = cx.store().await;
    assert_eq!(put(&store, &[]).await, Recorded::default());
    assert_eq!(find(&store, &TicketFilter::new()).await, []);
    let one = new("one", 0);
    put(&store, std::slice::from_ref(&one)).await;
    assert_eq!(put(&store, &[]).await, Recorded::default());
    assert_eq!(find(&store, &TicketFilter::new()).await, [expected([&one])]);
}

/// Returns a batch of 300 records of three tickets in the application `app`.
fn batch_of(app: &str) -> Vec<Record> {
    (0..300).map(|i| record(&format!("ticket {}", i % 3), i).with_app_id(app)).collect()
}

fn prepared(records: &[Record]) -> Vec<NewOccurrence> {
    records.iter().cloned().map(occurrence).collect()
}

pub(super) async fn rule_01_a_dropped_call_leaves_all_of_its_batch_or_nothing(cx: Context) {
    let store = cx.store().await;
    let whole = Instant::now();
    put(&store, &prepared(&batch_of("rehearsal"))).await;
    let whole = whole.elapsed();
    for step in 0..24_u32 {
        // The timeouts range from zero to a little more than the call takes.
        let app = format!("app{step}");
        let batch = prepared(&batch_of(&app));
        let call =
            tokio::time::timeout(whole * step / 20, store.record_tickets(Batch::from(&batch[..])));
        if let Ok(answer) = call.await {
            answer.expect("the batch is recorded");
        }
        assert_whole(&store, &app, &batch).await;
    }
    for polls in 1..16 {
        let app = format!("polled{polls}");
        let batch = prepared(&batch_of(&app));
        poll_times(store.record_tickets(Batch::from(&batch[..])), polls).await;
        assert_whole(&store, &app, &batch).await;
    }
}

/// Polls a future at most `times` times, and drops it.
async fn poll_times<F: Future>(future: F, times: usize) {
    let mut future = Box::pin(future);
    for _ in 0..times {
        if futures::poll!(&mut future).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Asserts that all of the batch is stored or nothing, and that recording it again completes it.
async fn assert_whole(store: &Arc<dyn Store>, app: &str, batch: &[NewOccurrence]) {
    let scope = HistogramScope::App(Some(app.to_owned()));
    let tickets: BTreeSet<TicketId> = batch.iter().map(NewOccurrence::ticket_id).collect();
    let whole = (batch.len() as u64, tickets.len(), batch.len());
    // The database may still be working on a dropped call, and commit it between two of these reads. They are
    // repeated until they agree; a batch that is recorded in part stays that way.
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = left_of(store, app, &tickets).await;
        if left == (0, 0, 0) || left == whole {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "the batch of {app} is neither recorded nor absent: of {} occurrences of {} tickets, the store has a \
             count of {}, {} tickets and {} occurrences",
            whole.2,
            whole.1,
            left.0,
            left.1,
            left.2
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    put(store, batch).await;
    assert_eq!(counted(store, scope).await, whole.0);
    for id in tickets {
        let own: Vec<_> = batch.iter().filter(|new| new.ticket_id() == id).collect();
        assert_eq!(ticket(store, id).await, expected(own.iter().copied()));
        assert_eq!(occurrences(store, id).await, stored(own));
    }
}

/// Returns what is stored of a batch: the count of its application, its tickets and its occurrences.
async fn left_of(
    store: &Arc<dyn Store>,
    app: &str,
    batch: &BTreeSet<TicketId>,
) -> (u64, usize, usize) {
    let count = counted(store, HistogramScope::App(Some(app.to_owned()))).await;
    // Not `support::find`, which reads twice and expects equal results.
    let query = TicketQuery::new().with_filter(TicketFilter::new().with_app_id(app));
    let tickets = store.get_tickets(&query).await.expect("get_tickets succeeds").items.len();
    let mut left = 0;
    for id in batch {
        left += occurrences(store, *id).await.len();
    }
    (count, tickets, left)
}

pub(super) async fn rule_01_a_killed_process_leaves_whole_batches(cx: Context) {
    const ROUNDS: u32 = 8;
    let store = cx.store().await;
    for round in 0..ROUNDS {
        let app = |number: u32| format!("app{round}_{number}");
        let part = f64::from(round) / f64::from(ROUNDS);
        let base = format!("app{round}");
        let recorded = kill_in_a_burst(cx.case(), &base, 1 + round % 3, part).await;
        for number in 0..recorded {
            let count = counted(&store, HistogramScope::App(Some(app(number)))).await;
            assert_eq!(count, 200, "batch {number} was reported as recorded before the kill");
        }
        // The kill interrupted the batch that follows, which may also be recorded and not yet reported.
        for number in [recorded - 1, recorded] {
            assert_whole(&store, &app(number), &prepared(&burst_of(&base, number))).await;
        }
    }
}

/// Returns the same record with another message.
fn reworded(record: &Record, message: &str) -> Record {
    let mut again = record.clone();
    again.message = message.into();
    again
}

pub(super) async fn rule_02_an_id_twice_in_a_batch_counts_once(cx: Context) {
    let store = cx.store().await;
    let record = record("twice", 0);
    let first = occurrence(record.clone()).with_repeats(2);
    let second = occurrence(reworded(&record, "the same id again")).with_repeats(5);
    let recorded = put(&store, &[first.clone(), second.clone(), first.clone()]).await;
    let update = TicketUpdate {
        ticket_id: first.ticket_id(),
        change: Some(TicketChange::Created),
        added: 2,
        occurrence_count: 2,
    };
    assert_eq!(recorded, Recorded { occurrences: 1, updates: vec![update] });
    assert_eq!(ticket(&store, first.ticket_id()).await, expected([&first]));
    assert_eq!(occurrences(&store, first.ticket_id()).await, stored([&first]));
    assert_eq!(counted(&store, HistogramScope::Ticket(first.ticket_id())).await, 2);
}

pub(super) async fn rule_02_an_id_in_two_batches_counts_once(cx: Context) {
    let store = cx.store().await;
    let batch = series("twice", 0..10);
    put(&store, &batch[..6]).await;
    assert_eq!(
        put(&store, &batch[2..6]).await,
        Recorded::default(),
        "nothing in this batch is new"
    );
    let recorded = put(&store, &batch[4..]).await;
    let update =
        TicketUpdate { ticket_id: id_of("twice"), change: None, added: 4, occurrence_count: 10 };
    assert_eq!(recorded, Recorded { occurrences: 4, updates: vec![update] });
    assert_eq!(ticket(&store, id_of("twice")).await, expected(&batch));
    assert_eq!(occurrences(&store, id_of("twice")).await, stored(&batch));
    assert_eq!(counted(&store, HistogramScope::Ticket(id_of("twice"))).await, 10);
}

pub(super) async fn rule_02_a_repeated_id_does_not_change_its_ticket(cx: Context) {
    let store = cx.store().await;
    let first = record("again", 0);
    let batch = [occurrence(first.clone())];
    put(&store, &batch).await;
    solve_at(&store, 10).await;
    // The same id with a later time and other content is already recorded.
    let mut later = reworded(&first, "another text").with_release("2");
    later.time = at(100);
    let again = occurrence(later).with_repeats(9);
    assert_eq!(put(&store, &[again]).await, Recorded::default());
    let mut expected = expected(&batch);
    expected.status = solved(10);
    assert_eq!(ticket(&store, id_of("again")).await, expected);
    assert_eq!(occurrences(&store, id_of("again")).await, stored(&batch));
}

async fn solve_at(store: &Arc<dyn Store>, seconds: i64) {
    let change = ticket_core::backend::StatusChange::Solve { at: at(seconds), release: None };
    set(store, id_of("again"), change).await;
}

pub(super) async fn rule_02_the_same_id_counts_in_each_of_two_tickets(cx: Context) {
    let store = cx.store().await;
    let one = record("one", 0);
    let other = one.clone().with_fingerprint("other");
    let (one, other) = (occurrence(one), occurrence(other));
    assert_eq!(put(&store, &[one.clone(), other.clone()]).await.occurrences, 2);
    for own in [&one, &other] {
        assert_eq!(ticket(&store, own.ticket_id()).await, expected([own]));
        assert_eq!(occurrences(&store, own.ticket_id()).await, stored([own]));
    }
    let third = occurrence(one.record().clone().with_fingerprint("third"));
    assert_eq!(
        put(&store, &[other, third.clone()]).await.occurrences,
        1,
        "the same in a later batch"
    );
    assert_eq!(ticket(&store, third.ticket_id()).await, expected([&third]));
}

/// Returns the batch eight times, each time in another order.
fn eight_times(batch: &[Record]) -> Vec<Vec<Record>> {
    (0..8)
        .map(|writer| {
            let mut own = batch.to_vec();
            own.rotate_left(writer * 7);
            own
        })
        .collect()
}

async fn assert_counted_once(store: &Arc<dyn Store>, records: &[Record], told: u64) {
    let batch = prepared(records);
    assert_eq!(told, batch.len() as u64, "each occurrence was new to exactly one writer");
    for first in 0..3 {
        let own: Vec<_> = batch.iter().skip(first).step_by(3).collect();
        assert_eq!(ticket(store, own[0].ticket_id()).await, expected(own.iter().copied()));
        assert_eq!(occurrences(store, own[0].ticket_id()).await, stored(own));
    }
    assert_eq!(counted(store, HistogramScope::App(None)).await, batch.len() as u64);
}

pub(super) async fn rule_02_the_same_batch_from_eight_writers_counts_once(cx: Context) {
    let store = cx.store().await;
    let records = batch_of(APP);
    let told = together(eight_times(&records).into_iter().map(|own| {
        let store = Arc::clone(&store);
        async move { put(&store, &prepared(&own)).await.occurrences }
    }));
    assert_counted_once(&store, &records, told.await.iter().sum()).await;
}

pub(super) async fn rule_02_the_same_batch_through_two_handles_counts_once(cx: Context) {
    let handles = [cx.store().await, cx.store().await];
    let records = batch_of(APP);
    let told = together(handles.clone().into_iter().map(|store| {
        let batch = prepared(&records);
        async move { put(&store, &batch).await.occurrences }
    }));
    let told = told.await.iter().sum();
    for store in &handles {
        assert_counted_once(store, &records, told).await;
    }
}

pub(super) async fn rule_02_the_same_batch_from_eight_processes_counts_once(cx: Context) {
    let store = cx.store().await;
    let records = batch_of(APP);
    let steps = eight_times(&records).into_iter().map(|own| vec![Step::Record(own)]);
    let told = Report::sum(run_all(cx.case(), steps).await);
    assert_counted_once(&store, &records, told.occurrences).await;
}

pub(super) async fn rule_03_the_first_occurrence_creates_the_ticket_with_all_its_fields(
    cx: Context,
) {
    let store = cx.store().await;
    let mut full = Record::new(Level::Critical, "shop::pay", "payment refused")
        .with_time(at(5))
        .with_app_id("shop two")
        .with_release("1.4.0")
        .with_environment("production")
        .with_location(
            Location::new()
                .with_file("src/pay.rs")
                .with_line(42)
                .with_module("shop::pay")
                .with_function("refuse"),
        );
    full.error = vec![
        ErrorCause::new(Some("PayError".into()), "refused"),
        ErrorCause::new(Some("Os".into()), "gone"),
    ];
    let bare = Record::new(Level::Info, "", "").with_time(at(6));
    for record in [full, bare] {
        let one = occurrence(record);
        let recorded = put(&store, std::slice::from_ref(&one)).await;
        assert_eq!(changed(&recorded, TicketChange::Created), [one.ticket_id()]);
        assert_eq!(ticket(&store, one.ticket_id()).await, expected([&one]));
        let filter = TicketFilter::new().with_app_id(one.record().app_id.clone());
        assert_eq!(
            find(&store, &filter).await,
            [expected([&one])],
            "get_tickets returns the same ticket"
        );
    }
}

pub(super) async fn rule_03_created_is_reported_once_among_64_writers(cx: Context) {
    let store = cx.store().await;
    let batch = series("new", 0..64);
    let recorded = together(batch.iter().cloned().map(|one| {
        let store = Arc::clone(&store);
        async move { put(&store, &[one]).await }
    }))
    .await;
    let created: Vec<_> =
        recorded.iter().flat_map(|one| changed(one, TicketChange::Created)).collect();
    assert_eq!(created, [id_of("new")]);
    let counts: BTreeSet<u64> = recorded
        .iter()
        .flat_map(|one| &one.updates)
        .map(|update| update.occurrence_count)
        .collect();
    assert_eq!(counts.len(), 64, "each writer receives a different count");
    assert_eq!(ticket(&store, id_of("new")).await, expected(&batch));
    assert_eq!(occurrences(&store, id_of("new")).await, stored(&batch));
}

pub(super) async fn rule_03_created_is_reported_once_among_eight_processes(cx: Context) {
    let store = cx.store().await;
    let records: Vec<Vec<Record>> =
        (0..8).map(|writer| vec![record("new", writer), record("other", writer)]).collect();
    let steps = records.iter().map(|own| vec![Step::Record(own.clone())]);
    let mut told = Report::sum(run_all(cx.case(), steps).await);
    told.created.sort_unstable();
    let mut ids = ["new", "other"].map(id_of);
    ids.sort_unstable();
    assert_eq!(told.created, ids, "each ticket is reported as created once");
    for (position, name) in ["new", "other"].into_iter().enumerate() {
        let own: Vec<_> =
            records.iter().map(|records| occurrence(records[position].clone())).collect();
        assert_eq!(ticket(&store, id_of(name)).await, expected(&own));
    }
}

pub(super) async fn rule_03_the_result_lists_each_ticket_that_gained_an_occurrence_by_id(
    cx: Context,
) {
    let store = cx.store().await;
    let name = |number: i64| format!("ticket {number}");
    let old: Vec<_> = (0..10).map(|number| new(&name(number), 0)).collect();
    put(&store, &old).await;
    // Five old tickets, of which two gain nothing, and 20 new tickets with two occurrences each.
    let mut batch: Vec<_> = old[..2].to_vec();
    batch.extend((2..5).map(|number| new(&name(number), 1)));
    batch.extend((10..30).map(|number| new(&name(number), 1)));
    batch.extend((10..30).map(|number| new(&name(number), 2).with_repeats(3)));
    let mut updates: Vec<_> = (2..5)
        .map(|number| (id_of(&name(number)), None, 1, 2))
        .chain((10..30).map(|number| (id_of(&name(number)), Some(TicketChange::Created), 4, 4)))
        .map(|(ticket_id, change, added, occurrence_count)| TicketUpdate {
            ticket_id,
            change,
            added,
            occurrence_count,
        })
        .collect();
    updates.sort_by_key(|update| update.ticket_id);
    assert_eq!(put(&store, &batch).await, Recorded { occurrences: 43, updates });
}
