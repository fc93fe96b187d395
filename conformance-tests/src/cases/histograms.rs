//! Rule 12: counts per hour and day.

use std::sync::Arc;

use ticket_core::backend::NewOccurrence;
use ticket_core::{
    BackendBase, Bucket, BucketWidth, ErrorKind, EventStore, Expiry, HistogramQuery, Store,
    Timestamp,
};

use crate::context::Context;
use crate::support::{APP, at, histogram, id_of, keeping, new, occurrence, put, record, rejected};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Returns occurrences over five days of two tickets in one application and of one ticket in another.
fn spread() -> Vec<NewOccurrence> {
    let mut batch = Vec::new();
    for (ticket, app) in [("one", APP), ("two", APP), ("elsewhere", "depot")] {
        for (i, within) in (0..40_i64).zip([0, 1, HOUR - 1, HOUR / 2].into_iter().cycle()) {
            // Some hours have several occurrences, most have none, and some occurrences lie at the ends of an hour.
            let seconds = i * i % 37 * 3 * HOUR + within;
            let record = record(ticket, seconds - 2 * DAY).with_app_id(app);
            let repeats = u32::from(i % 3 == 0) * 4 + 1;
            batch.push(occurrence(record).with_repeats(repeats));
        }
    }
    batch
}

/// Returns the expected buckets.
fn buckets<'a>(
    batch: impl IntoIterator<Item = &'a NewOccurrence>,
    start: i64,
    step: i64,
    count: i64,
) -> Vec<Bucket> {
    let mut buckets: Vec<Bucket> =
        (0..count).map(|i| Bucket { start: at(start + i * step), count: 0 }).collect();
    for one in batch {
        let seconds = (one.record().time.as_micros() - at(start).as_micros()).div_euclid(1_000_000);
        let bucket = usize::try_from(seconds.div_euclid(step)).ok();
        if let Some(bucket) = bucket.and_then(|bucket| buckets.get_mut(bucket)) {
            bucket.count += u64::from(one.repeats());
        }
    }
    buckets
}

/// Checks the counts of tickets and applications per hour and per day, over ranges that start and end within
/// a bucket or at its ends.
async fn assert_counts(store: &Arc<dyn Store>, batch: &[NewOccurrence]) {
    let of_app = |app: &'static str| move |one: &&NewOccurrence| one.record().app_id == app;
    let of_ticket = |name: &str| {
        let id = id_of(name);
        move |one: &&NewOccurrence| one.ticket_id() == id
    };
    let start_of_day = -12 * HOUR;
    // The range, and the buckets that it spans: their start, length and number.
    let ranges = [
        (BucketWidth::Hour, 0, HOUR, 0, HOUR, 1),
        (BucketWidth::Hour, -3 * DAY, 4 * DAY, -3 * DAY, HOUR, 7 * 24),
        (BucketWidth::Hour, 10, HOUR + 10, 0, HOUR, 2),
        (BucketWidth::Hour, HOUR - 1, HOUR, 0, HOUR, 1),
        (BucketWidth::Day, start_of_day, start_of_day + DAY, start_of_day, DAY, 1),
        (BucketWidth::Day, -3 * DAY, 3 * DAY, start_of_day - 3 * DAY, DAY, 7),
        (BucketWidth::Day, 0, DAY, start_of_day, DAY, 2),
    ];
    for (step, from, to, start, length, count) in ranges {
        let (from, to) = (at(from), at(to));
        let expected = buckets(batch.iter().filter(of_ticket("one")), start, length, count);
        let query = HistogramQuery::of_ticket(id_of("one"), step, from, to);
        assert_eq!(histogram(store, &query).await, expected, "{query:?}");
        let expected = buckets(batch.iter().filter(of_app(APP)), start, length, count);
        let query = HistogramQuery::of_app(Some(APP), step, from, to);
        assert_eq!(histogram(store, &query).await, expected, "{query:?}");
        let expected = buckets(batch, start, length, count);
        let query = HistogramQuery::of_app(None, step, from, to);
        assert_eq!(histogram(store, &query).await, expected, "{query:?}");
    }
}

pub(super) async fn rule_12_counts_per_hour_and_day_are_exact_and_without_gaps(cx: Context) {
    let store = cx.store().await;
    let batch = spread();
    for part in batch.chunks(7) {
        put(&store, part).await;
    }
    assert_counts(&store, &batch).await;
}

