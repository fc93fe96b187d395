//! Rule 27: the application's transactions are its own, and the store's are the store's.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{BackendBase, ErrorKind, Store};

use crate::context::Context;
use crate::fixture::Application;
use crate::kit::{
    at, expected, id_of, new, occurrences, put, series, solve, solved, stored, ticket,
};

async fn open(cx: &Context) -> (Arc<dyn Store>, Box<dyn Application>) {
    let mut fixture = cx.fixture().await;
    fixture.store.setup_backend().await.expect("setup_backend succeeds");
    let application = fixture.application.take().expect(
        "the fixture has an application's own connection: give it one by Fixture::with_application, \
         or declare that the backend is without(Capability::ApplicationTransactions, …)",
    );
    (fixture.store, application)
}

/// Records while a transaction of the application is open. A database with one writer may make the
/// store wait for it, or give up as unavailable; then the caller sends the batch again afterwards.
async fn record_meanwhile(store: &Arc<dyn Store>, batch: &[NewOccurrence]) -> bool {
    let call = store.record_tickets(batch.into());
    match tokio::time::timeout(Duration::from_secs(60), call).await {
        Ok(Ok(recorded)) => {
            assert_eq!(recorded.occurrences, batch.len() as u64);
            true
        }
        Ok(Err(error)) if error.kind() == ErrorKind::Unavailable => false,
        Ok(Err(error)) => {
            panic!("an open transaction of the application is no reason for: {error}")
        }
        Err(_) => panic!("recording came to no end while a transaction of the application is open"),
    }
}

/// The batch is there, once.
async fn assert_stays(store: &Arc<dyn Store>, batch: &[NewOccurrence], recorded: bool) {
    if !recorded {
        put(store, batch).await;
    }
    assert_eq!(ticket(store, batch[0].ticket_id()).await, expected(batch));
    assert_eq!(occurrences(store, batch[0].ticket_id()).await, stored(batch));
}

pub(super) async fn rule_27_recording_does_not_commit_the_applications_transaction(cx: Context) {
    let (store, mut application) = open(&cx).await;
    assert_eq!(application.count().await.expect("count answers"), 0, "its table is empty");
    application.begin().await.expect("begin succeeds");
    application.insert().await.expect("insert succeeds");
    let batch = series("it", 0..3);
    let recorded = record_meanwhile(&store, &batch).await;
    assert_eq!(application.count().await.expect("count answers"), 0, "it is not committed");
    application.rollback().await.expect("the transaction is still open");
    assert_eq!(application.count().await.expect("count answers"), 0, "nothing of it is left");
    assert_stays(&store, &batch, recorded).await;
}

pub(super) async fn rule_27_recording_does_not_roll_the_applications_transaction_back(cx: Context) {
    let (store, mut application) = open(&cx).await;
    application.begin().await.expect("begin succeeds");
    application.insert().await.expect("insert succeeds");
    let batch = series("it", 0..3);
    let recorded = record_meanwhile(&store, &batch).await;
    application.insert().await.expect("the transaction is still open");
    application.commit().await.expect("the transaction is still open");
    assert_eq!(application.count().await.expect("count answers"), 2, "all of it is committed");
    assert_stays(&store, &batch, recorded).await;
}

pub(super) async fn rule_27_reading_and_solving_leave_the_applications_transaction(cx: Context) {
    let (store, mut application) = open(&cx).await;
    put(&store, &[new("it", 0)]).await;
    application.begin().await.expect("begin succeeds");
    // Nothing written yet, so that nobody has to wait even where there is but one writer.
    ticket(&store, id_of("it")).await;
    solve(&store, id_of("it"), 10).await;
    application.insert().await.expect("the transaction is still open");
    assert_eq!(ticket(&store, id_of("it")).await.status, solved(10), "readers do not wait");
    application.commit().await.expect("the transaction is still open");
    assert_eq!(application.count().await.expect("count answers"), 1);
    assert_eq!(ticket(&store, id_of("it")).await.last_occurrence_time, at(0));
}
