//! Rules 4, 5 and 8: counts, first and newest occurrences, and concurrent writers.

use std::sync::Arc;

use ticket_core::backend::{Batch, HistogramScope, NewOccurrence};
use ticket_core::record::ErrorCause;
use ticket_core::{
    BackendBase, BucketWidth, Direction, EventStore, Expiry, HistogramQuery, Level, Location,
    OccurrenceQuery, Record, Timestamp,
};

use crate::context::Context;
use crate::process::{Step, run_all};
use crate::support::{
    APP, at, counted, expected, histogram, id_of, just_after, keeping, new, occurrence,
    occurrences, put, record, series, stored, ticket, together,
};

pub(super) async fn rule_04_the_count_is_the_sum_of_repeats(cx: Context) {
    let store = cx.store().await;
    let repeats = [1, 5, u32::MAX, u32::MAX, 0];
    let batch: Vec<NewOccurrence> = series("storm", 0..5)
        .into_iter()
        .zip(repeats)
        .map(|(occurrence, repeats)| occurrence.with_repeats(repeats))
        .collect();
    let sum = 1 + 5 + 2 * u64::from(u32::MAX) + 1;
    let first = put(&store, &batch[..2]).await;
    assert_eq!((first.occurrences, first.updates[0].added), (2, 6));
    let rest = put(&store, &batch[2..]).await;
    assert_eq!(rest.occurrences, 3);
    assert_eq!(rest.updates[0].added, sum - 6);
    assert_eq!(rest.updates[0].occurrence_count, sum);
    assert_eq!(ticket(&store, id_of("storm")).await.occurrence_count, sum);
    assert_eq!(occurrences(&store, id_of("storm")).await, stored(&batch));
    assert_eq!(counted(&store, HistogramScope::Ticket(id_of("storm"))).await, sum);
    assert_eq!(counted(&store, HistogramScope::App(Some(APP.into()))).await, sum);
}

/// Returns the batches of one writer. All writers touch the same four tickets.
fn batches_of(writer: i64) -> Vec<Vec<Record>> {
    let one = |batch: i64, i: i64| {
        record(&format!("ticket {}", (writer + i) % 4), writer * 1_000 + batch * 10 + i)
    };
    (0..10).map(|batch| (0..6).map(|i| one(batch, i)).collect()).collect()
}

async fn assert_exact(store: &Arc<dyn ticket_core::Store>, writers: i64) {
    let all: Vec<NewOccurrence> =
        (0..writers).flat_map(batches_of).flatten().map(occurrence).collect();
    for number in 0..4 {
        let id = id_of(&format!("ticket {number}"));
        let own: Vec<_> = all.iter().filter(|one| one.ticket_id() == id).collect();
        let mut expected = expected(own.iter().copied());
        let ticket = ticket(store, id).await;
        // Several records share a moment. The highest id decides, and ids are random.
        expected.message.clone_from(&ticket.message);
        assert_eq!(ticket, expected);
        assert_eq!(counted(store, HistogramScope::Ticket(id)).await, own.len() as u64);
        assert_eq!(occurrences(store, id).await.len(), own.len());
    }
    assert_eq!(counted(store, HistogramScope::App(None)).await, all.len() as u64);
}

pub(super) async fn rule_04_counts_are_exact_under_many_writers(cx: Context) {
    let store = cx.store().await;
    together((0..16).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            for batch in batches_of(writer) {
                let batch: Vec<_> = batch.into_iter().map(occurrence).collect();
                assert_eq!(put(&store, &batch).await.occurrences, 6);
            }
        }
    }))
    .await;
    assert_exact(&store, 16).await;
}

pub(super) async fn rule_04_counts_are_exact_under_eight_processes(cx: Context) {
    let store = cx.store().await;
    let steps = (0..8).map(|writer| batches_of(writer).into_iter().map(Step::Record).collect());
    for report in run_all(cx.case(), steps).await {
        assert_eq!(report.occurrences, 60, "each occurrence is new");
    }
    assert_exact(&store, 8).await;
}

