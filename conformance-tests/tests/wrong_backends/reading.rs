//! Faults of filters, counts over time, and of keeping apart: rules 12 to 14.

use ticket_core::backend::{HistogramScope, fold};
use ticket_core::{
    Bucket, Error, EventQuery, HistogramQuery, Level, Occurrence, Result, TicketFilter, TicketId,
    TicketIdPrefix, TicketQuery, Timestamp,
};

use crate::Mutant;
use crate::answers::tickets_searched;
use crate::wrong::{Hooks, RIGHT, Wrong};

pub(crate) const MUTANTS: &[Mutant] = &[
    // 12. Filters
    Mutant {
        fault: "finds nothing without an application",
        found_by: &["rule_12_the_empty_filter_finds_all"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.app_id.get_or_insert_default();
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "ignores the status",
        found_by: &["rule_12_by_status", "rule_12_all_filters_combine"],
        hooks: Hooks { filter: |_, filter| filter.status = None, ..RIGHT },
    },
    Mutant {
        fault: "counts tickets without regard to the status",
        found_by: &["rule_12_by_status"],
        hooks: Hooks {
            count_tickets: |it, filter| {
                let mut filter = filter.clone();
                filter.status = None;
                (RIGHT.count_tickets)(it, &filter)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "finds what is worse than the level and not the level",
        found_by: &["rule_12_by_level_at_least"],
        hooks: Hooks {
            filter: |_, filter| {
                let worse = |than| Level::ALL.into_iter().find(|level| *level > than);
                filter.min_level = filter.min_level.and_then(worse);
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "compares releases without regard to case",
        found_by: &["rule_12_by_channel_release_and_environment_to_the_letter"],
        hooks: Hooks {
            filter: |_, filter| filter.release = filter.release.as_deref().map(str::to_lowercase),
            ..RIGHT
        },
    },
    Mutant {
        fault: "takes the empty channel for none",
        found_by: &["rule_12_by_channel_release_and_environment_to_the_letter"],
        hooks: Hooks {
            filter: |_, filter| filter.channel = filter.channel.take().filter(|c| !c.is_empty()),
            ..RIGHT
        },
    },
    Mutant {
        fault: "finds a ticket by any channel that it ever had",
        found_by: &["rule_12_by_the_channel_of_the_newest_record"],
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
            ..RIGHT
        },
    },
    Mutant {
        fault: "ignores the environment where a release is asked for",
        found_by: &["rule_12_by_release_and_environment_of_any_one_record"],
        hooks: Hooks {
            filter: |_, filter| {
                if filter.release.is_some() {
                    filter.environment = None;
                }
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "forgets releases when occurrences are pruned",
        found_by: &["rule_12_pruning_leaves_release_and_environment"],
        hooks: Hooks {
            keep_per_ticket: |it, app_id, keep| {
                it.notes().flag = true;
                (RIGHT.keep_per_ticket)(it, app_id, keep)
            },
            filter: |it, filter| {
                if it.notes().flag && filter.release.is_some() {
                    filter.id_prefix = Some(TicketId::MAX.into());
                }
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "leaves the start of a range of tickets out",
        found_by: &["rule_12_by_a_range_of_time"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.since =
                    filter.since.map(|time| Timestamp::from_micros(time.as_micros() + 1));
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "leaves the end of a range of tickets out",
        found_by: &["rule_12_by_a_range_of_time"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.until =
                    filter.until.map(|time| Timestamp::from_micros(time.as_micros() - 1));
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "searches the message only",
        found_by: &["rule_12_by_text_in_message_or_location_whatever_its_case"],
        hooks: Hooks {
            get_tickets: |it, query| {
                tickets_searched(it, query, |_, ticket, text| fold(&ticket.message).contains(text))
            },
            count_tickets: count_page,
            ..RIGHT
        },
    },
    Mutant {
        fault: "takes % in a search for anything",
        found_by: &["rule_12_a_search_text_means_itself"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.search = filter.search.as_ref().map(|text| text.replace('%', ""));
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "searches all messages that a ticket ever had",
        found_by: &["rule_12_a_search_looks_into_the_newest_message"],
        hooks: Hooks {
            get_tickets: |it, query| {
                tickets_searched(it, query, |it, ticket, text| {
                    let mut all = it.all_occurrences(ticket.id).into_iter();
                    all.any(|one| fold(&one.record.message).contains(text))
                })
            },
            count_tickets: count_page,
            ..RIGHT
        },
    },
    Mutant {
        fault: "compares whole bytes of an id",
        found_by: &["rule_12_by_the_beginning_of_the_id"],
        hooks: Hooks {
            filter: |_, filter| filter.id_prefix = filter.id_prefix.and_then(whole_bytes),
            ..RIGHT
        },
    },
    Mutant {
        fault: "ignores the search where a channel is asked for",
        found_by: &["rule_12_all_filters_combine"],
        hooks: Hooks {
            filter: |_, filter| {
                if filter.channel.is_some() {
                    filter.search = None;
                }
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "asks for NUL as it is",
        found_by: &["rule_12_a_filter_takes_the_texts_that_were_stored"],
        hooks: Hooks {
            filter: |_, filter| {
                filter.channel = filter.channel.as_ref().map(|text| text.replace('␀', "\0"));
            },
            ..RIGHT
        },
    },
    // 12. Counts over time
    Mutant {
        fault: "leaves empty buckets out",
        found_by: &[
            "rule_12_counts_per_hour_and_day_are_exact_and_without_gaps",
            "rule_12_counts_of_nothing_are_zeros",
        ],
        hooks: Hooks {
            count_occurrences: |it, query| {
                let mut buckets = (RIGHT.count_occurrences)(it, query)?;
                buckets.retain(|bucket| bucket.count > 0);
                Ok(buckets)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "counts occurrences over time, and not their repeats",
        found_by: &["rule_12_counts_per_hour_and_day_are_exact_and_without_gaps"],
        hooks: Hooks { count_occurrences: |it, query| stored_counts(it, query, |_| 1), ..RIGHT },
    },
    Mutant {
        fault: "counts what is stored over time",
        found_by: &["rule_12_counts_per_hour_survive_pruning"],
        hooks: Hooks {
            count_occurrences: |it, query| stored_counts(it, query, |one| one.repeats.into()),
            ..RIGHT
        },
    },
    Mutant {
        fault: "leaves the counts per hour of a deleted ticket",
        found_by: &["rule_12_counts_per_hour_forget_what_is_deleted"],
        hooks: Hooks {
            delete: |it, id| {
                it.notes().flag = true;
                (RIGHT.delete)(it, id)
            },
            count_occurrences: |it, query| {
                let mut buckets = (RIGHT.count_occurrences)(it, query)?;
                if let (true, Some(bucket)) = (it.notes().flag, buckets.last_mut()) {
                    bucket.count += 1;
                }
                Ok(buckets)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "counts hours before 1970 towards 1970",
        found_by: &["rule_12_counts_before_1970_and_at_the_ends_of_time"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                let mut buckets = (RIGHT.count_occurrences)(it, query)?;
                for i in (1..buckets.len()).rev() {
                    if buckets[i].start <= Timestamp::UNIX_EPOCH {
                        let before = std::mem::take(&mut buckets[i - 1].count);
                        buckets[i].count += before;
                    }
                }
                Ok(buckets)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "answers an empty or endless range with nothing",
        found_by: &["rule_12_an_empty_or_endless_range_is_the_callers_error"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                Ok((RIGHT.count_occurrences)(it, query).unwrap_or_default())
            },
            ..RIGHT
        },
    },
    // 13. What is not there
    Mutant {
        fault: "takes an unknown ticket for an error",
        found_by: &["rule_13_an_unknown_id_is_none_or_false"],
        hooks: Hooks {
            get_ticket: |it, id| it.ticket(id).map(Some).ok_or_else(not_there),
            ..RIGHT
        },
    },
    Mutant {
        fault: "takes the change of an unknown ticket for an error",
        found_by: &["rule_13_an_unknown_id_is_none_or_false"],
        hooks: Hooks {
            set_status: |it, id, change| it.set_status(id, change)?.map(Some).ok_or_else(not_there),
            ..RIGHT
        },
    },
    Mutant {
        fault: "says that it has deleted an unknown ticket",
        found_by: &["rule_13_an_unknown_id_is_none_or_false"],
        hooks: Hooks { delete: |it, id| (RIGHT.delete)(it, id).map(|_| true), ..RIGHT },
    },
    Mutant {
        fault: "takes an unknown event type for an error",
        found_by: &["rule_13_an_unknown_event_is_an_empty_answer"],
        hooks: Hooks {
            trait_types: |it, app_id, event_type| {
                let types = (RIGHT.trait_types)(it, app_id, event_type)?;
                if types.is_empty() { Err(not_there()) } else { Ok(types) }
            },
            ..RIGHT
        },
    },
    // 14. Applications and stores
    Mutant {
        fault: "shows every application's tickets",
        found_by: &["rule_14_applications_do_not_see_each_other", "rule_12_all_filters_combine"],
        hooks: Hooks { filter: |_, filter| filter.app_id = None, ..RIGHT },
    },
    Mutant {
        fault: "compares applications without regard to case",
        found_by: &["rule_14_applications_do_not_see_each_other"],
        hooks: Hooks {
            filter: |_, filter| filter.app_id = filter.app_id.as_deref().map(str::to_lowercase),
            ..RIGHT
        },
    },
    Mutant {
        fault: "counts every application's occurrences over time",
        found_by: &["rule_14_applications_do_not_see_each_other"],
        hooks: Hooks {
            count_occurrences: |it, query| {
                let mut query = query.clone();
                if let HistogramScope::App(app_id) = &mut query.scope {
                    *app_id = None;
                }
                (RIGHT.count_occurrences)(it, &query)
            },
            ..RIGHT
        },
    },
    Mutant {
        fault: "shows every application's events",
        found_by: &["rule_14_applications_do_not_see_each_others_events"],
        hooks: Hooks { event_filter: |_, filter| filter.app_id = None, ..RIGHT },
    },
    Mutant {
        fault: "shows every application's trait types",
        found_by: &["rule_14_applications_do_not_see_each_others_events"],
        hooks: Hooks {
            trait_types: |it, _, event_type| (RIGHT.trait_types)(it, None, event_type),
            ..RIGHT
        },
    },
    Mutant {
        fault: "prunes every application's occurrences",
        found_by: &["rule_14_applications_do_not_see_each_others_events"],
        hooks: Hooks {
            keep_per_ticket: |it, _, keep| (RIGHT.keep_per_ticket)(it, None, keep),
            ..RIGHT
        },
    },
    Mutant {
        fault: "keeps all namespaces of a database in one store",
        found_by: &["rule_14_two_namespaces_in_one_database_do_not_see_each_other"],
        hooks: Hooks { one_for_all: true, ..RIGHT },
    },
];

fn not_there() -> Error {
    Error::config("there is none")
}

/// As many as are on a page of them: the count of a filter that `get_tickets` sees otherwise.
fn count_page(it: &Wrong, filter: &TicketFilter) -> Result<u64> {
    let query = TicketQuery::new().with_filter(filter.clone()).with_limit(1_000);
    Ok((it.hooks.get_tickets)(it, &query)?.items.len() as u64)
}

/// The prefix without its last digit, if that is half a byte.
fn whole_bytes(prefix: TicketIdPrefix) -> Option<TicketIdPrefix> {
    let (first, last) = (prefix.first().to_string(), prefix.last().to_string());
    let digits = first.chars().zip(last.chars()).take_while(|(a, b)| a == b).count();
    first[..digits / 2 * 2].parse().ok()
}

/// Counts over time that are made of the stored occurrences.
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
