//! The list of all cases.
//!
//! The cases are private functions. A case that is missing from the list is dead code, which the build rejects.

mod applications;
mod clauses;
mod comparisons;
mod counting;
mod cursors;
mod deleting;
mod errors;
mod events;
mod expiry;
mod filters;
mod histograms;
mod history;
mod leases;
mod merging;
mod orders;
mod outage;
mod paging;
mod payloads;
mod positions;
mod recording;
mod releases;
mod reports;
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

/// A case of the suite.
#[derive(Debug)]
pub(crate) struct CaseEntry {
    /// The case's name, which starts with the number of its rule.
    pub(crate) name: &'static str,
    /// The capabilities that the case needs.
    pub(crate) needs: &'static [Capability],
    /// Runs the case, which panics if it fails.
    pub(crate) run: fn(Context) -> BoxFuture<'static, ()>,
}

/// Builds the list from `module { case, case: Capability & Capability, }` per module.
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
        rule_02_a_repeated_id_does_not_change_its_ticket,
        rule_02_the_same_id_counts_in_each_of_two_tickets,
        rule_02_the_same_batch_from_eight_writers_counts_once,
        rule_02_the_same_batch_through_two_handles_counts_once: SharedStorage,
        rule_02_the_same_batch_from_eight_processes_counts_once: SharedStorage,
        rule_03_the_first_occurrence_creates_the_ticket_with_all_its_fields,
        rule_03_created_is_reported_once_among_64_writers,
        rule_03_created_is_reported_once_among_eight_processes: SharedStorage,
        rule_03_the_result_lists_each_ticket_that_gained_an_occurrence_by_id,
    }
    counting {
        rule_04_the_count_is_the_sum_of_repeats,
        rule_04_counts_are_exact_under_many_writers,
        rule_04_counts_are_exact_under_eight_processes: SharedStorage,
        rule_04_pruning_leaves_the_ticket_unchanged: Events,
        rule_05_every_order_of_arrival_gives_the_same_ticket,
        rule_05_every_order_in_one_batch_gives_the_same_ticket,
        rule_05_first_and_last_time_are_exact_under_many_writers,
        rule_05_times_before_1970_are_ordinary_times,
        rule_05_a_pruned_first_or_newest_occurrence_still_counts: Events,
        rule_08_batches_in_opposite_orders_from_eight_writers_all_succeed,
    }
    status {
        rule_06_an_occurrence_after_solving_reopens_the_ticket,
        rule_06_an_occurrence_at_or_before_the_moment_leaves_the_ticket_solved,
        rule_06_a_batch_of_older_and_later_occurrences_reopens_once,
        rule_06_reopened_is_reported_once_per_solving_among_eight_writers,
        rule_06_reopened_is_reported_once_per_solving_among_eight_processes: SharedStorage,
        rule_06_solving_before_the_last_occurrence_changes_nothing,
        rule_06_solving_again_moves_the_moment,
        rule_06_a_pruned_last_occurrence_counts_like_a_stored_one: Events,
        rule_06_solving_while_others_record_never_hides_a_later_occurrence,
        rule_06_a_ticket_is_reopened_by_hand,
        rule_07_a_muted_ticket_counts_and_stays_muted,
        rule_07_a_ticket_muted_until_a_future_time_is_muted,
        rule_07_a_ticket_muted_until_a_past_time_is_open_in_every_query,
        rule_07_muting_ends_on_its_own,
        rule_07_a_muted_ticket_can_be_solved_and_reopened,
    }
    releases {
        rule_06_a_late_occurrence_of_a_release_before_the_fix_leaves_the_ticket_solved,
        rule_06_an_occurrence_of_the_fix_or_of_a_release_without_order_reopens_the_ticket,
        rule_06_a_fix_after_a_release_settles_that_release_too,
        rule_06_versions_with_different_names_have_no_order,
        rule_06_a_batch_of_several_releases_is_judged_by_each_of_them,
        rule_06_reopened_is_reported_once_among_writers_of_several_releases,
        rule_06_the_last_solving_decides_which_releases_are_settled,
        rule_06_the_next_release_follows_the_latest_of_the_application,
        rule_12_releases_are_listed_by_application,
        rule_12_releases_survive_pruning_and_expire_with_their_ticket: Events,
    }
    deleting {
        rule_09_deleting_removes_the_ticket_its_occurrences_and_its_counts,
        rule_09_deleting_removes_the_events: Events,
        rule_09_deleting_leaves_every_other_ticket,
        rule_09_a_ticket_recorded_again_starts_from_scratch,
        rule_09_a_delete_that_races_records_leaves_no_orphans,
        rule_09_deletes_that_race_records_of_eight_processes_leave_no_orphans: SharedStorage,
    }
    orders {
        rule_10_tickets_sort_by_every_key_in_both_directions_with_ties_by_id,
        rule_10_the_newest_come_first_by_default,
        rule_10_orders_follow_changes,
        rule_10_occurrences_sort_by_time_in_both_directions_with_ties_by_id,
        rule_10_events_sort_by_time_in_both_directions_with_ties_by_id_and_ticket: Events,
    }
    paging {
        rule_11_pages_of_tickets_are_complete_in_every_order,
        rule_11_pages_respect_the_filter,
        rule_11_pages_of_occurrences_are_complete,
        rule_11_pages_of_events_are_complete: Events,
        rule_11_an_offset_skips_tickets,
        rule_11_an_offset_skips_occurrences,
        rule_11_an_offset_skips_events: Events,
        rule_11_a_limit_of_0_or_1001_is_a_config_error,
        rule_11_a_limit_of_0_or_1001_events_is_a_config_error: Events,
        rule_11_a_damaged_or_foreign_cursor_is_a_config_error,
        rule_11_a_damaged_or_foreign_event_cursor_is_a_config_error: Events,
    }
    cursors {
        rule_11_a_cursor_outlives_the_ticket_it_points_to,
        rule_11_paging_returns_each_ticket_once_while_others_write,
        rule_11_paging_returns_unmoved_tickets_once_while_others_move,
        rule_11_paging_returns_each_occurrence_once_while_others_write,
        rule_11_paging_returns_each_event_once_while_others_write: Events,
    }
    filters {
        rule_12_the_empty_filter_matches_every_ticket,
        rule_12_filters_by_status,
        rule_12_filters_by_minimum_level,
        rule_12_filters_by_exact_channel_release_and_environment,
        rule_12_filters_by_the_channel_of_the_newest_record,
        rule_12_filters_by_release_and_environment_of_a_single_record,
        rule_12_pruning_keeps_releases_and_environments: Events,
        rule_12_filters_by_time_range,
        rule_12_filters_by_id_prefix,
        rule_12_all_filters_combine,
    }
    search {
        rule_12_searches_message_and_location_ignoring_case,
        rule_12_searches_the_error_chain_and_the_path_of_the_request,
        rule_12_a_search_text_has_no_wildcards,
        rule_12_searches_the_newest_message_only,
    }
    histograms {
        rule_12_counts_per_hour_and_day_are_exact_and_without_gaps,
        rule_12_counts_per_hour_go_with_a_deleted_ticket,
        rule_12_counts_per_hour_survive_pruning: Events,
        rule_12_counts_of_nothing_are_zeros,
        rule_12_counts_cover_times_before_1970_and_both_ends_of_time,
        rule_12_an_empty_or_overlong_range_is_a_config_error,
    }
    applications {
        rule_13_an_unknown_id_is_none_or_false,
        rule_13_an_unknown_event_is_an_empty_result: Events,
        rule_14_applications_do_not_see_each_other,
        rule_14_applications_do_not_see_each_others_events: Events,
        rule_14_two_namespaces_in_one_database_do_not_see_each_other,
    }
    events {
        rule_15_finds_events_by_type_and_by_id: Events,
        rule_15_an_id_finds_the_event_in_every_ticket_that_has_it: Events,
        rule_15_a_time_range_includes_both_ends: Events,
        rule_15_all_conditions_must_hold: Events,
        rule_15_names_and_values_are_taken_literally: Events,
        rule_15_a_filter_returns_the_newest_first_page_by_page: Events,
        rule_15_rare_combinations_are_found_page_by_page: Events,
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
    clauses {
        rule_15_one_alternative_of_each_clause_has_to_hold: Events,
        rule_15_rare_alternatives_are_found_once_page_by_page: Events,
        rule_15_a_filter_has_up_to_32_comparisons: Events,
        rule_15_a_text_in_the_message_is_found_ignoring_case: Events,
        rule_15_rare_messages_are_found_page_by_page: Events,
        rule_16_a_trait_of_any_type_is_there_or_missing: Events,
        rule_16_a_negation_matches_exactly_what_its_comparison_does_not: Events,
    }
    traits {
        rule_17_event_types_are_distinct_and_sorted_by_code_point: Events,
        rule_17_an_event_type_disappears_with_its_last_event: Events,
        rule_17_names_that_another_handle_replaced_are_recorded_again: Events & SharedStorage,
        rule_17_the_type_of_an_event_is_its_own_channel: Events,
        rule_17_trait_types_are_distinct_and_sorted: Events,
        rule_17_traits_are_ordered_by_name_then_by_event: Events,
        rule_17_bad_limits_and_cursors_of_traits_are_config_errors: Events,
    }
    expiry {
        rule_18_only_older_occurrences_are_deleted: Events,
        rule_18_the_oldest_are_deleted_first_up_to_the_maximum: Events,
        rule_18_ties_of_time_and_id_are_broken_by_ticket_id: Events,
        rule_18_counts_outlive_their_occurrences: Events,
        rule_18_a_solved_ticket_is_deleted_with_its_last_occurrence: Events,
        rule_18_a_solved_ticket_stays_while_an_occurrence_is_left: Events,
        rule_18_a_solved_ticket_whose_occurrences_are_gone_is_deleted: Events,
        rule_18_an_expired_ticket_takes_its_releases_and_environments_along: Events,
        rule_18_a_ticket_that_was_just_reopened_is_not_lost: Events,
        rule_18_expiry_in_eight_processes_loses_no_reopened_ticket: Events & SharedStorage,
        rule_19_the_first_and_the_newest_stay: Events,
        rule_19_keeping_the_maximum_deletes_nothing: Events,
        rule_19_pruning_while_others_record_keeps_counts_exact: Events,
        rule_20_clear_empties_this_store_and_no_other: Events,
    }
    values {
        rule_21_any_text_survives_in_every_field,
        rule_21_nul_is_replaced_in_every_field,
        rule_21_any_text_is_a_trait_name,
        rule_21_a_thousand_traits_are_kept,
        rule_21_missing_fields_stay_missing,
        rule_21_every_level_survives,
        rule_22_overlong_texts_are_cut_with_a_mark,
        rule_22_an_oversized_record_is_shrunk_and_recorded,
        rule_22_the_longest_texts_can_be_searched_and_sorted,
        rule_23_the_full_range_of_integers_survives,
        rule_23_floats_survive_bit_for_bit,
        rule_23_times_from_year_1_to_9999_survive_to_the_microsecond,
        rule_23_records_of_any_time_are_kept_and_sorted,
        rule_23_statuses_of_any_time_are_kept,
    }
    texts {
        rule_12_ticket_filters_find_texts_changed_by_the_limits,
        rule_12_counts_find_an_application_changed_by_the_limits,
        rule_15_event_filters_find_texts_changed_by_the_limits: Events,
        rule_17_types_and_traits_are_found_by_texts_changed_by_the_limits: Events,
        rule_18_expiry_finds_an_application_changed_by_the_limits: Events,
        rule_19_pruning_finds_an_application_changed_by_the_limits: Events,
        rule_22_a_release_that_solves_is_cut_like_that_of_a_record,
        rule_28_leases_take_names_and_holders_changed_by_the_limits: Events,
    }
    setup {
        rule_13_a_store_that_was_never_set_up_has_no_tickets,
        rule_13_a_store_that_was_never_set_up_has_no_events: Events,
        rule_24_setting_up_again_is_harmless,
        rule_24_eight_tasks_set_up_one_handle_at_once,
        rule_24_eight_handles_set_up_an_empty_store_at_once: SharedStorage,
        rule_24_eight_processes_set_up_an_empty_store_at_once: SharedStorage,
        rule_24_records_outlive_the_handle: SharedStorage,
        rule_24_an_older_schema_is_migrated_and_keeps_its_data: SharedStorage & SchemaVersions,
        rule_24_eight_handles_migrate_an_older_schema_at_once: SharedStorage & SchemaVersions,
        rule_24_eight_processes_migrate_an_older_schema_at_once: SharedStorage & SchemaVersions,
        rule_24_a_newer_schema_is_rejected_and_stays_untouched: SharedStorage & SchemaVersions,
        rule_24_without_autocreate_an_empty_store_is_rejected: SharedStorage & SchemaVersions,
        rule_24_without_autocreate_an_older_schema_is_rejected: SharedStorage & SchemaVersions,
    }
    errors {
        rule_25_an_error_says_what_is_wrong_and_where,
        rule_25_a_failed_call_leaves_the_handle_usable,
        rule_25_no_secret_is_shown,
        rule_26_capabilities_match_the_declaration,
        rule_26_a_missing_capability_is_unsupported,
    }
    outage {
        rule_25_every_call_ends_while_the_store_does_not_answer: SharedStorage,
    }
    transactions {
        rule_27_recording_does_not_commit_the_applications_transaction: ApplicationTransactions,
        rule_27_recording_does_not_roll_back_the_applications_transaction: ApplicationTransactions,
        rule_27_reading_and_solving_leave_the_applications_transaction_open: ApplicationTransactions,
    }
    leases {
        rule_28_a_lease_is_held_by_one_holder: Events,
        rule_28_a_lease_expires: Events,
        rule_28_a_holder_extends_or_shortens_its_lease: Events,
        rule_28_only_the_holder_releases_a_lease: Events,
        rule_28_one_of_64_concurrent_holders_gets_the_lease: Events,
        rule_28_each_name_is_a_separate_lease: Events,
        rule_28_two_stores_do_not_share_leases: Events,
        rule_28_two_handles_share_leases: Events & SharedStorage,
        rule_28_one_of_eight_processes_gets_each_lease: Events & SharedStorage,
        rule_28_a_holder_is_the_same_in_eight_processes: Events & SharedStorage,
        rule_28_clear_keeps_leases: Events,
    }
    payloads {
        rule_29_a_payload_is_returned_as_it_came,
        rule_29_a_payload_has_a_limit_of_its_own,
        rule_29_an_external_id_finds_every_event_that_has_it: Events,
        rule_29_an_external_id_is_one_condition_of_several: Events,
        rule_29_events_of_an_external_id_are_read_page_by_page: Events,
        rule_29_an_external_id_is_found_as_the_limits_have_changed_it: Events,
    }
    merging {
        rule_30_a_merged_ticket_has_everything_of_both,
        rule_30_a_merged_ticket_leaves_no_releases_and_environments_behind,
        rule_30_the_events_of_a_merged_ticket_are_found: Events,
        rule_30_an_occurrence_id_in_both_tickets_counts_once,
        rule_30_an_occurrence_id_in_both_tickets_keeps_the_description_of_into,
        rule_30_pruned_occurrences_count_in_a_merged_ticket: Events,
        rule_30_later_occurrences_are_recorded_in_the_merged_ticket,
        rule_30_a_merge_and_its_end_hold_for_every_handle: SharedStorage,
        rule_30_unmerging_ends_the_redirection,
        rule_30_what_was_merged_before_follows,
        rule_30_a_merge_that_makes_no_sense_is_refused,
        rule_30_deleting_a_ticket_ends_the_redirections_to_it,
        rule_30_expiry_and_clearing_end_redirections: Events,
        rule_30_a_merged_ticket_keeps_its_status_unless_it_is_solved_too_early,
        rule_30_the_histories_of_merged_tickets_are_joined,
        rule_30_merging_while_others_record_loses_nothing,
    }
    history {
        rule_31_each_decision_is_an_entry_with_its_author_and_time,
        rule_31_a_solving_that_changes_nothing_is_no_entry,
        rule_31_a_note_is_kept_with_its_author_and_time,
        rule_31_an_unknown_ticket_has_no_history_and_takes_no_note,
        rule_31_an_occurrence_that_reopens_the_ticket_is_an_entry,
        rule_31_a_reopening_after_a_settled_occurrence_has_the_newest_time,
        rule_31_a_reopening_among_eight_writers_is_one_entry,
        rule_31_no_entry_is_lost_among_many_writers,
        rule_31_no_entry_is_lost_among_eight_processes: SharedStorage,
        rule_31_the_newest_entries_are_kept,
        rule_31_history_pages_continue_while_others_write,
        rule_31_a_history_is_deleted_with_its_ticket,
        rule_31_a_history_expires_with_its_ticket_and_survives_pruning: Events,
    }
    positions {
        rule_32_a_position_is_stored_with_its_batch,
        rule_32_a_batch_of_positions_alone_is_recorded,
        rule_32_a_position_that_does_not_follow_changes_nothing,
        rule_32_a_known_occurrence_does_not_keep_its_position_out,
        rule_32_of_eight_readers_of_one_source_one_records_each_batch,
        rule_32_of_eight_processes_that_read_one_source_one_records_each_batch: SharedStorage,
        rule_32_positions_outlive_a_deleted_ticket,
        rule_32_positions_outlive_expiry: Events,
        rule_32_clear_deletes_positions_of_this_store: Events,
        rule_32_positions_that_are_not_written_for_a_year_are_deleted,
        rule_32_positions_take_texts_changed_by_the_limits,
        rule_32_two_handles_share_positions: SharedStorage,
    }
    reports {
        rule_33_a_report_is_returned_whole: ProcessReports,
        rule_33_a_report_replaces_the_one_before: ProcessReports,
        rule_33_an_earlier_report_changes_nothing: ProcessReports,
        rule_33_the_newest_reports_come_first: ProcessReports,
        rule_33_reports_are_found_by_their_application: ProcessReports,
        rule_33_at_most_a_thousand_reports_are_returned: ProcessReports,
        rule_33_reports_older_than_a_week_are_deleted: ProcessReports,
        rule_33_reports_outlive_tickets: ProcessReports,
        rule_33_reports_outlive_expiry: ProcessReports & Events,
        rule_33_clear_deletes_reports_of_this_store: ProcessReports & Events,
        rule_33_of_eight_writers_the_latest_report_stays: ProcessReports,
        rule_33_of_eight_processes_the_latest_report_stays: ProcessReports & SharedStorage,
        rule_33_no_report_of_eight_processes_is_lost: ProcessReports & SharedStorage,
        rule_33_two_handles_share_reports: ProcessReports & SharedStorage,
        rule_33_reports_take_texts_changed_by_the_limits: ProcessReports,
        rule_33_a_store_knows_its_schema_version_and_its_size,
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

    /// Writes rules as text does: `1 to 4, 24`.
    fn listed(rules: &BTreeSet<u32>) -> String {
        let mut runs = Vec::<(u32, u32)>::new();
        for &rule in rules {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == rule => *last = rule,
                _ => runs.push((rule, rule)),
            }
        }
        let text = |(first, last): &(u32, u32)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        };
        runs.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_readme_lists_the_rules_behind_each_capability() {
        let readme = include_str!("../../README.md");
        for capability in Capability::ALL {
            let cases = CASES.iter().filter(|entry| entry.needs.contains(&capability));
            let rule = |entry: &CaseEntry| entry.name.strip_prefix("rule_")?[..2].parse().ok();
            let row =
                format!("| `{capability}` | {} |\n", listed(&cases.filter_map(rule).collect()));
            assert!(readme.contains(&row), "the README has to have the row {row}");
        }
    }

    #[test]
    fn every_rule_has_a_case() {
        for rule in 1..=33 {
            let prefix = format!("rule_{rule:02}_");
            assert!(CASES.iter().any(|entry| entry.name.starts_with(&prefix)), "rule {rule}");
        }
    }
}
