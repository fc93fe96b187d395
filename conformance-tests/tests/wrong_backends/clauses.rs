//! Faults in alternatives, negations, missing traits and texts in messages: rules 15 and 16.

use ticket_core::backend::{EventPosition, Subject};
use ticket_core::{
    Clause, Comparison, EventFilter, EventQuery, Operator, Record, Value, ValueKind,
};

use crate::Mutant;
use crate::answers::{events_where, matches_with};
use crate::wrong::{CORRECT, Hooks};

const ALTERNATIVES: &str = "rule_15_one_alternative_of_each_clause_has_to_hold";
const PAGES: &str = "rule_15_rare_alternatives_are_found_once_page_by_page";
const MESSAGES: &str = "rule_15_a_text_in_the_message_is_found_ignoring_case";
const PRESENCE: &str = "rule_16_a_trait_of_any_type_is_there_or_missing";
const NEGATION: &str = "rule_16_a_negation_matches_exactly_what_its_comparison_does_not";

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "requires all alternatives of a clause",
        found_by: &[ALTERNATIVES, PAGES],
        hooks: Hooks {
            event_filter: |_, filter| {
                let clauses = std::mem::take(&mut filter.clauses);
                let comparisons = clauses.iter().flat_map(Clause::comparisons).cloned();
                filter.clauses = comparisons.map(Clause::from).collect();
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the last of several alternatives",
        found_by: &[ALTERNATIVES, PAGES],
        hooks: Hooks {
            event_filter: |_, filter| {
                for clause in &mut filter.clauses {
                    if let [first, others @ .., _] = clause.comparisons() {
                        *clause = others.iter().cloned().fold(first.clone().into(), Clause::or);
                    }
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "takes the alternatives of all clauses together",
        found_by: &[ALTERNATIVES],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    let alone = |clause: &&Clause| clause.comparisons().len() == 1;
                    let mut several = filter.clauses.iter().filter(|clause| !alone(clause));
                    let mut other = filter.clone();
                    other.clauses.retain(|clause| alone(&clause));
                    let has_several = several.clone().next().is_some();
                    other.matches(record)
                        && (!has_several || several.any(|clause| clause.matches(record)))
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns an event once for each alternative that holds",
        found_by: &[ALTERNATIVES, PAGES],
        hooks: Hooks {
            get_events: |it, query| {
                let mut page = it.events(query)?;
                let times = |record: &Record| {
                    let clauses = query.filter.clauses.iter();
                    let matching = clauses.map(|clause| {
                        let comparisons = clause.comparisons().iter();
                        comparisons.filter(|comparison| comparison.matches(record)).count()
                    });
                    matching.product()
                };
                let items = std::mem::take(&mut page.items).into_iter();
                page.items = items
                    .flat_map(|event| std::iter::repeat_n(event.clone(), times(&event.record)))
                    .collect();
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "takes an alternative for the end of a range",
        found_by: &[ALTERNATIVES],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    let below = |comparison: &&Comparison| {
                        let tests = comparison.indexed().map(|(_, tests)| tests[0].op);
                        tests == Some(Operator::Lt)
                    };
                    let begins = filter.clauses.iter().any(|clause| {
                        let (_, tests) = clause.comparisons()[0].indexed().unwrap_or_default();
                        clause.comparisons().len() == 1
                            && tests.iter().any(|test| test.op == Operator::Ge)
                    });
                    let mut ends = filter.clauses.iter().flat_map(Clause::comparisons);
                    filter.matches(record)
                        && (!begins || ends.find(below).is_none_or(|end| end.matches(record)))
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "looks for alternatives among the newest 2,000 events",
        found_by: &[PAGES],
        hooks: Hooks {
            get_events: |it, query| {
                let mut page = it.events(query)?;
                let older = EventQuery::new().with_offset(2_000).with_limit(1);
                let end = it.events(&older)?.items.first().map(EventPosition::of);
                let has_alternatives = |clause: &Clause| clause.comparisons().len() > 1;
                if query.filter.clauses.iter().any(has_alternatives)
                    && let Some(end) = end
                {
                    page.items.retain(|one| EventPosition::of(one) > end);
                }
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores comparisons beyond the 30th",
        found_by: &["rule_15_a_filter_has_up_to_32_comparisons"],
        hooks: Hooks {
            event_filter: |_, filter| {
                for clause in &mut filter.clauses {
                    if let Some((first, others)) = clause.comparisons().split_first() {
                        let others = others.iter().take(29).cloned();
                        *clause = others.fold(first.clone().into(), Clause::or);
                    }
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "accepts any number of comparisons",
        found_by: &["rule_15_a_filter_has_up_to_32_comparisons"],
        hooks: Hooks {
            get_events: |it, query| {
                let mut query = query.clone();
                if query.plan().is_err() {
                    query.filter.clauses.truncate(1);
                }
                it.events(&query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "finds texts in messages only as they are written",
        found_by: &[MESSAGES, "rule_15_rare_messages_are_found_page_by_page"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    with_messages(filter, record, |message, text| message.contains(text))
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the case of ASCII letters only",
        found_by: &[MESSAGES],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    with_messages(filter, record, |message, text| {
                        message.to_ascii_lowercase().contains(text)
                    })
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "finds a text only at the start of a message",
        found_by: &[MESSAGES, "rule_15_rare_messages_are_found_page_by_page"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    with_messages(filter, record, |message, text| {
                        message.to_lowercase().starts_with(text)
                    })
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "tests the messages of one page only",
        found_by: &["rule_15_rare_messages_are_found_page_by_page"],
        hooks: Hooks {
            get_events: |it, query| {
                let searches = |clause: &Clause| {
                    clause.comparisons().iter().any(|one| of_message(one).is_some())
                };
                if !query.filter.clauses.iter().any(searches) {
                    return it.events(query);
                }
                let mut candidates = query.clone();
                candidates.filter.clauses.retain(|clause| !searches(clause));
                let mut page = it.events(&candidates)?;
                page.items.retain(|event| query.filter.matches(&event.record));
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "has a trait only if its value is a text",
        found_by: &[PRESENCE],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    matches_with(filter, record, |comparison| match comparison.subject() {
                        Subject::Trait { name, tests } if tests.len() == ValueKind::ALL.len() => {
                            let is_text =
                                matches!(record.traits.get(name.as_str()), Some(Value::Text(_)));
                            is_text != comparison.is_negated()
                        }
                        _ => comparison.matches(record),
                    })
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "negates a comparison by the opposite operator",
        found_by: &[NEGATION],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    matches_with(filter, record, |comparison| {
                        let is_there = match comparison.subject() {
                            Subject::Trait { name, tests } if tests.len() < 3 => {
                                record.traits.contains_key(name.as_str())
                            }
                            _ => true,
                        };
                        comparison.matches(record) && is_there
                    })
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores that a comparison is negated",
        found_by: &[PRESENCE, NEGATION, MESSAGES],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    matches_with(filter, record, |comparison| {
                        comparison.matches(record) != comparison.is_negated()
                    })
                })
            },
            ..CORRECT
        },
    },
];

/// Returns the text that a comparison looks for in messages.
fn of_message(comparison: &Comparison) -> Option<&str> {
    match comparison.subject() {
        Subject::Message { text } => Some(text),
        _ => None,
    }
}

/// Returns `true` if the filter matches when messages contain texts in this sense.
fn with_messages(filter: &EventFilter, record: &Record, contains: fn(&str, &str) -> bool) -> bool {
    matches_with(filter, record, |comparison| match of_message(comparison) {
        Some(text) => contains(&record.message, text) != comparison.is_negated(),
        None => comparison.matches(record),
    })
}
