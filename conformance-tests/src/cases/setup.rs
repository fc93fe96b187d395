//! Rule 24: setup on empty, current, older and newer schemas. Rule 13: reading before any setup.

use std::sync::Arc;

use ticket_core::backend::NewOccurrence;
use ticket_core::record::ErrorCause;
use ticket_core::{
    BackendBase, BucketWidth, Capability, ErrorKind, EventQuery, EventTypeQuery, HistogramQuery,
    HistoryQuery, ReleaseQuery, ReportQuery, Store, StoreInfo, TicketFilter, TicketQuery,
    TraitQuery, TraitTypeQuery,
};

use crate::context::Context;
use crate::fixture::{Fixture, Schema};
use crate::process::{PROCESSES, Step, run_all};
use crate::support::{
    APP, CHANNEL, at, expected, find, find_ids, id_of, occurrence, occurrences, put, record,
    rejected, series, solve, solved, stored, ticket, together,
};

/// Returns the occurrences of a ticket with five of them, which have an error, and of one to solve.
fn content() -> [Vec<NewOccurrence>; 2] {
    let one = (0..5).map(|seconds| {
        let mut record = record("one", seconds).with_release("1.4.0");
        record.error = vec![ErrorCause::new(Some("sqlx::NoResultFound".into()), "no row")];
        occurrence(record)
    });
    [one.collect(), series("solved", 5..7)]
}

async fn fill(store: &Arc<dyn Store>, content: &[Vec<NewOccurrence>; 2]) {
    put(store, &content.concat()).await;
    solve(store, id_of("solved"), 10).await;
}

/// Asserts that the content is complete and that the store still records.
async fn assert_kept(store: &Arc<dyn Store>, content: &[Vec<NewOccurrence>; 2]) {
    assert_eq!(find(store, &TicketFilter::new()).await.len(), 2);
    assert_eq!(ticket(store, content[0][0].ticket_id()).await, expected(&content[0]));
    assert_eq!(ticket(store, id_of("solved")).await.status, solved(10));
    let search = TicketFilter::new().with_search("noresultfound");
    assert_eq!(find_ids(store, &search).await, [content[0][0].ticket_id()]);
    let releases = store.get_releases(&ReleaseQuery::new().with_app_id(APP)).await;
    assert_eq!(releases.expect("get_releases succeeds"), ["1.4.0"]);
    for batch in content {
        assert_eq!(occurrences(store, batch[0].ticket_id()).await, stored(batch));
    }
}

pub(super) async fn rule_13_a_store_that_was_never_set_up_has_no_tickets(cx: Context) {
    let store = cx.fixture().await.store;
    let id = id_of("one");
    // Twice, because the first time might create something.
    for _ in 0..2 {
        let page = store.get_tickets(&TicketQuery::new()).await.expect("get_tickets succeeds");
        assert!(page.items.is_empty() && page.next.is_none());
        assert_eq!(find(&store, &TicketFilter::new().with_app_id(APP)).await, []);
        assert_eq!(store.get_ticket(id).await.expect("get_ticket succeeds"), None);
        let query = ReleaseQuery::new();
        assert!(store.get_releases(&query).await.expect("get_releases succeeds").is_empty());
        assert_eq!(occurrences(&store, id).await, []);
        let history = store.get_history(id, &HistoryQuery::new()).await;
        let history = history.expect("get_history succeeds");
        assert!(history.items.is_empty() && history.next.is_none());
        let query = HistogramQuery::of_app(None, BucketWidth::Hour, at(0), at(7_200));
        let buckets = store.count_occurrences(&query).await.expect("count_occurrences succeeds");
        assert_eq!(buckets.iter().map(|bucket| bucket.count).collect::<Vec<_>>(), [0, 0]);
        let info = store.store_info().await.expect("store_info succeeds");
        assert_eq!(info, StoreInfo::new(), "it knows nothing about itself");
        if !cx.lacks(Capability::ProcessReports) {
            let reports = store.get_reports(&ReportQuery::new()).await;
            assert_eq!(reports.expect("get_reports succeeds"), []);
        }
        let wrong = TicketQuery::new().with_limit(0);
        rejected(store.get_tickets(&wrong).await, ErrorKind::Config, "a limit of 0");
    }
    assert_can_be_set_up(&store).await;
}

