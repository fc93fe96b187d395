//! Writes the statements that the adapter sends to `tests/statements.sql`, with the index that each must use.
//!
//! The file is there to be read, and for the integration tests, which cannot see the crate's statements: they
//! have a server explain each one.

use std::fmt::Write as _;

use ticket_core::backend::ValueTest;
use ticket_core::{
    Direction, Operator, ReleaseQuery, StatusKind, TicketFilter, TicketQuery, TicketSort,
    Timestamp, Value,
};

use super::leads::Range;
use super::{
    events, histogram, history, leads, leases, merge, occurrences, positions, prune, record,
    reports, status, tickets, traits, walk,
};

/// Part of the index's name, what the plan may sort (empty: nothing), and the statement.
type Explained = (&'static str, &'static str, String);

fn statements() -> Vec<Explained> {
    // Events of one time and id differ in their tickets; those few are sorted.
    const TIES: &str = "Incremental Sort";
    const FEW: &str = "Sort";
    const ENTRIES: &str = "_type_name_value_time_occurrence_id_idx";
    let of = |name, op| Range::of(name, &ValueTest { op, value: Value::Int(1) });
    let (one, range) = ([of("a", Operator::Eq)], [of("a", Operator::Ge)]);
    let alternatives = [of("a", Operator::Eq), of("b", Operator::Eq)];
    let mut found = Vec::new();
    let mut add = |index, sorts, template: String| found.push((index, sorts, template));
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
        add("history_pkey", "", history::of_ticket(direction));
        add("_time_id_idx", TIES, events::by_time(direction, None));
        add("_type_time_id_idx", TIES, events::by_time(direction, Some(&[1])));
        add("_type_time_id_idx", FEW, events::by_time(direction, Some(&[1, 2])));
        add("_id_idx", FEW, events::by_id(direction));
        add("_external_id_time_id_idx", FEW, events::by_external_id(direction));
        add("_time_id_idx", FEW, events::by_places(direction));
        // In the order of time, where one value of one type is asked for.
        add(ENTRIES, "", leads::entries(direction, &[1], &one, true));
        add(ENTRIES, FEW, leads::entries(direction, &[1, 2], &range, false));
        // Alternatives are merged in the order of time.
        add(ENTRIES, "", leads::entries(direction, &[1], &alternatives, false));
    }
    add(ENTRIES, "", leads::count_entries(&[1, 2], &range));
    add(ENTRIES, "", leads::count_entries(&[1], &alternatives));
    add("_time_id_idx", "", leads::COUNT_EVENTS.to_owned());
    add("_type_time_id_idx", "", walk::TYPES.to_owned());
    add(ENTRIES, "", traits::TRAIT_TYPES.to_owned());
    add("hours_pkey", "", histogram::OF_TICKET.to_owned());
    add("app_counts_pkey", "", histogram::OF_APP.to_owned());
    add("app_counts_by_hour", "", histogram::OF_ALL.to_owned());
    for (status, index) in [
        (StatusKind::Open, "tickets_by_status"),
        (StatusKind::Solved, "tickets_by_s"), // by_status or by_solved
        (StatusKind::Muted, "tickets_by_status"),
    ] {
        let filter = TicketFilter::new().with_status(status);
        add(index, "", tickets::count(&filter, Timestamp::MIN).sql);
    }
    for has_merged in [false, true] {
        add("tickets_pkey", FEW, record::record(has_merged));
    }
    add("occurrences_other_pkey", "", record::STORED.to_owned());
    add("tickets_pkey", "", format!("SELECT t.id {}", tickets::BY_ID));
    add("seen_by_release", "Sort", tickets::releases(&ReleaseQuery::new().with_app_id("shop")));
    add("seen_by_release", "Sort", tickets::releases(&ReleaseQuery::new()));
    add("tickets_pkey", "", status::set_status_sql());
    add("tickets_pkey", "", history::changing("", ""));
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
    add("history_pkey", "", prune::DELETE_HISTORY.to_owned());
    add("tickets_by_merged", "", prune::DELETE_MERGED.to_owned());
    add("tickets_pkey", "", record::MERGED.to_owned());
    add("tickets_pkey", FEW, merge::LOCK.to_owned());
    add("occurrences_other_pkey", "", merge::shared());
    add("_ticket_id", "", merge::moved());
    add(ENTRIES, "", merge::MOVE_TRAITS.to_owned());
    add("seen_pkey", "", merge::COPY_SEEN.to_owned());
    add("history_pkey", "", merge::COPY_HISTORY.to_owned());
    add("tickets_pkey", "", merge::add_ticket());
    add("tickets_pkey", "", merge::REDIRECT.to_owned());
    add("tickets_by_merged", "", merge::REDIRECT_MERGED.to_owned());
    add("tickets_pkey", "", merge::add_entry());
    add("tickets_pkey", "", merge::UNMERGE.to_owned());
    add("app_counts_pkey", FEW, prune::LOCK_APP_COUNTS.to_owned());
    add("app_counts_pkey", "", prune::SUBTRACT.to_owned());
    add("app_counts_pkey", "", prune::DELETE_APP_COUNTS.to_owned());
    add("hours_pkey", "Sort", prune::delete_hours());
    add("leases_pkey", "", leases::TAKE.to_owned());
    add("read_positions_pkey", "", positions::FIND.to_owned());
    add("read_positions_pkey", "", positions::ADD.to_owned());
    add("read_positions_pkey", "", positions::REPLACE.to_owned());
    add("read_positions_by_time", "", positions::FORGET.to_owned());
    add("reports_pkey", "", reports::STORE.to_owned());
    add("reports_by_time", "", reports::FORGET.to_owned());
    add("reports_by_time", "", reports::ALL.to_owned());
    add("reports_by_app", "", reports::OF_APP.to_owned());
    found
}

