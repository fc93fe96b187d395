//! Rule 30: merging tickets.

use std::sync::Arc;

use ticket_core::backend::{HistogramScope, NewOccurrence, StatusChange, TicketChange};
use ticket_core::record::ErrorCause;
use ticket_core::{
    Author, BackendBase, BucketWidth, Direction, ErrorKind, EventFilter, EventStore, Expiry, Fix,
    HistogramQuery, HistoryEvent, HistoryQuery, Level, Location, Note, Occurrence, ReleaseQuery,
    Status, StatusKind, Store, Ticket, TicketFilter, TicketId,
};

use crate::context::Context;
use crate::support::{
    APP, assert_seen_nowhere, at, by_release, changed, counted, events, expected, find_ids,
    histogram, id_of, new, occurrence, occurrences, put, record, rejected, released, series, set,
    solve, solved, stored, ticket, together,
};

/// Merges two tickets, which have to exist.
async fn merge(store: &Arc<dyn Store>, into: &str, from: &str) -> Ticket {
    let author = Author::new("ada").with_time(at(0));
    let merged = store.merge_tickets(id_of(into), id_of(from), author).await;
    merged.expect("merge_tickets succeeds").unwrap_or_else(|| panic!("{into} and {from} exist"))
}

async fn unmerge(store: &Arc<dyn Store>, from: &str) -> bool {
    let author = Author::new("ada").with_time(at(0));
    store.unmerge_ticket(id_of(from), author).await.expect("unmerge_ticket succeeds")
}

async fn get(store: &Arc<dyn Store>, ticket: &str) -> Option<Ticket> {
    store.get_ticket(id_of(ticket)).await.expect("get_ticket succeeds")
}

/// Returns the ticket that a merge makes of these occurrences if it keeps the ingredients of the first.
fn whole(name: &str, batch: &[NewOccurrence]) -> Ticket {
    Ticket { id: id_of(name), ingredients: new(name, 0).ingredients().clone(), ..expected(batch) }
}

/// Returns these occurrences as a store returns them after they were merged into a ticket.
fn stored_in<'a>(
    name: &str,
    batch: impl IntoIterator<Item = &'a NewOccurrence>,
) -> Vec<Occurrence> {
    let batch = stored(batch).into_iter();
    batch.map(|one| Occurrence { ticket_id: id_of(name), ..one }).collect()
}

async fn sum(store: &Arc<dyn Store>, name: &str) -> u64 {
    counted(store, HistogramScope::Ticket(id_of(name))).await
}

