//! Faults of events and their traits: rules 15 to 17.

use std::cmp::Ordering;

use ticket_core::backend::EventPosition;
use ticket_core::{Comparison, EventFilter, EventQuery, Record, TicketQuery, Timestamp, Value};

use crate::Mutant;
use crate::answers::{all_tickets, events_where, matches_but_for_traits};
use crate::wrong::{Hooks, RIGHT};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 15. Filters
    Mutant {
        fault: "ignores the event type",
        found_by: &[
            "rule_15_all_events_by_type_and_by_id",
            "rule_15_everything_that_is_set_has_to_hold",
        ],
        hooks: Hooks { event_filter: |_, filter| filter.event_type = None, ..RIGHT },
    },
    Mutant {
        fault: "finds an id in one ticket only",
        found_by: &["rule_15_an_id_finds_the_event_in_every_ticket_that_has_it"],
        hooks: Hooks {
            get_events: |it, query| {
                let mut page = it.events(query)?;
                if query.filter.occurrence_id.is_some() {
                    page.items.truncate(1);
                }
                Ok(page)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "leaves the start of a range of events out",
        found_by: &["rule_15_both_ends_of_a_range_of_time_are_in_it"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    filter.matches(record) && filter.since != Some(record.time)
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "leaves the end of a range of events out",
        found_by: &["rule_15_both_ends_of_a_range_of_time_are_in_it"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    filter.matches(record) && filter.until != Some(record.time)
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "compares text as UTF-16",
        found_by: &["rule_15_text_compares_by_code_point"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    compares(filter, record, |a, b| match (a, b) {
                        (Value::Text(a), Value::Text(b)) => {
                            Some(a.encode_utf16().cmp(b.encode_utf16()))
                        }
                        _ => a.compare(b),
                    })
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "compares text without regard to case",
        found_by: &["rule_15_text_compares_by_code_point"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    compares(filter, record, |a, b| match (a, b) {
                        (Value::Text(a), Value::Text(b)) => {
                            Some(a.to_lowercase().cmp(&b.to_lowercase()))
                        }
                        _ => a.compare(b),
                    })
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "compares integers as floats",
        found_by: &["rule_15_integers_compare_exactly"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    compares(filter, record, |a, b| match (a, b) {
                        (Value::Int(a), Value::Int(b)) => (*a as f64).partial_cmp(&(*b as f64)),
                        _ => a.compare(b),
                    })
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "takes -0.0 for less than 0.0",
        found_by: &["rule_15_floats_compare_exactly"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    compares(filter, record, |a, b| match (a, b) {
                        (Value::Float(a), Value::Float(b)) => Some(a.total_cmp(b)),
                        _ => a.compare(b),
                    })
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "compares times to the second",
        found_by: &["rule_15_bools_and_times_compare"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    compares(filter, record, |a, b| match (a, b) {
                        (Value::Time(a), Value::Time(b)) => {
                            let second = |time: &Timestamp| time.as_micros().div_euclid(1_000_000);
                            Some(second(a).cmp(&second(b)))
                        }
                        _ => a.compare(b),
                    })
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "compares a number with one type only",
        found_by: &["rule_15_a_number_compares_with_integers_and_floats_alike"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    matches_but_for_traits(filter, record)
                        && filter.traits.iter().all(|comparison| {
                            let test = &comparison.tests()[0];
                            let only =
                                Comparison::new(comparison.name(), test.op, test.value.clone());
                            only.matches(&record.traits)
                        })
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "looks at the first comparison only",
        found_by: &["rule_15_everything_that_is_set_has_to_hold"],
        hooks: Hooks { event_filter: |_, filter| filter.traits.truncate(1), ..RIGHT },
    },
    Mutant {
        fault: "takes a dot in a name for a path",
        found_by: &["rule_15_names_and_values_mean_themselves"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    filter.matches(record)
                        && !filter.traits.iter().any(|one| one.name().contains('.'))
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "filters what is on a page already",
        found_by: &["rule_15_a_filter_finds_the_newest_first_page_by_page"],
        hooks: Hooks {
            get_events: |it, query| {
                let all = query.clone().with_filter(EventFilter::new());
                let mut page = it.events(&all)?;
                page.items.retain(|one| query.filter.matches(&one.record));
                Ok(page)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "tests the newest 2,000 events and gives up",
        found_by: &["rule_15_what_is_seldom_together_is_found_page_by_page"],
        hooks: Hooks {
            get_events: |it, query| {
                let mut page = it.events(query)?;
                let older = EventQuery::new().with_offset(2_000).with_limit(1);
                let end = it.events(&older)?.items.first().map(EventPosition::of);
                if query.filter.traits.len() > 1
                    && let Some(end) = end
                {
                    page.items.retain(|one| EventPosition::of(one) > end);
                }
                Ok(page)
            },
            ..RIGHT
        },
    },
    // 16. What has no such trait
    Mutant {
        fault: "takes a missing trait for another value",
        found_by: &["rule_16_a_missing_trait_matches_no_comparison"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    matches_but_for_traits(filter, record)
                        && filter.traits.iter().all(|comparison| {
                            let missing = !record.traits.contains_key(comparison.name());
                            let ne = comparison.tests()[0].op == ticket_core::Operator::Ne;
                            comparison.matches(&record.traits) || (missing && ne)
                        })
                })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "compares values of different types by their text",
        found_by: &["rule_16_a_trait_of_another_type_matches_no_comparison"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    compares(filter, record, |a, b| {
                        a.compare(b).or_else(|| Some(a.to_string().cmp(&b.to_string())))
                    })
                })
            },
            ..RIGHT
        },
    },
    // 17. Types and traits
    Mutant {
        fault: "sorts event types without regard to case",
        found_by: &["rule_17_event_types_are_distinct_and_sorted_by_code_point"],
        hooks: Hooks {
            event_types: |it, app_id| {
                let mut types = (RIGHT.event_types)(it, app_id)?;
                types.sort_by_key(|name| name.to_lowercase());
                Ok(types)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "keeps an event type for ever",
        found_by: &["rule_17_an_event_type_goes_with_its_last_event"],
        hooks: Hooks {
            event_types: |it, app_id| {
                let types = (RIGHT.event_types)(it, app_id)?;
                let mut notes = it.notes();
                notes.types.extend(types);
                Ok(notes.types.iter().cloned().collect())
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "takes the ticket's channel for the type of its events",
        found_by: &["rule_17_the_type_of_an_event_is_its_own_channel"],
        hooks: Hooks {
            event_types: |it, _| {
                let tickets = all_tickets(it, &TicketQuery::new().filter)?;
                let mut types: Vec<_> = tickets.into_iter().map(|ticket| ticket.channel).collect();
                types.sort();
                types.dedup();
                Ok(types)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "knows one type for each trait",
        found_by: &["rule_17_trait_types_are_distinct_and_sorted"],
        hooks: Hooks {
            trait_types: |it, app_id, event_type| {
                let mut types = (RIGHT.trait_types)(it, app_id, event_type)?;
                types.dedup_by(|a, b| a.name == b.name);
                Ok(types)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "gives traits event by event",
        found_by: &["rule_17_traits_come_by_name_then_by_event_page_by_page"],
        hooks: Hooks {
            get_traits: |it, query| {
                let mut page = (RIGHT.get_traits)(it, query)?;
                page.items.sort_by_key(|one| one.event);
                Ok(page)
            },
            ..RIGHT
        },
    },
];

/// Whether the filter holds if values are compared in this way.
fn compares(
    filter: &EventFilter,
    record: &Record,
    compare: fn(&Value, &Value) -> Option<Ordering>,
) -> bool {
    matches_but_for_traits(filter, record)
        && filter.traits.iter().all(|comparison| {
            record.traits.get(comparison.name()).is_some_and(|value| {
                let mut tests = comparison.tests().iter();
                tests.any(|test| {
                    compare(value, &test.value).is_some_and(|ordering| test.op.holds(ordering))
                })
            })
        })
}
