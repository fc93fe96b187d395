//! The list of all cases.
//!
//! The functions are private to this crate: one that is missing from the list is dead code, and the
//! build says so.

mod applications;
mod comparisons;
mod counting;
mod cursors;
mod deleting;
mod errors;
mod events;
mod expiry;
mod filters;
mod histograms;
mod leases;
mod orders;
mod paging;
mod recording;
mod search;
mod setup;
mod status;
mod texts;
mod traits;
mod transactions;
mod values;

use futures::future::{BoxFuture, FutureExt};
use ticket_core::Capability;

use crate::context::Context;
use crate::random;

/// One case.
#[derive(Debug)]
pub(crate) struct CaseEntry {
    /// Its name, which begins with the rule that it checks.
    pub(crate) name: &'static str,
    /// What a backend has to have for it.
    pub(crate) needs: &'static [Capability],
    /// The case itself; it fails by a panic.
    pub(crate) run: fn(Context) -> BoxFuture<'static, ()>,
}

/// `module { case, case: Capability & Capability, }` for each area.
macro_rules! cases {
    ($($module:ident { $($name:ident $(: $($need:ident)&+)?,)* })*) => {
        &[$($(CaseEntry {
            name: stringify!($name),
            needs: &[$($(Capability::$need),+)?],
            run: |context| $module::$name(context).boxed(),
        },)*)*]
    };
}

