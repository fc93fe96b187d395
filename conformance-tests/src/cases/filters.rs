//! Rule 12: ticket filters.

use std::sync::Arc;

use ticket_core::backend::{NewOccurrence, StatusChange};
use ticket_core::{
    EventFilter, EventStore, Expiry, Level, Record, StatusKind, Store, TicketFilter, TicketId,
    TicketIdPrefix,
};

use crate::context::Context;
use crate::support::{
    APP, at, events, find_ids, id_of, just_after, keeping, new, occurrence, put, record, set, solve,
};

/// Returns the ids of the tickets of these names, sorted.
fn ids<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<TicketId> {
    let mut ids: Vec<_> = names.into_iter().map(id_of).collect();
    ids.sort();
    ids
}

pub(super) async fn assert_finds(store: &Arc<dyn Store>, filter: TicketFilter, names: &[&str]) {
    let found = find_ids(store, &filter).await;
    assert_eq!(found, ids(names.iter().copied()), "{filter:?} has to find {names:?}");
}

/// Records one record per ticket, modified by a function.
pub(super) async fn put_each(
    store: &Arc<dyn Store>,
    names: &[&str],
    change: impl Fn(usize, Record) -> Record,
) {
    let batch: Vec<NewOccurrence> =
        names.iter().enumerate().map(|(i, name)| occurrence(change(i, record(name, 0)))).collect();
    put(store, &batch).await;
}

pub(super) async fn rule_12_the_empty_filter_matches_every_ticket(cx: Context) {
    let store = cx.store().await;
    assert_finds(&store, TicketFilter::new(), &[]).await;
    put_each(&store, &["a", "b"], |_, record| record).await;
    assert_finds(&store, TicketFilter::new(), &["a", "b"]).await;
}

pub(super) async fn rule_12_filters_by_status(cx: Context) {
    let store = cx.store().await;
    put_each(&store, &["a", "b", "c", "d"], |_, record| record).await;
    solve(&store, id_of("b"), 10).await;
    solve(&store, id_of("d"), 10).await;
    set(&store, id_of("c"), StatusChange::Mute { until: None }).await;
    let by = |status| TicketFilter::new().with_status(status);
    assert_finds(&store, by(StatusKind::Open), &["a"]).await;
    assert_finds(&store, by(StatusKind::Solved), &["b", "d"]).await;
    assert_finds(&store, by(StatusKind::Muted), &["c"]).await;
    put(&store, &[new("d", 20)]).await;
    assert_finds(&store, by(StatusKind::Open), &["a", "d"]).await;
    assert_finds(&store, by(StatusKind::Solved), &["b"]).await;
}

pub(super) async fn rule_12_filters_by_minimum_level(cx: Context) {
    let store = cx.store().await;
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    put_each(&store, &names, |i, mut record| {
        record.level = Level::ALL[i];
        record
    })
    .await;
    for (i, level) in Level::ALL.into_iter().enumerate() {
        assert_finds(&store, TicketFilter::new().with_min_level(level), &names[i..]).await;
    }
    // The level is that of the newest occurrence.
    let mut newer = record("a", 10);
    newer.level = Level::Critical;
    put(&store, &[occurrence(newer)]).await;
    assert_finds(&store, TicketFilter::new().with_min_level(Level::Critical), &["a", "g"]).await;
    assert_finds(&store, TicketFilter::new().with_min_level(Level::Error), &["a", "f", "g"]).await;
}

/// Texts that have to be taken literally.
pub(super) const HOSTILE: [&str; 16] = [
    "%",
    "_",
    "\\",
    "a%",
    "a_b",
    "\\%",
    "'",
    "\"",
    "' OR 1=1 --",
    "{\"$gt\":\"\"}",
    "$where",
    "a.b",
    ".*",
    "[a",
    "(",
    "",
];

