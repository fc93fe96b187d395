//! Shows that every statement has its index: what SQLite says about the statements that run.

use rusqlite::Connection;
use ticket_core::{
    Direction, Operator, ReleaseQuery, StatusKind, TicketFilter, TicketQuery, TicketSort, Timestamp,
};

use super::tickets::Along;
use super::{
    events, histogram, history, leads, merge, occurrences, positions, prune, reports, tickets,
    traits,
};
use crate::names::Names;
use crate::schema::Schema;

struct Store {
    sqlite: Connection,
    names: Names,
}

impl Store {
    fn new() -> Self {
        let names = Names::new("ticketing_");
        let mut sqlite = Connection::open_in_memory().unwrap();
        Schema::new(names.clone()).set_up(&mut sqlite, None).unwrap();
        Self { sqlite, names }
    }

    /// The steps that SQLite takes, without the prefix of the tables.
    fn steps(&self, template: &str) -> Vec<String> {
        let sql = format!("EXPLAIN QUERY PLAN {}", self.names.sql(template));
        let mut explain = self.sqlite.prepare(&sql).unwrap();
        let rows = explain.raw_query().mapped(|row| row.get::<_, String>(3));
        let steps = rows.map(|step| step.unwrap().replace("ticketing_", ""));
        let steps: Vec<String> = steps.collect();
        assert!(!steps.is_empty(), "{sql}");
        steps
    }

    /// Nothing is read from one end to the other, nothing but what stands in `may_sort` is sorted, and
    /// one of the steps is `expected`.
    #[track_caller]
    fn check(&self, template: &str, expected: &str, may_sort: &[&str]) {
        let steps = self.steps(template);
        let text = steps.join("\n");
        for step in &steps {
            let scans =
                step.starts_with("SCAN") && !NO_TABLE.iter().any(|name| step.contains(name));
            assert!(!scans, "{template}\n{text}");
            if step.contains("TEMP B-TREE") {
                assert!(may_sort.iter().any(|sort| step.contains(sort)), "{template}\n{text}");
            }
            assert!(!step.contains("AUTOMATIC"), "{template}\n{text}");
        }
        assert!(
            steps.iter().any(|step| step.contains(expected)),
            "{expected}:\n{template}\n{text}"
        );
    }
}

/// What is read from one end to the other and is no table: a list of numbers, a bounded subquery, the rows that a
/// recursion has found.
const NO_TABLE: [&str; 5] =
    ["VIRTUAL TABLE", "CONSTANT ROW", "(subquery-", "SCAN apps", "SCAN found"];

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Events of one time and id differ in their tickets; those few are sorted.
const TIES: &[&str] = &["FOR LAST TERM OF ORDER BY"];

#[test]
fn releases_come_from_their_index() {
    let store = Store::new();
    let all = ReleaseQuery::new();
    for query in [all.clone().with_app_id("shop"), all] {
        let sql = tickets::releases(&query);
        store.check(&sql, "COVERING INDEX seen_by_release", &["FOR DISTINCT", "FOR ORDER BY"]);
    }
}

#[test]
fn a_list_of_tickets_goes_along_the_index_of_its_order() {
    let store = Store::new();
    let statuses =
        [None, Some(StatusKind::Open), Some(StatusKind::Solved), Some(StatusKind::Muted)];
    for sort in TicketSort::ALL {
        for (direction, status, app) in combinations(&statuses) {
            let mut filter = TicketFilter::new()
                .with_min_level(ticket_core::Level::Error)
                .with_channel("c")
                .with_since(Timestamp::MIN)
                .with_until(Timestamp::MAX)
                .with_search("text")
                .with_release("1")
                .with_environment("e");
            filter.status = status;
            let mut index = format!("tickets_by_{}", sort.as_str());
            if app {
                filter = filter.with_app_id("shop");
                index = format!("tickets_by_app_{}", sort.as_str());
            }
            let query = TicketQuery::new().with_filter(filter).with_order(sort, direction);
            let list = tickets::list(&store.names, &query, Timestamp::MIN, Along::Order).unwrap();
            store.check(&list.sql, &index, &[]);
            let sample = tickets::sample(&store.names, &query, Timestamp::MIN).unwrap().unwrap();
            store.check(&sample.sql, &index, &[]);
            // All tickets are read once, whatever the statuses, and looked up by no index.
            let table = tickets::list(&store.names, &query, Timestamp::MIN, Along::Table).unwrap();
            let steps = store.steps(&table.sql);
            assert_eq!(steps.iter().filter(|step| *step == "SCAN t").count(), 1, "{steps:?}");
            assert!(!steps.iter().any(|step| step.contains("tickets_by")), "{steps:?}");
        }
    }
}

