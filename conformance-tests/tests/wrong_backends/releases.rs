//! Faults in the order of releases, and in listing them: rules 6 and 12.

use std::collections::BTreeSet;

use ticket_core::backend::{StatusChange, TicketChange};
use ticket_core::{Fix, ReleaseQuery, Result, SmolStr, Status, Ticket, TicketFilter, TicketId};

use crate::Mutant;
use crate::answers::all_tickets;
use crate::status::{keep_status, show_status};
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "reopens a ticket by a late occurrence of any release",
        found_by: &[
            "rule_06_a_late_occurrence_of_a_release_before_the_fix_leaves_the_ticket_solved",
            "rule_06_a_fix_after_a_release_settles_that_release_too",
            "rule_06_versions_with_different_names_have_no_order",
            "rule_06_a_batch_of_several_releases_is_judged_by_each_of_them",
            "rule_06_the_last_solving_decides_which_releases_are_settled",
        ],
        hooks: Hooks {
            record: |it, batch| {
                let mut recorded = it.record(batch)?;
                for update in &mut recorded.updates {
                    let Some(ticket) = it.stored(update.ticket_id) else { continue };
                    if let Status::Solved { at, .. } = ticket.status
                        && batch.iter().any(|new| new.record().time > at)
                    {
                        it.set_status(update.ticket_id, StatusChange::Reopen)?;
                        update.change = Some(TicketChange::Reopened);
                    }
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "settles every release but that of the fix",
        found_by: &[
            "rule_06_an_occurrence_of_the_fix_or_of_a_release_without_order_reopens_the_ticket",
        ],
        hooks: Hooks {
            record: |it, batch| {
                keep_status(it, batch, |batch, _| {
                    batch.iter().all(|new| new.record().release.as_deref() != Some("1.4.0"))
                })
            },
            ticket: show_status,
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares versions as texts",
        found_by: &[
            "rule_06_an_occurrence_of_the_fix_or_of_a_release_without_order_reopens_the_ticket",
            "rule_06_a_fix_after_a_release_settles_that_release_too",
        ],
        hooks: Hooks {
            record: |it, batch| {
                keep_status(it, batch, |batch, _| {
                    batch
                        .iter()
                        .all(|new| new.record().release.as_deref().is_some_and(|r| r < "1.4.0"))
                })
            },
            ticket: show_status,
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares versions whatever their names are",
        found_by: &["rule_06_versions_with_different_names_have_no_order"],
        hooks: Hooks {
            record: |it, batch| {
                keep_status(it, batch, |batch, _| {
                    batch.iter().all(|new| {
                        let release = new.record().release.as_deref();
                        release.is_some_and(|release| release.ends_with("@1.3.9"))
                    })
                })
            },
            ticket: show_status,
            ..CORRECT
        },
    },
    Mutant {
        fault: "judges a batch by the release of its newest occurrence",
        found_by: &["rule_06_a_batch_of_several_releases_is_judged_by_each_of_them"],
        hooks: Hooks {
            record: |it, batch| {
                keep_status(it, batch, |batch, _| {
                    let newest = batch.iter().max_by_key(|new| new.age_key());
                    newest.is_some_and(|new| new.record().release.as_deref() == Some("1.3.9"))
                })
            },
            ticket: show_status,
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the release of an earlier solving",
        found_by: &["rule_06_the_last_solving_decides_which_releases_are_settled"],
        hooks: Hooks {
            set_status: |it, id, change, _| match (
                change,
                it.stored(id).map(|ticket| ticket.status),
            ) {
                (
                    StatusChange::Solve { at, release: None },
                    Some(Status::Solved { release, .. }),
                ) => it.set_status(id, StatusChange::Solve { at, release }),
                (change, _) => it.set_status(id, change),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "settles the release after which a ticket is fixed as if the fix were in it",
        found_by: &["rule_06_a_fix_after_a_release_settles_that_release_too"],
        hooks: Hooks {
            set_status: |it, id, change, _| match change {
                StatusChange::Solve { at, release: Some(Fix::After { release }) } => {
                    let release = Some(Fix::In(release));
                    it.set_status(id, StatusChange::Solve { at, release })
                }
                change => it.set_status(id, change),
            },
            ticket: |_, ticket| {
                if let Status::Solved { release: Some(fix), .. } = &mut ticket.status {
                    *fix = Fix::After { release: fix.release().to_owned() };
                }
            },
            ..CORRECT
        },
    },
    // 12. The list of releases
    Mutant {
        fault: "lists the releases of all applications",
        found_by: &[
            "rule_06_the_next_release_follows_the_latest_of_the_application",
            "rule_12_releases_are_listed_by_application",
        ],
        hooks: Hooks {
            get_releases: |it, _| (CORRECT.get_releases)(it, &ReleaseQuery::new()),
            ..CORRECT
        },
    },
    Mutant {
        fault: "lists only the last release of each ticket",
        found_by: &[
            "rule_06_the_next_release_follows_the_latest_of_the_application",
            "rule_12_releases_are_listed_by_application",
        ],
        hooks: Hooks {
            get_releases: |it, query| {
                let mut filter = TicketFilter::new();
                filter.app_id.clone_from(&query.app_id);
                let tickets = all_tickets(it, &filter)?;
                let last = tickets.into_iter().filter_map(|ticket| ticket.last_release);
                Ok(last.collect::<BTreeSet<_>>().into_iter().collect())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "lists only the releases of stored occurrences",
        found_by: &["rule_12_releases_survive_pruning_and_expire_with_their_ticket"],
        hooks: Hooks { get_releases: of_stored, ..CORRECT },
    },
    // 9, 18, 20 and 30. The releases and environments of tickets that went
    Mutant {
        fault: "keeps the releases and environments of a deleted ticket",
        found_by: &[
            "rule_09_deleting_removes_the_ticket_its_occurrences_and_its_counts",
            "random_sequences_are_indistinguishable_from_the_reference",
        ],
        hooks: Hooks {
            delete: |it, id| watching(it, || (CORRECT.delete)(it, id)),
            ..KEEPING_PAIRS
        },
    },
    Mutant {
        fault: "keeps the releases and environments of an expired ticket",
        found_by: &[
            "rule_18_an_expired_ticket_takes_its_releases_and_environments_along",
            "random_sequences_are_indistinguishable_from_the_reference",
        ],
        hooks: Hooks {
            clear_expired: |it, expiry| watching(it, || (CORRECT.clear_expired)(it, expiry)),
            ..KEEPING_PAIRS
        },
    },
    Mutant {
        fault: "keeps the releases and environments of a cleared store",
        found_by: &[
            "rule_20_clear_empties_this_store_and_no_other",
            "random_sequences_are_indistinguishable_from_the_reference",
        ],
        hooks: Hooks { clear: |it| watching(it, || (CORRECT.clear)(it)), ..KEEPING_PAIRS },
    },
    Mutant {
        fault: "keeps the releases and environments of a merged ticket under its own id",
        found_by: &[
            "rule_30_a_merged_ticket_leaves_no_releases_and_environments_behind",
            "random_sequences_are_indistinguishable_from_the_reference",
        ],
        hooks: Hooks {
            merge: |it, into, from, author| {
                watching(it, || (CORRECT.merge)(it, into, from, author))
            },
            ..KEEPING_PAIRS
        },
    },
];

/// Finds the tickets that went while they were [watched](watching) by their former releases and environments
/// once they are recorded again.
const KEEPING_PAIRS: Hooks = Hooks {
    incoming: |it, new| {
        let record = new.record();
        let pair = (new.ticket_id(), record.release.clone(), record.environment.clone());
        it.notes().seen.push(pair);
        Some(new.clone())
    },
    count_tickets: |it, filter| {
        let more = found_by_former_pairs(it, filter)?.len() as u64;
        Ok((CORRECT.count_tickets)(it, filter)? + more)
    },
    get_tickets: |it, query| {
        let mut page = it.tickets(query)?;
        page.items.extend(found_by_former_pairs(it, &query.filter)?);
        Ok(page)
    },
    ..CORRECT
};

/// Remembers the tickets that are gone after a call.
fn watching<T>(it: &Wrong, call: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = all_tickets(it, &TicketFilter::new())?;
    let answer = call()?;
    it.notes().left.extend(before.into_iter().filter(|ticket| it.stored(ticket.id).is_none()));
    Ok(answer)
}

fn found_by_former_pairs(it: &Wrong, filter: &TicketFilter) -> Result<Vec<Ticket>> {
    let asked = (filter.release.as_deref(), filter.environment.as_deref());
    if asked == (None, None) {
        return Ok(Vec::new());
    }
    let mut others = filter.clone();
    (others.release, others.environment) = (None, None);
    let mut tickets = all_tickets(it, &others)?;
    let rightly = all_tickets(it, filter)?;
    let notes = it.notes();
    tickets.retain(|ticket| {
        let matches =
            |(id, release, environment): &(TicketId, Option<SmolStr>, Option<SmolStr>)| {
                *id == ticket.id
                    && asked.0.is_none_or(|asked| release.as_deref() == Some(asked))
                    && asked.1.is_none_or(|asked| environment.as_deref() == Some(asked))
            };
        notes.left.iter().any(|gone| gone.id == ticket.id)
            && !rightly.contains(ticket)
            && notes.seen.iter().any(matches)
    });
    Ok(tickets)
}

fn of_stored(it: &Wrong, query: &ReleaseQuery) -> Result<Vec<String>> {
    let mut filter = TicketFilter::new();
    filter.app_id.clone_from(&query.app_id);
    let releases: BTreeSet<String> = all_tickets(it, &filter)?
        .iter()
        .flat_map(|ticket| it.all_occurrences(ticket.id))
        .filter_map(|one| one.record.release.map(Into::into))
        .collect();
    Ok(releases.into_iter().collect())
}
