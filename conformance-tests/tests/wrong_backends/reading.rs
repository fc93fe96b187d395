//! Faults in filters, counts per hour, and the separation of applications: rules 12 to 14.

use ticket_core::backend::{HistogramScope, fold};
use ticket_core::{
    Bucket, Error, EventQuery, HistogramQuery, Level, Occurrence, Result, TicketFilter, TicketId,
    TicketIdPrefix, TicketQuery, Timestamp,
};

use crate::Mutant;
use crate::answers::tickets_searched;
use crate::wrong::{CORRECT, Hooks, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 12. Filters
    Mutant {
        fault: "finds nothing without an application",
        found_by: &["rule_12_the_empty_filter_matches_every_ticket"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.app_id.get_or_insert_default();
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the status",
        found_by: &["rule_12_filters_by_status", "rule_12_all_filters_combine"],
        hooks: Hooks { filter: |_, filter| filter.status = None, ..CORRECT },
    },
    Mutant {
        fault: "ignores the status when it counts tickets",
        found_by: &["rule_12_filters_by_status"],
        hooks: Hooks {
            count_tickets: |it, filter| {
                let mut filter = filter.clone();
                filter.status = None;
                (CORRECT.count_tickets)(it, &filter)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "excludes the minimum level",
        found_by: &["rule_12_filters_by_minimum_level"],
        hooks: Hooks {
            filter: |_, filter| {
                let worse = |than| Level::ALL.into_iter().find(|level| *level > than);
                filter.min_level = filter.min_level.and_then(worse);
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares releases ignoring case",
        found_by: &["rule_12_filters_by_exact_channel_release_and_environment"],
        hooks: Hooks {
            filter: |_, filter| filter.release = filter.release.as_deref().map(str::to_lowercase),
            ..CORRECT
        },
    },
    Mutant {
        fault: "treats the empty channel as no channel",
        found_by: &["rule_12_filters_by_exact_channel_release_and_environment"],
        hooks: Hooks {
            filter: |_, filter| filter.channel = filter.channel.take().filter(|c| !c.is_empty()),
            ..CORRECT
        },
    },
    Mutant {
        fault: "finds a ticket by its earlier channels",
        found_by: &["rule_12_filters_by_the_channel_of_the_newest_record"],
        hooks: Hooks {
            get_tickets: |it, query| {
                let mut all = query.clone();
                let Some(channel) = all.filter.channel.take() else { return it.tickets(query) };
                let mut page = it.tickets(&all)?;
                page.items.retain(|ticket| {
                    let mut stored = it.all_occurrences(ticket.id).into_iter();
                    stored.any(|one| one.record.channel == channel)
                });
                Ok(page)
            },
            count_tickets: count_page,
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the environment if a release is given",
        found_by: &["rule_12_filters_by_release_and_environment_of_a_single_record"],
        hooks: Hooks {
            filter: |_, filter| {
                if filter.release.is_some() {
                    filter.environment = None;
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "forgets releases when occurrences are pruned",
        found_by: &["rule_12_pruning_keeps_releases_and_environments"],
        hooks: Hooks {
            keep_per_ticket: |it, keep| {
                it.notes().flag = true;
                (CORRECT.keep_per_ticket)(it, keep)
            },
            filter: |it, filter| {
                if it.notes().flag && filter.release.is_some() {
                    filter.id_prefix = Some(TicketId::MAX.into());
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "excludes the start of a range of tickets",
        found_by: &["rule_12_filters_by_time_range"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.since =
                    filter.since.map(|time| Timestamp::from_micros(time.as_micros() + 1));
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "excludes the end of a range of tickets",
        found_by: &["rule_12_filters_by_time_range"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.until =
                    filter.until.map(|time| Timestamp::from_micros(time.as_micros() - 1));
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "searches the message only",
        found_by: &[
            "rule_12_searches_message_and_location_ignoring_case",
            "rule_12_searches_the_error_chain_and_the_path_of_the_request",
        ],
        hooks: Hooks {
            get_tickets: |it, query| {
                tickets_searched(it, query, |_, ticket, text| fold(&ticket.message).contains(text))
            },
            count_tickets: count_page,
            ..CORRECT
        },
    },
    Mutant {
        fault: "treats % in a search as a wildcard",
        found_by: &["rule_12_a_search_text_has_no_wildcards"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.search = filter.search.as_ref().map(|text| text.replace('%', ""));
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "searches earlier messages of a ticket",
        found_by: &["rule_12_searches_the_newest_message_only"],
        hooks: Hooks {
            get_tickets: |it, query| {
                tickets_searched(it, query, |it, ticket, text| {
                    let mut all = it.all_occurrences(ticket.id).into_iter();
                    all.any(|one| fold(&one.record.message).contains(text))
                })
            },
            count_tickets: count_page,
            ..CORRECT
        },
    },
    Mutant {
        fault: "compares an id prefix by whole bytes",
        found_by: &["rule_12_filters_by_id_prefix"],
        hooks: Hooks {
            filter: |_, filter| filter.id_prefix = filter.id_prefix.and_then(whole_bytes),
            ..CORRECT
        },
    },
    Mutant {
        fault: "ignores the search if a channel is given",
        found_by: &["rule_12_all_filters_combine"],
        hooks: Hooks {
            filter: |_, filter| {
                if filter.channel.is_some() {
                    filter.search = None;
                }
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "omits empty buckets",
        found_by: &[
            "rule_12_counts_per_hour_and_day_are_exact_and_without_gaps",
            "rule_12_counts_of_nothing_are_zeros",
        ],
        hooks: Hooks {
            count_occurrences: |it, query| {
                let mut buckets = (CORRECT.count_occurrences)(it, query)?;
                buckets.retain(|bucket| bucket.count > 0);
                Ok(buckets)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "counts occurrences per hour instead of their repeats",
        found_by: &["rule_12_counts_per_hour_and_day_are_exact_and_without_gaps"],
        hooks: Hooks { count_occurrences: |it, query| stored_counts(it, query, |_| 1), ..CORRECT },
    },
    Mutant {
        fault: "counts only stored occurrences per hour",
        found_by: &["rule_12_counts_per_hour_survive_pruning"],
        hooks: Hooks {
            count_occurrences: |it, query| stored_counts(it, query, |one| one.repeats.into()),
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps the counts per hour of a deleted ticket",
        found_by: &["rule_12_counts_per_hour_go_with_a_deleted_ticket"],
        hooks: Hooks {
            delete: |it, id| {
                it.notes().flag = true;
                (CORRECT.delete)(it, id)
            },
            count_occurrences: |it, query| {
                let mut buckets = (CORRECT.count_occurrences)(it, query)?;
                if let (true, Some(bucket)) = (it.notes().flag, buckets.last_mut()) {
                    bucket.count += 1;
                }
                Ok(buckets)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "rounds hours before 1970 towards zero",
        found_by: &["rule_12_counts_cover_times_before_1970_and_both_ends_of_time"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                let mut buckets = (CORRECT.count_occurrences)(it, query)?;
                for i in (1..buckets.len()).rev() {
                    if buckets[i].start <= Timestamp::UNIX_EPOCH {
                        let before = std::mem::take(&mut buckets[i - 1].count);
                        buckets[i].count += before;
                    }
                }
                Ok(buckets)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns nothing for an empty or overlong range",
        found_by: &["rule_12_an_empty_or_overlong_range_is_a_config_error"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                Ok((CORRECT.count_occurrences)(it, query).unwrap_or_default())
            },
            ..CORRECT
        },
    },
    // 13. Unknown ids
    Mutant {
        fault: "fails for an unknown ticket",
        found_by: &["rule_13_an_unknown_id_is_none_or_false"],
        hooks: Hooks {
            get_ticket: |it, id| it.ticket(id).map(Some).ok_or_else(not_there),
            ..CORRECT
        },
    },
    Mutant {
        fault: "fails to change an unknown ticket",
        found_by: &["rule_13_an_unknown_id_is_none_or_false"],
        hooks: Hooks {
            set_status: |it, id, change, _| {
                it.set_status(id, change)?.map(Some).ok_or_else(not_there)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "reports that it deleted an unknown ticket",
        found_by: &["rule_13_an_unknown_id_is_none_or_false"],
        hooks: Hooks { delete: |it, id| (CORRECT.delete)(it, id).map(|_| true), ..CORRECT },
    },
    Mutant {
        fault: "fails for an unknown event type",
        found_by: &["rule_13_an_unknown_event_is_an_empty_result"],
        hooks: Hooks {
            trait_types: |it, query| {
                let types = (CORRECT.trait_types)(it, query)?;
                if types.is_empty() { Err(not_there()) } else { Ok(types) }
            },
            ..CORRECT
        },
    },
    // 14. Applications and stores
    Mutant {
        fault: "returns the tickets of every application",
        found_by: &["rule_14_applications_do_not_see_each_other", "rule_12_all_filters_combine"],
        hooks: Hooks { filter: |_, filter| filter.app_id = None, ..CORRECT },
    },
    Mutant {
        fault: "compares applications ignoring case",
        found_by: &["rule_14_applications_do_not_see_each_other"],
        hooks: Hooks {
            filter: |_, filter| filter.app_id = filter.app_id.as_deref().map(str::to_lowercase),
            ..CORRECT
        },
    },
    Mutant {
        fault: "counts the occurrences of every application per hour",
        found_by: &["rule_14_applications_do_not_see_each_other"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                let mut query = query.clone();
                if let HistogramScope::App(app_id) = &mut query.scope {
                    *app_id = None;
                }
                (CORRECT.count_occurrences)(it, &query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "returns the events of every application",
        found_by: &["rule_14_applications_do_not_see_each_others_events"],
        hooks: Hooks { event_filter: |_, filter| filter.app_id = None, ..CORRECT },
    },
    Mutant {
        fault: "returns the trait types of every application",
        found_by: &["rule_14_applications_do_not_see_each_others_events"],
        hooks: Hooks {
            trait_types: |it, query| {
                let mut query = query.clone();
                query.app_id = None;
                (CORRECT.trait_types)(it, &query)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "prunes the occurrences of every application",
        found_by: &["rule_14_applications_do_not_see_each_others_events"],
        hooks: Hooks {
            keep_per_ticket: |it, keep| {
                let mut keep = keep.clone();
                keep.app_id = None;
                (CORRECT.keep_per_ticket)(it, &keep)
            },
            ..CORRECT
        },
    },
    Mutant {
        fault: "keeps all namespaces of a database in one store",
        found_by: &["rule_14_two_namespaces_in_one_database_do_not_see_each_other"],
        hooks: Hooks { one_for_all: true, ..CORRECT },
    },
];

fn not_there() -> Error {
    Error::config("there is none")
}

/// Counts the tickets on a page, for faults that only `get_tickets` has.
fn count_page(it: &Wrong, filter: &TicketFilter) -> Result<u64> {
    let query = TicketQuery::new().with_filter(filter.clone()).with_limit(1_000);
    Ok((it.hooks.get_tickets)(it, &query)?.items.len() as u64)
}

/// Returns the prefix without its last digit if it has an odd number of them.
fn whole_bytes(prefix: TicketIdPrefix) -> Option<TicketIdPrefix> {
    let (first, last) = (prefix.first().to_string(), prefix.last().to_string());
    let digits = first.chars().zip(last.chars()).take_while(|(a, b)| a == b).count();
    first[..digits / 2 * 2].parse().ok()
}

/// Counts the stored occurrences per hour.
fn stored_counts(
    it: &Wrong,
    query: &HistogramQuery,
    count: fn(&Occurrence) -> u64,
) -> Result<Vec<Bucket>> {
    let hours = query.hours()?;
    let filter = EventQuery::new().with_limit(1_000);
    let events = it.events(&filter)?.items.into_iter().filter(|one| match &query.scope {
        HistogramScope::Ticket(id) => one.ticket_id == *id,
        HistogramScope::App(app) => app.as_ref().is_none_or(|app| *app == one.record.app_id),
    });
    let counts = events.map(|one| (one.record.time.hour(), count(&one)));
    query.buckets(counts.filter(|(hour, _)| hours.contains(hour)))
}
