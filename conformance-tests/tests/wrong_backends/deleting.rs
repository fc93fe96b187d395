//! Faults of deleting: rule 9.

use ticket_core::{Bucket, HistogramQuery, Result, TicketQuery};

use crate::Mutant;
use crate::wrong::{Hooks, RIGHT, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 9. Deleting
    Mutant {
        fault: "leaves the counts of a deleted ticket",
        found_by: &["rule_09_deleting_removes_the_ticket_its_occurrences_and_its_counts"],
        hooks: Hooks {
            delete: |it, id| {
                it.notes().flag = true;
                (RIGHT.delete)(it, id)
            },
            count_occurrences: orphaned_counts,
            ..RIGHT
        },
    },
    Mutant {
        fault: "leaves the occurrences of a deleted ticket",
        found_by: &[
            "rule_09_deleting_removes_the_ticket_its_occurrences_and_its_counts",
            "rule_09_a_ticket_recorded_again_starts_from_scratch",
        ],
        hooks: Hooks {
            delete: |it, id| {
                let orphans = it.all_occurrences(id);
                it.notes().occurrences.extend(orphans);
                (RIGHT.delete)(it, id)
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
            ..RIGHT
        },
    },
    Mutant {
        fault: "leaves the events of a deleted ticket",
        found_by: &["rule_09_deleting_removes_the_events"],
        hooks: Hooks {
            delete: |it, id| {
                let orphans = it.all_occurrences(id);
                it.notes().occurrences.extend(orphans);
                (RIGHT.delete)(it, id)
            },
            get_events: |it, query| {
                let mut page = it.events(query)?;
                page.items.extend(it.notes().occurrences.iter().cloned());
                Ok(page)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "deletes occurrences by their id, in every ticket",
        found_by: &["rule_09_deleting_leaves_every_other_ticket"],
        hooks: Hooks {
            delete: |it, id| {
                let gone: Vec<_> = it.all_occurrences(id).iter().map(|one| one.record.id).collect();
                let others = it.tickets(&TicketQuery::new())?.items;
                for other in others.into_iter().filter(|other| other.id != id) {
                    let shared = it.all_occurrences(other.id);
                    if shared.iter().any(|one| gone.contains(&one.record.id)) {
                        (RIGHT.delete)(it, other.id)?;
                    }
                }
                (RIGHT.delete)(it, id)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "counts on where a deleted ticket ended",
        found_by: &["rule_09_a_ticket_recorded_again_starts_from_scratch"],
        hooks: Hooks {
            delete: |it, id| {
                if let Some(ticket) = it.stored(id) {
                    let count = i64::try_from(ticket.occurrence_count).unwrap();
                    it.notes().numbers.insert(id, count);
                }
                (RIGHT.delete)(it, id)
            },
            ticket: |it, ticket| {
                let before = it.notes().numbers.get(&ticket.id).copied().unwrap_or(0);
                ticket.occurrence_count = ticket.occurrence_count.saturating_add_signed(before);
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "leaves counts where a delete meets a record",
        found_by: &["rule_09_a_delete_that_races_records_leaves_no_orphans"],
        hooks: Hooks {
            delete: |it, id| {
                let orphaned = it.place.meets_another();
                it.notes().flag |= orphaned;
                (RIGHT.delete)(it, id)
            },
            count_occurrences: orphaned_counts,
            ..RIGHT
        },
    },
];

/// One record that belongs to no ticket, once there are orphans.
fn orphaned_counts(it: &Wrong, query: &HistogramQuery) -> Result<Vec<Bucket>> {
    let mut buckets = (RIGHT.count_occurrences)(it, query)?;
    if it.notes().flag
        && let Some(first) = buckets.first_mut()
    {
        first.count += 1;
    }
    Ok(buckets)
}
