//! Rule 11: paging by cursor while others write.

use std::collections::HashSet;

use futures::TryStreamExt;
use ticket_core::{
    BackendBase, Direction, EventFilter, EventQuery, EventStoreExt, Level, OccurrenceQuery,
    TicketFilter, TicketId, TicketQuery, TicketSort,
};

use super::orders::{BOTH, many, page_of, sorted};
use crate::context::Context;
use crate::support::{at, find, id_of, new, occurrence, put, record, series, stored};

pub(super) async fn rule_11_a_cursor_outlives_the_ticket_it_points_to(cx: Context) {
    let store = cx.store().await;
    put(&store, &many()).await;
    let all = find(&store, &TicketFilter::new()).await;
    for sort in TicketSort::ALL {
        let all = sorted(find(&store, &TicketFilter::new()).await, sort, Direction::Ascending);
        let query = TicketQuery::new().with_order(sort, Direction::Ascending).with_limit(5);
        let page = store.get_tickets(&query).await.expect("get_tickets succeeds");
        let last = page.items.last().expect("the page has tickets").id;
        assert!(store.delete_ticket(last).await.expect("delete_ticket succeeds"));
        let query = query.with_after(page.next.expect("there is a next page"));
        assert_eq!(page_of(&store, &query).await, all[5..10], "by {}", sort.as_str());
    }
    assert_eq!(find(&store, &TicketFilter::new()).await.len(), all.len() - TicketSort::ALL.len());
}

pub(super) async fn rule_11_paging_returns_each_ticket_once_while_others_write(cx: Context) {
    let store = cx.store().await;
    let batch = many();
    put(&store, &batch).await;
    let there: HashSet<TicketId> = batch.iter().map(|one| one.ticket_id()).collect();
    let mut i = 0;
    for sort in [TicketSort::FirstOccurrence, TicketSort::Level, TicketSort::Channel] {
        for direction in BOTH {
            let mut query = TicketQuery::new().with_order(sort, direction).with_limit(10);
            let mut met = Vec::new();
            loop {
                let page = store.get_tickets(&query).await.expect("get_tickets succeeds");
                met.extend(page.items.into_iter().map(|ticket| ticket.id));
                let Some(next) = page.next else { break };
                query = query.with_after(next);
                // Between two pages, new tickets are recorded that sort before and after the cursor. One of
                // the old tickets occurs again: its last time and count change, while its level, channel and
                // first time do not.
                let mut again = batch[i % batch.len()].record().clone();
                again = again.with_time(at(2_000 + i64::try_from(i).unwrap_or(0)));
                let fresh = [("", Level::Trace, -1_000), ("\u{10ffff}", Level::Critical, 3_000)]
                    .map(|(channel, level, seconds)| {
                        let mut fresh = record(&format!("fresh {i} {channel}"), seconds);
                        (fresh.channel, fresh.level) = (channel.into(), level);
                        occurrence(fresh)
                    });
                put(&store, &fresh).await;
                put(&store, &[occurrence(again)]).await;
                i += 1;
            }
            let distinct: HashSet<_> = met.iter().copied().collect();
            assert_eq!(
                distinct.len(),
                met.len(),
                "no ticket is returned twice, by {} {direction:?}",
                sort.as_str()
            );
            assert!(
                there.is_subset(&distinct),
                "every old ticket is returned, by {} {direction:?}",
                sort.as_str()
            );
        }
    }
}

pub(super) async fn rule_11_paging_returns_unmoved_tickets_once_while_others_move(cx: Context) {
    let store = cx.store().await;
    let batch: Vec<_> = (0..60).map(|i| new(&format!("ticket {i}"), i)).collect();
    put(&store, &batch).await;
    for sort in [TicketSort::LastOccurrence, TicketSort::Count] {
        let mut met = Vec::new();
        let mut query = TicketQuery::new().with_order(sort, Direction::Descending).with_limit(4);
        let mut moved = HashSet::new();
        for i in 0.. {
            let page = store.get_tickets(&query).await.expect("get_tickets succeeds");
            met.extend(page.items.into_iter().map(|ticket| ticket.id));
            let Some(next) = page.next else { break };
            query = query.with_after(next);
            // Every third ticket moves to the front, whether it was returned already or not.
            let name = format!("ticket {}", i * 3 % 60);
            moved.insert(id_of(&name));
            put(&store, &[new(&name, 10_000 + i)]).await;
        }
        for one in &batch {
            let id = one.ticket_id();
            if !moved.contains(&id) {
                let times = met.iter().filter(|other| **other == id).count();
                assert_eq!(times, 1, "{id} by {}", sort.as_str());
            }
        }
    }
}

pub(super) async fn rule_11_paging_returns_each_occurrence_once_while_others_write(cx: Context) {
    let store = cx.store().await;
    let batch = series("it", (0..90).map(|i| i % 9 * 100));
    put(&store, &batch).await;
    let mut query = OccurrenceQuery::new().with_limit(7);
    let mut met = Vec::new();
    for i in 0.. {
        let page = store.get_occurrences(id_of("it"), &query).await;
        let page = page.expect("get_occurrences succeeds");
        met.extend(page.items);
        let Some(next) = page.next else { break };
        query = query.with_after(next);
        // Before and after the cursor.
        put(&store, &[new("it", -1 - i), new("it", 401 + i), new("it", 100_000 + i)]).await;
    }
    met.reverse();
    let mut old = met.clone();
    old.retain(|one| batch.iter().any(|first| first.record().id == one.record.id));
    assert_eq!(old, stored(&batch));
    let ids: HashSet<_> = met.iter().map(|one| one.record.id).collect();
    assert_eq!(ids.len(), met.len(), "nothing is returned twice");
    assert!(met.len() > old.len(), "occurrences added after the cursor are returned");
}

pub(super) async fn rule_11_paging_returns_each_event_once_while_others_write(cx: Context) {
    let store = cx.store().await;
    let batch = series("it", (0..60).map(|i| i % 9 * 100));
    put(&store, &batch).await;
    let query = EventQuery::new().with_filter(EventFilter::new()).with_limit(5);
    let mut walk = store.walk_events(query);
    let mut met = Vec::new();
    while let Some(event) = walk.try_next().await.expect("get_events succeeds") {
        if met.len() % 5 == 0 && met.len() < 200 {
            let i = i64::try_from(met.len()).unwrap_or(0);
            put(&store, &[new("it", -1 - i), new(&format!("new {i}"), 401 + i)]).await;
        }
        met.push(event);
    }
    met.reverse();
    let ids: HashSet<_> = met.iter().map(|one| one.record.id).collect();
    assert_eq!(ids.len(), met.len(), "nothing is returned twice");
    met.retain(|one| batch.iter().any(|first| first.record().id == one.record.id));
    assert_eq!(met, stored(&batch));
}
