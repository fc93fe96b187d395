//! Tests that need a real server and belong neither to the conformance suite nor to the faults.

#![allow(clippy::unwrap_used, reason = "a panic here fails the test")]

mod counts;
mod events;
mod expiry;
#[path = "../../../conformance-tests/tests/migrated/mod.rs"]
mod migrated;
mod migration;
#[path = "../support/mod.rs"]
mod support;
mod tables;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use support::{URL, trial};

fn main() -> ExitCode {
    let trials = vec![
        trial!(URL, tables::every_statement_has_its_index),
        trial!(URL, tables::every_key_begins_with_the_ticket_id_so_that_tables_can_be_distributed),
        trial!(URL, tables::every_statement_of_ddl_is_sent_alone),
        trial!(URL, tables::every_call_rejects_tables_of_an_unknown_version),
        trial!(URL, migration::data_of_version_4_is_migrated),
        trial!(URL, expiry::expiry_drops_a_month_that_is_no_longer_needed),
        trial!(URL, expiry::expiry_goes_by_the_time_of_the_record_not_of_its_id),
        trial!(URL, events::rare_matches_are_found_however_unevenly_events_are_spread),
        trial!(URL, counts::the_sums_of_an_application_are_those_of_its_tickets),
        trial!(URL, counts::f07_a_deadlock_with_somebody_else_does_not_reach_the_caller),
        trial!(URL, counts::a_solved_ticket_that_appears_while_it_is_recorded_reopens),
        trial!(URL, counts::a_solving_release_is_truncated_like_a_recorded_one),
        trial!(URL, counts::a_partially_stored_batch_adds_only_the_rest),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
