//! Faults while the database is away: rule 25.

use std::thread;
use std::time::Duration;

use ticket_core::{Error, ErrorKind};

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks};

const CASE: &[&str] = &["rule_25_every_call_ends_while_the_store_does_not_answer"];

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "waits for as long as the database is away",
        found_by: CASE,
        hooks: Hooks {
            reach: |it| {
                while it.storage.reach().is_err() {
                    thread::sleep(Duration::from_millis(10));
                }
                Ok(())
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "rejects what it cannot record while the database is away",
        found_by: CASE,
        hooks: Hooks {
            reach: |it| {
                it.storage.reach().map_err(|_| Error::new(ErrorKind::Rejected, "wrong", "refused"))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "is of no use once the database was away",
        found_by: CASE,
        hooks: Hooks {
            reach: |it| {
                let away = it.storage.reach();
                it.notes().flag |= away.is_err();
                match it.notes().flag {
                    true => {
                        Err(Error::new(ErrorKind::Unavailable, "wrong", "the handle is closed"))
                    }
                    false => away,
                }
            },
            ..CORRECT
        },
    },
];
