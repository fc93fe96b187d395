//! Faults of leases: rule 28.

use std::thread::sleep;
use std::time::Duration;

use ticket_core::Result;
use ticket_core::backend::Lease;

use crate::Mutant;
use crate::wrong::{Hooks, RIGHT, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "lends to everybody",
        found_by: &[
            "rule_28_a_lease_is_held_by_one_holder",
            "rule_28_of_64_that_ask_at_once_one_gets_the_lease",
        ],
        hooks: Hooks { lease: |_, _| Ok(true), ..RIGHT },
    },
    Mutant {
        fault: "refuses the holder itself",
        found_by: &["rule_28_a_lease_is_held_by_one_holder"],
        hooks: Hooks {
            lease: |it, lease| match it.knows(lease) {
                true if !lease.time.is_zero() => Ok(false),
                _ => (RIGHT.lease)(it, lease),
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "lends for ever",
        found_by: &["rule_28_a_lease_runs_out"],
        hooks: Hooks {
            lease: |it, lease| {
                let mut lease = lease.clone();
                if !lease.time.is_zero() {
                    lease.time = Lease::MAX_TIME;
                }
                (RIGHT.lease)(it, &lease)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "does not prolong what is held",
        found_by: &["rule_28_a_holder_prolongs_or_shortens_its_lease"],
        hooks: Hooks {
            lease: |it, lease| match it.knows(lease) {
                true if !lease.time.is_zero() => Ok(true),
                _ => (RIGHT.lease)(it, lease),
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "takes nothing back",
        found_by: &["rule_28_a_lease_is_given_back_by_its_holder"],
        hooks: Hooks {
            lease: |it, lease| match lease.time.is_zero() {
                true => Ok(true),
                false => (RIGHT.lease)(it, lease),
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "takes a lease back from anybody",
        found_by: &["rule_28_a_lease_is_given_back_by_its_holder"],
        hooks: Hooks {
            lease: |it, lease| {
                it.knows(lease);
                if lease.time.is_zero() {
                    it.take_back_all()?;
                }
                (RIGHT.lease)(it, lease)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "looks whether a lease is free and takes it then",
        found_by: &["rule_28_of_64_that_ask_at_once_one_gets_the_lease"],
        hooks: Hooks {
            lease: |it, lease| {
                if it.notes().leases.iter().any(|held| held.name == lease.name) {
                    return Ok(false);
                }
                sleep(Duration::from_millis(20));
                it.notes().leases.push(lease.clone());
                Ok(true)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "has one lease whatever the name",
        found_by: &["rule_28_each_name_is_a_lease_of_its_own"],
        hooks: Hooks {
            lease: |it, lease| {
                (RIGHT.lease)(it, &Lease::new("the one", lease.holder.as_str(), lease.time))
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "has the leases of all stores in one place",
        found_by: &["rule_28_two_stores_do_not_share_leases"],
        hooks: Hooks { one_for_all: true, ..RIGHT },
    },
    Mutant {
        fault: "has leases of each handle",
        found_by: &["rule_28_two_handles_share_leases"],
        hooks: Hooks { one_for_each_handle: true, ..RIGHT },
    },
    Mutant {
        fault: "forgets leases when it is emptied",
        found_by: &["rule_28_emptying_the_store_leaves_its_leases"],
        hooks: Hooks {
            lease: |it, lease| {
                it.knows(lease);
                (RIGHT.lease)(it, lease)
            },
            clear: |it| {
                it.take_back_all()?;
                (RIGHT.clear)(it)
            },
            ..RIGHT
        },
    },
];

impl Wrong {
    /// Whether this holder has asked for this lease before.
    fn knows(&self, lease: &Lease) -> bool {
        let leases = &mut self.notes().leases;
        let known =
            leases.iter().any(|held| (&held.name, &held.holder) == (&lease.name, &lease.holder));
        leases.push(lease.clone());
        known
    }

    fn take_back_all(&self) -> Result<()> {
        let leases = std::mem::take(&mut self.notes().leases);
        leases.into_iter().try_for_each(|lease| (RIGHT.lease)(self, &lease.given_back()).map(drop))
    }
}