pub(super) async fn rule_04_pruning_leaves_the_ticket_unchanged(cx: Context) {
    let store = cx.store().await;
    let batch: Vec<_> = series("old", (0..10).map(|i| i * 3_600))
        .into_iter()
        .map(|occurrence| occurrence.with_repeats(3))
        .collect();
    put(&store, &batch).await;
    let hours = HistogramQuery::of_ticket(id_of("old"), BucketWidth::Hour, at(0), at(10 * 3_600));
    let counts = histogram(&store, &hours).await;
    assert!(counts.len() == 10 && counts.iter().all(|bucket| bucket.count == 3), "{counts:?}");

    let expired = store.clear_expired(&Expiry::before(at(6 * 3_600))).await;
    assert_eq!(expired.expect("clear_expired succeeds").occurrences, 6);
    assert_eq!(ticket(&store, id_of("old")).await, expected(&batch));
    assert_eq!(store.keep_per_ticket(&keeping(2)).await.expect("keep_per_ticket succeeds"), 2);
    assert_eq!(ticket(&store, id_of("old")).await, expected(&batch));
    assert_eq!(histogram(&store, &hours).await, counts);

    // Counting continues, and a late occurrence does not become the first one.
    let mut all = batch.clone();
    all.extend([new("old", 1), new("old", 20 * 3_600)]);
    put(&store, &all[10..]).await;
    assert_eq!(ticket(&store, id_of("old")).await, expected(&all));
}

/// Returns four occurrences that differ in everything a ticket shows. Two of them share a moment. Of the level and
/// the channel, only one changes from each to the next: a store may write them less often than the rest.
fn telling(name: &str) -> Vec<NewOccurrence> {
    [(0, Level::Error), (50, Level::Warning), (50, Level::Warning), (90, Level::Info)]
        .into_iter()
        .zip(0_u8..)
        .map(|((seconds, level), i)| {
            let location = Location::new()
                .with_file(format!("file {i}"))
                .with_line(u32::from(i))
                .with_module(format!("module {i}"))
                .with_function(format!("function {i}"));
            let mut record =
                Record::new(level, format!("channel {}", i / 2), format!("message {i}"))
                    .with_time(at(seconds))
                    .with_key(&format!("{name}/{i}"))
                    .with_app_id(APP)
                    .with_fingerprint(name)
                    .with_location(location);
            // The second one has no release, and the last one has no error.
            record.release = (i != 1).then(|| format!("release {i}").into());
            if i != 3 {
                record.error = vec![ErrorCause::new(Some(format!("Error{i}").into()), "text")];
            }
            occurrence(record).with_repeats(2)
        })
        .collect()
}

/// Returns all permutations of four elements.
fn orders() -> Vec<[usize; 4]> {
    let all = |a: usize, b: usize, c: usize| {
        let d = 6_usize.checked_sub(a + b + c).filter(|d| *d < 4)?;
        let order = [a, b, c, d];
        (0..4).all(|i| order.contains(&i)).then_some(order)
    };
    (0..64).filter_map(|i| all(i / 16, i / 4 % 4, i % 4)).collect()
}

pub(super) async fn rule_05_every_order_of_arrival_gives_the_same_ticket(cx: Context) {
    let store = cx.store().await;
    for (number, order) in orders().into_iter().enumerate() {
        let occurrences = telling(&format!("ticket {number}"));
        for (arrived, i) in order.into_iter().enumerate() {
            put(&store, &occurrences[i..=i]).await;
            let so_far = order[..=arrived].iter().map(|i| &occurrences[*i]);
            let expected = expected(so_far);
            assert_eq!(
                ticket(&store, expected.id).await,
                expected,
                "after {:?}",
                &order[..=arrived]
            );
        }
    }
}

pub(super) async fn rule_05_every_order_in_one_batch_gives_the_same_ticket(cx: Context) {
    let store = cx.store().await;
    for (number, order) in orders().into_iter().enumerate() {
        let occurrences = telling(&format!("ticket {number}"));
        let batch = order.map(|i| occurrences[i].clone());
        put(&store, &batch).await;
        let expected = expected(&batch);
        assert_eq!(ticket(&store, expected.id).await, expected, "in the order {order:?}");
    }
}