pub(super) async fn rule_13_a_store_that_was_never_set_up_has_no_events(cx: Context) {
    let store = cx.fixture().await.store;
    for _ in 0..2 {
        let page = store.get_events(&EventQuery::new()).await.expect("get_events succeeds");
        assert!(page.items.is_empty() && page.next.is_none());
        let query = EventTypeQuery::new();
        assert!(store.event_types(&query).await.expect("event_types succeeds").is_empty());
        let query = TraitTypeQuery::new(CHANNEL);
        assert!(store.trait_types(&query).await.expect("trait_types succeeds").is_empty());
        let page = store.get_traits(&TraitQuery::new(CHANNEL)).await.expect("get_traits succeeds");
        assert!(page.items.is_empty() && page.next.is_none());
        let wrong = EventQuery::new().with_limit(0);
        rejected(store.get_events(&wrong).await, ErrorKind::Config, "a limit of 0");
    }
    assert_can_be_set_up(&store).await;
}

/// Asserts that a store which was only read so far can be set up and used through the same handle.
async fn assert_can_be_set_up(store: &Arc<dyn Store>) {
    store.setup_backend().await.expect("setup_backend succeeds");
    let content = content();
    fill(store, &content).await;
    assert_kept(store, &content).await;
}

pub(super) async fn rule_24_setting_up_again_is_harmless(cx: Context) {
    let store = cx.store().await;
    let content = content();
    store.setup_backend().await.expect("setup_backend succeeds again");
    fill(&store, &content).await;
    for _ in 0..3 {
        store.setup_backend().await.expect("setup_backend succeeds again");
    }
    assert_kept(&store, &content).await;
}

pub(super) async fn rule_24_eight_tasks_set_up_one_handle_at_once(cx: Context) {
    let store = cx.fixture().await.store;
    together((0..8).map(|_| {
        let store = Arc::clone(&store);
        async move { store.setup_backend().await.expect("setup_backend succeeds") }
    }))
    .await;
    let content = content();
    fill(&store, &content).await;
    assert_kept(&store, &content).await;
}

pub(super) async fn rule_24_eight_handles_set_up_an_empty_store_at_once(cx: Context) {
    let mut handles = Vec::new();
    for _ in 0..8 {
        handles.push(cx.fixture().await.store);
    }
    together(handles.iter().map(Arc::clone).map(|store| async move {
        store.setup_backend().await.expect("setup_backend succeeds");
    }))
    .await;
    let content = content();
    fill(&handles[0], &content).await;
    for store in &handles {
        assert_kept(store, &content).await;
    }
}

pub(super) async fn rule_24_eight_processes_set_up_an_empty_store_at_once(cx: Context) {
    set_up_by_processes(&cx).await;
    let store = cx.store().await;
    let content = content();
    fill(&store, &content).await;
    // The same again on the current schema.
    set_up_by_processes(&cx).await;
    assert_kept(&store, &content).await;
}

async fn set_up_by_processes(cx: &Context) {
    run_all(cx.case(), vec![vec![Step::SetUp]; PROCESSES]).await;
}

pub(super) async fn rule_24_records_outlive_the_handle(cx: Context) {
    let content = content();
    let store = cx.store().await;
    fill(&store, &content).await;
    drop(store);
    assert_kept(&cx.store().await, &content).await;
}

fn schema(fixture: &mut Fixture) -> Box<dyn Schema> {
    fixture.schema.take().expect(
        "the fixture says how to change the schema's version: give it one by Fixture::with_schema, \
         or declare that the backend is without(Capability::SchemaVersions, …)",
    )
}

