//! Faults around the store: transactions, locks and processes of others, and servers that refuse, disappear or
//! switch roles. Each case is named after its number in the list of faults.
//!
//! The environment names the servers and their programs; `cargo xtask databases env` prints it. Without
//! them, the cases are ignored with the reason, and fail under `CI` or `TICKET_REQUIRE_SERVERS=1`.

#![allow(clippy::unwrap_used, reason = "a panic here fails the test")]

mod cluster;
mod failover;
mod isolation;
mod pooler;
mod refusals;
mod setups;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "tls")]
mod tls;
mod writers;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use support::{run, trial};

fn main() -> ExitCode {
    if let Some(url) = std::env::var_os(setups::JOB) {
        return run(setups::job(&url.to_string_lossy()))
            .map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let trials = vec![
        trial!(support::URL, writers::f07_batches_in_opposite_orders_meet_no_deadlock),
        trial!(cluster::BIN, failover::f13_recording_follows_the_primary_by_itself),
        trial!(cluster::BIN, failover::f13_a_primary_that_only_reads_from_now_on_is_left),
        trial!(cluster::BIN, failover::f15_a_read_only_server_is_waited_for),
        trial!(cluster::BIN, failover::f15_a_hot_standby_is_read_and_not_written),
        trial!(cluster::BIN, refusals::f16_a_table_that_was_dropped_is_waited_for),
        trial!(cluster::BIN, refusals::f16_a_right_that_was_lost_is_waited_for),
        trial!(cluster::BIN, refusals::f16_a_database_that_was_dropped_is_waited_for),
        trial!(
            cluster::BIN,
            refusals::wrong_passwords_and_unknown_names_are_reported_without_the_password
        ),
        trial!(support::URL, refusals::a_server_that_never_answers_is_reported_in_time),
        trial!(support::URL, setups::f17_eight_processes_set_up_at_once_and_some_are_killed),
        trial!(support::URL, setups::f17_a_setup_killed_half_way_leaves_nothing),
        trial!(pooler::URL, pooler::f18_transactions_of_a_pooler_are_enough),
        trial!(support::URL, isolation::f39_what_is_logged_in_a_transaction_that_rolls_back_stays),
        trial!(support::URL, isolation::f39_what_is_logged_in_a_transaction_that_commits_stays),
        trial!(
            support::URL,
            isolation::f39_logging_after_a_failure_commits_nothing_of_the_application
        ),
        trial!(support::URL, isolation::f39_locks_on_the_applications_tables_hold_nobody_up),
        trial!(support::URL, isolation::f39_a_lock_on_our_tables_costs_the_deadline_and_no_more),
        #[cfg(feature = "tls")]
        trial!(cluster::BIN, tls::tls_is_verified_as_the_uri_asks),
        #[cfg(feature = "tls")]
        trial!(cluster::BIN, tls::a_tls_mismatch_with_the_server_is_reported),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