pub(super) async fn rule_30_a_merged_ticket_has_everything_of_both(cx: Context) {
    let store = cx.store().await;
    let of = |name: &str, seconds: i64, release: &str| {
        let mut record = record(name, seconds).with_release(release).with_trait("n", seconds);
        record.message = format!("{name} {seconds}").into();
        if name == "from" {
            // Everything that describes a ticket differs.
            record.level = Level::Warning;
            record.channel = name.into();
            record.location = Location::new()
                .with_file("src/from.rs")
                .with_line(1)
                .with_module("shop::from")
                .with_function("from");
            record.error = vec![ErrorCause::new(Some("FromError".into()), "it failed")];
        }
        occurrence(record)
    };
    let target = [of("into", 0, "1"), of("into", 7_200, "2").with_repeats(3)];
    let source = [
        of("from", -90_000, "0"),
        of("from", 5, "1").with_repeats(10),
        of("from", 7_201, "3").with_repeats(2),
    ];
    let other = [of("other", 0, "1")];
    let both = [&target[..], &source[..]].concat();
    put(&store, &[&both[..], &other[..]].concat()).await;
    let merged = merge(&store, "into", "from").await;
    assert_eq!(merged, whole("into", &both));
    assert_eq!(ticket(&store, id_of("into")).await, merged);
    assert_eq!(ticket(&store, id_of("other")).await, expected(&other));
    assert_eq!(occurrences(&store, id_of("into")).await, stored_in("into", &both));
    let query =
        |ticket| HistogramQuery::of_ticket(ticket, BucketWidth::Hour, at(-90_000), at(7_300));
    let hours = histogram(&store, &query(id_of("into"))).await;
    let hours: Vec<u64> = hours.iter().map(|bucket| bucket.count).filter(|n| *n > 0).collect();
    assert_eq!(hours, [1, 11, 5]);
    for scope in [HistogramScope::App(Some(APP.into())), HistogramScope::App(None)] {
        assert_eq!(counted(&store, scope.clone()).await, 18, "{scope:?}");
    }
    for release in ["0", "1", "2", "3"] {
        let filter = TicketFilter::new().with_release(release);
        let found = find_ids(&store, &filter).await;
        assert!(found.contains(&id_of("into")), "release {release}");
        assert!(!found.contains(&id_of("from")), "release {release}");
    }

    let query = ReleaseQuery::new().with_app_id(APP);
    let releases = store.get_releases(&query).await.expect("get_releases succeeds");
    assert_eq!(releases, ["0", "1", "2", "3"]);

    // The other ticket is gone for every method.
    assert_eq!(get(&store, "from").await, None);
    let id = id_of("from");
    assert_eq!(occurrences(&store, id).await, []);
    assert_eq!(sum(&store, "from").await, 0);
    let change = StatusChange::Reopen;
    assert_eq!(store.set_status(id, change, Author::unknown()).await.ok(), Some(None));
    assert_eq!(store.add_note(id, Note::new("", Author::unknown())).await.ok(), Some(false));
    assert_eq!(store.delete_ticket(id).await.ok(), Some(false));
    let mut all = [id_of("into"), id_of("other")];
    all.sort_unstable();
    assert_eq!(find_ids(&store, &TicketFilter::new()).await, all);
    for kind in StatusKind::ALL {
        let count = find_ids(&store, &TicketFilter::new().with_status(kind)).await.len();
        assert_eq!(count, if kind == StatusKind::Open { 2 } else { 0 }, "{}", kind.as_str());
    }
    let prefix = TicketFilter::new().with_id_prefix(id.into());
    assert_eq!(find_ids(&store, &prefix).await, []);
}

pub(super) async fn rule_30_a_merged_ticket_leaves_no_releases_and_environments_behind(
    cx: Context,
) {
    let store = cx.store().await;
    put(&store, &[new("into", 0), released("from", 1)]).await;
    merge(&store, "into", "from").await;
    assert!(unmerge(&store, "from").await);
    put(&store, &[new("from", 2)]).await;
    for filter in by_release() {
        assert_eq!(find_ids(&store, &filter).await, [id_of("into")], "by {filter:?}");
    }
    assert!(store.delete_ticket(id_of("into")).await.expect("delete_ticket succeeds"));
    assert_seen_nowhere(&store, &["into", "from"]).await;
}

pub(super) async fn rule_30_the_events_of_a_merged_ticket_are_found(cx: Context) {
    let store = cx.store().await;
    let of = |name: &str, n: i64| {
        occurrence(record(name, n).with_trait("n", n).with_external_id(n.to_string()))
    };
    let both = [of("into", 0), of("from", 1), of("from", 2)];
    put(&store, &both).await;
    merge(&store, "into", "from").await;
    assert_eq!(events(&store, EventFilter::new()).await, stored_in("into", &both));
    let found = |op| {
        let comparison = ticket_core::Comparison::new("n", op, 1);
        events(&store, EventFilter::new().with_comparison(comparison))
    };
    assert_eq!(found(ticket_core::Operator::Ge).await, stored_in("into", &both[1..]));
    let of_producer = events(&store, EventFilter::new().with_external_id("1")).await;
    assert_eq!(of_producer, stored_in("into", &both[1..2]));
    assert!(store.delete_ticket(id_of("into")).await.expect("delete_ticket succeeds"));
    assert_eq!(events(&store, EventFilter::new()).await, []);
    assert_eq!(found(ticket_core::Operator::Ge).await, []);
}