pub(super) async fn rule_12_filters_by_exact_channel_release_and_environment(cx: Context) {
    let store = cx.store().await;
    let names: Vec<String> = (0..HOSTILE.len()).map(|i| format!("ticket {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    put_each(&store, &names, |i, mut record| {
        record.channel = HOSTILE[i].into();
        record.with_release(HOSTILE[i]).with_environment(HOSTILE[i])
    })
    .await;
    put_each(&store, &["a.b and more"], |_, record| {
        let mut record = record.with_release("A.B").with_environment("A.B");
        record.channel = "axb".into();
        record
    })
    .await;
    for (i, text) in HOSTILE.into_iter().enumerate() {
        for filter in [
            TicketFilter::new().with_channel(text),
            TicketFilter::new().with_release(text),
            TicketFilter::new().with_environment(text),
        ] {
            assert_finds(&store, filter, &names[i..=i]).await;
        }
        assert_finds(&store, TicketFilter::new().with_app_id(text), &[]).await;
    }
    assert_finds(&store, TicketFilter::new().with_release("A.B"), &["a.b and more"]).await;
    assert_finds(&store, TicketFilter::new().with_environment("a.B"), &[]).await;
}

pub(super) async fn rule_12_filters_by_the_channel_of_the_newest_record(cx: Context) {
    let store = cx.store().await;
    let from = |seconds, channel: &str| {
        let mut record = record("it", seconds);
        record.channel = channel.into();
        occurrence(record)
    };
    let by = |channel| TicketFilter::new().with_channel(channel);
    put(&store, &[from(10, "first")]).await;
    put(&store, &[from(5, "late")]).await;
    assert_finds(&store, by("first"), &["it"]).await;
    assert_finds(&store, by("late"), &[]).await;
    put(&store, &[from(20, "newest")]).await;
    assert_finds(&store, by("first"), &[]).await;
    assert_finds(&store, by("newest"), &["it"]).await;
}

fn seen(ticket: &str, seconds: i64, release: &str, environment: &str) -> NewOccurrence {
    let mut record = record(ticket, seconds);
    record.release = (!release.is_empty()).then(|| release.into());
    record.environment = (!environment.is_empty()).then(|| environment.into());
    occurrence(record)
}

/// Records tickets that were seen on releases 1 and 2, in production and in staging.
fn seen_on_releases() -> Vec<NewOccurrence> {
    vec![
        seen("both", 0, "1", "production"),
        seen("both", 10, "2", "staging"),
        seen("late", 20, "2", "production"),
        seen("late", 10, "1", ""),
        seen("late", 30, "", "staging"),
        seen("never", 0, "", ""),
    ]
}

async fn assert_seen(store: &Arc<dyn Store>) {
    let release = |release| TicketFilter::new().with_release(release);
    assert_finds(store, release("1"), &["both", "late"]).await;
    assert_finds(store, release("2"), &["both", "late"]).await;
    assert_finds(store, release("3"), &[]).await;
    let environment = |filter: TicketFilter, name| filter.with_environment(name);
    let none = TicketFilter::new();
    assert_finds(store, environment(none.clone(), "production"), &["both", "late"]).await;
    assert_finds(store, environment(none, "staging"), &["both", "late"]).await;
    // With both conditions, a single record has to meet both.
    assert_finds(store, environment(release("1"), "production"), &["both"]).await;
    assert_finds(store, environment(release("1"), "staging"), &[]).await;
    assert_finds(store, environment(release("2"), "staging"), &["both"]).await;
    assert_finds(store, environment(release("2"), "production"), &["late"]).await;
}

pub(super) async fn rule_12_filters_by_release_and_environment_of_a_single_record(cx: Context) {
    let store = cx.store().await;
    for one in seen_on_releases() {
        put(&store, &[one]).await;
    }
    assert_seen(&store).await;
    // A repeated id with another release is not recorded.
    let mut again = seen_on_releases()[5].record().clone();
    again.release = Some("3".into());
    let first = occurrence(record("once", 0));
    let mut repeated = first.record().clone();
    repeated.release = Some("3".into());
    put(&store, &[first, occurrence(repeated)]).await;
    assert_finds(&store, TicketFilter::new().with_release("3"), &[]).await;
    put(&store, &[occurrence(again)]).await;
    assert_finds(&store, TicketFilter::new().with_release("3"), &["never"]).await;
}

pub(super) async fn rule_12_pruning_keeps_releases_and_environments(cx: Context) {
    let store = cx.store().await;
    put(&store, &seen_on_releases()).await;
    store.keep_per_ticket(&keeping(1)).await.expect("keep_per_ticket succeeds");
    assert_seen(&store).await;
    store.clear_expired(&Expiry::before(at(1_000))).await.expect("clear_expired succeeds");
    assert_eq!(events(&store, EventFilter::new()).await, []);
    assert_seen(&store).await;
}

