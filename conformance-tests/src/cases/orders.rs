//! Rule 10: orders.

use std::sync::Arc;

use ticket_core::backend::{EventPosition, NewOccurrence};
use ticket_core::{
    BackendBase, Direction, EventFilter, EventQuery, EventStore, Level, OccurrenceId,
    OccurrenceQuery, Record, Store, Ticket, TicketFilter, TicketQuery, TicketSort,
};

use crate::context::Context;
use crate::support::{at, find, id_of, occurrence, occurrences, put, record, stored};

pub(super) const BOTH: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Channels that sort differently by code point, in UTF-16 and in a locale.
const CHANNELS: [&str; 9] = ["Z", "a", "a b", "é", "e\u{301}", "\u{ff5a}", "😀", "", "shop::cart"];

/// Returns occurrences of 54 tickets with ties in every sort key. Every third ticket has two occurrences.
pub(super) fn many() -> Vec<NewOccurrence> {
    let mut batch = Vec::new();
    for i in 0..54_u8 {
        let number = usize::from(i);
        let name = format!("ticket {i}");
        let record = |seconds: i64| {
            let mut record = record(&name, seconds);
            record.level = Level::ALL[number % 4 + 2];
            record.channel = CHANNELS[number % CHANNELS.len()].into();
            record
        };
        let first = occurrence(record(i64::from(i % 5) * 10 - 20));
        batch.push(first.with_repeats(u32::from(i % 4) + 1));
        if i % 3 == 0 {
            batch.push(occurrence(record(1_000 + i64::from(i % 2))));
        }
    }
    batch
}

/// Returns the tickets in the expected order: by key, then by id, both in this direction.
pub(super) fn sorted(
    mut tickets: Vec<Ticket>,
    sort: TicketSort,
    direction: Direction,
) -> Vec<Ticket> {
    tickets.sort_by(|a, b| direction.apply((sort.key(a), a.id).cmp(&(sort.key(b), b.id))));
    tickets
}

pub(super) async fn page_of(store: &Arc<dyn Store>, query: &TicketQuery) -> Vec<Ticket> {
    store.get_tickets(query).await.expect("get_tickets succeeds").items
}

pub(super) async fn rule_10_tickets_sort_by_every_key_in_both_directions_with_ties_by_id(
    cx: Context,
) {
    let store = cx.store().await;
    put(&store, &many()).await;
    let all = find(&store, &TicketFilter::new()).await;
    assert_eq!(all.len(), 54);
    for sort in TicketSort::ALL {
        for direction in BOTH {
            let query = TicketQuery::new().with_order(sort, direction).with_limit(100);
            let found: Vec<_> = keys(sort, &page_of(&store, &query).await);
            let expected = keys(sort, &sorted(all.clone(), sort, direction));
            assert_eq!(found, expected, "by {} {direction:?}", sort.as_str());
        }
    }
}

fn keys(sort: TicketSort, tickets: &[Ticket]) -> Vec<(ticket_core::backend::SortKey, String)> {
    tickets.iter().map(|ticket| (sort.key(ticket), ticket.id.to_string())).collect()
}

pub(super) async fn rule_10_the_newest_come_first_by_default(cx: Context) {
    let store = cx.store().await;
    let batch = many();
    put(&store, &batch).await;
    let all = find(&store, &TicketFilter::new()).await;
    let mut newest = sorted(all, TicketSort::LastOccurrence, Direction::Descending);
    newest.truncate(50);
    assert_eq!(page_of(&store, &TicketQuery::new()).await, newest);
}

pub(super) async fn rule_10_orders_follow_changes(cx: Context) {
    let store = cx.store().await;
    let names = ["one", "two", "three"];
    for (i, name) in (0..).zip(names) {
        put(&store, &[occurrence(record(name, i))]).await;
    }
    let order = |sort| TicketQuery::new().with_order(sort, Direction::Descending);
    let by_count = |tickets: &[Ticket]| tickets.iter().map(|one| one.id).collect::<Vec<_>>();
    put(&store, &[occurrence(record("one", 50)).with_repeats(7)]).await;
    put(&store, &[occurrence(record("two", 40)).with_repeats(8)]).await;
    let last = page_of(&store, &order(TicketSort::LastOccurrence)).await;
    assert_eq!(by_count(&last), ["one", "two", "three"].map(id_of));
    let count = page_of(&store, &order(TicketSort::Count)).await;
    assert_eq!(by_count(&count), ["two", "one", "three"].map(id_of));
    put(&store, &[occurrence(record("two", -50))]).await;
    let first = page_of(&store, &order(TicketSort::FirstOccurrence)).await;
    assert_eq!(by_count(&first), ["three", "one", "two"].map(id_of));
}

/// Returns 40 occurrences of one ticket at eight moments, some of them before 1970. Their ids are in the opposite order
/// of their times, or a store that sorts by id alone would pass.
fn tied(name: &str) -> Vec<NewOccurrence> {
    (0..40)
        .map(|i| {
            let time = if i % 8 == 7 { at(-2_000_000_000) } else { at(i % 8) };
            let mut record = record(name, 0).with_time(time);
            record.id = OccurrenceId::random(at(-i));
            occurrence(record)
        })
        .collect()
}

pub(super) async fn rule_10_occurrences_sort_by_time_in_both_directions_with_ties_by_id(
    cx: Context,
) {
    let store = cx.store().await;
    let batch = tied("tied");
    put(&store, &batch).await;
    let mut expected = stored(&batch);
    assert_eq!(occurrences(&store, id_of("tied")).await, expected);
    expected.reverse();
    let page = store.get_occurrences(id_of("tied"), &OccurrenceQuery::new()).await;
    assert_eq!(
        page.expect("get_occurrences succeeds").items,
        expected,
        "the newest come first by default"
    );
}

pub(super) async fn rule_10_events_sort_by_time_in_both_directions_with_ties_by_id_and_ticket(
    cx: Context,
) {
    let store = cx.store().await;
    let mut batch = tied("one");
    // Other tickets have occurrences with the same times and ids.
    let twins = ["two", "three"].map(|name| {
        let twin = |one: &NewOccurrence| -> Record { one.record().clone().with_fingerprint(name) };
        batch.iter().take(6).map(twin).map(occurrence).collect::<Vec<_>>()
    });
    batch.extend(twins.concat());
    put(&store, &batch).await;
    for direction in BOTH {
        let query = EventQuery::new()
            .with_filter(EventFilter::new())
            .with_direction(direction)
            .with_limit(100);
        let found = store.get_events(&query).await.expect("get_events succeeds").items;
        let mut expected = stored(&batch);
        expected.sort_by(|a, b| direction.apply(EventPosition::of(a).cmp(&EventPosition::of(b))));
        assert_eq!(found, expected, "{direction:?}");
    }
    let newest = store.get_events(&EventQuery::new()).await.expect("get_events succeeds").items;
    assert_eq!(newest.len(), 50);
    assert!(newest.is_sorted_by_key(|one| std::cmp::Reverse(EventPosition::of(one))));
}