pub(super) async fn rule_30_an_occurrence_id_in_both_tickets_counts_once(cx: Context) {
    let store = cx.store().await;
    let of = |name: &str, key: &str| occurrence(record(name, 10).with_key(key));
    let target = [of("into", "a").with_repeats(2), of("into", "b")];
    let later = new("from", 3_600);
    let source = [of("from", "b").with_repeats(5), of("from", "c").with_repeats(7), later];
    put(&store, &[&target[..], &source[..]].concat()).await;
    // Others in the same two hours, of the same application and of another one.
    let others = [APP, "depot"]
        .map(|app| [0, 3_600].map(|seconds| occurrence(record("other", seconds).with_app_id(app))));
    put(&store, &others.concat()).await;
    let merged = merge(&store, "into", "from").await;
    assert_eq!(merged.occurrence_count, 11);
    assert_eq!(sum(&store, "into").await, 11);
    for other in &others {
        assert_eq!(counted(&store, HistogramScope::Ticket(other[0].ticket_id())).await, 2);
    }
    for (app, count) in [(Some(APP), 13), (Some("depot"), 2), (None, 15)] {
        let scope = HistogramScope::App(app.map(Into::into));
        assert_eq!(counted(&store, scope).await, count, "{app:?}");
    }
    let kept = [target[0].clone(), target[1].clone(), source[1].clone(), source[2].clone()];
    assert_eq!(occurrences(&store, id_of("into")).await, stored_in("into", &kept));
    // An id is known for both fingerprints now.
    assert_eq!(put(&store, &[of("from", "a"), of("into", "c")]).await.occurrences, 0);
    assert_eq!(ticket(&store, id_of("into")).await.occurrence_count, 11);
}

pub(super) async fn rule_30_an_occurrence_id_in_both_tickets_keeps_the_description_of_into(
    cx: Context,
) {
    let store = cx.store().await;
    let of = |name: &str, release: &str| {
        occurrence(record(name, 10).with_key("a").with_release(release))
    };
    let (kept, other) = (of("into", "1"), of("from", "2"));
    assert_eq!(kept.age_key(), other.age_key(), "it is the first and the newest one of both");
    put(&store, &[kept.clone(), other]).await;
    assert_eq!(merge(&store, "into", "from").await, expected([&kept]));
    assert_eq!(ticket(&store, id_of("into")).await, expected([&kept]));
    for (text, found) in [("into failed", &[id_of("into")][..]), ("from failed", &[])] {
        let filter = TicketFilter::new().with_search(text);
        assert_eq!(find_ids(&store, &filter).await, found, "{text}");
    }
}

pub(super) async fn rule_30_pruned_occurrences_count_in_a_merged_ticket(cx: Context) {
    let store = cx.store().await;
    let batch = [series("into", [0, 10]), series("from", [-10, 20])].concat();
    put(&store, &batch).await;
    store.clear_expired(&Expiry::before(at(5))).await.expect("clear_expired succeeds");
    assert_eq!(merge(&store, "into", "from").await, whole("into", &batch));
    assert_eq!(ticket(&store, id_of("into")).await, whole("into", &batch));
    assert_eq!(sum(&store, "into").await, 4);
    let left = [batch[1].clone(), batch[3].clone()];
    assert_eq!(occurrences(&store, id_of("into")).await, stored_in("into", &left));
}

pub(super) async fn rule_30_later_occurrences_are_recorded_in_the_merged_ticket(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("into", 0), new("from", 1)]).await;
    merge(&store, "into", "from").await;
    let recorded = put(&store, &[new("from", 2), new("into", 3), new("from", 4)]).await;
    assert_eq!(recorded.occurrences, 3);
    let [update] = recorded.updates.as_slice() else { panic!("one ticket changed: {recorded:?}") };
    assert_eq!((update.ticket_id, update.change), (id_of("into"), None));
    assert_eq!((update.added, update.occurrence_count), (3, 5));
    assert_eq!(get(&store, "from").await, None);
    let later = ticket(&store, id_of("into")).await;
    assert_eq!((later.last_occurrence_time, later.message.as_str()), (at(4), "from failed"));
    assert_eq!(later.ingredients, *new("into", 0).ingredients());

    // They reopen it, too.
    solve(&store, id_of("into"), 10).await;
    assert_eq!(changed(&put(&store, &[new("from", 9)]).await, TicketChange::Reopened), []);
    let recorded = put(&store, &[new("from", 11), new("from", 12)]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id_of("into")]);
    assert_eq!(sum(&store, "into").await, 8);
    assert_eq!(occurrences(&store, id_of("into")).await.len(), 8);
}

