//! Rule 11: pages, offsets, limits and damaged cursors.

use std::sync::Arc;

use ticket_core::{
    BackendBase, Cursor, Direction, ErrorKind, EventQuery, EventStore, Occurrence, OccurrenceQuery,
    Page, Store, Ticket, TicketFilter, TicketQuery, TicketSort,
};

use super::orders::{BOTH, many, page_of, sorted};
use crate::context::Context;
use crate::support::{find, id_of, new, occurrence, put, rejected, series, stored};

/// Converts a cursor to text and back, as a URL does.
pub(super) fn through_text(cursor: &Cursor) -> Cursor {
    let text = cursor.to_string();
    assert!(
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
        "{text:?} has to be safe in a URL"
    );
    text.parse().expect("the text of a cursor can be parsed")
}

/// Reads all pages and checks their lengths.
async fn walk<T, F, R>(limit: usize, read: F) -> Vec<T>
where
    F: Fn(Option<Cursor>) -> R,
    R: Future<Output = Page<T>>,
{
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = read(after).await;
        let last = page.next.is_none();
        let full = page.items.len() == limit;
        assert!(full || last, "a page of only {} items is not the last one", page.items.len());
        assert!(!page.items.is_empty() || all.is_empty(), "the last page is not empty");
        all.extend(page.items);
        match page.next {
            Some(cursor) => after = Some(through_text(&cursor)),
            None => return all,
        }
    }
}

pub(super) async fn walk_tickets(store: &Arc<dyn Store>, query: &TicketQuery) -> Vec<Ticket> {
    walk(query.limit() as usize, |after| async {
        let mut query = query.clone();
        query = query.with_after(after);
        store.get_tickets(&query).await.expect("get_tickets succeeds")
    })
    .await
}

pub(super) async fn rule_11_pages_of_tickets_are_complete_in_every_order(cx: Context) {
    let store = cx.store().await;
    put(&store, &many()).await;
    let all = find(&store, &TicketFilter::new()).await;
    for sort in TicketSort::ALL {
        for direction in BOTH {
            let expected = sorted(all.clone(), sort, direction);
            // 54 is a multiple of 9 and of 54: the last page is full.
            for limit in [4, 9, 54] {
                let query = TicketQuery::new().with_order(sort, direction).with_limit(limit);
                let found = walk_tickets(&store, &query).await;
                assert_eq!(found, expected, "{limit} per page, by {} {direction:?}", sort.as_str());
            }
        }
    }
    let found = walk_tickets(&store, &TicketQuery::new().with_limit(1)).await;
    assert_eq!(found, sorted(all, TicketSort::LastOccurrence, Direction::Descending));
}

pub(super) async fn rule_11_pages_respect_the_filter(cx: Context) {
    let store = cx.store().await;
    put(&store, &many()).await;
    let filter = TicketFilter::new().with_channel("é");
    let all = find(&store, &filter).await;
    assert_eq!(all.len(), 6);
    let query = TicketQuery::new().with_filter(filter).with_limit(4);
    let found = walk_tickets(&store, &query).await;
    assert_eq!(found, sorted(all, TicketSort::LastOccurrence, Direction::Descending));
}

pub(super) async fn rule_11_pages_of_occurrences_are_complete(cx: Context) {
    let store = cx.store().await;
    // Five occurrences per moment, so that pages end within a tie.
    let batch = series("it", (0..60).map(|i| i % 12));
    put(&store, &batch).await;
    for direction in BOTH {
        let mut expected = stored(&batch);
        if direction == Direction::Descending {
            expected.reverse();
        }
        for limit in [1, 7, 12, 60, 1_000] {
            let query = OccurrenceQuery::new().with_direction(direction).with_limit(limit);
            let found: Vec<Occurrence> = walk(limit as usize, |after| async {
                let mut query = query.clone();
                query = query.with_after(after);
                let page = store.get_occurrences(id_of("it"), &query).await;
                page.expect("get_occurrences succeeds")
            })
            .await;
            assert_eq!(found, expected, "{limit} per page, {direction:?}");
        }
    }
}

