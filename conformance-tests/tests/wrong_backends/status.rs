//! Faults in solving, reopening and muting: rules 6 and 7.

use std::thread::sleep;
use std::time::Duration;

use ticket_core::backend::{NewOccurrence, Recorded, StatusChange, TicketChange};
use ticket_core::{Result, Status, StatusKind, Ticket, TicketId, Timestamp};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 6. Solving and reopening
    Mutant {
        fault: "does not report that a ticket has reopened",
        found_by: &["rule_06_an_occurrence_after_solving_reopens_the_ticket"],
        hooks: Hooks {
            record: |it, batch| {
                let mut recorded = it.record(batch)?;
                for update in &mut recorded.updates {
                    update.change = update.change.filter(|change| *change == TicketChange::Created);
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not count that a ticket has reopened",
        found_by: &["rule_06_an_occurrence_after_solving_reopens_the_ticket"],
        hooks: Hooks { ticket: |_, ticket| ticket.reopened_count = 0, ..CORRECT },
    },
    Mutant {
        fault: "never reopens a solved ticket",
        found_by: &["rule_06_an_occurrence_after_solving_reopens_the_ticket"],
        hooks: Hooks {
            record: |it, batch| keep_status(it, batch, |_, _| true),
            ticket: show_status,
            ..CORRECT
        },
    },
    Mutant {
        fault: "reopens a ticket by any occurrence",
        found_by: &["rule_06_an_occurrence_at_or_before_the_moment_leaves_the_ticket_solved"],
        hooks: Hooks {
            record: |it, batch| {
                let recorded = it.record(batch)?;
                for update in &recorded.updates {
                    it.set_status(update.ticket_id, StatusChange::Reopen)?;
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "reopens a ticket by an occurrence of exactly the moment",
        found_by: &["rule_06_an_occurrence_at_or_before_the_moment_leaves_the_ticket_solved"],
        hooks: Hooks {
            record: |it, batch| {
                let recorded = it.record(batch)?;
                for new in batch {
                    if solved_at(it, new.ticket_id()) == Some(new.record().time) {
                        it.set_status(new.ticket_id(), StatusChange::Reopen)?;
                    }
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "checks the last occurrence of a batch only",
        found_by: &["rule_06_a_batch_of_older_and_later_occurrences_reopens_once"],
        hooks: Hooks {
            record: |it, batch| {
                keep_status(it, batch, |batch, at| {
                    batch.last().is_some_and(|last| last.record().time <= at)
                })
            },
            ticket: show_status,
            ..CORRECT
        },
    },
    Mutant {
        fault: "checks whether a ticket is solved before it reopens it, without a lock",
        found_by: &[
            "rule_06_reopened_is_reported_once_per_solving_among_eight_writers",
            "rule_06_reopened_is_reported_once_among_writers_of_several_releases",
        ],
        hooks: Hooks {
            record: |it, batch| {
                let solved: Vec<_> = batch
                    .iter()
                    .filter(|new| {
                        solved_at(it, new.ticket_id()).is_some_and(|at| at < new.record().time)
                    })
                    .map(NewOccurrence::ticket_id)
                    .collect();
                if !solved.is_empty() {
                    it.storage.meets_another();
                }
                let mut recorded = it.record(batch)?;
                for update in &mut recorded.updates {
                    if solved.contains(&update.ticket_id) {
                        update.change = Some(TicketChange::Reopened);
                    }
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "solves a ticket that occurred since",
        found_by: &["rule_06_solving_before_the_last_occurrence_changes_nothing"],
        hooks: Hooks {
            set_status: |it, id, change, _| match (change, it.stored(id)) {
                (StatusChange::Solve { at, release }, Some(ticket)) => {
                    let at = at.max(ticket.last_occurrence_time);
                    it.set_status(id, StatusChange::Solve { at, release })
                }
                (change, _) => it.set_status(id, change),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "solves a ticket that occurred since, if that was pruned",
        found_by: &["rule_06_a_pruned_last_occurrence_counts_like_a_stored_one"],
        hooks: Hooks {
            set_status: |it, id, change, _| match (change, it.stored(id)) {
                (StatusChange::Solve { at, release }, Some(ticket))
                    if it.all_occurrences(id).is_empty() =>
                {
                    let at = at.max(ticket.last_occurrence_time);
                    it.set_status(id, StatusChange::Solve { at, release })
                }
                (change, _) => it.set_status(id, change),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not cut the release that solves a ticket",
        found_by: &["rule_06_an_occurrence_after_solving_reopens_the_ticket"],
        hooks: Hooks {
            set_status: |it, id, change, _| {
                let came = match &change {
                    StatusChange::Solve { release, .. } => release.clone(),
                    StatusChange::Reopen | StatusChange::Mute { .. } => None,
                };
                let mut ticket = it.set_status(id, change)?;
                if let Some(Ticket { status: Status::Solved { release, .. }, .. }) = &mut ticket {
                    *release = came;
                }
                Ok(ticket)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "unmutes a ticket that it does not solve",
        found_by: &["rule_06_solving_before_the_last_occurrence_changes_nothing"],
        hooks: Hooks {
            set_status: |it, id, change, _| {
                if matches!(change, StatusChange::Solve { .. }) {
                    it.set_status(id, StatusChange::Reopen)?;
                }
                it.set_status(id, change)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not solve a solved ticket again",
        found_by: &["rule_06_solving_again_moves_the_moment"],
        hooks: Hooks {
            set_status: |it, id, change, _| match it.stored(id) {
                Some(ticket) if ticket.status.kind() == StatusKind::Solved => Ok(Some(ticket)),
                _ => it.set_status(id, change),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "checks the last occurrence before it solves a ticket, without a lock",
        found_by: &["rule_06_solving_while_others_record_never_hides_a_later_occurrence"],
        hooks: Hooks {
            record: |it, batch| {
                // Gives the other writers time to start.
                sleep(Duration::from_millis(1));
                it.record(batch)
            },
            set_status: |it, id, change, _| {
                let ticket = it.set_status(id, change)?;
                if let Some(Ticket { status: status @ Status::Solved { at, .. }, .. }) = &ticket {
                    // Until another writer comes in between, or all of them are done.
                    for _ in 0..20 {
                        sleep(Duration::from_millis(1));
                        if it.stored(id).is_some_and(|now| now.last_occurrence_time > *at) {
                            break;
                        }
                    }
                    it.notes().statuses.insert(id, status.clone());
                }
                Ok(ticket)
            },
            ticket: show_status,
            ..CORRECT
        },
    },
    Mutant {
        fault: "counts a reopening by hand",
        found_by: &["rule_06_a_ticket_is_reopened_by_hand"],
        hooks: Hooks {
            set_status: |it, id, change, _| {
                it.notes().flag |= change == StatusChange::Reopen;
                it.set_status(id, change)
            },
            ticket: |it, ticket| ticket.reopened_count += u64::from(it.notes().flag),
            ..CORRECT
        },
    },
    // 7. Muting
    Mutant {
        fault: "opens a muted ticket by an occurrence",
        found_by: &["rule_07_a_muted_ticket_counts_and_stays_muted"],
        hooks: Hooks {
            record: |it, batch| {
                for new in batch {
                    if status_kind(it, new.ticket_id()) == Some(StatusKind::Muted) {
                        it.set_status(new.ticket_id(), StatusChange::Reopen)?;
                    }
                }
                it.record(batch)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not count while a ticket is muted",
        found_by: &["rule_07_a_muted_ticket_counts_and_stays_muted"],
        hooks: Hooks {
            incoming: |it, new| {
                let muted = status_kind(it, new.ticket_id()) == Some(StatusKind::Muted);
                (!muted).then(|| new.clone())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not mute until a time",
        found_by: &["rule_07_a_ticket_muted_until_a_future_time_is_muted"],
        hooks: Hooks {
            set_status: |it, id, change, _| match change {
                StatusChange::Mute { until: Some(_) } => it.set_status(id, StatusChange::Reopen),
                change => it.set_status(id, change),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "filters by the stored status",
        found_by: &[
            "rule_07_a_ticket_muted_until_a_past_time_is_open_in_every_query",
            "rule_07_muting_ends_on_its_own",
        ],
        hooks: Hooks {
            set_status: |it, id, change, _| {
                it.notes().flag = matches!(change, StatusChange::Mute { .. });
                it.set_status(id, change)
            },
            filter: |it, filter| {
                if it.notes().flag && filter.status == Some(StatusKind::Open) {
                    filter.status = Some(StatusKind::Solved);
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not solve a muted ticket",
        found_by: &["rule_07_a_muted_ticket_can_be_solved_and_reopened"],
        hooks: Hooks {
            set_status: |it, id, change, _| match (&change, it.stored(id)) {
                (StatusChange::Solve { .. }, Some(ticket))
                    if ticket.status.kind() == StatusKind::Muted =>
                {
                    Ok(Some(ticket))
                }
                _ => it.set_status(id, change),
            },
            ..CORRECT
        },
    },
];

fn status_kind(it: &Wrong, id: TicketId) -> Option<StatusKind> {
    it.stored(id).map(|ticket| ticket.status.kind())
}

fn solved_at(it: &Wrong, id: TicketId) -> Option<Timestamp> {
    match it.stored(id)?.status {
        Status::Solved { at, .. } => Some(at),
        Status::Open | Status::Muted { .. } => None,
    }
}

/// Records a batch, and keeps a ticket solved that should reopen if the condition holds for the batch and the
/// moment of solving.
pub(crate) fn keep_status(
    it: &Wrong,
    batch: &[NewOccurrence],
    condition: fn(&[NewOccurrence], Timestamp) -> bool,
) -> Result<Recorded> {
    let before: Vec<_> = batch.iter().filter_map(|new| it.stored(new.ticket_id())).collect();
    let mut recorded = it.record(batch)?;
    for update in &mut recorded.updates {
        let Some(ticket) = before.iter().find(|ticket| ticket.id == update.ticket_id) else {
            continue;
        };
        if let Status::Solved { at, .. } = ticket.status
            && update.change == Some(TicketChange::Reopened)
            && condition(batch, at)
        {
            update.change = None;
            it.notes().statuses.insert(ticket.id, ticket.status.clone());
        }
    }
    Ok(recorded)
}

/// Returns the status that a fault kept.
pub(crate) fn show_status(it: &Wrong, ticket: &mut Ticket) {
    if let Some(status) = it.notes().statuses.get(&ticket.id) {
        ticket.status = status.clone();
    }
}
