//! Faults in events and their traits: rules 15 to 17.

use std::cmp::Ordering;

use ticket_core::backend::{EventPosition, ValueTest};
use ticket_core::{
    Clause, Comparison, EventFilter, EventQuery, EventTypeQuery, Operator, Record, TicketQuery,
    Timestamp, Value,
};

use crate::Mutant;
use crate::answers::{all_tickets, events_where, matches_with};
use crate::wrong::{CORRECT, Hooks, altered};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 15. Filters
    Mutant {
        fault: "ignores the event type",
        found_by: &["rule_15_finds_events_by_type_and_by_id", "rule_15_all_conditions_must_hold"],
        hooks: Hooks { event_filter: |_, filter| filter.event_type = None, ..CORRECT },
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
            ..CORRECT
        },
    },
    Mutant {
        fault: "excludes the start of a range of events",
        found_by: &["rule_15_a_time_range_includes_both_ends"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    filter.matches(record) && filter.since != Some(record.time)
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "excludes the end of a range of events",
        found_by: &["rule_15_a_time_range_includes_both_ends"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    filter.matches(record) && filter.until != Some(record.time)
                })
            },
            ..CORRECT
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
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares text ignoring case",
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
            ..CORRECT
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
            ..CORRECT
        },
    },
    Mutant {
        fault: "considers -0.0 less than 0.0",
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
            ..CORRECT
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
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares a number with one type only",
        found_by: &["rule_15_a_number_compares_with_integers_and_floats_alike"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    matches_with(filter, record, |comparison| {
                        let (name, tests) = comparison.indexed().unwrap();
                        Comparison::new(name, tests[0].op, tests[0].value.clone()).matches(record)
                    })
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "checks the first clause only",
        found_by: &["rule_15_all_conditions_must_hold"],
        hooks: Hooks { event_filter: |_, filter| filter.clauses.truncate(1), ..CORRECT },
    },
    Mutant {
        fault: "treats a dot in a name as a path",
        found_by: &["rule_15_names_and_values_are_taken_literally"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    filter.matches(record)
                        && !comparisons(filter).any(|(name, _)| name.contains('.'))
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "filters a page after it was cut",
        found_by: &["rule_15_a_filter_returns_the_newest_first_page_by_page"],
        hooks: Hooks {
            get_events: |it, query| {
                let all = query.clone().with_filter(EventFilter::new());
                let mut page = it.events(&all)?;
                page.items.retain(|one| query.filter.matches(&one.record));
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "gives up after the newest 2,000 events",
        found_by: &["rule_15_rare_combinations_are_found_page_by_page"],
        hooks: Hooks {
            get_events: |it, query| {
                let mut page = it.events(query)?;
                let older = EventQuery::new().with_offset(2_000).with_limit(1);
                let end = it.events(&older)?.items.first().map(EventPosition::of);
                if query.filter.clauses.len() > 1
                    && let Some(end) = end
                {
                    page.items.retain(|one| EventPosition::of(one) > end);
                }
                Ok(page)
            },
            ..CORRECT
        },
    },
    // 16. Missing traits and traits of another type
    Mutant {
        fault: "treats a missing trait as a different value",
        found_by: &["rule_16_a_missing_trait_matches_no_comparison"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    matches_with(filter, record, |comparison| {
                        let (name, tests) = comparison.indexed().unwrap();
                        let is_missing = !record.traits.contains_key(name);
                        comparison.matches(record) || (is_missing && tests[0].op == Operator::Ne)
                    })
                })
            },
            ..CORRECT
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
            ..CORRECT
        },
    },
    // 17. Types and traits
    Mutant {
        fault: "sorts event types ignoring case",
        found_by: &["rule_17_event_types_are_distinct_and_sorted_by_code_point"],
        hooks: Hooks {
            event_types: |it, query| {
                let mut types = (CORRECT.event_types)(it, query)?;
                types.sort_by_key(|name| name.to_lowercase());
                Ok(types)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "never forgets an event type",
        found_by: &["rule_17_an_event_type_disappears_with_its_last_event"],
        hooks: Hooks {
            event_types: |it, query| {
                let types = (CORRECT.event_types)(it, query)?;
                let mut notes = it.notes();
                notes.types.extend(types);
                Ok(notes.types.iter().cloned().collect())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "uses the number of a type that is gone, which another type has since",
        found_by: &["rule_17_names_that_another_handle_replaced_are_recorded_again"],
        hooks: Hooks {
            incoming: |it, new| {
                let stored = (CORRECT.event_types)(it, &EventTypeQuery::new()).unwrap();
                let channel = new.record().channel.to_string();
                let is_known = !it.notes().types.insert(channel.clone());
                let replacing = stored.first().filter(|_| is_known && !stored.contains(&channel));
                Some(replacing.map_or_else(
                    || new.clone(),
                    |other| altered(new, |record| record.channel = other.as_str().into()),
                ))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "uses the ticket's channel as the type of its events",
        found_by: &["rule_17_the_type_of_an_event_is_its_own_channel"],
        hooks: Hooks {
            event_types: |it, _| {
                let tickets = all_tickets(it, &TicketQuery::new().filter)?;
                let mut types: Vec<_> = tickets.into_iter().map(|ticket| ticket.channel).collect();
                types.sort();
                types.dedup();
                Ok(types)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns one type per trait",
        found_by: &["rule_17_trait_types_are_distinct_and_sorted"],
        hooks: Hooks {
            trait_types: |it, query| {
                let mut types = (CORRECT.trait_types)(it, query)?;
                types.dedup_by(|a, b| a.name == b.name);
                Ok(types)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "orders traits by event",
        found_by: &["rule_17_traits_are_ordered_by_name_then_by_event"],
        hooks: Hooks {
            get_traits: |it, query| {
                let mut page = (CORRECT.get_traits)(it, query)?;
                page.items.sort_by_key(|one| one.event);
                Ok(page)
            },
            ..CORRECT
        },
    },
];

/// Returns the names and the tests of the traits that a filter compares.
fn comparisons(filter: &EventFilter) -> impl Iterator<Item = (&str, &[ValueTest])> {
    let comparisons = filter.clauses.iter().flat_map(Clause::comparisons);
    comparisons.filter_map(Comparison::indexed)
}

/// Returns `true` if the filter matches when values are compared in this way.
fn compares(
    filter: &EventFilter,
    record: &Record,
    compare: fn(&Value, &Value) -> Option<Ordering>,
) -> bool {
    matches_with(filter, record, |comparison| {
        let (name, tests) = comparison.indexed().unwrap();
        record.traits.get(name).is_some_and(|value| {
            let mut tests = tests.iter();
            tests.any(|test| {
                compare(value, &test.value).is_some_and(|ordering| test.op.holds(ordering))
            })
        })
    })
}