pub(super) async fn rule_11_pages_of_events_are_complete(cx: Context) {
    let store = cx.store().await;
    let mut batch = series("one", (0..30).map(|i| i % 6));
    batch.extend(series("two", (0..30).map(|i| i % 6)));
    // A third ticket has the same ids, so that only the ticket ids differ.
    let twins = batch[..12].iter().map(|one| one.record().clone().with_fingerprint("twin"));
    let twins: Vec<_> = twins.map(occurrence).collect();
    batch.extend(twins);
    put(&store, &batch).await;
    for direction in BOTH {
        let mut expected = stored(&batch);
        if direction == Direction::Descending {
            expected.reverse();
        }
        for limit in [1, 7, 72] {
            let query = EventQuery::new().with_direction(direction).with_limit(limit);
            let found: Vec<Occurrence> = walk(limit as usize, |after| async {
                let mut query = query.clone();
                query = query.with_after(after);
                store.get_events(&query).await.expect("get_events succeeds")
            })
            .await;
            assert_eq!(found, expected, "{limit} per page, {direction:?}");
        }
    }
}

pub(super) async fn rule_11_an_offset_skips_tickets(cx: Context) {
    let store = cx.store().await;
    put(&store, &many()).await;
    let all = find(&store, &TicketFilter::new()).await;
    let all = sorted(all, TicketSort::LastOccurrence, Direction::Descending);
    let query = TicketQuery::new().with_limit(10);
    for offset in [0, 1, 10, 47, 53, 54, 1_000, u64::MAX] {
        let page = store.get_tickets(&query.clone().with_offset(offset)).await;
        let page = page.expect("get_tickets succeeds");
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(54);
        assert_eq!(page.items, all[start..(start + 10).min(54)], "after an offset of {offset}");
        assert_eq!(page.next.is_some(), start + 10 < 54, "after an offset of {offset}");
    }
    // The offset counts from the cursor, and the next cursor continues after the page.
    let page = store.get_tickets(&query).await.expect("get_tickets succeeds");
    let after = query.clone().with_after(page.next.expect("there is a next page"));
    let page = store.get_tickets(&after.with_offset(5)).await.expect("get_tickets succeeds");
    assert_eq!(page.items, all[15..25]);
    let after = query.with_after(page.next.expect("there is a next page"));
    assert_eq!(page_of(&store, &after).await, all[25..35]);
}

pub(super) async fn rule_11_an_offset_skips_occurrences(cx: Context) {
    let store = cx.store().await;
    let batch = series("it", 0..10);
    put(&store, &batch).await;
    let oldest = OccurrenceQuery::new().with_direction(Direction::Ascending).with_limit(3);
    let get = |query: OccurrenceQuery| {
        let store = Arc::clone(&store);
        async move {
            let page = store.get_occurrences(id_of("it"), &query).await;
            page.expect("get_occurrences succeeds")
        }
    };
    let page = get(oldest.clone().with_offset(4)).await;
    assert_eq!(page.items, stored(&batch[4..7]));
    let after = oldest.clone().with_after(page.next.expect("there is a next page")).with_offset(1);
    assert_eq!(get(after).await.items, stored(&batch[8..]));
    assert_eq!(get(oldest.with_offset(u64::MAX)).await.items, []);
}

pub(super) async fn rule_11_an_offset_skips_events(cx: Context) {
    let store = cx.store().await;
    let batch = series("it", 0..10);
    put(&store, &batch).await;
    let oldest = EventQuery::new().with_direction(Direction::Ascending).with_limit(3);
    let page = store.get_events(&oldest.clone().with_offset(4)).await.expect("get_events succeeds");
    assert_eq!(page.items, stored(&batch[4..7]));
    let after = oldest.clone().with_after(page.next.expect("there is a next page")).with_offset(1);
    let page = store.get_events(&after).await.expect("get_events succeeds");
    assert_eq!(page.items, stored(&batch[8..]));
    let beyond = store.get_events(&oldest.with_offset(u64::MAX)).await;
    assert_eq!(beyond.expect("get_events succeeds").items, []);
}

pub(super) async fn rule_11_a_limit_of_0_or_1001_is_a_config_error(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    for limit in [0, 1_001, u32::MAX] {
        let what = format!("a limit of {limit}");
        let answer = store.get_tickets(&TicketQuery::new().with_limit(limit)).await;
        let error = rejected(answer, ErrorKind::Config, &what);
        assert!(
            error.message().contains(&limit.to_string()),
            "the message names the limit: {error}"
        );
        // The call fails even if there is nothing to find.
        for id in [id_of("it"), id_of("unknown")] {
            let query = OccurrenceQuery::new().with_limit(limit);
            rejected(store.get_occurrences(id, &query).await, ErrorKind::Config, &what);
        }
    }
    for limit in [1, 1_000] {
        assert_eq!(page_of(&store, &TicketQuery::new().with_limit(limit)).await.len(), 1);
        let query = OccurrenceQuery::new().with_limit(limit);
        let page = store.get_occurrences(id_of("it"), &query).await;
        assert_eq!(page.expect("get_occurrences succeeds").items.len(), 1);
    }
}