pub(super) async fn rule_12_counts_per_hour_go_with_a_deleted_ticket(cx: Context) {
    let store = cx.store().await;
    let mut batch = spread();
    put(&store, &batch).await;
    assert!(store.delete_ticket(id_of("one")).await.expect("delete_ticket succeeds"));
    batch.retain(|one| one.ticket_id() != id_of("one"));
    assert_counts(&store, &batch).await;
}

pub(super) async fn rule_12_counts_per_hour_survive_pruning(cx: Context) {
    let store = cx.store().await;
    let batch = spread();
    put(&store, &batch).await;
    store.keep_per_ticket(&keeping(2)).await.expect("keep_per_ticket succeeds");
    assert_counts(&store, &batch).await;
    let expired = store.clear_expired(&Expiry::before(at(100 * DAY))).await;
    assert_eq!(expired.expect("clear_expired succeeds").occurrences, 6);
    assert_counts(&store, &batch).await;
}

pub(super) async fn rule_12_counts_of_nothing_are_zeros(cx: Context) {
    let store = cx.store().await;
    let zeros = buckets([], 0, HOUR, 24);
    for _ in 0..2 {
        let unknown =
            HistogramQuery::of_ticket(id_of("unknown"), BucketWidth::Hour, at(0), at(DAY));
        assert_eq!(histogram(&store, &unknown).await, zeros);
        let nobody = HistogramQuery::of_app(Some("nobody"), BucketWidth::Hour, at(0), at(DAY));
        assert_eq!(histogram(&store, &nobody).await, zeros);
        put(&store, &[new("known", 5), new("known", DAY), new("known", -1)]).await;
    }
    // An occurrence one microsecond outside the range does not count.
    let hour = HistogramQuery::of_app(None, BucketWidth::Hour, at(HOUR), at(DAY));
    assert_eq!(histogram(&store, &hour).await, buckets([], HOUR, HOUR, 23));
}

pub(super) async fn rule_12_counts_cover_times_before_1970_and_both_ends_of_time(cx: Context) {
    let store = cx.store().await;
    let epoch = Timestamp::UNIX_EPOCH.as_micros();
    let hour = HOUR * 1_000_000;
    let times = [
        Timestamp::from_micros(epoch - 1),
        Timestamp::from_micros(epoch - hour),
        Timestamp::from_micros(epoch - hour - 1),
        Timestamp::from_micros(epoch),
        Timestamp::MIN,
        Timestamp::MAX,
    ];
    let batch: Vec<_> =
        times.into_iter().map(|time| occurrence(record("old", 0).with_time(time))).collect();
    put(&store, &batch).await;
    let counts = |from: i64, to: i64, step| {
        let (from, to) = (Timestamp::from_micros(from), Timestamp::from_micros(to));
        let query = HistogramQuery::of_ticket(id_of("old"), step, from, to);
        let store = Arc::clone(&store);
        async move {
            let buckets = histogram(&store, &query).await;
            buckets.into_iter().map(|bucket| bucket.count).collect::<Vec<_>>()
        }
    };
    assert_eq!(counts(-2 * hour, hour, BucketWidth::Hour).await, [1, 2, 1]);
    assert_eq!(counts(-1, 1, BucketWidth::Day).await, [3, 1]);
    let (min, max) = (Timestamp::MIN.as_micros(), Timestamp::MAX.as_micros());
    assert_eq!(counts(min, min + 2 * hour, BucketWidth::Hour).await, [1, 0]);
    assert_eq!(counts(max - hour, max, BucketWidth::Hour).await, [0, 1]);
    assert_eq!(counts(min, min + 1, BucketWidth::Day).await, [1]);
}

pub(super) async fn rule_12_an_empty_or_overlong_range_is_a_config_error(cx: Context) {
    let store = cx.store().await;
    let ranges = [
        (BucketWidth::Hour, at(0), at(0)),
        (BucketWidth::Hour, at(1), at(0)),
        (BucketWidth::Hour, at(0), at(20_000 * HOUR)),
        (BucketWidth::Day, Timestamp::MIN, Timestamp::MAX),
    ];
    for (step, from, to) in ranges {
        for query in [
            HistogramQuery::of_ticket(id_of("unknown"), step, from, to),
            HistogramQuery::of_app(None, step, from, to),
        ] {
            let answer = store.count_occurrences(&query).await;
            rejected(answer, ErrorKind::Config, &format!("{query:?}"));
        }
    }
}