pub(super) async fn rule_12_filters_by_time_range(cx: Context) {
    let store = cx.store().await;
    // A single moment, a period, and a moment before 1970.
    let batch = [
        new("moment", 100),
        new("period", 50),
        new("period", 200),
        occurrence(record("old", 0).with_time(at(-3_000_000_000))),
    ];
    put(&store, &batch).await;
    let since = |time| TicketFilter::new().with_since(time);
    let until = |time| TicketFilter::new().with_until(time);
    let just_before =
        |time: ticket_core::Timestamp| ticket_core::Timestamp::from_micros(time.as_micros() - 1);
    // Both ends belong to the range. A ticket matches if its own period overlaps the range.
    assert_finds(&store, since(at(100)), &["moment", "period"]).await;
    assert_finds(&store, since(just_after(at(100))), &["period"]).await;
    assert_finds(&store, since(at(200)), &["period"]).await;
    assert_finds(&store, since(just_after(at(200))), &[]).await;
    assert_finds(&store, until(at(100)), &["moment", "period", "old"]).await;
    assert_finds(&store, until(just_before(at(100))), &["period", "old"]).await;
    assert_finds(&store, until(just_before(at(50))), &["old"]).await;
    assert_finds(&store, since(at(120)).with_until(at(130)), &["period"]).await;
    assert_finds(&store, since(at(-4_000_000_000)).with_until(at(0)), &["old"]).await;
    assert_finds(&store, since(at(300)).with_until(at(0)), &[]).await;
}

pub(super) async fn rule_12_filters_by_id_prefix(cx: Context) {
    let store = cx.store().await;
    let names: Vec<String> = (0..100).map(|i| format!("ticket {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    put_each(&store, &names, |_, record| record).await;
    let id = id_of(names[17]).to_string();
    for digits in [1, 2, 3, 8, 31, 32] {
        for text in [id[..digits].to_owned(), id[..digits].to_uppercase()] {
            let prefix: TicketIdPrefix = text.parse().expect("digits are a valid prefix");
            let found: Vec<&str> = names
                .iter()
                .copied()
                .filter(|name| id_of(name).to_string().starts_with(&id[..digits]))
                .collect();
            assert_finds(&store, TicketFilter::new().with_id_prefix(prefix), &found).await;
        }
    }
    let last = if id.ends_with('0') { "1" } else { "0" };
    let other = format!("{}{last}", &id[..31]).parse().expect("digits are a valid prefix");
    assert_finds(&store, TicketFilter::new().with_id_prefix(other), &[]).await;
}

pub(super) async fn rule_12_all_filters_combine(cx: Context) {
    let store = cx.store().await;
    let meant = |name: &str| {
        let mut record = record(name, 100).with_release("1").with_environment("production");
        record.message = "Payment refused".into();
        record.channel = "shop::pay".into();
        record
    };
    let id: TicketIdPrefix = id_of("meant").into();
    let filter = TicketFilter::new()
        .with_app_id(APP)
        .with_status(StatusKind::Open)
        .with_min_level(Level::Error)
        .with_channel("shop::pay")
        .with_release("1")
        .with_environment("production")
        .with_since(at(100))
        .with_until(at(100))
        .with_search("payment")
        .with_id_prefix(id);
    let mut without_id = filter.clone();
    without_id.id_prefix = None;
    put(&store, &[occurrence(meant("meant"))]).await;
    // Each of these differs in exactly one respect.
    type Change = fn(&mut Record);
    let changes: [(&str, Change); 8] = [
        ("level", |record| record.level = Level::Warning),
        ("channel", |record| record.channel = "other".into()),
        ("release", |record| record.release = Some("2".into())),
        ("environment", |record| record.environment = None),
        ("since", |record| record.time = at(99)),
        ("until", |record| record.time = at(101)),
        ("search", |record| record.message = "Refused".into()),
        ("app", |record| record.app_id = "depot".into()),
    ];
    for (name, change) in changes {
        let mut record = meant(name);
        change(&mut record);
        put(&store, &[occurrence(record)]).await;
    }
    put(&store, &[occurrence(meant("status")), occurrence(meant("other id"))]).await;
    solve(&store, id_of("status"), 200).await;
    assert_finds(&store, filter, &["meant"]).await;
    assert_finds(&store, without_id, &["meant", "other id"]).await;
    assert_eq!(find_ids(&store, &TicketFilter::new()).await.len(), 11);
}
