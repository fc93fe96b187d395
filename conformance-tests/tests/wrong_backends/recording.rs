//! Faults in recording: rules 1, 3 to 5 and 8.

use futures::FutureExt;
use ticket_core::backend::{NewOccurrence, Recorded, TicketChange, TicketUpdate};
use ticket_core::{BackendBase, Error, ErrorKind, Ingredients, Result, Ticket, Timestamp};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks, Wrong, joined};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 1. Batches are atomic
    Mutant {
        fault: "loses a batch of one",
        found_by: &["rule_01_a_batch_of_one_is_recorded"],
        hooks: Hooks {
            record: |it, batch| match batch {
                [_] => Ok(Recorded::default()),
                _ => it.record(batch),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "records at most 5,000 occurrences of a batch",
        found_by: &["rule_01_a_batch_of_ten_thousand_is_recorded"],
        hooks: Hooks { record: |it, batch| it.record(&batch[..batch.len().min(5_000)]), ..CORRECT },
    },
    Mutant {
        fault: "rejects an empty batch",
        found_by: &["rule_01_an_empty_batch_changes_nothing"],
        hooks: Hooks {
            record: |it, batch| match batch {
                [] => Err(Error::config("the batch is empty")),
                _ => it.record(batch),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "records a batch in two halves",
        found_by: &["rule_01_a_dropped_call_leaves_all_of_its_batch_or_nothing"],
        hooks: Hooks { pause_in_the_middle: true, ..CORRECT },
    },
    Mutant {
        fault: "commits a batch ticket by ticket",
        found_by: &["rule_01_a_killed_process_leaves_whole_batches"],
        hooks: Hooks {
            record: |it, batch| {
                let tickets = batch.chunk_by(|a, b| a.ticket_id() == b.ticket_id());
                let parts: Result<Vec<_>> = tickets.map(|ticket| it.record(ticket)).collect();
                parts.map(joined)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "hides what it records from other processes",
        found_by: &["rule_01_a_killed_process_leaves_whole_batches"],
        hooks: Hooks {
            record: |it, batch| {
                it.correct(|correct| correct.record_tickets(batch.into()).now_or_never())
            },
            ..CORRECT
        },
    },
    // 3. Creation
    Mutant {
        fault: "forgets the error's type",
        found_by: &["rule_03_the_first_occurrence_creates_the_ticket_with_all_its_fields"],
        hooks: Hooks { ticket: |_, ticket| ticket.error_type = None, ..CORRECT },
    },
    Mutant {
        fault: "forgets the ingredients",
        found_by: &["rule_03_the_first_occurrence_creates_the_ticket_with_all_its_fields"],
        hooks: Hooks { ticket: |_, ticket| ticket.ingredients = Ingredients::default(), ..CORRECT },
    },
    Mutant {
        fault: "forgets the function",
        found_by: &["rule_03_the_first_occurrence_creates_the_ticket_with_all_its_fields"],
        hooks: Hooks { ticket: |_, ticket| ticket.location.function = None, ..CORRECT },
    },
    Mutant {
        fault: "looks for the ticket before it creates it, without a lock",
        found_by: &["rule_03_created_is_reported_once_among_64_writers"],
        hooks: Hooks {
            record: |it, batch| {
                let fresh: Vec<_> = batch
                    .iter()
                    .map(NewOccurrence::ticket_id)
                    .filter(|id| it.stored(*id).is_none())
                    .collect();
                it.storage.meets_another();
                let mut recorded = it.record(batch)?;
                for update in &mut recorded.updates {
                    if fresh.contains(&update.ticket_id) {
                        update.change = Some(TicketChange::Created);
                    }
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "reports a ticket that is new to the process as created",
        found_by: &["rule_03_created_is_reported_once_among_eight_processes"],
        hooks: Hooks {
            record: |it, batch| {
                let mut recorded = it.record(batch)?;
                for update in &mut recorded.updates {
                    if it.notes().numbers.insert(update.ticket_id, 1).is_none() {
                        update.change = Some(TicketChange::Created);
                    }
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns updates in the reverse order",
        found_by: &["rule_03_the_result_lists_each_ticket_that_gained_an_occurrence_by_id"],
        hooks: Hooks {
            record: |it, batch| {
                let mut recorded = it.record(batch)?;
                recorded.updates.reverse();
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns updates for tickets that gained nothing",
        found_by: &[
            "rule_03_the_result_lists_each_ticket_that_gained_an_occurrence_by_id",
            "rule_02_an_id_in_two_batches_counts_once",
        ],
        hooks: Hooks {
            record: |it, batch| {
                let mut recorded = it.record(batch)?;
                for new in batch {
                    let ticket_id = new.ticket_id();
                    if !recorded.updates.iter().any(|update| update.ticket_id == ticket_id) {
                        let occurrence_count = it.stored(ticket_id).unwrap().occurrence_count;
                        let (change, added) = (None, 0);
                        let update = TicketUpdate { ticket_id, change, added, occurrence_count };
                        recorded.updates.push(update);
                    }
                }
                recorded.updates.sort_by_key(|update| update.ticket_id);
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    // 4. Exact counts
    Mutant {
        fault: "counts occurrences instead of their repeats",
        found_by: &["rule_04_the_count_is_the_sum_of_repeats"],
        hooks: Hooks { incoming: |_, new| Some(new.clone().with_repeats(1)), ..CORRECT },
    },
    Mutant {
        fault: "reads the count, adds, and writes it back",
        found_by: &["rule_04_counts_are_exact_under_many_writers"],
        hooks: Hooks {
            record: |it, batch| {
                let lost = i64::from(it.storage.meets_another());
                let recorded = it.record(batch)?;
                for update in &recorded.updates {
                    *it.notes().numbers.entry(update.ticket_id).or_default() -= lost;
                }
                Ok(recorded)
            },
            ticket: |it, ticket| {
                let lost = it.notes().numbers.get(&ticket.id).copied().unwrap_or(0);
                ticket.occurrence_count = ticket.occurrence_count.saturating_add_signed(lost);
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "overwrites what other processes write in the meantime",
        found_by: &["rule_04_counts_are_exact_under_eight_processes"],
        hooks: Hooks { record: Wrong::record_without_lock, ..CORRECT },
    },
    Mutant {
        fault: "counts the stored occurrences",
        found_by: &["rule_04_pruning_leaves_the_ticket_unchanged"],
        hooks: Hooks {
            ticket: |it, ticket| {
                let stored = it.all_occurrences(ticket.id);
                ticket.occurrence_count = stored.iter().map(|one| u64::from(one.repeats)).sum();
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "uses the first stored occurrence as the first of all",
        found_by: &["rule_04_pruning_leaves_the_ticket_unchanged"],
        hooks: Hooks {
            ticket: |it, ticket| {
                if let Some(first) = it.all_occurrences(ticket.id).last() {
                    ticket.first_occurrence_time = first.record.time;
                }
            },
            ..CORRECT
        },
    },
    // 5. First and newest
    Mutant {
        fault: "lets the last arrival describe the ticket",
        found_by: &[
            "rule_05_every_order_of_arrival_gives_the_same_ticket",
            "rule_05_every_order_in_one_batch_gives_the_same_ticket",
        ],
        hooks: Hooks { record: describe_by_last, ticket: show_text, ..CORRECT },
    },
    Mutant {
        fault: "uses the first arrival as the first occurrence",
        found_by: &["rule_05_every_order_of_arrival_gives_the_same_ticket"],
        hooks: Hooks {
            record: |it, batch| {
                for new in batch {
                    let time = new.record().time.as_micros();
                    it.notes().numbers.entry(new.ticket_id()).or_insert(time);
                }
                it.record(batch)
            },
            ticket: |it, ticket| {
                ticket.first_occurrence_time =
                    Timestamp::from_micros(it.notes().numbers[&ticket.id]);
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "breaks ties of time by the order of arrival",
        found_by: &["rule_05_every_order_of_arrival_gives_the_same_ticket"],
        hooks: Hooks {
            record: |it, batch| {
                for new in batch {
                    let newest =
                        it.stored(new.ticket_id()).map(|ticket| ticket.last_occurrence_time);
                    if newest.is_none_or(|newest| newest <= new.record().time) {
                        it.notes().texts.insert(new.ticket_id(), new.record().message.to_string());
                    }
                }
                it.record(batch)
            },
            ticket: show_text,
            ..CORRECT
        },
    },
    Mutant {
        fault: "loses the minimum if two writers race",
        found_by: &["rule_05_first_and_last_time_are_exact_under_many_writers"],
        hooks: Hooks {
            record: |it, batch| {
                let lost = it.storage.meets_another();
                it.notes().flag |= lost;
                it.record(batch)
            },
            ticket: |it, ticket| {
                if it.notes().flag {
                    ticket.first_occurrence_time = ticket.last_occurrence_time;
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "cannot store times before 1970",
        found_by: &["rule_05_times_before_1970_are_ordinary_times"],
        hooks: Hooks {
            ticket: |_, ticket| {
                ticket.first_occurrence_time =
                    ticket.first_occurrence_time.max(Timestamp::UNIX_EPOCH);
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets the newest occurrence when it is pruned",
        found_by: &["rule_05_a_pruned_first_or_newest_occurrence_still_counts"],
        hooks: Hooks {
            record: |it, batch| {
                for new in batch {
                    if it.all_occurrences(new.ticket_id()).is_empty() {
                        it.notes().texts.insert(new.ticket_id(), new.record().message.to_string());
                    }
                }
                it.record(batch)
            },
            ticket: show_text,
            ..CORRECT
        },
    },
    // 8. No deadlocks
    Mutant {
        fault: "lets a deadlock reach the caller",
        found_by: &["rule_08_batches_in_opposite_orders_from_eight_writers_all_succeed"],
        hooks: Hooks {
            record: |it, batch| match it.storage.meets_another() {
                true => Err(Error::new(ErrorKind::Unavailable, "wrong", "deadlock detected")),
                false => it.record(batch),
            },
            ..CORRECT
        },
    },
];

/// Records a batch whose last occurrence describes its ticket; see [`show_text`].
pub(crate) fn describe_by_last(it: &Wrong, batch: &[NewOccurrence]) -> Result<Recorded> {
    for new in batch {
        it.notes().texts.insert(new.ticket_id(), new.record().message.to_string());
    }
    it.record(batch)
}

pub(crate) fn show_text(it: &Wrong, ticket: &mut Ticket) {
    if let Some(text) = it.notes().texts.get(&ticket.id) {
        ticket.message.clone_from(text);
    }
}
