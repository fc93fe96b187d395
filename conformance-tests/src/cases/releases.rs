//! Rule 6 for solvings that name a release, and the releases that rule 12 lists.

use std::sync::Arc;

use ticket_core::backend::{NewOccurrence, StatusChange, TicketChange};
use ticket_core::{
    Author, BackendBase, BackendExt, Expiry, Fix, KeepPerTicket, ReleaseQuery, Status, Store,
    TicketId,
};

use crate::context::Context;
use crate::support::{
    APP, at, changed, id_of, occurrence, put, record, set, solve, ticket, together,
};

/// Returns an occurrence of a release, `seconds` after noon.
fn of(ticket: &str, seconds: i64, release: Option<&str>) -> NewOccurrence {
    let mut record = record(ticket, seconds);
    record.release = release.map(Into::into);
    occurrence(record)
}

fn fixed_in(release: &str) -> Fix {
    Fix::In(release.to_owned())
}

fn fixed_after(release: &str) -> Fix {
    Fix::After { release: release.to_owned() }
}

/// Records a ticket with one occurrence of 1.3.0 at noon, and solves it as of ten seconds later.
async fn solved_by(store: &Arc<dyn Store>, name: &str, fix: Fix) -> TicketId {
    put(store, &[of(name, 0, Some("1.3.0"))]).await;
    let solved = Status::Solved { at: at(10), release: Some(fix.clone()) };
    let change = StatusChange::Solve { at: at(10), release: Some(fix) };
    assert_eq!(set(store, id_of(name), change).await.status, solved);
    assert_eq!(ticket(store, id_of(name)).await.status, solved);
    id_of(name)
}

/// Asserts that late occurrences of these releases count and leave the ticket solved.
async fn assert_settled(store: &Arc<dyn Store>, name: &str, releases: &[&str]) {
    let before = ticket(store, id_of(name)).await;
    for (release, i) in releases.iter().zip(1..) {
        let seconds = 20 + i64::try_from(i).expect("a small number");
        let recorded = put(store, &[of(name, seconds, Some(release))]).await;
        let [update] = recorded.updates.as_slice() else { panic!("one ticket: {recorded:?}") };
        assert_eq!(update.change, None, "{release} is before the fix");
        assert_eq!(update.occurrence_count, before.occurrence_count + i, "the occurrence counts");
        let after = ticket(store, id_of(name)).await;
        assert_eq!((after.status, after.reopened_count), (before.status.clone(), 0), "{release}");
        assert_eq!(after.occurrence_count, before.occurrence_count + i);
        assert_eq!(after.last_release.as_deref(), Some(*release));
        assert_eq!(after.last_occurrence_time, at(seconds));
    }
}

/// Asserts that a late occurrence of each of these releases reopens a ticket that was solved by this fix.
async fn assert_reopened(store: &Arc<dyn Store>, fix: &Fix, releases: &[Option<&str>]) {
    for (i, release) in releases.iter().enumerate() {
        let name = format!("{fix:?} {i}");
        let id = solved_by(store, &name, fix.clone()).await;
        let recorded = put(store, &[of(&name, 20, *release)]).await;
        assert_eq!(changed(&recorded, TicketChange::Reopened), [id], "{release:?} against {fix:?}");
        let ticket = ticket(store, id).await;
        assert_eq!((ticket.status, ticket.reopened_count), (Status::Open, 1));
    }
}

pub(super) async fn rule_06_a_late_occurrence_of_a_release_before_the_fix_leaves_the_ticket_solved(
    cx: Context,
) {
    let store = cx.store().await;
    let id = solved_by(&store, "it", fixed_in("1.4.0")).await;
    let earlier = ["1.3.9", "v1.3.9", "shop@1.3.9", "1.3.9+build.7", "1.4.0-rc.1", "0.20.0"];
    assert_settled(&store, "it", &earlier).await;
    let recorded = put(&store, &[of("it", 40, Some("1.4.0"))]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);
    // The ticket is open now, so an earlier release is nothing special any more.
    let recorded = put(&store, &[of("it", 50, Some("1.3.9"))]).await;
    assert_eq!(recorded.updates[0].change, None);
    assert_eq!(ticket(&store, id).await.reopened_count, 1);
}

pub(super) async fn rule_06_an_occurrence_of_the_fix_or_of_a_release_without_order_reopens_the_ticket(
    cx: Context,
) {
    let store = cx.store().await;
    let others = ["1.4.0", "1.4.0+build.7", "v1.4.0", "1.4.1-rc.1", "1.10.0", "1.3", "5f3a2c1", ""];
    let others: Vec<Option<&str>> = others.into_iter().map(Some).chain([None]).collect();
    assert_reopened(&store, &fixed_in("1.4.0"), &others).await;
    // Nothing precedes a release that is not a version.
    let all = [Some("5f3a2c1"), Some("1.3.9"), Some("0000000"), None];
    assert_reopened(&store, &fixed_in("5f3a2c1"), &all).await;
}

