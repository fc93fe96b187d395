//! Faults in read positions: rule 32.

use std::thread::sleep;
use std::time::Duration;

use futures::FutureExt;
use ticket_core::backend::{Batch, ReadPosition, Recorded};
use ticket_core::{BackendBase, Result, TicketQuery, Timestamp, limits};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "forgets read positions",
        found_by: &["rule_32_a_position_is_stored_with_its_batch"],
        hooks: Hooks { record_read: |it, batch| (it.hooks.record)(it, batch), ..CORRECT },
    },
    Mutant {
        fault: "ignores a batch of read positions alone",
        found_by: &["rule_32_a_batch_of_positions_alone_is_recorded"],
        hooks: Hooks {
            record_read: |it, batch| match batch.is_empty() {
                true => Ok(Recorded::default()),
                false => (CORRECT.record_read)(it, batch),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "records a batch before it checks the read positions in it",
        found_by: &["rule_32_a_position_that_does_not_follow_changes_nothing"],
        hooks: Hooks {
            record_read: |it, batch| {
                let recorded = (it.hooks.record)(it, batch)?;
                let positions = batch.positions().to_vec();
                let alone = Batch::default().with_positions(positions);
                (CORRECT.record_read)(it, &alone).map(|_| recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "stores some read positions although another one does not follow",
        found_by: &["rule_32_a_position_that_does_not_follow_changes_nothing"],
        hooks: Hooks {
            record_read: |it, batch| {
                for position in batch.positions() {
                    let alone = Batch::default().with_positions(vec![position.clone()]);
                    (CORRECT.record_read)(it, &alone)?;
                }
                (it.hooks.record)(it, batch)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "stores read positions only with new occurrences",
        found_by: &["rule_32_a_known_occurrence_does_not_keep_its_position_out"],
        hooks: Hooks {
            record_read: |it, batch| {
                let recorded = (it.hooks.record)(it, batch)?;
                if recorded.occurrences > 0 {
                    let positions = batch.positions().to_vec();
                    let alone = Batch::default().with_positions(positions);
                    (CORRECT.record_read)(it, &alone)?;
                }
                Ok(recorded)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "checks read positions without a lock",
        found_by: &["rule_32_of_eight_readers_of_one_source_one_records_each_batch"],
        hooks: Hooks {
            record_read: |it, batch| {
                it.check(batch)?;
                sleep(Duration::from_millis(20));
                (CORRECT.record_read)(it, &rewritten(batch, ReadPosition::at))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets read positions when a ticket is deleted",
        found_by: &["rule_32_positions_outlive_a_deleted_ticket"],
        hooks: Hooks {
            delete: |it, id| {
                it.notes().flag = true;
                (CORRECT.delete)(it, id)
            },
            read_position: Wrong::read_position_unless_flagged,
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets read positions when occurrences expire",
        found_by: &["rule_32_positions_outlive_expiry"],
        hooks: Hooks {
            clear_expired: |it, expiry| {
                it.notes().flag = true;
                (CORRECT.clear_expired)(it, expiry)
            },
            read_position: Wrong::read_position_unless_flagged,
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps read positions when it is cleared",
        found_by: &["rule_32_clear_deletes_positions_of_this_store"],
        hooks: Hooks {
            clear: |it| {
                let all = TicketQuery::new().with_limit(ticket_core::MAX_LIMIT);
                loop {
                    let found = it.correct(|correct| correct.get_tickets(&all).now_or_never())?;
                    if found.items.is_empty() {
                        return Ok(());
                    }
                    for ticket in found.items {
                        (CORRECT.delete)(it, ticket.id)?;
                    }
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "never forgets a read position",
        found_by: &["rule_32_positions_that_are_not_written_for_a_year_are_deleted"],
        hooks: Hooks {
            record_read: |it, batch| {
                it.check(batch)?;
                (CORRECT.record_read)(it, &rewritten(batch, |_| Timestamp::UNIX_EPOCH))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not renew the time of a read position",
        found_by: &["rule_32_positions_that_are_not_written_for_a_year_are_deleted"],
        hooks: Hooks {
            record_read: |it, batch| {
                it.check(batch)?;
                let is_renewed = |position: &&ReadPosition| {
                    (CORRECT.read_position)(it, position.source())
                        .is_ok_and(|stored| stored.as_deref() == Some(position.position()))
                };
                if batch.positions().iter().all(|position| is_renewed(&position)) {
                    return (it.hooks.record)(it, batch);
                }
                (CORRECT.record_read)(it, &rewritten(batch, ReadPosition::at))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "looks for the source of a read position as it was given",
        found_by: &["rule_32_positions_take_texts_changed_by_the_limits"],
        hooks: Hooks {
            read_position: |it, source| match source.len() > limits::NAME {
                true => Ok(None),
                false => (CORRECT.read_position)(it, source),
            },
            ..CORRECT
        },
    },
];

/// Returns the batch with positions that require no other one, with other times.
fn rewritten(batch: &Batch, at: impl Fn(&ReadPosition) -> Timestamp) -> Batch {
    let positions = batch
        .positions()
        .iter()
        .map(|position| ReadPosition::new(position.source(), position.position(), at(position)));
    batch.clone().with_positions(positions.collect())
}

impl Wrong {
    fn check(&self, batch: &Batch) -> Result<()> {
        batch.positions().iter().try_for_each(|position| {
            let stored = (CORRECT.read_position)(self, position.source())?;
            position.check("wrong", stored.as_deref())
        })
    }

    fn read_position_unless_flagged(&self, source: &str) -> Result<Option<String>> {
        if self.notes().flag { Ok(None) } else { (CORRECT.read_position)(self, source) }
    }
}
