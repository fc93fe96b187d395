//! Faults in payloads and external ids: rule 29.

use ticket_core::EventQuery;

use crate::Mutant;
use crate::answers::events_where;
use crate::wrong::{CORRECT, Hooks};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "parses payloads",
        found_by: &["rule_29_a_payload_is_returned_as_it_came"],
        hooks: Hooks {
            occurrence: |_, one| {
                if let Some(payload) = &mut one.record.payload
                    && let Ok(value) = serde_json::from_str::<serde_json::Value>(payload.as_str())
                {
                    *payload = value.into();
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "takes the payload null for none",
        found_by: &["rule_29_a_payload_is_returned_as_it_came"],
        hooks: Hooks {
            occurrence: |_, one| {
                let is_some = |payload: &_| *payload != serde_json::Value::Null.into();
                one.record.payload = one.record.payload.take().filter(is_some);
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "drops payloads beyond 60,000 bytes",
        found_by: &["rule_29_a_payload_has_a_limit_of_its_own"],
        hooks: Hooks {
            occurrence: |_, one| {
                let payload = one.record.payload.take();
                one.record.payload = payload.filter(|payload| payload.as_str().len() <= 60_000);
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "finds one event of an external id",
        found_by: &[
            "rule_29_an_external_id_finds_every_event_that_has_it",
            "rule_29_events_of_an_external_id_are_read_page_by_page",
        ],
        hooks: Hooks {
            get_events: |it, query| {
                let mut page = it.events(query)?;
                if query.filter.external_id.is_some() {
                    page.items.truncate(1);
                }
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the case of external ids",
        found_by: &["rule_29_an_external_id_finds_every_event_that_has_it"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    let mut others = filter.clone();
                    let id = others.external_id.take().map(|id| id.to_lowercase());
                    let of_record = record.external_id.as_ref().map(|id| id.to_lowercase());
                    others.matches(record) && (id.is_none() || id == of_record)
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "finds events without an external id by the empty one",
        found_by: &["rule_29_an_external_id_finds_every_event_that_has_it"],
        hooks: Hooks {
            get_events: |it, query| {
                events_where(it, query, |filter, record| {
                    let mut others = filter.clone();
                    let id = others.external_id.take();
                    let of_record = record.external_id.as_deref().unwrap_or_default();
                    others.matches(record) && id.is_none_or(|id| id == of_record)
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the external id beside another id",
        found_by: &["rule_29_an_external_id_is_one_condition_of_several"],
        hooks: Hooks {
            event_filter: |_, filter| {
                if filter.occurrence_id.is_some() {
                    filter.external_id = None;
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores comparisons beside an external id",
        found_by: &["rule_29_an_external_id_is_one_condition_of_several"],
        hooks: Hooks {
            event_filter: |_, filter| {
                if filter.external_id.is_some() {
                    filter.clauses.clear();
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the offset of events of an external id",
        found_by: &["rule_29_events_of_an_external_id_are_read_page_by_page"],
        hooks: Hooks {
            get_events: |it, query: &EventQuery| {
                let mut query = query.clone();
                if query.filter.external_id.is_some() {
                    query = query.with_offset(0);
                }
                it.events(&query)
            },
            ..CORRECT
        },
    },
];