pub(super) async fn rule_30_a_merge_and_its_end_hold_for_every_handle(cx: Context) {
    let (first, second) = (cx.store().await, cx.store().await);
    put(&first, &[new("into", 0)]).await;
    for round in 1..=3 {
        put(&second, &[new("from", round * 100)]).await;
        merge(&first, "into", "from").await;
        for (store, second) in [(&second, 1), (&first, 2), (&second, 3)] {
            let recorded = put(store, &[new("from", round * 100 + second)]).await;
            assert_eq!(recorded.updates[0].ticket_id, id_of("into"));
        }
        assert!(unmerge(&first, "from").await);
        let recorded = put(&second, &[new("from", round * 100 + 4)]).await;
        assert_eq!(changed(&recorded, TicketChange::Created), [id_of("from")]);
    }
    // Deleted through one handle, the ticket does not come back under a foreign fingerprint through another.
    merge(&first, "into", "from").await;
    put(&second, &[new("from", 500)]).await;
    assert!(first.delete_ticket(id_of("into")).await.expect("delete_ticket succeeds"));
    let recorded = put(&second, &[new("from", 600)]).await;
    assert_eq!(changed(&recorded, TicketChange::Created), [id_of("from")]);
    assert_eq!(get(&first, "into").await, None);
}

pub(super) async fn rule_30_unmerging_ends_the_redirection(cx: Context) {
    let store = cx.store().await;
    assert!(!unmerge(&store, "from").await, "there is no such ticket");
    put(&store, &[new("into", 0), new("from", 1)]).await;
    assert!(!unmerge(&store, "from").await, "it was not merged");
    merge(&store, "into", "from").await;
    assert!(!unmerge(&store, "into").await, "it was not merged itself");
    let before = ticket(&store, id_of("into")).await;
    assert!(unmerge(&store, "from").await);
    assert!(!unmerge(&store, "from").await, "it is not merged any more");
    assert_eq!(ticket(&store, id_of("into")).await, before, "what was recorded stays");
    assert_eq!(get(&store, "from").await, None);
    let again = [new("from", 2)];
    let recorded = put(&store, &again).await;
    assert_eq!(changed(&recorded, TicketChange::Created), [id_of("from")]);
    assert_eq!(ticket(&store, id_of("from")).await, expected(&again));
    assert_eq!(ticket(&store, id_of("into")).await, before);
}

pub(super) async fn rule_30_what_was_merged_before_follows(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("a", 0), new("b", 1), new("c", 2), new("d", 3)]).await;
    merge(&store, "b", "a").await;
    merge(&store, "c", "b").await;
    merge(&store, "d", "c").await;
    let recorded = put(&store, &[new("a", 10), new("b", 11), new("c", 12), new("d", 13)]).await;
    let [update] = recorded.updates.as_slice() else { panic!("one ticket changed: {recorded:?}") };
    assert_eq!((update.ticket_id, update.added), (id_of("d"), 4));
    assert_eq!(update.occurrence_count, 8);
    assert!(unmerge(&store, "b").await);
    let recorded = put(&store, &[new("a", 20), new("b", 21), new("c", 22)]).await;
    let mut ids: Vec<_> = recorded.updates.iter().map(|update| update.ticket_id).collect();
    ids.sort_unstable();
    let mut expected = [id_of("b"), id_of("d")];
    expected.sort_unstable();
    assert_eq!(ids, expected, "the others stay merged");
}

