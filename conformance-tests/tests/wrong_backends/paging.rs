//! Faults in orders and pages: rules 10 and 11.

use ticket_core::{Direction, Error, Occurrence, Result, TicketFilter, TicketSort};

use crate::Mutant;
use crate::answers::{is_default, natural, offset_of, remember, tickets_by, utf16};
use crate::wrong::{CORRECT, Hooks};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 10. Orders
    Mutant {
        fault: "breaks ties of tickets by the lower id in both directions",
        found_by: &["rule_10_tickets_sort_by_every_key_in_both_directions_with_ties_by_id"],
        hooks: Hooks {
            get_tickets: |it, query| {
                tickets_by(it, query, |a, b, direction| {
                    direction.apply(a.key.cmp(&b.key)).then(a.id.cmp(&b.id))
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "sorts channels as UTF-16",
        found_by: &["rule_10_tickets_sort_by_every_key_in_both_directions_with_ties_by_id"],
        hooks: Hooks {
            get_tickets: |it, query| {
                tickets_by(it, query, |a, b, direction| match (utf16(&a.key), utf16(&b.key)) {
                    (Some(x), Some(y)) => direction.apply((x, a.id).cmp(&(y, b.id))),
                    _ => natural(a, b, direction),
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns the oldest tickets first by default",
        found_by: &["rule_10_the_newest_come_first_by_default"],
        hooks: Hooks {
            get_tickets: |it, query| match is_default(query) {
                true => tickets_by(it, query, |a, b, _| natural(a, b, Direction::Ascending)),
                false => it.tickets(query),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "sorts by the first time instead of the last",
        found_by: &["rule_10_orders_follow_changes"],
        hooks: Hooks {
            get_tickets: |it, query| match query.sort {
                TicketSort::LastOccurrence => it.tickets(
                    &query.clone().with_order(TicketSort::FirstOccurrence, query.direction),
                ),
                _ => it.tickets(query),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "breaks ties of occurrences by the lower id in both directions",
        found_by: &["rule_10_occurrences_sort_by_time_in_both_directions_with_ties_by_id"],
        hooks: Hooks {
            get_occurrences: |it, id, query| {
                let mut page = it.occurrences(id, query)?;
                page.items.sort_by(|a, b| {
                    let by_time = query.direction.apply(a.record.time.cmp(&b.record.time));
                    by_time.then(a.record.id.cmp(&b.record.id))
                });
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "breaks ties of events by the lower ticket id in both directions",
        found_by: &["rule_10_events_sort_by_time_in_both_directions_with_ties_by_id_and_ticket"],
        hooks: Hooks {
            get_events: |it, query| {
                let mut page = it.events(query)?;
                page.items.sort_by(|a, b| {
                    let key = |one: &Occurrence| (one.record.time, one.record.id);
                    query.direction.apply(key(a).cmp(&key(b))).then(a.ticket_id.cmp(&b.ticket_id))
                });
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "sorts occurrences by their ids alone",
        found_by: &["rule_10_occurrences_sort_by_time_in_both_directions_with_ties_by_id"],
        hooks: Hooks {
            get_occurrences: |it, id, query| {
                let mut page = it.occurrences(id, query)?;
                page.items.sort_by(|a, b| query.direction.apply(a.record.id.cmp(&b.record.id)));
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "sorts events by their ids alone",
        found_by: &["rule_10_events_sort_by_time_in_both_directions_with_ties_by_id_and_ticket"],
        hooks: Hooks {
            get_events: |it, query| {
                let mut page = it.events(query)?;
                let key = |one: &Occurrence| (one.record.id, one.ticket_id);
                page.items.sort_by(|a, b| query.direction.apply(key(a).cmp(&key(b))));
                Ok(page)
            },
            ..CORRECT
        },
    },
    // 11. Pages
    Mutant {
        fault: "skips one item between two pages",
        found_by: &[
            "rule_11_pages_of_tickets_are_complete_in_every_order",
            "rule_11_pages_of_occurrences_are_complete",
            "rule_11_pages_of_events_are_complete",
            "rule_11_paging_returns_unmoved_tickets_once_while_others_move",
        ],
        hooks: Hooks {
            get_tickets: |it, query| {
                let more = u64::from(query.after().is_some());
                it.tickets(&query.clone().with_offset(query.offset().saturating_add(more)))
            },
            get_occurrences: |it, id, query| {
                let more = u64::from(query.after().is_some());
                it.occurrences(id, &query.clone().with_offset(query.offset().saturating_add(more)))
            },
            get_events: |it, query| {
                let more = u64::from(query.after().is_some());
                it.events(&query.clone().with_offset(query.offset().saturating_add(more)))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets the filter after the first page",
        found_by: &["rule_11_pages_respect_the_filter"],
        hooks: Hooks {
            get_tickets: |it, query| match query.after() {
                Some(_) => it.tickets(&query.clone().with_filter(TicketFilter::new())),
                None => it.tickets(query),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the offset",
        found_by: &[
            "rule_11_an_offset_skips_tickets",
            "rule_11_an_offset_skips_occurrences",
            "rule_11_an_offset_skips_events",
        ],
        hooks: Hooks {
            get_tickets: |it, query| it.tickets(&query.clone().with_offset(0)),
            get_occurrences: |it, id, query| it.occurrences(id, &query.clone().with_offset(0)),
            get_events: |it, query| it.events(&query.clone().with_offset(0)),
            ..CORRECT
        },
    },
    Mutant {
        fault: "rejects offsets beyond signed integers",
        found_by: &[
            "rule_11_an_offset_skips_tickets",
            "rule_11_an_offset_skips_occurrences",
            "rule_11_an_offset_skips_events",
        ],
        hooks: Hooks {
            get_tickets: |it, query| {
                signed(query.offset())?;
                it.tickets(query)
            },
            get_occurrences: |it, id, query| {
                signed(query.offset())?;
                it.occurrences(id, query)
            },
            get_events: |it, query| {
                signed(query.offset())?;
                it.events(query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "replaces a bad limit with the nearest valid one",
        found_by: &[
            "rule_11_a_limit_of_0_or_1001_is_a_config_error",
            "rule_11_a_limit_of_0_or_1001_events_is_a_config_error",
            "rule_17_bad_limits_and_cursors_of_traits_are_config_errors",
        ],
        hooks: Hooks {
            get_tickets: |it, query| {
                it.tickets(&query.clone().with_limit(query.limit().clamp(1, 1_000)))
            },
            get_occurrences: |it, id, query| {
                it.occurrences(id, &query.clone().with_limit(query.limit().clamp(1, 1_000)))
            },
            get_events: |it, query| {
                it.events(&query.clone().with_limit(query.limit().clamp(1, 1_000)))
            },
            get_traits: |it, query| {
                (CORRECT.get_traits)(it, &query.clone().with_limit(query.limit().clamp(1, 1_000)))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "starts from the beginning if a cursor is damaged",
        found_by: &[
            "rule_11_a_damaged_or_foreign_cursor_is_a_config_error",
            "rule_11_a_damaged_or_foreign_event_cursor_is_a_config_error",
            "rule_17_bad_limits_and_cursors_of_traits_are_config_errors",
        ],
        hooks: Hooks {
            get_tickets: |it, query| {
                let mut query = query.clone();
                if query.plan().is_err() {
                    query = query.with_after(None);
                }
                it.tickets(&query)
            },
            get_occurrences: |it, id, query| {
                let mut query = query.clone();
                if query.plan().is_err() {
                    query = query.with_after(None);
                }
                it.occurrences(id, &query)
            },
            get_events: |it, query| {
                let mut query = query.clone();
                if query.plan().is_err() {
                    query = query.with_after(None);
                }
                it.events(&query)
            },
            get_traits: |it, query| {
                let mut query = query.clone();
                if query.plan().is_err() {
                    query = query.with_after(None);
                }
                (CORRECT.get_traits)(it, &query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "pages by offset instead of by cursor",
        found_by: &[
            "rule_11_a_cursor_outlives_the_ticket_it_points_to",
            "rule_11_paging_returns_each_ticket_once_while_others_write",
            "rule_11_paging_returns_unmoved_tickets_once_while_others_move",
            "rule_11_paging_returns_each_occurrence_once_while_others_write",
            "rule_11_paging_returns_each_event_once_while_others_write",
        ],
        hooks: Hooks {
            get_tickets: |it, query| {
                let mut query = query.clone();
                let offset = query.offset() + offset_of(it, query.after());
                query = query.with_offset(offset).with_after(None);
                it.tickets(&query).map(|page| remember(it, query.offset(), page))
            },
            get_occurrences: |it, id, query| {
                let mut query = query.clone();
                let offset = query.offset() + offset_of(it, query.after());
                query = query.with_offset(offset).with_after(None);
                it.occurrences(id, &query).map(|page| remember(it, query.offset(), page))
            },
            get_events: |it, query| {
                let mut query = query.clone();
                let offset = query.offset() + offset_of(it, query.after());
                query = query.with_offset(offset).with_after(None);
                it.events(&query).map(|page| remember(it, query.offset(), page))
            },
            ..CORRECT
        },
    },
];

fn signed(offset: u64) -> Result<i64> {
    i64::try_from(offset).map_err(|_| Error::config("the offset is out of range"))
}