pub(super) async fn rule_05_first_and_last_time_are_exact_under_many_writers(cx: Context) {
    let store = cx.store().await;
    // Writers start at both ends, so that the first and last times keep moving.
    let batch = series("moving", -160..160);
    let mut outwards: Vec<_> = batch.clone();
    outwards.sort_by_key(|one| (one.record().time.as_micros() - at(0).as_micros()).abs());
    together((0..8).map(|writer| {
        let store = Arc::clone(&store);
        let own: Vec<_> = outwards.iter().skip(writer).step_by(8).cloned().collect();
        async move {
            for part in own.chunks(4) {
                put(&store, part).await;
            }
        }
    }))
    .await;
    assert_eq!(ticket(&store, id_of("moving")).await, expected(&batch));
}

pub(super) async fn rule_05_times_before_1970_are_ordinary_times(cx: Context) {
    let store = cx.store().await;
    let epoch = Timestamp::UNIX_EPOCH;
    let before = Timestamp::from_micros(-1);
    let times = [epoch, before, Timestamp::MIN, just_after(epoch), Timestamp::MAX];
    let batch: Vec<_> =
        times.into_iter().map(|time| occurrence(record("clock", 0).with_time(time))).collect();
    for one in &batch {
        put(&store, std::slice::from_ref(one)).await;
    }
    assert_eq!(ticket(&store, id_of("clock")).await, expected(&batch));
    let query = OccurrenceQuery::new().with_direction(Direction::Ascending);
    let page =
        store.get_occurrences(id_of("clock"), &query).await.expect("get_occurrences succeeds");
    assert_eq!(page.items, stored(&batch));
}

pub(super) async fn rule_05_a_pruned_first_or_newest_occurrence_still_counts(cx: Context) {
    let store = cx.store().await;
    let one = |text: &str| {
        let mut record = record("it", 50).with_release(text);
        record.message = text.into();
        record
    };
    // Three occurrences share a moment, so their ids decide which is first and which is newest.
    let mut records = ["a", "b", "c"].map(one);
    records.sort_by_key(|record| record.id);
    let [low, middle, high] = records.map(occurrence);
    put(&store, std::slice::from_ref(&middle)).await;
    let prune = || async {
        let pruned = store.clear_expired(&Expiry::before(at(100))).await;
        assert_eq!(pruned.expect("clear_expired succeeds").occurrences, 1);
    };
    prune().await;

    // The pruned id again, which is no longer known: it counts and changes nothing else.
    let mut again = middle.record().clone().with_release("again");
    again.id = middle.record().id;
    again.message = "again".into();
    again.level = Level::Info;
    assert_eq!(put(&store, &[occurrence(again)]).await.occurrences, 1);
    let mut expected = expected([&middle]);
    expected.occurrence_count = 2;
    assert_eq!(ticket(&store, id_of("it")).await, expected);
    prune().await;

    put(&store, std::slice::from_ref(&low)).await;
    expected.occurrence_count = 3;
    expected.first_release = low.record().release.clone().map(Into::into);
    assert_eq!(ticket(&store, id_of("it")).await, expected, "a lower id is earlier");
    prune().await;

    put(&store, std::slice::from_ref(&high)).await;
    expected.occurrence_count = 4;
    expected.last_release = high.record().release.clone().map(Into::into);
    expected.message = high.record().message.to_string();
    assert_eq!(ticket(&store, id_of("it")).await, expected, "a higher id is newer");
}

pub(super) async fn rule_08_batches_in_opposite_orders_from_eight_writers_all_succeed(cx: Context) {
    const TICKETS: i64 = 40;
    const ROUNDS: i64 = 6;
    let store = cx.store().await;
    together((0..8).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            for round in 0..ROUNDS {
                let mut batch: Vec<_> = (0..TICKETS)
                    .map(|number| new(&format!("ticket {number}"), writer * 100 + round))
                    .collect();
                if writer % 2 == 1 {
                    batch.reverse();
                }
                let recorded = store.record_tickets(Batch::from(&batch[..])).await;
                let recorded = recorded.expect("no deadlock reaches the caller");
                assert_eq!(recorded.occurrences, batch.len() as u64);
            }
        }
    }))
    .await;
    for number in 0..TICKETS {
        let ticket = ticket(&store, id_of(&format!("ticket {number}"))).await;
        assert_eq!(ticket.occurrence_count, 48);
    }
}