pub(super) async fn rule_11_a_limit_of_0_or_1001_events_is_a_config_error(cx: Context) {
    let store = cx.store().await;
    for limit in [0, 1_001] {
        let answer = store.get_events(&EventQuery::new().with_limit(limit)).await;
        rejected(answer, ErrorKind::Config, &format!("a limit of {limit}"));
    }
    put(&store, &[new("it", 0)]).await;
    for limit in [1, 1_000] {
        let page = store.get_events(&EventQuery::new().with_limit(limit)).await;
        assert_eq!(page.expect("get_events succeeds").items.len(), 1);
    }
}

/// Returns cursors that belong to no page, derived from a valid one.
pub(super) fn damaged(cursor: &Cursor) -> Vec<Cursor> {
    let text = cursor.to_string();
    let parts: Vec<&str> = text.split('.').collect();
    let mut texts = vec![
        "nonsense".to_owned(),
        format!("{text}.1"),
        parts[..parts.len() - 1].join("."),
        format!("x{text}"),
        format!("{text}x"),
    ];
    for (i, part) in parts.iter().enumerate().skip(1) {
        let mut parts = parts.clone();
        let bad = format!("z{part}");
        parts[i] = &bad;
        texts.push(parts.join("."));
    }
    texts
        .iter()
        .map(|text| text.parse().expect("any text but the empty one can be parsed"))
        .collect()
}

pub(super) async fn rule_11_a_damaged_or_foreign_cursor_is_a_config_error(cx: Context) {
    let store = cx.store().await;
    put(&store, &many()).await;
    put(&store, &series("it", 0..5)).await;
    let one_each = OccurrenceQuery::new().with_limit(1);
    let page = store.get_occurrences(id_of("it"), &one_each).await;
    let of_occurrences =
        page.expect("get_occurrences succeeds").next.expect("there is a next page");
    for sort in TicketSort::ALL {
        let query = TicketQuery::new().with_order(sort, Direction::Ascending).with_limit(2);
        let page = store.get_tickets(&query).await.expect("get_tickets succeeds");
        let cursor = page.next.expect("there is a next page");
        for cursor in damaged(&cursor).into_iter().chain([of_occurrences.clone()]) {
            let answer = store.get_tickets(&query.clone().with_after(cursor.clone())).await;
            rejected(answer, ErrorKind::Config, &format!("the cursor {cursor}"));
        }
        for other in TicketSort::ALL {
            for direction in BOTH {
                if (other, direction) != (sort, Direction::Ascending) {
                    let query = TicketQuery::new().with_order(other, direction);
                    let answer = store.get_tickets(&query.with_after(cursor.clone())).await;
                    rejected(answer, ErrorKind::Config, "a cursor of another order");
                }
            }
        }
        for id in [id_of("it"), id_of("unknown")] {
            let query = one_each.clone().with_after(cursor.clone());
            let answer = store.get_occurrences(id, &query).await;
            rejected(answer, ErrorKind::Config, "a cursor of tickets");
        }
    }
    let other_way = OccurrenceQuery::new().with_direction(Direction::Ascending);
    let foreign =
        damaged(&of_occurrences).into_iter().map(|cursor| one_each.clone().with_after(cursor));
    for query in foreign.chain([other_way.with_after(of_occurrences.clone())]) {
        let answer = store.get_occurrences(id_of("it"), &query).await;
        rejected(answer, ErrorKind::Config, &format!("{query:?}"));
    }
}

pub(super) async fn rule_11_a_damaged_or_foreign_event_cursor_is_a_config_error(cx: Context) {
    let store = cx.store().await;
    put(&store, &series("it", 0..5)).await;
    let query = EventQuery::new().with_limit(1);
    let page = store.get_events(&query).await.expect("get_events succeeds");
    let cursor = page.next.expect("there is a next page");
    let other_way = EventQuery::new().with_direction(Direction::Ascending);
    let foreign = damaged(&cursor).into_iter().map(|cursor| query.clone().with_after(cursor));
    for query in foreign.chain([other_way.with_after(cursor.clone())]) {
        let answer = store.get_events(&query).await;
        rejected(answer, ErrorKind::Config, &format!("{query:?}"));
    }
}