pub(super) async fn rule_30_a_merge_that_makes_no_sense_is_refused(cx: Context) {
    let store = cx.store().await;
    let foreign = occurrence(record("a", 0).with_app_id("depot"));
    put(&store, &[new("a", 0), new("b", 1), new("c", 2), foreign.clone()]).await;
    merge(&store, "a", "b").await;
    let try_merge = async |into: TicketId, from: TicketId| {
        store.merge_tickets(into, from, Author::unknown()).await
    };
    let [a, b, c] = ["a", "b", "c"].map(id_of);
    let all = find_ids(&store, &TicketFilter::new()).await;
    let before = ticket(&store, a).await;
    for (into, from, what) in [
        (a, a, "a merge into itself"),
        (b, b, "a merge of a merged ticket into itself"),
        (a, foreign.ticket_id(), "a merge across applications"),
        (b, a, "a merge in a circle"),
        (b, c, "a merge into a merged ticket"),
        (c, b, "a second merge of a merged ticket"),
    ] {
        rejected(try_merge(into, from).await, ErrorKind::Config, what);
    }
    for (into, from) in [(a, id_of("x")), (id_of("x"), a), (id_of("x"), id_of("y"))] {
        let merged = try_merge(into, from).await.expect("an unknown ticket is no error");
        assert_eq!(merged, None);
    }
    // The answer to a merge may be lost, and the merge repeated.
    assert_eq!(try_merge(a, b).await.expect("merge_tickets succeeds"), Some(before.clone()));
    assert_eq!(ticket(&store, a).await, before);
    assert_eq!(find_ids(&store, &TicketFilter::new()).await, all);
    assert_eq!(history(&store, "a").await.len(), 1);
}

pub(super) async fn rule_30_deleting_a_ticket_ends_the_redirections_to_it(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("into", 0), new("from", 1), new("other", 0), new("its own", 1)]).await;
    merge(&store, "into", "from").await;
    merge(&store, "other", "its own").await;
    assert!(store.delete_ticket(id_of("into")).await.expect("delete_ticket succeeds"));
    assert!(!unmerge(&store, "from").await);
    assert!(unmerge(&store, "its own").await, "the redirection to another ticket stays");
    let again = [new("from", 2)];
    assert_eq!(changed(&put(&store, &again).await, TicketChange::Created), [id_of("from")]);
    assert_eq!(ticket(&store, id_of("from")).await, expected(&again));
    assert_eq!(get(&store, "into").await, None);
}

pub(super) async fn rule_30_expiry_and_clearing_end_redirections(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("into", 0), new("from", 1)]).await;
    merge(&store, "into", "from").await;
    solve(&store, id_of("into"), 5).await;
    let expired = store.clear_expired(&Expiry::before(at(100))).await;
    let expired = expired.expect("clear_expired succeeds");
    assert_eq!((expired.occurrences, expired.tickets), (2, 1));
    assert!(!unmerge(&store, "from").await);
    let recorded = put(&store, &[new("into", 200), new("from", 201)]).await;
    assert_eq!(changed(&recorded, TicketChange::Created).len(), 2);
    merge(&store, "into", "from").await;
    store.clear().await.expect("clear succeeds");
    let recorded = put(&store, &[new("into", 300), new("from", 301)]).await;
    assert_eq!(changed(&recorded, TicketChange::Created).len(), 2);
}

pub(super) async fn rule_30_a_merged_ticket_keeps_its_status_unless_it_is_solved_too_early(
    cx: Context,
) {
    let store = cx.store().await;
    let fix = Some(Fix::After { release: "1.4.0".to_owned() });
    for (name, change, status) in [
        ("open", StatusChange::Reopen, Status::Open),
        ("muted", StatusChange::Mute { until: None }, Status::Muted { until: None }),
        ("late", StatusChange::Solve { at: at(20), release: None }, solved(20)),
        ("early", StatusChange::Solve { at: at(19), release: None }, Status::Open),
        (
            "late with a fix",
            StatusChange::Solve { at: at(20), release: fix.clone() },
            Status::Solved { at: at(20), release: fix.clone() },
        ),
        ("early with a fix", StatusChange::Solve { at: at(19), release: fix }, Status::Open),
    ] {
        let from = format!("from {name}");
        put(&store, &[new(name, 0), new(&from, 1)]).await;
        solve(&store, id_of(&from), 5).await;
        put(&store, &[new(&from, 20)]).await;
        set(&store, id_of(&from), StatusChange::Mute { until: None }).await;
        set(&store, id_of(name), change).await;
        let merged = merge(&store, name, &from).await;
        assert_eq!((merged.status, merged.reopened_count), (status.clone(), 1), "{name}");
        assert_eq!(ticket(&store, id_of(name)).await.status, status, "{name}");
        let filter = TicketFilter::new().with_status(status.kind());
        assert!(find_ids(&store, &filter).await.contains(&id_of(name)), "{name}");
    }
}

