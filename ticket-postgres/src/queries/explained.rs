//! The statements that run, for the test that shows that each has its index.

use ticket_core::backend::ValueTest;
use ticket_core::{
    Direction, Operator, StatusKind, TicketFilter, TicketQuery, TicketSort, Timestamp, Value,
};

use super::leads::Range;
use super::{
    event_statements as events, histogram, occurrences, prune_statements as prune,
    record_statements as record, status, tickets, traits,
};
use crate::schema::Names;

/// A part of the index's name, what may be sorted (nothing, if empty), and the statement.
pub(crate) fn explained(names: &Names) -> Vec<(&'static str, &'static str, String)> {
    // Events of one time and id differ in their tickets; those few are sorted.
    const TIES: &str = "Incremental Sort";
    const FEW: &str = "Sort";
    const ENTRIES: &str = "_type_name_value_time_occurrence_id_idx";
    let of = |op| [Range::of(&ValueTest { op, value: Value::Int(1) })];
    let (one, range) = (of(Operator::Eq), of(Operator::Ge));
    let mut found = Vec::new();
    let mut add = |index, sorts, template: String| found.push((index, sorts, names.sql(&template)));
    for direction in [Direction::Ascending, Direction::Descending] {
        for (sort, index) in [
            (TicketSort::LastOccurrence, "tickets_by_last"),
            (TicketSort::FirstOccurrence, "tickets_by_first"),
            (TicketSort::Count, "tickets_by_count"),
            (TicketSort::Level, "tickets_by_level"),
            (TicketSort::Channel, "tickets_by_channel"),
        ] {
            let filter = TicketFilter::new().with_status(StatusKind::Open).with_search("text");
            let query = TicketQuery::new().with_filter(filter).with_order(sort, direction);
            if let Ok(list) = tickets::list(&query, Timestamp::MIN) {
                add(index, "", list.sql);
            }
        }
        let filter = TicketFilter::new().with_app_id("shop");
        let query = TicketQuery::new()
            .with_filter(filter)
            .with_order(TicketSort::LastOccurrence, direction);
        if let Ok(list) = tickets::list(&query, Timestamp::MIN) {
            add("tickets_by_app", "", list.sql);
        }
        add("_ticket_id_time_id_idx", "", occurrences::of_ticket(direction));
        add("_time_id_idx", TIES, events::by_time(direction, None));
        add("_type_time_id_idx", TIES, events::by_time(direction, Some(&[1])));
        add("_type_time_id_idx", FEW, events::by_time(direction, Some(&[1, 2])));
        add("_id_idx", FEW, events::by_id(direction));
        add("_time_id_idx", FEW, events::by_places(direction));
        // In the order of time, where one value of one type is asked for.
        add(ENTRIES, "", events::entries(direction, &[1], &one, true));
        add(ENTRIES, FEW, events::entries(direction, &[1, 2], &range, false));
    }
    add(ENTRIES, "", events::count_entries(&[1, 2], &range));
    add("_time_id_idx", "", events::SHORT.to_owned());
    add("_type_time_id_idx", "", traits::TYPES.to_owned());
    add(ENTRIES, "", traits::TRAIT_TYPES.to_owned());
    add("hours_pkey", "", histogram::OF_TICKET.to_owned());
    add("app_counts_pkey", "", histogram::OF_APP.to_owned());
    add("app_counts_by_hour", "", histogram::OF_ALL.to_owned());
    add("tickets_pkey", FEW, record::record());
    add("occurrences_other_pkey", "", record::STORED.to_owned());
    add("tickets_pkey", "", format!("SELECT t.id {}", tickets::BY_ID));
    add("tickets_pkey", "", status::SET_STATUS.to_owned());
    add("tickets_pkey", "", prune::DELETE_TICKET.to_owned());
    add("_time_id_idx", TIES, prune::expired());
    add("_ticket_id", "", prune::of_ticket());
    add("occurrences_other_pkey", "", prune::by_keys());
    add(ENTRIES, "", prune::DELETE_TRAITS.to_owned());
    add("_ticket_id_time_id_idx", "", prune::SURPLUS.to_owned());
    add("tickets_pkey", "", prune::TICKETS_FROM.to_owned());
    add("tickets_by_solved", FEW, prune::SOLVED.to_owned());
    add("_ticket_id_time_id_idx", "", prune::DELETE_SOLVED.to_owned());
    add("seen_pkey", "", prune::DELETE_SEEN.to_owned());
    add("app_counts_pkey", FEW, prune::LOCK_APP_COUNTS.to_owned());
    add("app_counts_pkey", "", prune::SUBTRACT.to_owned());
    add("app_counts_pkey", "", prune::DELETE_APP_COUNTS.to_owned());
    add("hours_pkey", "Sort", prune::delete_hours());
    found
}
