//! Faults in queries for texts that the limits change: rules 12, 15, 17 to 19, 22, 28
//! and 29.

use ticket_core::backend::HistogramScope;
use ticket_core::{Error, ErrorKind, Fix, Status};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "looks for NUL in the channels of tickets",
        found_by: &["rule_12_ticket_filters_find_texts_changed_by_the_limits"],
        hooks: Hooks { filter: |_, filter| with_nul(&mut filter.channel), ..CORRECT },
    },
    Mutant {
        fault: "compares 200 bytes of a release",
        found_by: &["rule_12_ticket_filters_find_texts_changed_by_the_limits"],
        hooks: Hooks { filter: |_, filter| cut_to_200(&mut filter.release), ..CORRECT },
    },
    Mutant {
        fault: "looks for NUL in the application of counts",
        found_by: &["rule_12_counts_find_an_application_changed_by_the_limits"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                let mut query = query.clone();
                if let HistogramScope::App(app_id) = &mut query.scope {
                    with_nul(app_id);
                }
                (CORRECT.count_occurrences)(it, &query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "looks for NUL in the types of events",
        found_by: &["rule_15_event_filters_find_texts_changed_by_the_limits"],
        hooks: Hooks { event_filter: |_, filter| with_nul(&mut filter.event_type), ..CORRECT },
    },
    Mutant {
        fault: "compares 200 bytes of an external id",
        found_by: &["rule_29_an_external_id_is_found_as_the_limits_have_changed_it"],
        hooks: Hooks { event_filter: |_, filter| cut_to_200(&mut filter.external_id), ..CORRECT },
    },
    Mutant {
        fault: "looks for NUL in the application of event types",
        found_by: &["rule_17_types_and_traits_are_found_by_texts_changed_by_the_limits"],
        hooks: Hooks {
            event_types: |it, query| {
                let mut query = query.clone();
                with_nul(&mut query.app_id);
                (CORRECT.event_types)(it, &query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares 200 bytes of an event type",
        found_by: &["rule_17_types_and_traits_are_found_by_texts_changed_by_the_limits"],
        hooks: Hooks {
            trait_types: |it, query| {
                let mut query = query.clone();
                query.event_type = first_200(&query.event_type);
                (CORRECT.trait_types)(it, &query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "looks for NUL in the names of traits",
        found_by: &["rule_17_types_and_traits_are_found_by_texts_changed_by_the_limits"],
        hooks: Hooks {
            get_traits: |it, query| {
                let mut query = query.clone();
                with_nul(&mut query.name);
                (CORRECT.get_traits)(it, &query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "looks for NUL in the application of an expiry",
        found_by: &["rule_18_expiry_finds_an_application_changed_by_the_limits"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let mut expiry = expiry.clone();
                with_nul(&mut expiry.app_id);
                (CORRECT.clear_expired)(it, &expiry)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares 200 bytes of the application to prune",
        found_by: &["rule_19_pruning_finds_an_application_changed_by_the_limits"],
        hooks: Hooks {
            keep_per_ticket: |it, keep| {
                let mut keep = keep.clone();
                cut_to_200(&mut keep.app_id);
                (CORRECT.keep_per_ticket)(it, &keep)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns NUL in the release that solved a ticket",
        found_by: &["rule_22_a_release_that_solves_is_cut_like_that_of_a_record"],
        hooks: Hooks {
            ticket: |_, ticket| {
                if let Status::Solved { release: Some(Fix::In(release)), .. } = &mut ticket.status {
                    *release = release.replace('␀', "\0");
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "rejects a lease with a long name",
        found_by: &["rule_28_leases_take_names_and_holders_changed_by_the_limits"],
        hooks: Hooks {
            lease: |it, lease| {
                if lease.name.len() > 200 {
                    return Err(Error::new(ErrorKind::Rejected, "wrong", "the name is too long"));
                }
                (CORRECT.lease)(it, lease)
            },
            ..CORRECT
        },
    },
];

/// Turns the mark that replaced NUL back into NUL.
fn with_nul(text: &mut Option<String>) {
    if let Some(text) = text {
        *text = text.replace('␀', "\0");
    }
}

fn cut_to_200(text: &mut Option<String>) {
    if let Some(text) = text {
        *text = first_200(text);
    }
}

fn first_200(text: &str) -> String {
    let end = (0..=200).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}
