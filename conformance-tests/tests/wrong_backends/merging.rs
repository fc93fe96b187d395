//! Faults in merging tickets: rule 30.

use ticket_core::backend::NewOccurrence;
use ticket_core::{
    Author, Fingerprint, HistoryEntry, HistoryEvent, Result, Status, Ticket, TicketFilter, TicketId,
};

use std::thread::sleep;
use std::time::Duration;

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks, Wrong, under_another_id};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "does not describe a merged ticket by the newest occurrence of both",
        found_by: &["rule_30_a_merged_ticket_has_everything_of_both"],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let before = it.stored(into);
                let merged = it.merge(into, from, author)?;
                if let Some(before) = before.filter(|_| merged.is_some()) {
                    it.notes().texts.insert(into, before.message);
                }
                Ok(merged)
            },
            ticket: |it, ticket| {
                if let Some(text) = it.notes().texts.get(&ticket.id) {
                    ticket.message.clone_from(text);
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "leaves the merged ticket in lists",
        found_by: &["rule_30_a_merged_ticket_has_everything_of_both"],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let left = it.stored(from);
                let merged = it.merge(into, from, author)?;
                if merged.is_some() {
                    it.notes().left.extend(left);
                }
                Ok(merged)
            },
            get_tickets: |it, query| {
                let mut page = it.tickets(query)?;
                if query.filter == TicketFilter::new() {
                    page.items.extend(it.notes().left.clone());
                }
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets the events of a merged ticket",
        found_by: &["rule_30_the_events_of_a_merged_ticket_are_found"],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let ids = it.all_occurrences(from).into_iter().map(|one| (into, one.record.id));
                it.notes().ids.extend(ids);
                it.merge(into, from, author)
            },
            get_events: |it, query| {
                let mut page = it.events(query)?;
                let notes = it.notes();
                page.items.retain(|one| !notes.ids.contains(&(one.ticket_id, one.record.id)));
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "counts an id that both tickets have twice",
        found_by: &["rule_30_an_occurrence_id_in_both_tickets_counts_once"],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let known: Vec<_> =
                    it.all_occurrences(into).into_iter().map(|one| one.record.id).collect();
                for one in it.all_occurrences(from) {
                    if known.contains(&one.record.id)
                        && let Some(ticket) = it.stored(from)
                    {
                        let fingerprint = Fingerprint::from_parts(from, ticket.ingredients);
                        let new = NewOccurrence::new(one.record, fingerprint);
                        it.record(&[under_another_id(&new).with_repeats(one.repeats)])?;
                    }
                }
                it.merge(into, from, author)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "describes a merged ticket by the other ticket's copy of an occurrence that both have",
        found_by: &["rule_30_an_occurrence_id_in_both_tickets_keeps_the_description_of_into"],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let newest = |id| {
                    let records = it.all_occurrences(id).into_iter().map(|one| one.record);
                    records.max_by_key(|record| (record.time, record.id))
                };
                if let (Some(kept), Some(other)) = (newest(into), newest(from))
                    && kept.id == other.id
                {
                    it.notes().texts.insert(into, other.message.to_string());
                }
                it.merge(into, from, author)
            },
            ticket: |it, ticket| {
                if let Some(text) = it.notes().texts.get(&ticket.id) {
                    ticket.message.clone_from(text);
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "adds up stored occurrences only",
        found_by: &["rule_30_pruned_occurrences_count_in_a_merged_ticket"],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let stored: u64 =
                    it.all_occurrences(from).iter().map(|one| u64::from(one.repeats)).sum();
                let before = it.stored(from).map_or(0, |ticket| ticket.occurrence_count);
                it.notes().numbers.insert(into, (before - stored).cast_signed());
                it.merge(into, from, author)
            },
            ticket: |it, ticket| {
                if let Some(missing) = it.notes().numbers.get(&ticket.id) {
                    ticket.occurrence_count -= missing.unsigned_abs();
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "names the fingerprint's ticket instead of the one that changed",
        found_by: &["rule_30_later_occurrences_are_recorded_in_the_merged_ticket"],
        hooks: Hooks {
            record: |it, batch| {
                let mut recorded = it.record(batch)?;
                if let ([update], Some(first)) = (recorded.updates.as_mut_slice(), batch.first()) {
                    update.ticket_id = first.ticket_id();
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not redirect what is recorded later",
        found_by: &[
            "rule_30_later_occurrences_are_recorded_in_the_merged_ticket",
            "rule_30_a_merge_and_its_end_hold_for_every_handle",
        ],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let merged = it.merge(into, from, author)?;
                it.unmerge(from, Author::unknown())?;
                Ok(merged)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "merges the counts that it read before, without a lock",
        found_by: &["rule_30_merging_while_others_record_loses_nothing"],
        hooks: Hooks {
            record: |it, batch| {
                // Gives the merger time to start.
                sleep(Duration::from_millis(1));
                it.record(batch)
            },
            merge: |it, into, from, author| {
                let count = |id| it.stored(id).map_or(0, |ticket| ticket.occurrence_count);
                let before = count(into) + count(from);
                // Until another writer comes in between, or all of them are done.
                for _ in 0..20 {
                    sleep(Duration::from_millis(1));
                    if count(into) + count(from) > before {
                        break;
                    }
                }
                let merged = it.merge(into, from, author)?;
                let lost = count(into).saturating_sub(before).cast_signed();
                *it.notes().numbers.entry(into).or_default() += lost;
                Ok(merged)
            },
            ticket: |it, ticket| {
                let lost = it.notes().numbers.get(&ticket.id).copied().unwrap_or(0);
                ticket.occurrence_count -= lost.unsigned_abs();
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "remembers a redirection after its end",
        found_by: &[
            "rule_30_unmerging_ends_the_redirection",
            "rule_30_a_merge_and_its_end_hold_for_every_handle",
        ],
        hooks: Hooks {
            merge: remembering,
            unmerge: |it, from, _| {
                let mut notes = it.notes();
                let before = notes.merged.len();
                notes.merged.retain(|(merged, _)| *merged != from);
                Ok(notes.merged.len() < before)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "redirects only what was merged last",
        found_by: &["rule_30_what_was_merged_before_follows"],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let before = it.notes().merged.clone();
                for (old, target) in before {
                    if target == from {
                        it.unmerge(old, Author::unknown())?;
                    }
                }
                let merged = it.merge(into, from, author)?;
                if merged.is_some() {
                    it.notes().merged.push((from, into));
                }
                Ok(merged)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "takes a refused merge for a missing ticket",
        found_by: &["rule_30_a_merge_that_makes_no_sense_is_refused"],
        hooks: Hooks {
            merge: |it, into, from, author| match it.merge(into, from, author) {
                Err(error) if error.kind() == ticket_core::ErrorKind::Config => Ok(None),
                merged => merged,
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps redirecting to a deleted ticket",
        found_by: &["rule_30_deleting_a_ticket_ends_the_redirections_to_it"],
        hooks: Hooks {
            merge: remembering,
            delete: |it, id| {
                let deleted = (CORRECT.delete)(it, id)?;
                it.notes().flag |= deleted;
                Ok(deleted)
            },
            unmerge: |it, from, author| {
                let is_left = is_remembered(it, from) && it.notes().flag;
                Ok(it.unmerge(from, author)? || is_left)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps redirecting to an expired ticket",
        found_by: &["rule_30_expiry_and_clearing_end_redirections"],
        hooks: Hooks {
            merge: remembering,
            clear_expired: |it, expiry| {
                let expired = (CORRECT.clear_expired)(it, expiry)?;
                it.notes().flag |= expired.tickets > 0;
                Ok(expired)
            },
            unmerge: |it, from, author| {
                let is_left = is_remembered(it, from) && it.notes().flag;
                Ok(it.unmerge(from, author)? || is_left)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "hides a later occurrence in a solved ticket by a merge",
        found_by: &["rule_30_a_merged_ticket_keeps_its_status_unless_it_is_solved_too_early"],
        hooks: Hooks {
            merge: |it, into, from, author| {
                let before = it.stored(into).map(|ticket| ticket.status);
                let merged = it.merge(into, from, author)?;
                if let Some(status @ Status::Solved { .. }) = before {
                    it.notes().statuses.insert(into, status);
                }
                Ok(merged.and_then(|_| it.ticket(into)))
            },
            ticket: |it, ticket| {
                if let Some(status) = it.notes().statuses.get(&ticket.id) {
                    ticket.status = status.clone();
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "loses the history of the merged ticket",
        found_by: &["rule_30_the_histories_of_merged_tickets_are_joined"],
        hooks: Hooks {
            get_history: |it, id, query| {
                let mut page = it.history(id, query)?;
                let is_merge =
                    |entry: &HistoryEntry| matches!(entry.event, HistoryEvent::Merged(_));
                if page.items.iter().any(is_merge) {
                    page.items.retain(|entry| !matches!(entry.event, HistoryEvent::Status(_)));
                }
                Ok(page)
            },
            ..CORRECT
        },
    },
];

/// Merges, and remembers the merged ticket.
fn remembering(
    it: &Wrong,
    into: TicketId,
    from: TicketId,
    author: Author,
) -> Result<Option<Ticket>> {
    let merged = it.merge(into, from, author)?;
    if merged.is_some() {
        it.notes().merged.push((from, into));
    }
    Ok(merged)
}

fn is_remembered(it: &Wrong, from: TicketId) -> bool {
    it.notes().merged.iter().any(|(merged, _)| *merged == from)
}
