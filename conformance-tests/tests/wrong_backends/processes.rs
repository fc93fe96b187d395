//! Faults that several processes reveal and one does not: rules 6, 9, 18, 28, 31 and 32.
//!
//! Most of these backends have two locks, as careful ones do: one within the process, and that of the store. What
//! they decide before they have the second one is right as long as no other process changes it. A round trip to the
//! store lies in between.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::thread::sleep;
use std::time::Duration;

use futures::FutureExt;
use ticket_core::backend::{Lease, NewOccurrence, ReadPosition, TicketChange};
use ticket_core::{
    BackendBase, Direction, Error, EventStore, HistoryQuery, Occurrence, Status, Ticket,
    TicketFilter,
};

use crate::Mutant;
use crate::answers::all_tickets;
use crate::journal::Change;
use crate::retention::{delete_solved, solved_before};
use crate::wrong::{CORRECT, Hooks, Wrong};

const REOPENED: &str = "rule_06_reopened_is_reported_once_per_solving_among_eight_processes";
const DELETED: &str = "rule_09_deletes_that_race_records_of_eight_processes_leave_no_orphans";
const EXPIRED: &str = "rule_18_expiry_in_eight_processes_loses_no_reopened_ticket";
const LEASED: &str = "rule_28_one_of_eight_processes_gets_each_lease";
const SHARED: &str = "rule_28_a_holder_is_the_same_in_eight_processes";
const NOTED: &str = "rule_31_no_entry_is_lost_among_eight_processes";
const READ: &str = "rule_32_of_eight_processes_that_read_one_source_one_records_each_batch";