pub(super) async fn rule_06_a_fix_after_a_release_settles_that_release_too(cx: Context) {
    let store = cx.store().await;
    solved_by(&store, "version", fixed_after("v1.4.0")).await;
    let earlier = ["1.4.0", "1.3.9", "v1.4.0", "1.4.0+build.7", "shop@1.4.0", "1.4.0-rc.1"];
    assert_settled(&store, "version", &earlier).await;
    let later = [Some("1.4.1-rc.1"), Some("1.10.0"), Some("5f3a2c1"), Some("1.4"), None];
    assert_reopened(&store, &fixed_after("v1.4.0"), &later).await;

    solved_by(&store, "hash", fixed_after("5f3a2c1")).await;
    assert_settled(&store, "hash", &["5f3a2c1", "5f3a2c1"]).await;
    let others = [Some("5F3A2C1"), Some("0000000"), Some("1.4.0"), Some(""), None];
    assert_reopened(&store, &fixed_after("5f3a2c1"), &others).await;
}

pub(super) async fn rule_06_versions_with_different_names_have_no_order(cx: Context) {
    let store = cx.store().await;
    solved_by(&store, "it", fixed_in("shop@1.4.0")).await;
    assert_settled(&store, "it", &["shop@1.3.9", "1.3.9", "shop@v1.3.9"]).await;
    assert_reopened(&store, &fixed_in("shop@1.4.0"), &[Some("web@1.3.9"), Some("Shop@1.3.9")])
        .await;
    assert_reopened(&store, &fixed_after("@a/shop@1.4.0"), &[Some("shop@1.3.9")]).await;
}

pub(super) async fn rule_06_a_batch_of_several_releases_is_judged_by_each_of_them(cx: Context) {
    let store = cx.store().await;
    let id = solved_by(&store, "it", fixed_in("1.4.0")).await;
    // The occurrence of the fix is older than the solving, and the later one is of an earlier release.
    let batch =
        [of("it", 5, Some("1.4.0")), of("it", 30, Some("1.3.9")), of("it", 25, Some("1.3.8"))];
    let recorded = put(&store, &batch).await;
    assert_eq!((recorded.updates[0].change, recorded.updates[0].occurrence_count), (None, 4));
    // The newest occurrence of the batch is settled, and another one is not.
    let batch =
        [of("it", 40, Some("1.3.9")), of("it", 11, Some("1.4.0")), of("it", 35, Some("1.3.8"))];
    let recorded = put(&store, &batch).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);
    let ticket = ticket(&store, id).await;
    assert_eq!((ticket.status, ticket.reopened_count), (Status::Open, 1));
    assert_eq!((ticket.occurrence_count, ticket.last_occurrence_time), (7, at(40)));
}

pub(super) async fn rule_06_reopened_is_reported_once_among_writers_of_several_releases(
    cx: Context,
) {
    let store = cx.store().await;
    let id = solved_by(&store, "it", fixed_in("1.4.0")).await;
    for round in 1..=8_i64 {
        let recorded = together((0..8).map(|writer| {
            let store = Arc::clone(&store);
            let release = if writer % 2 == 0 { "1.3.9" } else { "1.4.0" };
            let new = of("it", round * 100 + writer, Some(release));
            async move { (release, put(&store, &[new]).await) }
        }))
        .await;
        let reopened: Vec<_> = recorded
            .iter()
            .flat_map(|(release, one)| {
                changed(one, TicketChange::Reopened).into_iter().map(|id| (*release, id))
            })
            .collect();
        assert_eq!(reopened, [("1.4.0", id)], "in round {round}");
        let ticket = ticket(&store, id).await;
        assert_eq!((ticket.status, ticket.reopened_count), (Status::Open, round.unsigned_abs()));
        let change =
            StatusChange::Solve { at: at(round * 100 + 50), release: Some(fixed_in("1.4.0")) };
        set(&store, id, change).await;
    }
}