async fn history(store: &Arc<dyn Store>, name: &str) -> Vec<(u64, HistoryEvent)> {
    let query = HistoryQuery::new().with_direction(Direction::Ascending).with_limit(1_000);
    let page = store.get_history(id_of(name), &query).await.expect("get_history succeeds");
    page.items.into_iter().map(|entry| (entry.number, entry.event)).collect()
}

pub(super) async fn rule_30_the_histories_of_merged_tickets_are_joined(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("into", 0), new("from", 0), new("other", 0)]).await;
    let note = async |name: &str, text: &str| {
        let note = Note::new(text, Author::new("ada").with_time(at(0)));
        assert!(store.add_note(id_of(name), note).await.expect("add_note succeeds"));
    };
    note("into", "1").await;
    note("from", "2").await;
    solve(&store, id_of("from"), 5).await;
    note("into", "3").await;
    merge(&store, "into", "from").await;
    note("into", "4").await;
    note("other", "5").await;
    assert!(unmerge(&store, "from").await);
    let text = |text: &str| HistoryEvent::Note(text.to_owned());
    let expected = [
        (1, text("1")),
        (2, text("3")),
        (3, text("2")),
        (4, HistoryEvent::Status(solved(5))),
        (5, HistoryEvent::Merged(id_of("from"))),
        (6, text("4")),
        (7, HistoryEvent::Unmerged(id_of("from"))),
    ];
    assert_eq!(history(&store, "into").await, expected);
    assert_eq!(history(&store, "from").await, []);
    assert_eq!(history(&store, "other").await, [(1, text("5"))], "it has no part in the merge");

    // The limit holds for both histories together, and no number is left out.
    put(&store, &[new("from", 0)]).await;
    for i in 0..ticket_core::limits::HISTORY + 10 {
        note("from", &i.to_string()).await;
    }
    merge(&store, "into", "from").await;
    let joined = history(&store, "into").await;
    let numbers: Vec<u64> = joined.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (9..=108).collect::<Vec<_>>());
    assert_eq!(joined[0].1, text("11"));
    assert_eq!(joined[99].1, HistoryEvent::Merged(id_of("from")));
}

pub(super) async fn rule_30_merging_while_others_record_loses_nothing(cx: Context) {
    const WRITERS: i64 = 4;
    const RECORDS: i64 = 24;
    let store = cx.store().await;
    put(&store, &[new("into", -2), new("from", -1)]).await;
    let merger = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for _ in 0..6 {
                let author = Author::unknown();
                let merged = store.merge_tickets(id_of("into"), id_of("from"), author).await;
                merged.expect("merge_tickets succeeds");
                tokio::time::sleep(std::time::Duration::from_millis(3)).await;
                unmerge(&store, "from").await;
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        }
    });
    let added = together((0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            let mut added = 0;
            for i in 0..RECORDS {
                let second = writer * RECORDS + i;
                let recorded = put(&store, &[new("into", second), new("from", second)]).await;
                added += recorded.occurrences;
            }
            added
        }
    }))
    .await;
    merger.await.expect("the merger does not panic");
    let author = Author::unknown();
    store
        .merge_tickets(id_of("into"), id_of("from"), author)
        .await
        .expect("the last merge succeeds");
    let records = 2 * (WRITERS * RECORDS).unsigned_abs();
    assert_eq!(added.iter().sum::<u64>(), records);
    let merged = ticket(&store, id_of("into")).await;
    assert_eq!(get(&store, "from").await, None);
    assert_eq!(merged.occurrence_count, records + 2);
    assert_eq!(sum(&store, "into").await, records + 2);
    assert_eq!(counted(&store, HistogramScope::App(None)).await, records + 2);
    let stored = occurrences(&store, id_of("into")).await;
    assert_eq!(stored.len() as u64, records + 2);
    assert!(stored.iter().all(|one| one.ticket_id == id_of("into")));
}
