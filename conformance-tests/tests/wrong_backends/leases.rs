//! Faults in leases: rule 28.

use std::thread::sleep;
use std::time::Duration;

use ticket_core::Result;
use ticket_core::backend::Lease;

use crate::Mutant;
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        fault: "grants a lease to everybody",
        found_by: &[
            "rule_28_a_lease_is_held_by_one_holder",
            "rule_28_one_of_64_concurrent_holders_gets_the_lease",
        ],
        hooks: Hooks { lease: |_, _| Ok(true), ..CORRECT },
    },
    Mutant {
        fault: "rejects the holder itself",
        found_by: &["rule_28_a_lease_is_held_by_one_holder"],
        hooks: Hooks {
            lease: |it, lease| match it.knows(lease) {
                true if !lease.time.is_zero() => Ok(false),
                _ => (CORRECT.lease)(it, lease),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "grants leases that never expire",
        found_by: &["rule_28_a_lease_expires"],
        hooks: Hooks {
            lease: |it, lease| {
                let mut lease = lease.clone();
                if !lease.time.is_zero() {
                    lease.time = Lease::MAX_TIME;
                }
                (CORRECT.lease)(it, &lease)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "does not extend a lease",
        found_by: &["rule_28_a_holder_extends_or_shortens_its_lease"],
        hooks: Hooks {
            lease: |it, lease| match it.knows(lease) {
                true if !lease.time.is_zero() => Ok(true),
                _ => (CORRECT.lease)(it, lease),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the release of a lease",
        found_by: &["rule_28_only_the_holder_releases_a_lease"],
        hooks: Hooks {
            lease: |it, lease| match lease.time.is_zero() {
                true => Ok(true),
                false => (CORRECT.lease)(it, lease),
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "lets anybody release a lease",
        found_by: &["rule_28_only_the_holder_releases_a_lease"],
        hooks: Hooks {
            lease: |it, lease| {
                it.knows(lease);
                if lease.time.is_zero() {
                    it.take_back_all()?;
                }
                (CORRECT.lease)(it, lease)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "checks whether a lease is free before it grants it, without a lock",
        found_by: &["rule_28_one_of_64_concurrent_holders_gets_the_lease"],
        hooks: Hooks {
            lease: |it, lease| {
                if it.notes().leases.iter().any(|held| held.name == lease.name) {
                    return Ok(false);
                }
                sleep(Duration::from_millis(20));
                it.notes().leases.push(lease.clone());
                Ok(true)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "has a single lease for all names",
        found_by: &["rule_28_each_name_is_a_separate_lease"],
        hooks: Hooks {
            lease: |it, lease| {
                (CORRECT.lease)(it, &Lease::new("the one", lease.holder.as_str(), lease.time))
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "shares leases between all stores",
        found_by: &["rule_28_two_stores_do_not_share_leases"],
        hooks: Hooks { one_for_all: true, ..CORRECT },
    },
    Mutant {
        fault: "keeps the leases of each handle apart",
        found_by: &[
            "rule_28_two_handles_share_leases",
            "rule_32_two_handles_share_positions",
            "rule_33_two_handles_share_reports",
        ],
        hooks: Hooks { one_for_each_handle: true, ..CORRECT },
    },
    Mutant {
        fault: "forgets leases when it is cleared",
        found_by: &["rule_28_clear_keeps_leases"],
        hooks: Hooks {
            lease: |it, lease| {
                it.knows(lease);
                (CORRECT.lease)(it, lease)
            },
            clear: |it| {
                it.take_back_all()?;
                (CORRECT.clear)(it)
            },
            ..CORRECT
        },
    },
];

impl Wrong {
    /// Returns `true` if this holder has asked for this lease before.
    fn knows(&self, lease: &Lease) -> bool {
        let leases = &mut self.notes().leases;
        let known =
            leases.iter().any(|held| (&held.name, &held.holder) == (&lease.name, &lease.holder));
        leases.push(lease.clone());
        known
    }

    fn take_back_all(&self) -> Result<()> {
        let leases = std::mem::take(&mut self.notes().leases);
        leases
            .into_iter()
            .try_for_each(|lease| (CORRECT.lease)(self, &lease.given_back()).map(drop))
    }
}
