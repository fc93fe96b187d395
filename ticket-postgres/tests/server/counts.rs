//! Counts stay exact whatever is sent again, deleted or expired.

use std::time::Duration;

use ticket_core::backend::{Batch, NewOccurrence, TicketChange};
use ticket_core::{
    Author, BackendBase, BackendExt, EventStore, Expiry, Status, TicketQuery, Timestamp, limits,
};

use super::support::{DEADLOCKS, Database, connect, new, occurrence, record, until};

/// Counts the store's sessions that wait for a lock of another transaction.
const WAITS: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
    AND application_name = 'ticketing' AND query LIKE '%{s}%'";

/// Holds after concurrent writes, deletions, repeated batches and expiry.
pub(crate) async fn the_sums_of_an_application_are_those_of_its_tickets() {
    let database = Database::new("sums").await;
    let store = database.store().await;
    let time = |hour: i64| Timestamp::from_micros(1_767_225_600_000_000 + hour * 3_600_000_000);
    let batch = |of: i64| -> Vec<NewOccurrence> {
        (0..120)
            .map(|i| {
                let record = record(&format!("ticket {}", i % 40));
                let app_id = format!("app {}", i % 3);
                new(record.with_app_id(app_id).with_time(time((i * of) % 50)))
            })
            .collect()
    };
    let differing = "SELECT count(*) \
        FROM (SELECT app_id, hour, sum(count) FROM \"{s}\".ticketing_hours GROUP BY 1, 2) h \
        FULL JOIN (SELECT app_id, hour, sum(count) FROM \"{s}\".ticketing_app_counts GROUP BY 1, 2) a \
        USING (app_id, hour, sum) WHERE h IS NULL OR a IS NULL";
    let total = "SELECT coalesce(sum(count), 0)::int8 FROM \"{s}\".ticketing_app_counts";
    let empty = "SELECT count(*) FROM \"{s}\".ticketing_app_counts WHERE count <= 0";
    let sum = async || {
        assert_eq!(database.number(differing).await, 0);
        assert_eq!(database.number(empty).await, 0, "a sum of zero was left behind");
        database.number(total).await
    };
    // Writers and deleters run concurrently.
    let batches: Vec<_> = (1..=6).map(batch).collect();
    let tasks = batches.iter().cloned().map(|batch| {
        let store = store.clone();
        tokio::spawn(async move {
            store.record_tickets(Batch::from(&batch[..])).await.unwrap();
            for new in batch.iter().step_by(7) {
                store.delete_ticket(new.ticket_id()).await.unwrap();
            }
            store.record_tickets(Batch::from(&batch[..])).await.unwrap();
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert!(sum().await > 0);
    // Sending a batch again restores what was deleted; sending it once more adds nothing.
    store.record_tickets(Batch::from(&batches[0][..])).await.unwrap();
    let total = sum().await;
    store.record_tickets(Batch::from(&batches[0][..])).await.unwrap();
    assert_eq!(sum().await, total);
    // Half of the tickets are solved and expire, and then the rest is deleted.
    let tickets = store.get_tickets(&TicketQuery::new().with_limit(1_000)).await.unwrap().items;
    for ticket in tickets.iter().step_by(2) {
        store.solve_ticket(ticket.id, None, Author::unknown()).await.unwrap();
    }
    let expired = store.clear_expired(&Expiry::before(time(51))).await.unwrap();
    assert_eq!(expired.tickets, tickets.len().div_ceil(2) as u64);
    let rest = sum().await;
    assert!(0 < rest && rest < total, "{rest} of {total}");
    for ticket in &tickets {
        store.delete_ticket(ticket.id).await.unwrap();
    }
    assert_eq!(sum().await, 0);
    database.drop_schema().await;
}

pub(crate) async fn a_partially_stored_batch_adds_only_the_rest() {
    let database = Database::new("mixed").await;
    let store = database.store().await;
    let batch: Vec<NewOccurrence> =
        (0..6).map(|i| occurrence(if i % 2 == 0 { "a" } else { "b" })).collect();
    store.record_tickets(Batch::from(&batch[..3][..])).await.unwrap();
    let recorded = store.record_tickets(Batch::from(&batch[..])).await.unwrap();
    assert_eq!(recorded.occurrences, 3);
    let counts: Vec<_> = recorded.updates.iter().map(|u| (u.added, u.occurrence_count)).collect();
    assert!(counts.iter().all(|(_, total)| *total == 3), "{counts:?}");
    assert_eq!(counts.iter().map(|(added, _)| added).sum::<u64>(), 3);
    database.drop_schema().await;
}

/// Lives apart from the other faults, because those that count deadlocks would see this one.
pub(crate) async fn f07_a_deadlock_with_somebody_else_does_not_reach_the_caller() {
    let database = Database::new("deadlock").await;
    let store = database.store().await;
    let mut batch = [occurrence("a"), occurrence("b")];
    batch.sort_by_key(NewOccurrence::ticket_id);
    store.record_tickets(Batch::from(&batch[..])).await.unwrap();
    let [low, high] = batch.map(|new| uuid::Uuid::from_bytes(*new.ticket_id().as_bytes()));

    // Another client locks the tickets in the opposite order.
    let before = database.number(DEADLOCKS).await;
    let lock =
        format!("SELECT 1 FROM \"{}\".ticketing_tickets WHERE id = $1 FOR UPDATE", database.schema);
    let mut somebody = connect(&database.url).await;
    let transaction = somebody.transaction().await.unwrap();
    transaction.batch_execute("SET LOCAL deadlock_timeout = '10s'").await.unwrap();
    transaction.query(&lock, &[&high]).await.unwrap();
    let recording = tokio::spawn(async move {
        store.record_tickets(vec![occurrence("a"), occurrence("b")].into()).await
    });
    until("the store waits while it holds the other ticket", async || {
        database.number(WAITS).await > 0
    })
    .await;
    // The store's session has the shorter `deadlock_timeout`, so the server aborts that one.
    transaction.query(&lock, &[&low]).await.unwrap();
    transaction.commit().await.unwrap();
    let recorded = recording.await.unwrap().unwrap();
    assert_eq!(recorded.occurrences, 2);
    assert!(recorded.updates.iter().all(|update| update.occurrence_count == 2));
    // The server publishes its counters with a delay.
    until("the server reports the deadlock", async || database.number(DEADLOCKS).await > before)
        .await;
    database.drop_schema().await;
}

/// The statement that records looks at the tickets before it inserts new ones. A ticket that another transaction commits
/// in between is not new, and may be solved already.
pub(crate) async fn a_solved_ticket_that_appears_while_it_is_recorded_reopens() {
    let database = Database::new("appears").await;
    let store = database.store().await;
    store.record_tickets(occurrence("a").into()).await.unwrap();
    let id = occurrence("a").ticket_id();
    store.solve_ticket(id, None, Author::unknown()).await.unwrap();

    let mut somebody = connect(&database.url).await;
    let table = format!("\"{}\".ticketing_tickets", database.schema);
    let remove = format!("CREATE TEMP TABLE kept AS SELECT * FROM {table}; DELETE FROM {table}");
    somebody.batch_execute(&remove).await.unwrap();
    let transaction = somebody.transaction().await.unwrap();
    transaction.batch_execute(&format!("INSERT INTO {table} SELECT * FROM kept")).await.unwrap();
    let later = Timestamp::now().saturating_add(Duration::from_secs(1));
    let recording = tokio::spawn(async move {
        let later = new(record("a").with_app_id("shop").with_time(later));
        store.record_tickets(later.into()).await
    });
    until("the store waits for the ticket", async || database.number(WAITS).await > 0).await;
    transaction.commit().await.unwrap();
    let recorded = recording.await.unwrap().unwrap();
    let [update] = &*recorded.updates else { panic!("{recorded:?}") };
    assert_eq!((update.change, update.occurrence_count), (Some(TicketChange::Reopened), 2));
    database.drop_schema().await;
}

pub(crate) async fn a_solving_release_is_truncated_like_a_recorded_one() {
    let database = Database::new("release").await;
    let store = database.store().await;
    let long = "1".repeat(2 * limits::NAME);
    let batch = [new(record("a").with_release(long.as_str()))];
    store.record_tickets(Batch::from(&batch[..])).await.unwrap();
    let ticket = store
        .solve_ticket(batch[0].ticket_id(), Some(long), Author::unknown())
        .await
        .unwrap()
        .unwrap();
    let Status::Solved { release, .. } = ticket.status else { panic!("{:?}", ticket.status) };
    assert_eq!(release, ticket.last_release.map(ticket_core::Fix::In));
    assert!(release.is_some_and(|fix| fix.release().len() <= limits::NAME));
    database.drop_schema().await;
}