pub(crate) const CASES: &[CaseEntry] = cases! {
    recording {
        rule_01_a_batch_of_one_is_recorded,
        rule_01_a_batch_of_ten_thousand_is_recorded,
        rule_01_an_empty_batch_changes_nothing,
        rule_01_a_dropped_call_leaves_all_of_its_batch_or_nothing,
        rule_01_a_killed_process_leaves_whole_batches: SharedStorage,
        rule_02_an_id_twice_in_a_batch_counts_once,
        rule_02_an_id_in_two_batches_counts_once,
        rule_02_a_repeated_id_changes_nothing_of_its_ticket,
        rule_02_the_same_id_counts_in_each_of_two_tickets,
        rule_02_the_same_batch_from_eight_writers_counts_once,
        rule_02_the_same_batch_through_two_handles_counts_once: SharedStorage,
        rule_02_the_same_batch_from_eight_processes_counts_once: SharedStorage,
        rule_03_the_first_occurrence_creates_the_ticket_with_all_its_fields,
        rule_03_created_is_reported_once_among_64_writers,
        rule_03_created_is_reported_once_among_eight_processes: SharedStorage,
        rule_03_the_answer_names_each_ticket_that_got_something_new_by_id,
    }
    counting {
        rule_04_the_count_is_the_sum_of_repeats,
        rule_04_counts_are_exact_under_many_writers,
        rule_04_counts_are_exact_under_eight_processes: SharedStorage,
        rule_04_pruning_does_not_touch_a_ticket: Events,
        rule_05_every_order_of_arrival_gives_the_same_ticket,
        rule_05_every_order_in_one_batch_gives_the_same_ticket,
        rule_05_first_and_last_time_are_exact_under_many_writers,
        rule_05_times_before_1970_count_like_others,
        rule_05_a_pruned_first_or_newest_one_still_decides: Events,
        rule_08_batches_in_opposite_orders_from_eight_writers_all_succeed,
    }
    status {
        rule_06_an_occurrence_after_the_solving_reopens,
        rule_06_one_at_the_moment_or_before_leaves_it_solved,
        rule_06_a_batch_of_older_and_later_ones_reopens_once,
        rule_06_reopened_is_reported_once_for_each_solving_among_eight_writers,
        rule_06_solving_before_the_last_occurrence_changes_nothing,
        rule_06_solving_again_moves_the_moment,
        rule_06_a_pruned_last_occurrence_decides_like_a_stored_one: Events,
        rule_06_solving_while_others_record_never_hides_a_later_occurrence,
        rule_06_a_person_reopens_a_ticket,
        rule_07_a_muted_ticket_counts_and_stays_muted,
        rule_07_muted_until_a_time_to_come_is_muted,
        rule_07_muted_until_a_past_time_is_open_everywhere,
        rule_07_muting_ends_by_itself,
        rule_07_a_muted_ticket_can_be_solved_and_reopened,
    }
    deleting {
        rule_09_deleting_takes_the_ticket_its_occurrences_and_its_counts,
        rule_09_deleting_takes_the_events: Events,
        rule_09_deleting_leaves_every_other_ticket,
        rule_09_a_ticket_recorded_again_starts_anew,
        rule_09_a_delete_that_races_records_leaves_no_orphans,
    }
    orders {
        rule_10_tickets_sort_by_every_key_both_ways_ties_by_id,
        rule_10_the_newest_come_first_unless_asked_otherwise,
        rule_10_orders_follow_what_changes,
        rule_10_occurrences_sort_by_time_both_ways_ties_by_id,
        rule_10_events_sort_by_time_both_ways_ties_by_id_and_ticket: Events,
    }
    paging {
        rule_11_pages_of_tickets_make_up_the_whole_in_every_order,
        rule_11_pages_keep_to_the_filter,
        rule_11_pages_of_occurrences_make_up_the_whole,
        rule_11_pages_of_events_make_up_the_whole: Events,
        rule_11_an_offset_passes_over_so_many,
        rule_11_an_offset_passes_over_occurrences,
        rule_11_an_offset_passes_over_events: Events,
        rule_11_a_limit_of_0_or_1001_is_the_callers_error,
        rule_11_a_limit_of_0_or_1001_events_is_the_callers_error: Events,
        rule_11_a_damaged_or_foreign_cursor_is_the_callers_error,
        rule_11_a_damaged_or_foreign_event_cursor_is_the_callers_error: Events,
    }
    cursors {
        rule_11_a_cursor_outlives_the_ticket_it_stands_at,
        rule_11_a_walk_meets_each_ticket_once_while_others_write,
        rule_11_tickets_that_stay_in_place_are_met_once_while_others_move,
        rule_11_a_walk_meets_each_occurrence_once_while_others_write,
        rule_11_a_walk_meets_each_event_once_while_others_write: Events,
    }
    filters {
        rule_12_the_empty_filter_finds_all,
        rule_12_by_status,
        rule_12_by_level_at_least,
        rule_12_by_channel_release_and_environment_to_the_letter,
        rule_12_by_the_channel_of_the_newest_record,
        rule_12_by_release_and_environment_of_any_one_record,
        rule_12_pruning_leaves_release_and_environment: Events,
        rule_12_by_a_range_of_time,
        rule_12_by_the_beginning_of_the_id,
        rule_12_all_filters_combine,
    }
    search {
        rule_12_by_text_in_message_or_location_whatever_its_case,
        rule_12_a_search_text_means_itself,
        rule_12_a_search_looks_into_the_newest_message,
    }
    histograms {
        rule_12_counts_per_hour_and_day_are_exact_and_without_gaps,
        rule_12_counts_per_hour_forget_what_is_deleted,
        rule_12_counts_per_hour_survive_pruning: Events,
        rule_12_counts_of_nothing_are_zeros,
        rule_12_counts_before_1970_and_at_the_ends_of_time,
        rule_12_an_empty_or_endless_range_is_the_callers_error,
    }
    applications {
        rule_13_an_unknown_id_is_none_or_false,
        rule_13_an_unknown_event_is_an_empty_answer: Events,
        rule_14_applications_do_not_see_each_other,
        rule_14_applications_do_not_see_each_others_events: Events,
        rule_14_two_namespaces_in_one_database_do_not_see_each_other,
    }
    events {
        rule_15_all_events_by_type_and_by_id: Events,
        rule_15_an_id_finds_the_event_in_every_ticket_that_has_it: Events,
        rule_15_both_ends_of_a_range_of_time_are_in_it: Events,
        rule_15_everything_that_is_set_has_to_hold: Events,
        rule_15_names_and_values_mean_themselves: Events,
        rule_15_a_filter_finds_the_newest_first_page_by_page: Events,
        rule_15_what_is_seldom_together_is_found_page_by_page: Events,
    }
    comparisons {
        rule_15_text_compares_by_code_point: Events,
        rule_15_integers_compare_exactly: Events,
        rule_15_floats_compare_exactly: Events,
        rule_15_bools_and_times_compare: Events,
        rule_15_a_number_compares_with_integers_and_floats_alike: Events,
        rule_16_a_missing_trait_matches_no_comparison: Events,
        rule_16_a_trait_of_another_type_matches_no_comparison: Events,
    }
    traits {
        rule_17_event_types_are_distinct_and_sorted_by_code_point: Events,
        rule_17_an_event_type_goes_with_its_last_event: Events,
        rule_17_the_type_of_an_event_is_its_own_channel: Events,
        rule_17_trait_types_are_distinct_and_sorted: Events,
        rule_17_traits_come_by_name_then_by_event_page_by_page: Events,
        rule_17_bad_limits_and_cursors_of_traits_are_the_callers_error: Events,
    }
    expiry {
        rule_18_what_is_older_goes_and_nothing_else: Events,
        rule_18_the_oldest_go_first_and_at_most_so_many: Events,
        rule_18_of_one_moment_and_id_the_lower_ticket_goes_first: Events,
        rule_18_counts_stay_when_occurrences_go: Events,
        rule_18_a_solved_ticket_goes_with_its_last_occurrence: Events,
        rule_18_a_solved_ticket_stays_while_an_occurrence_is_left: Events,
        rule_18_a_solved_ticket_goes_if_its_occurrences_went_before: Events,
        rule_18_a_ticket_that_has_just_reopened_is_not_lost: Events,
        rule_19_the_first_and_the_newest_stay: Events,
        rule_19_keeping_as_many_as_possible_deletes_nothing: Events,
        rule_19_pruning_while_others_record_keeps_counts_exact: Events,
        rule_20_clear_empties_this_store_and_nothing_beside_it: Events,
    }
    values {
        rule_21_any_text_comes_back_from_every_field,
        rule_21_nul_becomes_a_mark_everywhere,
        rule_21_any_name_is_a_traits_name,
        rule_21_a_thousand_traits_are_kept,
        rule_21_what_is_not_known_stays_unknown,
        rule_21_every_level_comes_back,
        rule_22_what_is_too_long_is_cut_with_a_mark_and_recorded,
        rule_22_a_record_that_is_too_large_is_recorded,
        rule_22_the_longest_texts_can_be_sought_and_sorted,
        rule_23_the_whole_range_of_integers_comes_back,
        rule_23_floats_come_back_bit_for_bit,
        rule_23_times_from_year_1_to_9999_come_back_to_the_microsecond,
        rule_23_records_of_any_time_are_kept_and_sorted,
        rule_23_statuses_of_any_time_are_kept,
    }
    texts {
        rule_12_ticket_filters_find_texts_that_the_limits_changed,
        rule_12_counts_find_an_application_that_the_limits_changed,
        rule_15_event_filters_find_texts_that_the_limits_changed: Events,
        rule_17_types_and_traits_are_found_by_texts_that_the_limits_changed: Events,
        rule_18_an_expiry_finds_an_application_that_the_limits_changed: Events,
        rule_19_pruning_finds_an_application_that_the_limits_changed: Events,
        rule_22_the_release_of_a_solving_is_changed_like_that_of_a_record,
        rule_28_leases_take_names_and_holders_that_the_limits_change: Events,
    }
    setup {
        rule_24_setting_up_again_is_harmless,
        rule_24_eight_tasks_set_up_one_handle_at_once,
        rule_24_eight_handles_set_up_an_empty_store_at_once: SharedStorage,
        rule_24_eight_processes_set_up_an_empty_store_at_once: SharedStorage,
        rule_24_what_was_recorded_outlives_the_handle: SharedStorage,
        rule_24_an_older_schema_is_migrated_and_keeps_its_data: SharedStorage & SchemaVersions,
        rule_24_eight_handles_migrate_an_older_schema_at_once: SharedStorage & SchemaVersions,
        rule_24_eight_processes_migrate_an_older_schema_at_once: SharedStorage & SchemaVersions,
        rule_24_a_newer_schema_is_refused_and_stays_untouched: SharedStorage & SchemaVersions,
        rule_24_without_autocreate_an_empty_store_is_refused: SharedStorage & SchemaVersions,
        rule_24_without_autocreate_an_older_schema_is_refused: SharedStorage & SchemaVersions,
    }
    errors {
        rule_25_an_error_says_what_is_wrong_and_where,
        rule_25_a_failed_call_leaves_the_handle_usable,
        rule_25_no_secret_is_shown,
        rule_26_what_the_backend_lacks_is_what_the_suite_was_told,
        rule_26_calling_what_is_lacking_is_unsupported,
    }
    transactions {
        rule_27_recording_does_not_commit_the_applications_transaction: ApplicationTransactions,
        rule_27_recording_does_not_roll_the_applications_transaction_back: ApplicationTransactions,
        rule_27_reading_and_solving_leave_the_applications_transaction: ApplicationTransactions,
    }
    leases {
        rule_28_a_lease_is_held_by_one_holder: Events,
        rule_28_a_lease_runs_out: Events,
        rule_28_a_holder_prolongs_or_shortens_its_lease: Events,
        rule_28_a_lease_is_given_back_by_its_holder: Events,
        rule_28_of_64_that_ask_at_once_one_gets_the_lease: Events,
        rule_28_each_name_is_a_lease_of_its_own: Events,
        rule_28_two_stores_do_not_share_leases: Events,
        rule_28_two_handles_share_leases: Events & SharedStorage,
        rule_28_emptying_the_store_leaves_its_leases: Events,
    }
    random {
        random_sequences_are_indistinguishable_from_the_reference,
    }
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = CASES.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), CASES.len());
    }

    #[test]
    fn every_rule_has_a_case() {
        for rule in 1..=28 {
            let prefix = format!("rule_{rule:02}_");
            assert!(CASES.iter().any(|entry| entry.name.starts_with(&prefix)), "rule {rule}");
        }
    }
}
