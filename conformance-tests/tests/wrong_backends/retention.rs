//! Faults in expiry, pruning and clearing: rules 18 to 20, and one that only random sequences find.

use std::cmp::Reverse;
use std::num::NonZeroU32;
use std::thread::sleep;
use std::time::Duration;

use ticket_core::backend::StatusChange;
use ticket_core::{
    Direction, EventQuery, Expired, Expiry, MAX_LIMIT, Occurrence, Page, Result, Status,
    StatusKind, Ticket, TicketFilter, Timestamp,
};

use crate::Mutant;
use crate::answers::all_tickets;
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 18. Expiry
    Mutant {
        fault: "deletes occurrences of exactly the given time",
        found_by: &["rule_18_only_older_occurrences_are_deleted"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let mut expiry = expiry.clone();
                expiry.before = Timestamp::from_micros(expiry.before.as_micros() + 1);
                (CORRECT.clear_expired)(it, &expiry)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "deletes more than max_count",
        found_by: &["rule_18_the_oldest_are_deleted_first_up_to_the_maximum"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let mut expiry = expiry.clone();
                expiry.max_count = None;
                (CORRECT.clear_expired)(it, &expiry)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "breaks ties of time and id by the higher ticket id",
        found_by: &["rule_18_ties_of_time_and_id_are_broken_by_ticket_id"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                expire_lowest(it, expiry, |one| {
                    (one.record.time, one.record.id, Reverse(one.ticket_id))
                })
            },
            get_events: without_expired,
            ..CORRECT
        },
    },
    Mutant {
        fault: "deletes occurrences in the order of their ids, whatever their times",
        found_by: &["rule_18_the_oldest_are_deleted_first_up_to_the_maximum"],
        hooks: Hooks {
            clear_expired: |it, expiry| expire_lowest(it, expiry, |one| one.record.id),
            get_events: without_expired,
            ..CORRECT
        },
    },
    Mutant {
        fault: "begins each step of an expiry after the id at which the last one ended",
        found_by: &["rule_18_ties_of_time_and_id_are_broken_by_ticket_id"],
        hooks: Hooks {
            clear_expired: |it, expiry| match expiry.max_count {
                Some(_) => (CORRECT.clear_expired)(it, expiry),
                None => skipping_ties(it, expiry),
            },
            get_events: |it, query| {
                let mut page = it.events(query)?;
                page.items.extend(it.notes().occurrences.iter().cloned());
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "counts only what is left after an expiry",
        found_by: &["rule_18_counts_outlive_their_occurrences"],
        hooks: Hooks {
            ticket: |it, ticket| {
                let stored = it.all_occurrences(ticket.id);
                ticket.occurrence_count = stored.iter().map(|one| u64::from(one.repeats)).sum();
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "reports the number of deleted records instead of occurrences",
        found_by: &["rule_18_counts_outlive_their_occurrences"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let expired = (CORRECT.clear_expired)(it, expiry)?;
                Ok(Expired { occurrences: expired.occurrences * 3, ..expired })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "never deletes solved tickets",
        found_by: &["rule_18_a_solved_ticket_is_deleted_with_its_last_occurrence"],
        hooks: Hooks { clear_expired: |it, expiry| sparing(it, expiry, |_, _| true), ..CORRECT },
    },
    Mutant {
        fault: "deletes muted tickets like solved ones",
        found_by: &["rule_18_a_solved_ticket_is_deleted_with_its_last_occurrence"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                for ticket in all_tickets(it, &TicketFilter::new())? {
                    if ticket.status.kind() == StatusKind::Muted {
                        let at = ticket.last_occurrence_time;
                        it.set_status(ticket.id, StatusChange::Solve { at, release: None })?;
                    }
                }
                (CORRECT.clear_expired)(it, expiry)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "deletes a solved ticket that still has occurrences",
        found_by: &["rule_18_a_solved_ticket_stays_while_an_occurrence_is_left"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let expired = (CORRECT.clear_expired)(it, expiry)?;
                delete_solved(it, &solved_before(it, expiry)?)?;
                Ok(expired)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps a solved ticket whose occurrences were deleted before",
        found_by: &["rule_18_a_solved_ticket_whose_occurrences_are_gone_is_deleted"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                sparing(it, expiry, |it, ticket| it.all_occurrences(ticket.id).is_empty())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "looks for solved tickets before it deletes them, without a lock",
        found_by: &["rule_18_a_ticket_that_was_just_reopened_is_not_lost"],
        hooks: Hooks {
            record: |it, batch| {
                sleep(Duration::from_millis(1));
                it.record(batch)
            },
            clear_expired: |it, expiry| {
                let solved = solved_before(it, expiry)?;
                sleep(Duration::from_millis(5));
                let expired = (CORRECT.clear_expired)(it, expiry)?;
                delete_solved(it, &solved)?;
                Ok(expired)
            },
            ..CORRECT
        },
    },
    // 19. Pruning
    Mutant {
        fault: "keeps one occurrence too many",
        found_by: &["rule_19_the_first_and_the_newest_stay"],
        hooks: Hooks {
            keep_per_ticket: |it, keep| {
                let mut keep = keep.clone();
                keep.count = keep.count.saturating_add(1);
                (CORRECT.keep_per_ticket)(it, &keep)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "stores the number to keep as a signed integer",
        found_by: &["rule_19_keeping_the_maximum_deletes_nothing"],
        hooks: Hooks {
            keep_per_ticket: |it, keep| {
                let mut keep = keep.clone();
                if i32::try_from(keep.count.get()).is_err() {
                    keep.count = NonZeroU32::MIN;
                }
                (CORRECT.keep_per_ticket)(it, &keep)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "loses a count if pruning races a record",
        found_by: &["rule_19_pruning_while_others_record_keeps_counts_exact"],
        hooks: Hooks {
            record: |it, batch| {
                let met = it.storage.meets_another();
                it.notes().flag |= met;
                it.record(batch)
            },
            keep_per_ticket: |it, keep| {
                let met = it.storage.meets_another();
                it.notes().flag |= met;
                (CORRECT.keep_per_ticket)(it, keep)
            },
            ticket: |it, ticket| ticket.occurrence_count -= u64::from(it.notes().flag),
            ..CORRECT
        },
    },
    // 20. Clearing
    Mutant {
        fault: "clears other stores as well",
        found_by: &["rule_20_clear_empties_this_store_and_no_other"],
        hooks: Hooks { one_for_all: true, ..CORRECT },
    },
    Mutant {
        fault: "keeps tickets when it is cleared",
        found_by: &["rule_20_clear_empties_this_store_and_no_other"],
        hooks: Hooks {
            clear: |it| (CORRECT.clear_expired)(it, &Expiry::before(Timestamp::MAX)).map(|_| ()),
            ..CORRECT
        },
    },
    // Covered by random sequences only
    Mutant {
        fault: crate::FOUND_BY_CHANCE,
        found_by: &["random_sequences_are_indistinguishable_from_the_reference"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let mut expiry = expiry.clone();
                if expiry.app_id.is_some() {
                    expiry.max_count = None;
                }
                (CORRECT.clear_expired)(it, &expiry)
            },
            ..CORRECT
        },
    },
];

pub(crate) fn solved_before(it: &Wrong, expiry: &Expiry) -> Result<Vec<Ticket>> {
    let solved = TicketFilter::new().with_status(StatusKind::Solved);
    let mut tickets = all_tickets(it, &solved)?;
    tickets.retain(|ticket| ticket.last_occurrence_time < expiry.before);
    Ok(tickets)
}

pub(crate) fn delete_solved(it: &Wrong, tickets: &[Ticket]) -> Result<()> {
    for ticket in tickets {
        (CORRECT.delete)(it, ticket.id)?;
    }
    Ok(())
}

/// Expires occurrences and keeps the solved tickets for which the condition holds.
fn sparing(it: &Wrong, expiry: &Expiry, condition: fn(&Wrong, &Ticket) -> bool) -> Result<Expired> {
    let spared: Vec<Ticket> =
        solved_before(it, expiry)?.into_iter().filter(|ticket| condition(it, ticket)).collect();
    for ticket in &spared {
        it.set_status(ticket.id, StatusChange::Reopen)?;
    }
    let expired = (CORRECT.clear_expired)(it, expiry)?;
    for ticket in spared {
        if let Status::Solved { at, release } = ticket.status {
            it.set_status(ticket.id, StatusChange::Solve { at, release })?;
        }
    }
    Ok(expired)
}

/// Expires the occurrence with the lowest key, if one is to be deleted.
fn expire_lowest<K: Ord>(
    it: &Wrong,
    expiry: &Expiry,
    key: fn(&Occurrence) -> K,
) -> Result<Expired> {
    let Some(1) = expiry.max_count else { return (CORRECT.clear_expired)(it, expiry) };
    let query = EventQuery::new().with_direction(Direction::Ascending).with_limit(MAX_LIMIT);
    let events = (it.hooks.get_events)(it, &query)?.items;
    let old = events.iter().filter(|one| one.record.time < expiry.before);
    let gone = old.min_by_key(|one| key(one)).map(|one| (one.ticket_id, one.record.id));
    it.notes().ids.extend(gone);
    Ok(Expired { occurrences: gone.iter().count() as u64, tickets: 0 })
}

fn without_expired(it: &Wrong, query: &EventQuery) -> Result<Page<Occurrence>> {
    let mut page = it.events(query)?;
    let gone = it.notes().ids.clone();
    page.items.retain(|one| !gone.contains(&(one.ticket_id, one.record.id)));
    Ok(page)
}

/// Expires occurrences in steps. Those that have the id of the last one of a step stay.
fn skipping_ties(it: &Wrong, expiry: &Expiry) -> Result<Expired> {
    const STEP: usize = 250;
    let mut sum = Expired::default();
    loop {
        let query = EventQuery::new().with_direction(Direction::Ascending).with_limit(MAX_LIMIT);
        let events = it.events(&query)?.items;
        let step = expiry.clone().with_max_count(STEP as u64);
        let expired = (CORRECT.clear_expired)(it, &step)?;
        sum.occurrences += expired.occurrences;
        sum.tickets += expired.tickets;
        if expired.occurrences < STEP as u64 {
            return Ok(sum);
        }
        let (done, rest) = events.split_at(STEP);
        let id = done.last().map(|one| one.record.id);
        let tied: Vec<_> =
            rest.iter().take_while(|one| Some(one.record.id) == id).cloned().collect();
        (CORRECT.clear_expired)(it, &expiry.clone().with_max_count(tied.len() as u64))?;
        it.notes().occurrences.extend(tied);
    }
}
