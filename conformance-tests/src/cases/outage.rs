//! Rule 25: a store that does not answer. Every call ends, and says that it may succeed later.

use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use ticket_core::backend::{Lease, StatusChange};
use ticket_core::{
    Author, BackendBase, BucketWidth, Capability, ErrorKind, EventQuery, EventStore,
    EventTypeQuery, Expiry, HistogramQuery, HistoryQuery, Note, OccurrenceQuery, ProcessReport,
    ReleaseQuery, ReportQuery, Result, Store, TicketFilter, TicketId, TicketQuery, Timestamp,
    TraitQuery, TraitTypeQuery,
};
use tokio::time::{Instant, timeout_at};

use crate::context::Context;
use crate::support::{APP, CHANNEL, at, id_of, keeping, new, put, ticket};

/// A call's name, and the call.
type Named = (&'static str, BoxFuture<'static, Result<()>>);

/// Returns a call of each method that leaves the ticket `it` and its occurrences as they are, even if the store
/// carries it out after the call has failed.
fn harmless_calls(cx: &Context, store: &std::sync::Arc<dyn Store>) -> Vec<Named> {
    let id = id_of("it");
    // Each call owns its handle and its arguments, as a task needs.
    macro_rules! calls {
        ($($method:ident($($argument:expr),*);)*) => {
            vec![$((stringify!($method), {
                let store = std::sync::Arc::clone(store);
                async move { store.$method($($argument),*).await.map(drop) }.boxed()
            })),*]
        };
    }
    let hour = HistogramQuery::of_app(None, BucketWidth::Hour, at(0), at(3_600));
    let mut calls = calls! {
        setup_backend();
        count_tickets(&TicketFilter::new());
        get_tickets(&TicketQuery::new());
        get_ticket(id);
        set_status(id, StatusChange::Mute { until: None }, Author::unknown());
        merge_tickets(id, TicketId::MIN, Author::unknown());
        unmerge_ticket(TicketId::MIN, Author::unknown());
        add_note(id, Note::new("it waits", Author::unknown()));
        get_history(id, &HistoryQuery::new());
        get_releases(&ReleaseQuery::new().with_app_id(APP));
        delete_ticket(TicketId::MIN);
        get_occurrences(id, &OccurrenceQuery::new());
        count_occurrences(&hour);
        read_position("a source");
        store_info();
    };
    if !cx.lacks(Capability::ProcessReports) {
        calls.extend(calls! {
            report_process(ProcessReport::new("a process", APP, at(0)));
            get_reports(&ReportQuery::new());
        });
    }
    if !cx.lacks(Capability::Events) {
        calls.extend(calls! {
            get_events(&EventQuery::new());
            event_types(&EventTypeQuery::new());
            trait_types(&TraitTypeQuery::new(CHANNEL));
            get_traits(&TraitQuery::new(CHANNEL));
            clear_expired(&Expiry::before(Timestamp::MIN));
            keep_per_ticket(&keeping(1_000));
            lease(&Lease::new("a job", "a holder", Duration::from_secs(1)));
        });
    }
    calls
}

pub(super) async fn rule_25_every_call_ends_while_the_store_does_not_answer(cx: Context) {
    let mut fixture = cx.fixture().await;
    let (mut outage, limit) = fixture.outage.take().expect(
        "the fixture says how to keep the store from answering: give it an outage by \
         Fixture::with_outage, or declare that the backend is without(Capability::SharedStorage, …)",
    );
    let store = fixture.store;
    store.setup_backend().await.expect("setup_backend succeeds");
    put(&store, &[new("it", 0)]).await;
    let late = [new("it", 1)];
    let batch = late[..].into();
    let handle = std::sync::Arc::clone(&store);
    let record = async move { handle.record_tickets(batch).await.map(drop) }.boxed();
    let calls = harmless_calls(&cx, &store);

    outage.begin().await.expect("the outage begins");
    let deadline = Instant::now() + limit;
    let calls = [("record_tickets", record)].into_iter().chain(calls);
    // On tasks of their own: a call that blocks its thread must not keep this one from noticing.
    let tasks: Vec<_> = calls.map(|(name, call)| (name, tokio::spawn(call))).collect();
    let mut answers = Vec::new();
    for (name, task) in tasks {
        let abort = task.abort_handle();
        let answer = timeout_at(deadline, task).await;
        abort.abort();
        answers.push((name, answer.map(|answer| answer.expect("a call does not panic"))));
    }
    outage.end().await.expect("the outage ends");

    for (name, answer) in answers {
        match answer {
            Err(_) => panic!("{name} has to end within {limit:?} while the store does not answer"),
            // A store that does not answer writers may still answer readers.
            Ok(Ok(())) => assert_ne!(name, "record_tickets", "the outage has to keep writers out"),
            Ok(Err(error)) => assert_eq!(
                error.kind(),
                ErrorKind::Unavailable,
                "{name} has to fail with kind unavailable while the store does not answer: {error}"
            ),
        }
    }
    // The failed call may have been carried out in the meantime. Sent again, its batch counts once.
    put(&store, &late).await;
    assert_eq!(ticket(&store, id_of("it")).await.occurrence_count, 2, "after the outage");
}
