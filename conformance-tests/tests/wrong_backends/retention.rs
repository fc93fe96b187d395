//! Faults of expiry, pruning and emptying: rules 18 to 20, and one that random sequences find.

use std::cmp::Reverse;
use std::thread::sleep;
use std::time::Duration;

use ticket_core::backend::StatusChange;
use ticket_core::{
    Direction, EventQuery, Expired, Expiry, Result, Status, StatusKind, Ticket, TicketFilter,
    Timestamp,
};

use crate::Mutant;
use crate::answers::all_tickets;
use crate::wrong::{Hooks, RIGHT, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 18. Expiry
    Mutant {
        fault: "deletes what is of that very time",
        found_by: &["rule_18_what_is_older_goes_and_nothing_else"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let mut expiry = expiry.clone();
                expiry.before = Timestamp::from_micros(expiry.before.as_micros() + 1);
                (RIGHT.clear_expired)(it, &expiry)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "deletes more than max_count",
        found_by: &["rule_18_the_oldest_go_first_and_at_most_so_many"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let mut expiry = expiry.clone();
                expiry.max_count = None;
                (RIGHT.clear_expired)(it, &expiry)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "deletes the one of the higher ticket first, of one moment and id",
        found_by: &["rule_18_of_one_moment_and_id_the_lower_ticket_goes_first"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let query = EventQuery::new().with_direction(Direction::Ascending);
                let mut events = (it.hooks.get_events)(it, &query)?.items;
                let Some(1) = expiry.max_count else { return (RIGHT.clear_expired)(it, expiry) };
                events.sort_by_key(|one| (one.record.time, one.record.id, Reverse(one.ticket_id)));
                let gone = events.first().map(|one| (one.ticket_id, one.record.id));
                it.notes().ids.extend(gone);
                Ok(Expired { occurrences: gone.iter().count() as u64, tickets: 0 })
            },
            get_events: |it, query| {
                let mut page = it.events(query)?;
                let gone = it.notes().ids.clone();
                page.items.retain(|one| !gone.contains(&(one.ticket_id, one.record.id)));
                Ok(page)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "counts what is left after an expiry",
        found_by: &["rule_18_counts_stay_when_occurrences_go"],
        hooks: Hooks {
            ticket: |it, ticket| {
                let stored = it.all_occurrences(ticket.id);
                ticket.occurrence_count = stored.iter().map(|one| u64::from(one.repeats)).sum();
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "says how many records went, and not how many occurrences",
        found_by: &["rule_18_counts_stay_when_occurrences_go"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let expired = (RIGHT.clear_expired)(it, expiry)?;
                Ok(Expired { occurrences: expired.occurrences * 3, ..expired })
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "keeps solved tickets for ever",
        found_by: &["rule_18_a_solved_ticket_goes_with_its_last_occurrence"],
        hooks: Hooks { clear_expired: |it, expiry| sparing(it, expiry, |_, _| true), ..RIGHT },
    },
    Mutant {
        fault: "deletes muted tickets like solved ones",
        found_by: &["rule_18_a_solved_ticket_goes_with_its_last_occurrence"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                for ticket in all_tickets(it, &TicketFilter::new())? {
                    if ticket.status.kind() == StatusKind::Muted {
                        let at = ticket.last_occurrence_time;
                        it.set_status(ticket.id, StatusChange::Solve { at, release: None })?;
                    }
                }
                (RIGHT.clear_expired)(it, expiry)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "deletes a solved ticket of which something is left",
        found_by: &["rule_18_a_solved_ticket_stays_while_an_occurrence_is_left"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let expired = (RIGHT.clear_expired)(it, expiry)?;
                delete_solved(it, &solved_before(it, expiry)?)?;
                Ok(expired)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "keeps a solved ticket whose occurrences went before",
        found_by: &["rule_18_a_solved_ticket_goes_if_its_occurrences_went_before"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                sparing(it, expiry, |it, ticket| it.all_occurrences(ticket.id).is_empty())
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "looks for solved tickets first and deletes them then",
        found_by: &["rule_18_a_ticket_that_has_just_reopened_is_not_lost"],
        hooks: Hooks {
            record: |it, batch| {
                sleep(Duration::from_millis(1));
                it.record(batch)
            },
            clear_expired: |it, expiry| {
                let solved = solved_before(it, expiry)?;
                sleep(Duration::from_millis(5));
                let expired = (RIGHT.clear_expired)(it, expiry)?;
                delete_solved(it, &solved)?;
                Ok(expired)
            },
            ..RIGHT
        },
    },
    // 19. Pruning
    Mutant {
        fault: "keeps one more than it should",
        found_by: &["rule_19_the_first_and_the_newest_stay"],
        hooks: Hooks {
            keep_per_ticket: |it, app_id, keep| {
                (RIGHT.keep_per_ticket)(
                    it,
                    app_id,
                    if keep == 0 { 0 } else { keep.saturating_add(1) },
                )
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "keeps one where it should keep none",
        found_by: &["rule_19_keeping_none_is_the_callers_error"],
        hooks: Hooks {
            keep_per_ticket: |it, app_id, keep| (RIGHT.keep_per_ticket)(it, app_id, keep.max(1)),
            ..RIGHT
        },
    },
    Mutant {
        fault: "loses a count where pruning meets a record",
        found_by: &["rule_19_pruning_while_others_record_keeps_counts_exact"],
        hooks: Hooks {
            record: |it, batch| {
                let met = it.place.meets_another();
                it.notes().flag |= met;
                it.record(batch)
            },
            keep_per_ticket: |it, app_id, keep| {
                let met = it.place.meets_another();
                it.notes().flag |= met;
                (RIGHT.keep_per_ticket)(it, app_id, keep)
            },
            ticket: |it, ticket| ticket.occurrence_count -= u64::from(it.notes().flag),
            ..RIGHT
        },
    },
    // 20. Emptying
    Mutant {
        fault: "empties what is beside the store too",
        found_by: &["rule_20_clear_empties_this_store_and_nothing_beside_it"],
        hooks: Hooks { one_for_all: true, ..RIGHT },
    },
    Mutant {
        fault: "leaves tickets when it is emptied",
        found_by: &["rule_20_clear_empties_this_store_and_nothing_beside_it"],
        hooks: Hooks {
            clear: |it| (RIGHT.clear_expired)(it, &Expiry::before(Timestamp::MAX)).map(|_| ()),
            ..RIGHT
        },
    },
    // What no case thinks of
    Mutant {
        fault: crate::FOUND_BY_CHANCE,
        found_by: &["random_sequences_are_indistinguishable_from_the_reference"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let mut expiry = expiry.clone();
                if expiry.app_id.is_some() {
                    expiry.max_count = None;
                }
                (RIGHT.clear_expired)(it, &expiry)
            },
            ..RIGHT
        },
    },
];

fn solved_before(it: &Wrong, expiry: &Expiry) -> Result<Vec<Ticket>> {
    let solved = TicketFilter::new().with_status(StatusKind::Solved);
    let mut tickets = all_tickets(it, &solved)?;
    tickets.retain(|ticket| ticket.last_occurrence_time < expiry.before);
    Ok(tickets)
}

fn delete_solved(it: &Wrong, tickets: &[Ticket]) -> Result<()> {
    for ticket in tickets {
        (RIGHT.delete)(it, ticket.id)?;
    }
    Ok(())
}

/// Expires, and keeps the solved tickets for which the condition holds.
fn sparing(it: &Wrong, expiry: &Expiry, condition: fn(&Wrong, &Ticket) -> bool) -> Result<Expired> {
    let spared: Vec<Ticket> =
        solved_before(it, expiry)?.into_iter().filter(|ticket| condition(it, ticket)).collect();
    for ticket in &spared {
        it.set_status(ticket.id, StatusChange::Reopen)?;
    }
    let expired = (RIGHT.clear_expired)(it, expiry)?;
    for ticket in spared {
        if let Status::Solved { at, release } = ticket.status {
            it.set_status(ticket.id, StatusChange::Solve { at, release })?;
        }
    }
    Ok(expired)
}
