//! Faults in repeated ids: rule 2.

use ticket_core::backend::{NewOccurrence, StatusChange};
use ticket_core::{OccurrenceId, TicketId};

use crate::Mutant;
use crate::recording::{describe_by_last, show_text};
use crate::wrong::{CORRECT, Hooks, under_another_id};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "stores an occurrence once more for its repeats",
        found_by: &["rule_02_an_id_twice_in_a_batch_counts_once"],
        hooks: Hooks {
            record: |it, batch| {
                let again = batch.iter().filter(|new| new.repeats() > 1).map(under_another_id);
                let batch: Vec<_> = batch.iter().cloned().chain(again).collect();
                it.record(&batch)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "counts an id once in each batch",
        found_by: &["rule_02_an_id_in_two_batches_counts_once"],
        hooks: Hooks {
            record: |it, batch| {
                let known = it.notes().ids.clone();
                it.notes().ids.extend(batch.iter().map(key));
                let batch: Vec<_> = batch
                    .iter()
                    .map(|new| {
                        if known.contains(&key(new)) { under_another_id(new) } else { new.clone() }
                    })
                    .collect();
                it.record(&batch)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "lets the last occurrence of an id describe the ticket",
        found_by: &["rule_02_a_repeated_id_does_not_change_its_ticket"],
        hooks: Hooks { record: describe_by_last, ticket: show_text, ..CORRECT },
    },
    Mutant {
        fault: "reopens a ticket by a repeated id",
        found_by: &["rule_02_a_repeated_id_does_not_change_its_ticket"],
        hooks: Hooks {
            record: |it, batch| {
                for new in batch.iter().filter(|new| it.stored(new.ticket_id()).is_some()) {
                    it.set_status(new.ticket_id(), StatusChange::Reopen)?;
                }
                it.record(batch)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "knows an id in one ticket only",
        found_by: &["rule_02_the_same_id_counts_in_each_of_two_tickets"],
        hooks: Hooks {
            incoming: |it, new| {
                let (ticket, id) = key(new);
                let mut notes = it.notes();
                let elsewhere = notes.ids.iter().any(|known| known.1 == id && known.0 != ticket);
                notes.ids.insert((ticket, id));
                (!elsewhere).then(|| new.clone())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "looks for known ids before it records, without a lock",
        found_by: &[
            "rule_02_the_same_batch_from_eight_writers_counts_once",
            "rule_02_the_same_batch_through_two_handles_counts_once",
        ],
        hooks: Hooks {
            record: |it, batch| {
                let known = it.notes().ids.clone();
                it.storage.meets_another();
                it.notes().ids.extend(batch.iter().map(key));
                let new = batch.iter().filter(|new| !known.contains(&key(new)));
                it.record(&new.map(under_another_id).collect::<Vec<_>>())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "knows the ids of its own process only",
        found_by: &["rule_02_the_same_batch_from_eight_processes_counts_once"],
        hooks: Hooks {
            incoming: |it, new| it.notes().ids.insert(key(new)).then(|| under_another_id(new)),
            ..CORRECT
        },
    },
];

/// Returns the unique key of an occurrence.
fn key(new: &NewOccurrence) -> (TicketId, OccurrenceId) {
    (new.ticket_id(), new.record().id)
}