fn combinations(
    statuses: &[Option<StatusKind>],
) -> impl Iterator<Item = (Direction, Option<StatusKind>, bool)> {
    DIRECTIONS.into_iter().flat_map(move |direction| {
        statuses.iter().flat_map(move |status| [false, true].map(|app| (direction, *status, app)))
    })
}

#[test]
fn a_prefix_of_an_id_goes_along_the_ids() {
    let store = Store::new();
    let filter = TicketFilter::new().with_id_prefix("5f".parse().unwrap());
    let query =
        TicketQuery::new().with_filter(filter.with_app_id("shop").with_status(StatusKind::Open));
    let list = tickets::list(&store.names, &query, Timestamp::MIN, Along::Order).unwrap();
    assert!(tickets::sample(&store.names, &query, Timestamp::MIN).unwrap().is_none());
    store.check(&list.sql, "tickets_by_id (id>? AND id<?)", &["FOR ORDER BY"]);
}

#[test]
fn one_tickets_occurrences_go_along_their_times() {
    let store = Store::new();
    for direction in DIRECTIONS {
        store.check(&occurrences::of_ticket(direction), "occurrences_by_ticket (ticket=? AND", &[]);
    }
}

#[test]
fn a_tickets_history_goes_along_its_numbers() {
    let store = Store::new();
    for (direction, test) in DIRECTIONS.into_iter().zip(["no>?", "no<?"]) {
        let along = format!("history USING PRIMARY KEY (ticket=? AND {test})");
        store.check(&history::of_ticket(direction), &along.replace("history", "h"), &[]);
    }
}

#[test]
fn charts_read_the_hours_alone() {
    let store = Store::new();
    let hours = "SEARCH ticket_hours USING PRIMARY KEY (ticket=? AND hour>? AND hour<?)";
    store.check(histogram::OF_TICKET, hours, &[]);
    let hours = "SEARCH app_hours USING PRIMARY KEY (app_id=? AND hour>? AND hour<?)";
    store.check(histogram::OF_APP, hours, &[]);
    store.check(histogram::OF_ALL, "app_hours_by_hour (hour>? AND hour<?)", &[]);
}

#[test]
fn events_go_along_an_index_in_the_order_of_time() {
    let store = Store::new();
    let many: Vec<i64> = (1..100).collect();
    for direction in DIRECTIONS {
        store.check(&events::by_time(direction, None), "occurrences_by_time", TIES);
        store.check(
            &events::by_time(direction, Some(&[1])),
            "occurrences_by_type (type=? AND",
            TIES,
        );
        store.check(
            &events::by_time(direction, Some(&[1, 2])),
            "occurrences_by_type (type=? AND",
            TIES,
        );
        store.check(&events::by_time(direction, Some(&many)), "occurrences_by_time", TIES);
        let ids = "occurrences_by_id (id=?)";
        store.check(&events::by_id(direction, Some(&[1])), ids, &["FOR ORDER BY"]);
        let ids = "occurrences_by_external_id (external_id=? AND time>? AND time<?)";
        store.check(&events::by_external_id(direction, Some(&[1])), ids, TIES);
        let numbers = "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)";
        store.check(&events::by_numbers(direction), numbers, &["FOR ORDER BY"]);
    }
}

