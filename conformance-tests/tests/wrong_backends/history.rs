//! Faults in the history of tickets: rule 31.

use ticket_core::backend::{NewOccurrence, StatusChange, TicketChange};
use ticket_core::{
    Author, Direction, HistoryEntry, HistoryEvent, HistoryQuery, MAX_LIMIT, Note, Page, Result,
    Status, TicketId, Timestamp, limits,
};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "forgets who decided",
        found_by: &["rule_31_each_decision_is_an_entry_with_its_author_and_time"],
        hooks: Hooks { set_status: |it, id, change, _| it.set_status(id, change), ..CORRECT },
    },
    Mutant {
        fault: "gives entries the store's own time",
        found_by: &[
            "rule_31_each_decision_is_an_entry_with_its_author_and_time",
            "rule_31_a_note_is_kept_with_its_author_and_time",
        ],
        hooks: Hooks {
            get_history: |it, id, query| {
                altered(it, id, query, |entry| entry.time = Timestamp::now())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "sorts a history by the authors' times",
        found_by: &["rule_31_each_decision_is_an_entry_with_its_author_and_time"],
        hooks: Hooks {
            get_history: |it, id, query| {
                let mut page = it.history(id, query)?;
                page.items.sort_by(|a, b| query.direction.apply(a.time.cmp(&b.time)));
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "makes no entry of a decision that repeats the one before",
        found_by: &["rule_31_each_decision_is_an_entry_with_its_author_and_time"],
        hooks: Hooks {
            set_status: |it, id, change, author| match it.stored(id) {
                Some(ticket) if same(&ticket.status, &change) => Ok(Some(ticket)),
                _ => it.decide(id, change, author),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "makes an entry of a solving that changes nothing",
        found_by: &["rule_31_a_solving_that_changes_nothing_is_no_entry"],
        hooks: Hooks {
            set_status: |it, id, change, author| {
                if let (StatusChange::Solve { at, .. }, Some(ticket)) = (&change, it.stored(id))
                    && *at < ticket.last_occurrence_time
                {
                    it.add_note(id, Note::new("tried to solve it", author.clone()))?;
                }
                it.decide(id, change, author)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps only the first line of a note",
        found_by: &["rule_31_a_note_is_kept_with_its_author_and_time"],
        hooks: Hooks {
            add_note: |it, id, note| {
                let line = note.text().lines().next().unwrap_or_default();
                it.add_note(id, Note::new(line, note.author().clone()))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "takes a note as an activity of the ticket",
        found_by: &["rule_31_a_note_is_kept_with_its_author_and_time"],
        hooks: Hooks {
            add_note: |it, id, note| {
                it.notes().numbers.insert(id, 1);
                it.add_note(id, note)
            },
            ticket: |it, ticket| {
                if it.notes().numbers.contains_key(&ticket.id) {
                    ticket.last_occurrence_time = Timestamp::now();
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "takes notes on tickets that do not exist",
        found_by: &["rule_31_an_unknown_ticket_has_no_history_and_takes_no_note"],
        hooks: Hooks { add_note: |it, id, note| it.add_note(id, note).map(|_| true), ..CORRECT },
    },
    Mutant {
        fault: "makes no entry of a reopening by an occurrence",
        found_by: &["rule_31_an_occurrence_that_reopens_the_ticket_is_an_entry"],
        hooks: Hooks {
            get_history: |it, id, query| {
                let mut page = it.history(id, query)?;
                page.items.retain(|entry| entry.event != HistoryEvent::Recurred);
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "makes an entry of every occurrence after the solving",
        found_by: &["rule_31_an_occurrence_that_reopens_the_ticket_is_an_entry"],
        hooks: Hooks {
            record: |it, batch| {
                let recorded = it.record(batch)?;
                for update in &recorded.updates {
                    if update.change.is_none() && was_solved(it, update.ticket_id) {
                        it.add_note(update.ticket_id, Note::new("again", Author::unknown()))?;
                    }
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "gives a reopening the time of the first occurrence in the batch",
        found_by: &["rule_31_an_occurrence_that_reopens_the_ticket_is_an_entry"],
        hooks: Hooks {
            record: |it, batch| {
                let first = batch.first().map_or(0, |new| new.record().time.as_micros());
                let recorded = it.record(batch)?;
                for update in &recorded.updates {
                    if update.change == Some(TicketChange::Reopened) {
                        it.notes().numbers.insert(update.ticket_id, first);
                    }
                }
                Ok(recorded)
            },
            get_history: |it, id, query| {
                let first = it.notes().numbers.get(&id).copied();
                altered(it, id, query, |entry| {
                    if let (HistoryEvent::Recurred, Some(first)) = (&entry.event, first) {
                        entry.time = Timestamp::from_micros(first);
                    }
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "gives a reopening the time of the newest occurrence in the batch",
        found_by: &["rule_31_a_reopening_after_a_settled_occurrence_has_the_newest_time"],
        hooks: Hooks {
            record: |it, batch| {
                let newest = batch.iter().map(|new| new.record().time.as_micros()).max();
                let recorded = it.record(batch)?;
                for update in &recorded.updates {
                    if update.change == Some(TicketChange::Reopened) {
                        it.notes().numbers.insert(update.ticket_id, newest.unwrap_or_default());
                    }
                }
                Ok(recorded)
            },
            get_history: |it, id, query| {
                let newest = it.notes().numbers.get(&id).copied();
                altered(it, id, query, |entry| {
                    if let (HistoryEvent::Recurred, Some(newest)) = (&entry.event, newest) {
                        entry.time = Timestamp::from_micros(newest);
                    }
                })
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "checks whether a ticket is solved before it makes an entry, without a lock",
        found_by: &["rule_31_a_reopening_among_eight_writers_is_one_entry"],
        hooks: Hooks {
            record: |it, batch| {
                let is_later = |new: &&NewOccurrence| match it.stored(new.ticket_id()) {
                    Some(ticket) => match ticket.status {
                        Status::Solved { at, .. } => at < new.record().time,
                        Status::Open | Status::Muted { .. } => false,
                    },
                    None => false,
                };
                let reopening: Vec<TicketId> =
                    batch.iter().filter(is_later).map(NewOccurrence::ticket_id).collect();
                if !reopening.is_empty() {
                    it.storage.meets_another();
                }
                let recorded = it.record(batch)?;
                for update in &recorded.updates {
                    if update.change.is_none() && reopening.contains(&update.ticket_id) {
                        it.add_note(update.ticket_id, Note::new("reopened", Author::unknown()))?;
                    }
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "overwrites an entry that another writer added at the same time",
        found_by: &["rule_31_no_entry_is_lost_among_many_writers"],
        hooks: Hooks {
            add_note: |it, id, note| {
                let before = newest(it, id);
                it.storage.meets_another();
                // The number that was free before belongs to another entry now.
                if newest(it, id) > before {
                    return Ok(true);
                }
                it.add_note(id, note)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the oldest entries",
        found_by: &["rule_31_the_newest_entries_are_kept"],
        hooks: Hooks {
            add_note: |it, id, note| {
                let is_full = newest(it, id) >= limits::HISTORY as u64;
                if is_full { Ok(true) } else { it.add_note(id, note) }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "numbers the kept entries anew",
        found_by: &["rule_31_the_newest_entries_are_kept"],
        hooks: Hooks {
            get_history: |it, id, query| {
                let oldest = HistoryQuery::new().with_direction(Direction::Ascending).with_limit(1);
                let first = it.history(id, &oldest)?.items.first().map_or(1, |entry| entry.number);
                altered(it, id, query, |entry| entry.number -= first - 1)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "continues a history by counting",
        found_by: &["rule_31_history_pages_continue_while_others_write"],
        hooks: Hooks {
            get_history: |it, id, query| {
                let key = format!("{:?}", query.after());
                let skipped = it.notes().offsets.get(&key).copied().unwrap_or(0);
                let all = query.clone().with_after(None).with_offset(skipped + query.offset());
                let page = match query.after() {
                    Some(_) => it.history(id, &all)?,
                    None => it.history(id, query)?,
                };
                let next = format!("{:?}", page.next.as_ref());
                it.notes().offsets.insert(next, skipped + page.items.len() as u64);
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the offset in a history",
        found_by: &["rule_31_history_pages_continue_while_others_write"],
        hooks: Hooks {
            get_history: |it, id, query| it.history(id, &query.clone().with_offset(0)),
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the history of a deleted ticket",
        found_by: &["rule_31_a_history_is_deleted_with_its_ticket"],
        hooks: Hooks {
            delete: |it, id| {
                let left = it.history(id, &everything())?.items;
                it.notes().history.extend(left.into_iter().map(|entry| (id, entry)));
                (CORRECT.delete)(it, id)
            },
            get_history: with_leftovers,
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the history of an expired ticket",
        found_by: &["rule_31_a_history_expires_with_its_ticket_and_survives_pruning"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let tickets = it.tickets(&ticket_core::TicketQuery::new())?.items;
                let expired = (CORRECT.clear_expired)(it, expiry)?;
                for ticket in tickets.iter().filter(|ticket| it.stored(ticket.id).is_none()) {
                    let left = HistoryEntry {
                        number: 1,
                        time: ticket.last_occurrence_time,
                        by: None,
                        event: HistoryEvent::Status(ticket.status.clone()),
                    };
                    it.notes().history.push((ticket.id, left));
                }
                Ok(expired)
            },
            get_history: with_leftovers,
            ..CORRECT
        },
    },
];

/// Reads a history and changes its entries.
fn altered(
    it: &Wrong,
    id: TicketId,
    query: &HistoryQuery,
    change: impl FnMut(&mut HistoryEntry),
) -> Result<Page<HistoryEntry>> {
    let mut page = it.history(id, query)?;
    page.items.iter_mut().for_each(change);
    Ok(page)
}

fn everything() -> HistoryQuery {
    HistoryQuery::new().with_limit(MAX_LIMIT)
}

/// Reads a history together with what a fault kept of it.
fn with_leftovers(it: &Wrong, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
    let mut page = it.history(id, query)?;
    let notes = it.notes();
    let left = notes.history.iter().filter(|(ticket, _)| *ticket == id);
    page.items.extend(left.map(|(_, entry)| entry.clone()));
    Ok(page)
}

/// Returns the number of a ticket's newest entry, or 0.
fn newest(it: &Wrong, id: TicketId) -> u64 {
    let page = it.history(id, &HistoryQuery::new().with_limit(1)).unwrap();
    page.items.first().map_or(0, |entry| entry.number)
}

fn was_solved(it: &Wrong, id: TicketId) -> bool {
    let history = it.history(id, &everything()).unwrap().items;
    history.iter().any(|entry| matches!(entry.event, HistoryEvent::Status(Status::Solved { .. })))
}

/// Returns `true` if a change would give a ticket the status that it has.
fn same(status: &Status, change: &StatusChange) -> bool {
    change.clone().status(Timestamp::MIN).as_ref() == Some(status)
}