/// Returns a store that is set up and filled, with the hook that changes its schema.
async fn filled(cx: &Context, content: &[Vec<NewOccurrence>; 2]) -> Box<dyn Schema> {
    let mut fixture = cx.fixture().await;
    let schema = schema(&mut fixture);
    fixture.store.setup_backend().await.expect("setup_backend succeeds");
    fill(&fixture.store, content).await;
    schema
}

pub(super) async fn rule_24_an_older_schema_is_migrated_and_keeps_its_data(cx: Context) {
    let content = content();
    let mut schema = filled(&cx, &content).await;
    schema.make_older().await.expect("make_older succeeds");
    let store = cx.store().await;
    assert_kept(&store, &content).await;
    store.setup_backend().await.expect("setup_backend succeeds again");
    assert_kept(&store, &content).await;
}

pub(super) async fn rule_24_eight_handles_migrate_an_older_schema_at_once(cx: Context) {
    let content = content();
    let mut schema = filled(&cx, &content).await;
    schema.make_older().await.expect("make_older succeeds");
    let mut handles = Vec::new();
    for _ in 0..8 {
        handles.push(cx.fixture().await.store);
    }
    together(handles.iter().map(Arc::clone).map(|store| async move {
        store.setup_backend().await.expect("setup_backend succeeds");
    }))
    .await;
    for store in &handles {
        assert_kept(store, &content).await;
    }
}

pub(super) async fn rule_24_eight_processes_migrate_an_older_schema_at_once(cx: Context) {
    let content = content();
    let mut schema = filled(&cx, &content).await;
    schema.make_older().await.expect("make_older succeeds");
    set_up_by_processes(&cx).await;
    assert_kept(&cx.store().await, &content).await;
}

pub(super) async fn rule_24_a_newer_schema_is_rejected_and_stays_untouched(cx: Context) {
    let content = content();
    let mut schema = filled(&cx, &content).await;
    schema.make_newer().await.expect("make_newer succeeds");
    for autocreate in [true, true, false] {
        // Every attempt is rejected: the first one must not change the version.
        let case = cx.case().clone().with_autocreate(autocreate);
        let store = cx.open(case).await.store;
        rejected(store.setup_backend().await, ErrorKind::Corrupt, "a newer schema");
    }
    schema.undo_newer().await.expect("undo_newer succeeds");
    let store = cx.open(cx.case().clone().with_autocreate(false)).await.store;
    store.setup_backend().await.expect("only the version was different");
    assert_kept(&store, &content).await;
}

pub(super) async fn rule_24_without_autocreate_an_empty_store_is_rejected(cx: Context) {
    let checking = cx.case().clone().with_autocreate(false);
    for _ in 0..2 {
        // The second attempt shows that the first one created nothing.
        let store = cx.open(checking.clone()).await.store;
        rejected(store.setup_backend().await, ErrorKind::Config, "a missing schema");
        let read = store.get_tickets(&TicketQuery::new()).await;
        rejected(read, ErrorKind::Config, "reading without a schema");
    }
    let content = content();
    fill(&cx.store().await, &content).await;
    let store = cx.open(checking).await.store;
    store.setup_backend().await.expect("a current schema is accepted");
    assert_kept(&store, &content).await;
}

pub(super) async fn rule_24_without_autocreate_an_older_schema_is_rejected(cx: Context) {
    let content = content();
    let mut schema = filled(&cx, &content).await;
    schema.make_older().await.expect("make_older succeeds");
    let checking = cx.case().clone().with_autocreate(false);
    for _ in 0..2 {
        let store = cx.open(checking.clone()).await.store;
        rejected(store.setup_backend().await, ErrorKind::Config, "an older schema");
    }
    assert_kept(&cx.store().await, &content).await;
}