#[test]
fn a_comparison_goes_along_its_values() {
    let store = Store::new();
    for op in Operator::ALL {
        let (test, with_time) = match op {
            Operator::Eq => ("(key=? AND value=?)", "(key=? AND value=? AND time>? AND time<?)"),
            Operator::Ne => ("(key=?)", "(key=?)"),
            Operator::Lt | Operator::Le => ("(key=? AND value<?)", "(key=? AND value<?)"),
            Operator::Gt | Operator::Ge => ("(key=? AND value>?)", "(key=? AND value>?)"),
        };
        let along = |test| format!("traits USING PRIMARY KEY {test}");
        store.check(&leads::count_entries(Some(op), None), &along(test), &[]);
        store.check(&leads::entries(Some(op), None), &along(with_time), &[]);
    }
    store.check(&leads::entries(None, None), "traits USING PRIMARY KEY (key=?)", &[]);
    let both = "traits USING PRIMARY KEY (key=? AND value>? AND value<?)";
    store.check(&leads::count_entries(Some(Operator::Ge), Some(Operator::Lt)), both, &[]);
    store.check(&leads::entries(Some(Operator::Ge), Some(Operator::Lt)), both, &[]);
    store.check(leads::KEYS, "trait_keys_by_name (name=? AND kind>? AND kind<?)", &[]);
    store.check(leads::COUNT_EVENTS, "occurrences_by_time (time>? AND time<?)", &[]);
}

#[test]
fn types_ask_each_name_whether_it_is_used() {
    let store = Store::new();
    // The tables of names are small; they are read whole where all names are asked for.
    let steps = store.steps(traits::TYPES).join("\n");
    assert!(steps.contains("SEARCH o USING INDEX occurrences_by_type (type=?)"), "{steps}");
    assert!(!steps.contains("SCAN o"), "{steps}");
    let sorts = &["FOR DISTINCT", "FOR ORDER BY"];
    store.check(traits::TRAIT_TYPES, "SEARCH x USING PRIMARY KEY (key=?)", sorts);
    store.check(traits::NAMES, "(type=?)", sorts);
}

#[test]
fn merging_finds_its_rows_by_index() {
    let store = Store::new();
    store.check(merge::SHARED, "SEARCH f USING INDEX occurrences_by_ticket (ticket=?)", &[]);
    store.check(
        merge::SHARED,
        "SEARCH i USING COVERING INDEX occurrences_by_id (id=? AND ticket=?)",
        &[],
    );
    for statement in merge::MOVE {
        store.check(&statement.replace("{columns}", "status = 1"), "=?)", &[]);
    }
}

#[test]
fn deleting_finds_its_rows_by_index() {
    let store = Store::new();
    store.check(prune::EXPIRED, "occurrences_by_time ((time,id)>(?,?) AND time<?)", TIES);
    store.check(prune::DELETE_SOLVED, "tickets_by_last (status=? AND last_time<?)", &[]);
    store.check(prune::DELETE_SOLVED, "occurrences_by_ticket (ticket=?)", &[]);
    store.check(prune::SURPLUS, "COVERING INDEX occurrences_by_ticket (ticket=?)", &[]);
    store.check(prune::TICKETS_FROM, "SEARCH tickets USING INTEGER PRIMARY KEY (rowid>?)", &[]);
    store.check(prune::OF_BURIED, "occurrences_by_ticket (ticket=?)", &[]);
    store.check(prune::FIND_OCCURRENCE, "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)", &[]);
    store.check(prune::DELETE_OCCURRENCE, "INTEGER PRIMARY KEY (rowid=?)", &[]);
    let traits = "(key=? AND value=? AND time=? AND occurrence=?)";
    store.check(prune::DELETE_TRAIT, traits, &[]);
    store.check(positions::FORGET, "read_positions_by_time (at<?)", &[]);
    store.check(reports::FORGET, "reports_by_time (time<?)", &[]);
}

#[test]
fn reports_go_along_their_times() {
    let store = Store::new();
    // Of all reports, the newest are at the beginning of the index.
    assert_eq!(store.steps(reports::ALL), ["SCAN reports USING INDEX reports_by_time"]);
    store.check(reports::OF_APP, "reports_by_app (app_id=?)", &[]);
}