/// How a statement names the tickets whose rows it touches: as a value, as one of a list, or by the keys that it was
/// given.
const NAMED: [&str; 8] = [
    "WHERE id = $1",
    "WHERE id = ANY($9)",
    "WHERE t.id = ",
    "ticket_id = $",
    "ticket_id = ANY($",
    "o.ticket_id = r.ticket_id",
    ".ticket_id = gone.ticket_id",
    "unnest($1::uuid[]) AS t (id)",
];

/// The index of a statement that goes to every server of a distributed store, and what the statement answers.
const SCATTERED: [(&str, &str); 17] = [
    ("tickets_by_last", "a list of tickets"),
    ("tickets_by_first", "a list of tickets"),
    ("tickets_by_count", "a list of tickets"),
    ("tickets_by_level", "a list of tickets"),
    ("tickets_by_channel", "a list of tickets"),
    ("tickets_by_app", "a list of an application's tickets"),
    ("tickets_by_merged", "the tickets that were merged into another one"),
    ("tickets_by_solved", "the solved tickets that may go"),
    ("tickets_by_status", "how many tickets are open or muted"),
    ("tickets_by_s", "how many tickets are solved"),
    ("tickets_pkey", "all tickets, one piece after the other, for pruning"),
    ("seen_by_release", "the releases of an application"),
    ("_time_id_idx", "events in the order of time"),
    ("_type_time_id_idx", "events of a type, and the types that exist"),
    ("_id_idx", "an event by its id alone"),
    ("_external_id_time_id_idx", "events by the id of their producer"),
    ("_type_name_value_time_occurrence_id_idx", "events by a trait"),
];

/// The indexes of tables that are not distributed by ticket: the sums of an application are distributed by the
/// application, and each server has all leases, read positions and reports.
const WITHOUT_TICKET: [&str; 4] = ["app_counts", "leases", "read_positions", "reports"];

#[test]
fn every_statement_names_its_ticket_or_is_declared_to_go_everywhere() {
    let mut unused: Vec<&str> = SCATTERED.iter().map(|(index, _)| *index).collect();
    let mut named = 0;
    for (index, _, sql) in statements() {
        if NAMED.iter().any(|name| sql.contains(name)) {
            named += 1;
            continue;
        }
        let is_declared = SCATTERED.iter().any(|(declared, _)| *declared == index);
        let is_without = WITHOUT_TICKET.iter().any(|table| index.starts_with(table));
        assert!(is_declared || is_without, "{index} leads\n{sql}");
        unused.retain(|declared| *declared != index);
    }
    assert!(named >= 14, "{named}");
    assert!(unused.is_empty(), "declared, but no statement uses them: {unused:?}");
}

/// Citus refuses functions that are not immutable in an `ON CONFLICT`, so there is none at all. It mistakes the columns
/// of `(a, b) = (SELECT …)`, and if their types happen to match, it writes the wrong ones.
#[test]
fn citus_accepts_how_conflicts_are_resolved() {
    let is_call = |part: &str| part.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let mut checked = 0;
    // Merging adds to counts that are there by statements of its own.
    let merging = [merge::ADD_HOURS.to_owned(), merge::add_app_counts()];
    for sql in statements().into_iter().map(|(_, _, sql)| sql).chain(merging) {
        assert!(!sql.contains(") = ("), "{sql}");
        for resolution in sql.split("DO UPDATE SET").skip(1) {
            let end = resolution.find("RETURNING").or_else(|| resolution.find("\n)"));
            let resolution = &resolution[..end.unwrap_or(resolution.len())];
            let mut parts: Vec<&str> = resolution.split('(').collect();
            parts.pop();
            assert!(!parts.into_iter().any(is_call), "{resolution}");
            checked += 1;
        }
    }
    assert!(checked >= 7, "{checked}");
}

#[test]
fn the_file_of_statements_is_current() {
    let mut text = String::from(
        "-- The statements of ticket-postgres, with the index that each must use and what its plan may sort.\n\
         -- {s} is the schema and {p} the prefix of the tables.\n\
         -- UPDATE_STATEMENTS=1 cargo test -p ticket-postgres --lib writes this file anew.\n",
    );
    for (index, sorts, sql) in statements() {
        let sorts = if sorts.is_empty() { "nothing" } else { sorts };
        writeln!(text, "\n-- index: {index}; sorts: {sorts}\n{sql};").unwrap();
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements.sql");
    if std::env::var_os("UPDATE_STATEMENTS").is_some() {
        std::fs::write(file, &text).unwrap();
    }
    let current = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        current == text,
        "a statement has changed: run with UPDATE_STATEMENTS=1, and run the tests against a server too"
    );
}