pub(super) async fn rule_06_the_last_solving_decides_which_releases_are_settled(cx: Context) {
    let store = cx.store().await;
    let id = solved_by(&store, "it", fixed_in("1.4.0")).await;
    let again = StatusChange::Solve { at: at(15), release: Some(fixed_after("1.2.0")) };
    set(&store, id, again).await;
    assert_settled(&store, "it", &["1.2.0"]).await;
    let recorded = put(&store, &[of("it", 30, Some("1.3.9"))]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);

    // Solved without a release, the ticket is reopened by any later occurrence.
    for fix in [fixed_in("1.4.0"), fixed_after("1.4.0")] {
        set(&store, id, StatusChange::Solve { at: at(40), release: Some(fix) }).await;
        solve(&store, id, 41).await;
        let recorded = put(&store, &[of("it", 42, Some("1.3.9"))]).await;
        assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);
        let (removed, again) = (store.delete_ticket(id).await, of("it", 0, Some("1.3.0")));
        assert!(removed.expect("delete_ticket succeeds"));
        put(&store, &[again]).await;
    }
}

pub(super) async fn rule_06_the_next_release_follows_the_latest_of_the_application(cx: Context) {
    let store = cx.store().await;
    let other = occurrence(record("it", 300).with_app_id("blog").with_release("9.0.0"));
    let batch = [
        of("it", 0, Some("1.2.0")),
        of("other", 100, Some("1.9.0")),
        of("other", 101, Some("1.10.0")),
        of("other", 102, Some("2.0.0-rc.1")),
        // The latest release is not that of the newest occurrence.
        of("other", 200, Some("1.3.0")),
        of("hash", 201, Some("5f3a2c1")),
        other,
    ];
    put(&store, &batch).await;
    let next = async |name: &str| {
        let solved = store.solve_ticket_in_next_release(id_of(name), Author::unknown()).await;
        let solved = solved.expect("the calls succeed").expect("the ticket exists");
        assert_eq!(ticket(&store, id_of(name)).await, solved);
        match solved.status {
            Status::Solved { release, .. } => release,
            status => panic!("the ticket is solved, and not {status:?}"),
        }
    };
    assert_eq!(next("it").await, Some(fixed_after("2.0.0-rc.1")));
    assert_eq!(next("hash").await, Some(fixed_after("5f3a2c1")), "of the newest occurrence");
    let unknown = store.solve_ticket_in_next_release(id_of("unknown"), Author::unknown()).await;
    assert_eq!(unknown.expect("the calls succeed"), None);
}

pub(super) async fn rule_12_releases_are_listed_by_application(cx: Context) {
    let store = cx.store().await;
    let list = async |query: ReleaseQuery| {
        store.get_releases(&query).await.expect("get_releases succeeds")
    };
    let of_app = |app| ReleaseQuery::new().with_app_id(app);
    assert!(list(ReleaseQuery::new()).await.is_empty());
    let blog =
        |name, release| occurrence(record(name, 0).with_app_id("blog").with_release(release));
    let batch = [
        of("one", 0, Some("b")),
        of("one", 1, Some("a")),
        of("one", 2, None),
        of("two", 3, Some("b")),
        of("two", 4, Some("é")),
        of("two", 5, Some("B")),
        of("two", 6, Some("")),
        blog("one", "blog@1.0"),
        blog("one", "a"),
        // Between the other two, an application without any release.
        occurrence(record("one", 0).with_app_id("cart")),
    ];
    put(&store, &batch).await;
    assert_eq!(list(of_app(APP)).await, ["", "B", "a", "b", "é"]);
    assert_eq!(list(of_app("blog")).await, ["a", "blog@1.0"]);
    assert_eq!(list(ReleaseQuery::new()).await, ["", "B", "a", "b", "blog@1.0", "é"]);
    assert!(list(of_app("cart")).await.is_empty());
    assert!(list(of_app("nobody")).await.is_empty());
    // A ticket takes its releases along.
    assert!(store.delete_ticket(id_of("two")).await.expect("delete_ticket succeeds"));
    assert_eq!(list(of_app(APP)).await, ["a", "b"]);
}

pub(super) async fn rule_12_releases_survive_pruning_and_expire_with_their_ticket(cx: Context) {
    let store = cx.store().await;
    put(&store, &[of("it", 0, Some("1")), of("it", 1, Some("2")), of("it", 2, Some("3"))]).await;
    let list =
        async || store.get_releases(&ReleaseQuery::new()).await.expect("get_releases succeeds");
    let keep = KeepPerTicket::new(1).expect("one is kept");
    store.keep_per_ticket(&keep).await.expect("keep_per_ticket succeeds");
    assert_eq!(list().await, ["1", "2", "3"]);
    store.clear_expired(&Expiry::before(at(100))).await.expect("clear_expired succeeds");
    assert_eq!(list().await, ["1", "2", "3"]);
    solve(&store, id_of("it"), 10).await;
    store.clear_expired(&Expiry::before(at(100))).await.expect("clear_expired succeeds");
    assert!(list().await.is_empty());
}
