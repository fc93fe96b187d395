//! What the fixtures of older schemas contain, which the tests of every database share. The same program wrote the same
//! events into each of them.

use std::collections::{BTreeMap, BTreeSet};

use ticket_core::backend::{NewOccurrence, TicketChange};
use ticket_core::{
    Comparison, Direction, EventFilter, EventQuery, Fingerprint, Operator, ProcessReport, Record,
    ReleaseQuery, ReportQuery, StatusKind, Store, TicketQuery, TicketSort, Timestamp,
};

/// Sets up a store of an older version, and checks that its tickets and `records` are all there and that it records
/// as a new one does.
pub(crate) async fn assert_migrated(store: &dyn Store, records: &[Record]) {
    store.setup_backend().await.unwrap();
    let found = async |filter| {
        let query = EventQuery::new().with_filter(filter).with_direction(Direction::Ascending);
        let events = store.get_events(&query).await.unwrap().items;
        events.into_iter().map(|event| event.record).collect::<Vec<_>>()
    };
    assert_eq!(found(EventFilter::new()).await, records);
    let order = Comparison::new("order", Operator::Eq, 19);
    assert_eq!(found(EventFilter::new().with_comparison(order)).await.len(), 1);

    let query = TicketQuery::new().with_order(TicketSort::FirstOccurrence, Direction::Ascending);
    let tickets = store.get_tickets(&query).await.unwrap().items;
    let summaries: Vec<_> = tickets
        .iter()
        .map(|ticket| (&*ticket.message, ticket.occurrence_count, ticket.status.kind()))
        .collect();
    let expected = [
        ("payment of order 20 refused", 4, StatusKind::Open),
        ("disk full: /var/lib/data", 1, StatusKind::Open),
        ("the cart is empty", 2, StatusKind::Muted),
        ("stock of 6 is low", 2, StatusKind::Solved),
    ];
    assert_eq!(summaries, expected);

    let mut releases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for record in records {
        releases.entry(&record.app_id).or_default().extend(record.release.as_deref());
    }
    assert_eq!(releases["shop"].len(), 1);
    for (app_id, releases) in &releases {
        let query = ReleaseQuery::new().with_app_id(*app_id);
        let found = store.get_releases(&query).await.unwrap();
        assert_eq!(found, releases.iter().copied().collect::<Vec<_>>(), "{app_id}");
    }

    let mut stock = records.iter().find(|record| record.channel == "shop::stock").unwrap().clone();
    stock = stock.with_time(Timestamp::now()).with_external_id("order-17");
    // As that program grouped it: how records are grouped now is no matter of the store.
    let solved = &tickets[3];
    let fingerprint = Fingerprint::from_parts(solved.id, solved.ingredients.clone());
    let batch = [NewOccurrence::new(stock.clone(), fingerprint)];
    let recorded = store.record_tickets(batch.as_slice().into()).await.unwrap();
    assert_eq!(recorded.updates[0].change, Some(TicketChange::Reopened));
    assert_eq!(found(EventFilter::new().with_external_id("order-17")).await, [stock]);

    let report = ProcessReport::new("web-1 4711", "shop", Timestamp::now());
    store.report_process(report.clone()).await.unwrap();
    let by_app = ReportQuery::new().with_app_id("shop");
    assert_eq!(store.get_reports(&by_app).await.unwrap(), [report]);
}
