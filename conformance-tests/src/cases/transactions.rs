//! Rule 27: the store and the application do not share transactions.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{BackendBase, ErrorKind, Store};

use crate::context::Context;
use crate::fixture::Application;
use crate::support::{
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

/// Records while a transaction of the application is open.
///
/// In a database with a single writer the store may have to wait for the transaction and give up as
/// unavailable. The caller then sends the batch again later.
async fn record_meanwhile(store: &Arc<dyn Store>, batch: &[NewOccurrence]) -> bool {
    let call = store.record_tickets(batch.into());
    match tokio::time::timeout(Duration::from_secs(60), call).await {
        Ok(Ok(recorded)) => {
            assert_eq!(recorded.occurrences, batch.len() as u64);
            true
        }
        Ok(Err(error)) if error.kind() == ErrorKind::Unavailable => false,
        Ok(Err(error)) => {
            panic!("an open transaction of the application must not cause: {error}")
        }
        Err(_) => panic!("recording did not end while a transaction of the application was open"),
    }
}

/// Asserts that the batch is stored exactly once.
async fn assert_stays(store: &Arc<dyn Store>, batch: &[NewOccurrence], recorded: bool) {
    if !recorded {
        put(store, batch).await;
    }
    assert_eq!(ticket(store, batch[0].ticket_id()).await, expected(batch));
    assert_eq!(occurrences(store, batch[0].ticket_id()).await, stored(batch));
}

pub(super) async fn rule_27_recording_does_not_commit_the_applications_transaction(cx: Context) {
    let (store, mut application) = open(&cx).await;
    assert_eq!(
        application.count().await.expect("count succeeds"),
        0,
        "the application's table starts empty"
    );
    application.begin().await.expect("begin succeeds");
    application.insert().await.expect("insert succeeds");
    let batch = series("it", 0..3);
    let recorded = record_meanwhile(&store, &batch).await;
    assert_eq!(
        application.count().await.expect("count succeeds"),
        0,
        "the row is not committed yet"
    );
    application.rollback().await.expect("the transaction is still open");
    assert_eq!(application.count().await.expect("count succeeds"), 0, "the row was rolled back");
    assert_stays(&store, &batch, recorded).await;
}

pub(super) async fn rule_27_recording_does_not_roll_back_the_applications_transaction(cx: Context) {
    let (store, mut application) = open(&cx).await;
    application.begin().await.expect("begin succeeds");
    application.insert().await.expect("insert succeeds");
    let batch = series("it", 0..3);
    let recorded = record_meanwhile(&store, &batch).await;
    application.insert().await.expect("the transaction is still open");
    application.commit().await.expect("the transaction is still open");
    assert_eq!(application.count().await.expect("count succeeds"), 2, "both rows are committed");
    assert_stays(&store, &batch, recorded).await;
}

pub(super) async fn rule_27_reading_and_solving_leave_the_applications_transaction_open(
    cx: Context,
) {
    let (store, mut application) = open(&cx).await;
    put(&store, &[new("it", 0)]).await;
    application.begin().await.expect("begin succeeds");
    // The transaction has not written yet, so nobody has to wait even in a database with a single writer.
    ticket(&store, id_of("it")).await;
    solve(&store, id_of("it"), 10).await;
    application.insert().await.expect("the transaction is still open");
    assert_eq!(
        ticket(&store, id_of("it")).await.status,
        solved(10),
        "reading does not wait for the transaction"
    );
    application.commit().await.expect("the transaction is still open");
    assert_eq!(application.count().await.expect("count succeeds"), 1);
    assert_eq!(ticket(&store, id_of("it")).await.last_occurrence_time, at(0));
}
