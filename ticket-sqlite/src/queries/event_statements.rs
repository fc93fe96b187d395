//! The statements of [`events`](super::events).

use ticket_core::{Direction, Operator};

use super::occurrences::signs;
use crate::row::OCCURRENCE_COLUMNS;

/// How many types, or names of traits, are read side by side in the order of time; more would take
/// SQLite too long to begin with.
pub(super) const SIDE_BY_SIDE: usize = 16;

pub(super) const KEYS: &str = "SELECT no, type FROM {p}trait_keys \
    WHERE name = ?1 AND kind >= ?2 AND kind <= ?3";

pub(super) const SHORT: &str = "SELECT count(*) FROM (SELECT 1 FROM {p}occurrences \
    WHERE time >= ?1 AND time <= ?2 LIMIT ?3)";

/// How many entries of the keys ?1 (as JSON) there are, but ?2 at most; ?3 is the value to compare with, and ?4 that at
/// the other end.
pub(super) fn count_entries(op: Option<Operator>, end: Option<Operator>) -> String {
    format!("SELECT count(*) FROM (SELECT 1 {} LIMIT ?2)", from_traits(op, end, 3))
}

/// Entries of the keys ?1 (as JSON), from the time ?2 to the time ?3; ?4 is the value to compare with, and ?5 that at
/// the other end.
pub(super) fn entries(op: Option<Operator>, end: Option<Operator>) -> String {
    let from_traits = from_traits(op, end, 4);
    format!("SELECT time, occurrence {from_traits} AND time >= ?2 AND time <= ?3")
}

fn from_traits(op: Option<Operator>, end: Option<Operator>, first: usize) -> String {
    let test = match op {
        // All but one value: what is not meant among them is found out when the record is tested.
        None | Some(Operator::Ne) => String::new(),
        Some(op) => format!(" AND value {} ?{first}", op.as_str()),
    };
    let end = end.map(|op| format!(" AND value {} ?{}", op.as_str(), first + 1));
    let end = end.unwrap_or_default();
    format!("FROM {{p}}traits WHERE key IN (SELECT value FROM json_each(?1)){test}{end}")
}

const FROM_OCCURRENCES: &str = "{p}occurrences o CROSS JOIN {p}tickets t ON t.no = o.ticket";

/// How a list of numbers stands in a statement.
fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// ?1 is where the range begins and ?2 where it ends.
const fn within(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "o.time >= ?1 AND o.time <= ?2",
        Direction::Descending => "o.time <= ?1 AND o.time >= ?2",
    }
}

fn order_by(direction: Direction) -> String {
    let (_, order) = signs(direction);
    format!("ORDER BY 1 {order}, 2 {order}, 3 {order}")
}

/// ?3 is the id of the occurrence.
pub(super) fn by_id(direction: Direction, types: Option<&[i64]>) -> String {
    let types = types.map(|types| format!(" AND +o.type IN ({})", list(types))).unwrap_or_default();
    let within = within(direction).replace("o.time", "+o.time");
    format!(
        "SELECT {OCCURRENCE_COLUMNS} FROM {FROM_OCCURRENCES} \
         WHERE o.id = ?3 AND {within}{types} {}",
        order_by(direction)
    )
}

/// ?3 is the id at which to begin.
pub(super) fn by_time(direction: Direction, types: Option<&[i64]>) -> String {
    let (from, _) = signs(direction);
    let to = match direction {
        Direction::Ascending => "<=",
        Direction::Descending => ">=",
    };
    let select = format!("SELECT {OCCURRENCE_COLUMNS} FROM {FROM_OCCURRENCES} WHERE");
    let range = format!("(o.time, o.id) {from} (?1, ?3) AND o.time {to} ?2");
    let branches = match types {
        None => format!("{select} {range}"),
        Some(types) if types.len() > SIDE_BY_SIDE => {
            format!("{select} {range} AND +o.type IN ({})", list(types))
        }
        Some(types) => {
            let branch = |no: &i64| format!("{select} o.type = {no} AND {range}");
            types.iter().map(branch).collect::<Vec<_>>().join(" UNION ALL ")
        }
    };
    format!("{branches} {}", order_by(direction))
}

/// ?1 are the numbers of occurrences of one time, as JSON.
pub(super) fn by_numbers(direction: Direction) -> String {
    format!(
        "SELECT {OCCURRENCE_COLUMNS} FROM json_each(?1) j \
         CROSS JOIN {{p}}occurrences o ON o.no = j.value CROSS JOIN {{p}}tickets t ON t.no = o.ticket {}",
        order_by(direction)
    )
}
