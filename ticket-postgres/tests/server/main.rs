//! What only a real server shows, beside the suite and the faults.

#![allow(clippy::unwrap_used, reason = "each of these is a test, which fails where it stands")]

mod counts;
mod events;
mod expiry;
#[path = "../support/mod.rs"]
mod support;
mod tables;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use support::{URL, trial};

fn main() -> ExitCode {
    let trials = vec![
        trial!(URL, tables::every_statement_has_its_index),
        trial!(URL, tables::every_key_begins_with_the_tickets_id_so_that_the_tables_distribute),
        trial!(URL, tables::every_call_refuses_tables_that_it_does_not_know),
        trial!(URL, expiry::expiry_drops_a_month_that_nobody_needs),
        trial!(URL, expiry::expiry_goes_by_the_time_of_the_record_not_of_its_id),
        trial!(URL, events::what_is_seldom_together_is_found_however_times_lie),
        trial!(URL, counts::the_sums_of_an_application_are_those_of_its_tickets),
        trial!(URL, counts::f07_a_deadlock_with_somebody_else_does_not_reach_the_caller),
        trial!(URL, counts::a_release_that_solves_is_cut_as_a_recorded_one_is),
        trial!(URL, counts::a_batch_of_which_some_is_stored_adds_the_rest),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
