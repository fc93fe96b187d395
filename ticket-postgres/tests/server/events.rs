//! Searching events with two comparisons, each of which matches many events.

use std::time::Duration;

use ticket_core::backend::Batch;
use ticket_core::{
    BackendBase, Comparison, Direction, EventFilter, EventQuery, EventStore, OccurrenceId,
    Operator, Timestamp,
};

use super::support::{Database, new, record};

/// The newest and the oldest events lie a millisecond apart, all others ten minutes. A search that estimates from
/// either end how many events a span of time holds expects far more than there are.
pub(crate) async fn rare_matches_are_found_however_unevenly_events_are_spread() {
    const COUNT: u64 = 5_400;
    const CLOSE: u64 = 300;
    let database = Database::new("events").await;
    let store = database.store().await;
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let batch: Vec<_> = (0..COUNT)
        .map(|i| {
            let close = i.min(CLOSE) + i.saturating_sub(COUNT - CLOSE);
            let time = Duration::from_millis(close) + Duration::from_secs(600 * (i - close));
            let both = i % 700 == 350;
            let mut record = record(&format!("ticket {}", i % 3))
                .with_time(start.saturating_add(time))
                .with_trait("even", i % 2 == 0)
                .with_trait("weight", if both || i % 2 == 1 { 10 } else { 1 });
            record.id = OccurrenceId::random(record.time);
            new(record)
        })
        .collect();
    store.record_tickets(Batch::from(&batch[..])).await.unwrap();
    let filter = EventFilter::new()
        .with_comparison(Comparison::new("even", Operator::Eq, true))
        .with_comparison(Comparison::new("weight", Operator::Ge, 10));
    let mut expected: Vec<_> = batch.iter().map(|new| new.record()).collect();
    expected.retain(|record| filter.matches(record));
    assert_eq!(expected.len(), 8);
    for direction in [Direction::Ascending, Direction::Descending] {
        let query = EventQuery::new().with_filter(filter.clone()).with_direction(direction);
        let mut query = query.with_limit(3);
        let mut found = Vec::new();
        loop {
            let page = store.get_events(&query).await.unwrap();
            found.extend(page.items.into_iter().map(|event| event.record.id));
            let Some(next) = page.next else { break };
            query = query.with_after(next);
        }
        let ids: Vec<_> = expected.iter().map(|record| record.id).collect();
        assert_eq!(found, ids, "{direction:?}");
        expected.reverse();
    }
    database.drop_schema().await;
}
