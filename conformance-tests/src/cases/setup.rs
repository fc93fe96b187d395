//! Rule 24: setting up, once or often, on any schema.

use std::sync::Arc;

use ticket_core::backend::NewOccurrence;
use ticket_core::{BackendBase, ErrorKind, Store, TicketFilter};

use crate::context::Context;
use crate::fixture::{Fixture, Schema};
use crate::kit::{
    expected, find, id_of, occurrences, put, refused, series, solve, solved, stored, ticket,
    together,
};
use crate::worker::{self, Job};

/// Some content: one ticket with five occurrences, one that is solved.
fn content() -> [Vec<NewOccurrence>; 2] {
    [series("one", 0..5), series("solved", 5..7)]
}

async fn fill(store: &Arc<dyn Store>, content: &[Vec<NewOccurrence>; 2]) {
    put(store, &content.concat()).await;
    solve(store, id_of("solved"), 10).await;
}

/// All of it is there, and recording goes on.
async fn assert_kept(store: &Arc<dyn Store>, content: &[Vec<NewOccurrence>; 2]) {
    assert_eq!(find(store, &TicketFilter::new()).await.len(), 2);
    assert_eq!(ticket(store, id_of("one")).await, expected(&content[0]));
    assert_eq!(ticket(store, id_of("solved")).await.status, solved(10));
    for batch in content {
        assert_eq!(occurrences(store, batch[0].ticket_id()).await, stored(batch));
    }
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
    // And once more, now that it is current.
    set_up_by_processes(&cx).await;
    assert_kept(&store, &content).await;
}

async fn set_up_by_processes(cx: &Context) {
    let jobs = (0..8).map(|_| Job::set_up(cx.case())).collect();
    let reports = worker::run_all(jobs).await;
    assert!(reports.iter().all(|report| report.error.is_none()), "{reports:?}");
}

pub(super) async fn rule_24_what_was_recorded_outlives_the_handle(cx: Context) {
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

/// The store, set up and filled, and the way to change its schema.
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

pub(super) async fn rule_24_a_newer_schema_is_refused_and_stays_untouched(cx: Context) {
    let content = content();
    let mut schema = filled(&cx, &content).await;
    schema.make_newer().await.expect("make_newer succeeds");
    for autocreate in [true, true, false] {
        // Refused again and again: the first refusal has not made it an older one.
        let case = cx.case().clone().with_autocreate(autocreate);
        let store = cx.open(case).await.store;
        refused(store.setup_backend().await, ErrorKind::Corrupt, "a newer schema");
    }
    schema.undo_newer().await.expect("undo_newer succeeds");
    let store = cx.open(cx.case().clone().with_autocreate(false)).await.store;
    store.setup_backend().await.expect("nothing but the version was another one");
    assert_kept(&store, &content).await;
}

pub(super) async fn rule_24_without_autocreate_an_empty_store_is_refused(cx: Context) {
    let checking = cx.case().clone().with_autocreate(false);
    for _ in 0..2 {
        // The second time shows that the first has created nothing.
        let store = cx.open(checking.clone()).await.store;
        refused(store.setup_backend().await, ErrorKind::Config, "a missing schema");
    }
    let content = content();
    fill(&cx.store().await, &content).await;
    let store = cx.open(checking).await.store;
    store.setup_backend().await.expect("a current schema is all that is wanted");
    assert_kept(&store, &content).await;
}

pub(super) async fn rule_24_without_autocreate_an_older_schema_is_refused(cx: Context) {
    let content = content();
    let mut schema = filled(&cx, &content).await;
    schema.make_older().await.expect("make_older succeeds");
    let checking = cx.case().clone().with_autocreate(false);
    for _ in 0..2 {
        let store = cx.open(checking.clone()).await.store;
        refused(store.setup_backend().await, ErrorKind::Config, "an older schema");
    }
    assert_kept(&cx.store().await, &content).await;
}