pub(crate) const MUTANTS: &[Mutant] = &[
    // 6. Reopening
    Mutant {
        fault: "decides whether a ticket reopens before it locks the store",
        found_by: &[REOPENED],
        hooks: Hooks {
            record: |it, batch| {
                let _process = it.one_at_a_time();
                it.catch_up()?;
                let reopening: Vec<_> = batch.iter().filter(|new| reopens(it, new)).collect();
                round_trip();
                let mut recorded = it.record(batch)?;
                for update in &mut recorded.updates {
                    if reopening.iter().any(|new| new.ticket_id() == update.ticket_id) {
                        update.change = Some(TicketChange::Reopened);
                    }
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "remembers in each process which tickets are open",
        found_by: &[REOPENED],
        hooks: Hooks {
            record: |it, batch| {
                let mut recorded = it.record(batch)?;
                for update in &mut recorded.updates {
                    let known = it.notes().statuses.insert(update.ticket_id, Status::Open);
                    if known == Some(Status::Open) {
                        update.change = None;
                    }
                }
                Ok(recorded)
            },
            set_status: |it, id, change, author| {
                it.notes().statuses.remove(&id);
                it.decide(id, change, author)
            },
            ..CORRECT
        },
    },
    // 9. Deleting
    Mutant {
        fault: "lists the occurrences of a ticket before it locks the store to delete it",
        found_by: &[DELETED],
        hooks: Hooks {
            delete: |it, id| {
                let _process = it.one_at_a_time();
                it.catch_up()?;
                let listed = it.all_occurrences(id);
                round_trip();
                let mut orphans = Vec::new();
                let is_deleted = it.change(&Change::Delete(id), |store| {
                    orphans = it.all_occurrences(id);
                    orphans.retain(|one| !listed.contains(one));
                    store.delete_ticket(id).now_or_never()
                })?;
                leave_behind(it, &orphans);
                Ok(is_deleted)
            },
            get_occurrences: |it, id, query| {
                let mut page = it.occurrences(id, query)?;
                page.items.extend(left_behind(it).into_iter().filter(|one| one.ticket_id == id));
                Ok(page)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "reports a deletion to each process that has seen the ticket",
        found_by: &[DELETED],
        hooks: Hooks {
            delete: |it, id| {
                let _process = it.one_at_a_time();
                it.catch_up()?;
                let is_seen = it.stored(id).is_some();
                round_trip();
                (CORRECT.delete)(it, id)?;
                Ok(is_seen)
            },
            ..CORRECT
        },
    },
    // 18. Expiry
    Mutant {
        fault: "lists solved tickets before it locks the store to delete them",
        found_by: &[EXPIRED],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let _process = it.one_at_a_time();
                it.catch_up()?;
                let solved = solved_before(it, expiry)?;
                round_trip();
                let expired = (CORRECT.clear_expired)(it, expiry)?;
                delete_solved(it, &solved)?;
                Ok(expired)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "reports the occurrences that it listed for expiry, whoever deleted them",
        found_by: &[EXPIRED],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                let _process = it.one_at_a_time();
                it.catch_up()?;
                let old = |ticket: &Ticket| {
                    let all = it.all_occurrences(ticket.id);
                    all.iter().filter(|one| one.record.time < expiry.before).count() as u64
                };
                let listed = all_tickets(it, &TicketFilter::new())?.iter().map(old).sum();
                round_trip();
                let mut expired = (CORRECT.clear_expired)(it, expiry)?;
                expired.occurrences = listed;
                Ok(expired)
            },
            ..CORRECT
        },
    },
    // 28. Leases
    Mutant {
        fault: "keeps leases in the memory of each process",
        found_by: &[LEASED],
        hooks: Hooks {
            lease: |it, lease| it.correct(|store| store.lease(lease).now_or_never()),
            ..CORRECT
        },
    },
    Mutant {
        fault: "reads who has a lease, and writes it in another transaction",
        found_by: &[LEASED],
        hooks: Hooks {
            lease: |it, lease| {
                let _process = it.one_at_a_time();
                let file = it.storage.file(&lease.name);
                let stored = it.storage.locked(|| fs::read_to_string(&file));
                round_trip();
                match stored {
                    Ok(holder) if holder != lease.holder => return Ok(false),
                    Err(error) if error.kind() != IoErrorKind::NotFound => panic!("{error}"),
                    _ => it.storage.locked(|| fs::write(&file, &lease.holder)).unwrap(),
                }
                Ok(true)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "grants a lease to a process in place of a holder",
        found_by: &[SHARED],
        hooks: Hooks {
            lease: |it, lease| {
                let holder = format!("{} {}", lease.holder, std::process::id());
                (CORRECT.lease)(it, &Lease::new(lease.name.as_str(), holder, lease.time))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "releases a lease in its own process only",
        found_by: &[SHARED],
        hooks: Hooks {
            lease: |it, lease| match lease.time.is_zero() {
                true => it.correct(|store| store.lease(lease).now_or_never()),
                false => (CORRECT.lease)(it, lease),
            },
            ..CORRECT
        },
    },
    // 31. Histories
    Mutant {
        fault: "numbers the entries of a history before it locks the store",
        found_by: &[NOTED],
        hooks: Hooks {
            add_note: |it, id, note| {
                let _process = it.one_at_a_time();
                it.catch_up()?;
                let last = |it: &Wrong| {
                    let query = HistoryQuery::new().with_direction(Direction::Descending);
                    it.history(id, &query).map(|page| page.items.first().map(|one| one.number))
                };
                let before = last(it)?;
                round_trip();
                // The number that another process has taken in the meantime is there already.
                let taken = Err(Error::config("the number is taken"));
                let added = it.change(&Change::note(id, &note), |store| match last(it) {
                    Ok(now) if now == before => store.add_note(id, note).now_or_never(),
                    _ => Some(taken),
                });
                Ok(added.unwrap_or(true))
            },
            ..CORRECT
        },
    },
    // 32. Read positions
    Mutant {
        fault: "checks the position of a source before it locks the store",
        found_by: &[READ],
        hooks: Hooks {
            record_read: |it, batch| {
                let _process = it.one_at_a_time();
                it.catch_up()?;
                for read in batch.positions() {
                    let stored = (CORRECT.read_position)(it, read.source())?;
                    read.check("wrong", stored.as_deref())?;
                }
                let unchecked = |read: &ReadPosition| {
                    ReadPosition::new(read.source(), read.position(), read.at())
                };
                let positions = batch.positions().iter().map(unchecked).collect();
                round_trip();
                (CORRECT.record_read)(it, &batch.clone().with_positions(positions))
            },
            ..CORRECT
        },
    },
];

/// Waits as a call of a server does, while other processes go on.
fn round_trip() {
    sleep(Duration::from_millis(1));
}

/// Returns `true` if an occurrence reopens its ticket as it is stored now.
fn reopens(it: &Wrong, new: &NewOccurrence) -> bool {
    let status = it.stored(new.ticket_id()).map(|ticket| ticket.status);
    matches!(status, Some(Status::Solved { at, .. }) if at < new.record().time)
}

/// Keeps occurrences without a ticket for all processes.
fn leave_behind(it: &Wrong, orphans: &[Occurrence]) {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).append(true).open(it.storage.file("orphans")).unwrap();
    for one in orphans {
        let line = serde_json::to_string(one).unwrap() + "\n";
        file.write_all(line.as_bytes()).unwrap();
    }
}

fn left_behind(it: &Wrong) -> Vec<Occurrence> {
    let lines = fs::read_to_string(it.storage.file("orphans")).unwrap_or_default();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
