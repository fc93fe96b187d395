//! Faults in deleting: rule 9.

use ticket_core::{Bucket, HistogramQuery, Result, TicketQuery};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 9. Deleting
    Mutant {
        fault: "keeps the counts of a deleted ticket",
        found_by: &["rule_09_deleting_removes_the_ticket_its_occurrences_and_its_counts"],
        hooks: Hooks {
            delete: |it, id| {
                it.notes().flag = true;
                (CORRECT.delete)(it, id)
            },
            count_occurrences: orphaned_counts,
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the occurrences of a deleted ticket",
        found_by: &[
            "rule_09_deleting_removes_the_ticket_its_occurrences_and_its_counts",
            "rule_09_a_ticket_recorded_again_starts_from_scratch",
        ],
        hooks: Hooks {
            delete: |it, id| {
                let orphans = it.all_occurrences(id);
                it.notes().occurrences.extend(orphans);
                (CORRECT.delete)(it, id)
            },
            get_occurrences: |it, id, query| {
                let mut page = it.occurrences(id, query)?;
                if page.items.is_empty() {
                    page.items.clone_from(&it.notes().occurrences);
                }
                Ok(page)
            },
            incoming: |it, new| {
                let notes = it.notes();
                let known = notes.occurrences.iter().any(|one| one.record.id == new.record().id);
                (!known).then(|| new.clone())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the events of a deleted ticket",
        found_by: &["rule_09_deleting_removes_the_events"],
        hooks: Hooks {
            delete: |it, id| {
                let orphans = it.all_occurrences(id);
                it.notes().occurrences.extend(orphans);
                (CORRECT.delete)(it, id)
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
        fault: "deletes occurrences with the same id in all tickets",
        found_by: &["rule_09_deleting_leaves_every_other_ticket"],
        hooks: Hooks {
            delete: |it, id| {
                let gone: Vec<_> = it.all_occurrences(id).iter().map(|one| one.record.id).collect();
                let others = it.tickets(&TicketQuery::new())?.items;
                for other in others.into_iter().filter(|other| other.id != id) {
                    let shared = it.all_occurrences(other.id);
                    if shared.iter().any(|one| gone.contains(&one.record.id)) {
                        (CORRECT.delete)(it, other.id)?;
                    }
                }
                (CORRECT.delete)(it, id)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "continues the count of a deleted ticket",
        found_by: &["rule_09_a_ticket_recorded_again_starts_from_scratch"],
        hooks: Hooks {
            delete: |it, id| {
                if let Some(ticket) = it.stored(id) {
                    let count = i64::try_from(ticket.occurrence_count).unwrap();
                    it.notes().numbers.insert(id, count);
                }
                (CORRECT.delete)(it, id)
            },
            ticket: |it, ticket| {
                let before = it.notes().numbers.get(&ticket.id).copied().unwrap_or(0);
                ticket.occurrence_count = ticket.occurrence_count.saturating_add_signed(before);
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps counts if a delete races a record",
        found_by: &["rule_09_a_delete_that_races_records_leaves_no_orphans"],
        hooks: Hooks {
            delete: |it, id| {
                let orphaned = it.storage.meets_another();
                it.notes().flag |= orphaned;
                (CORRECT.delete)(it, id)
            },
            count_occurrences: orphaned_counts,
            ..CORRECT
        },
    },
];

/// Counts one record that belongs to no ticket once there are orphans.
fn orphaned_counts(it: &Wrong, query: &HistogramQuery) -> Result<Vec<Bucket>> {
    let mut buckets = (CORRECT.count_occurrences)(it, query)?;
    if it.notes().flag
        && let Some(first) = buckets.first_mut()
    {
        first.count += 1;
    }
    Ok(buckets)
}
