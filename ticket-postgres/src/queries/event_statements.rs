//! The statements of [`events`](super::events).

use ticket_core::Direction;

use super::leads::Range;
use super::occurrences::signs;
use crate::row::OCCURRENCE_COLUMNS;

/// How many types are read side by side in the order of time.
const SIDE_BY_SIDE: usize = 16;

pub(super) const SHORT: &str = r#"SELECT count(*) FROM (SELECT 1 FROM {s}."{p}occurrences" o
WHERE o.time >= $1 AND o.time <= $2 LIMIT $3) s"#;

/// How many entries of the name $1 there are, but $2 at most; the ranges begin with $3.
pub(super) fn count_entries(types: &[i64], ranges: &[Range]) -> String {
    format!("SELECT count(*) FROM ({} LIMIT $2) s", in_ranges("1", types, ranges, 3, ""))
}

/// At most $2 entries of the name $1, behind the time $3 and the id $4 (or from there on), up to the time $5; the
/// ranges begin with $6.
pub(super) fn entries(
    direction: Direction,
    types: &[i64],
    ranges: &[Range],
    from_there_on: bool,
) -> String {
    let (sign, order) = signs(direction);
    let or_equal = if from_there_on { "=" } else { "" };
    let behind = format!(
        " AND (x.time, x.occurrence_id) {sign}{or_equal} ($3, $4) AND x.time {} $5",
        up_to(direction)
    );
    format!(
        "{} ORDER BY time {order}, occurrence_id {order} LIMIT $2",
        in_ranges("x.time, x.occurrence_id", types, ranges, 6, &behind)
    )
}

fn in_ranges(
    columns: &str,
    types: &[i64],
    ranges: &[Range],
    mut first: usize,
    further: &str,
) -> String {
    let list = list(types);
    let mut branches = Vec::new();
    for range in ranges {
        let condition = range.condition(first);
        branches.push(format!(
            r#"SELECT {columns} FROM {{s}}."{{p}}traits" x
WHERE x.type IN ({list}) AND x.name = $1{condition}{further}"#
        ));
        first += range.params().len();
    }
    branches.join("\nUNION ALL ")
}

/// How a list of numbers stands in a statement.
fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// How to compare with the end of a range of time.
const fn up_to(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "<=",
        Direction::Descending => ">=",
    }
}

/// Behind the place ($1, $2, $3), up to the time $4, of the application $5 and the channel $6.
fn conditions(direction: Direction) -> String {
    let (sign, _) = signs(direction);
    format!(
        "(o.time, o.id, o.ticket_id) {sign} ($1, $2, $3) AND o.time {} $4 \
         AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6)",
        up_to(direction)
    )
}

fn order_by(direction: Direction, alias: &str) -> String {
    let (_, order) = signs(direction);
    format!("ORDER BY {alias}.time {order}, {alias}.id {order}, {alias}.ticket_id {order}")
}

/// $9 is the id of the occurrence. `OFFSET 0` keeps the order from choosing the index.
pub(super) fn by_id(direction: Direction) -> String {
    format!(
        r#"SELECT * FROM (SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o
  WHERE o.id = $9 AND {} OFFSET 0) o
{} LIMIT $7 OFFSET $8"#,
        conditions(direction),
        order_by(direction, "o")
    )
}

pub(super) fn by_time(direction: Direction, types: Option<&[i64]>) -> String {
    let (conditions, order) = (conditions(direction), order_by(direction, "o"));
    let select = format!(r#"SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o WHERE"#);
    match types {
        None => format!("{select} {conditions} {order} LIMIT $7 OFFSET $8"),
        Some([one]) => {
            format!("{select} o.type = {one} AND {conditions} {order} LIMIT $7 OFFSET $8")
        }
        Some(types) if types.len() > SIDE_BY_SIDE => {
            let list = list(types);
            format!("{select} o.type IN ({list}) AND {conditions} {order} LIMIT $7 OFFSET $8")
        }
        Some(types) => {
            let branches: Vec<String> = types
                .iter()
                .map(|one| {
                    format!("({select} o.type = {one} AND {conditions} {order} LIMIT $7::int8 + $8::int8)")
                })
                .collect();
            format!(
                "SELECT * FROM ({}) o {} LIMIT $7 OFFSET $8",
                branches.join(" UNION ALL "),
                order_by(direction, "o")
            )
        }
    }
}

/// $1 are times and $2 the ids of occurrences, of the application $3 and the channel $4. `OFFSET 0` keeps the order
/// from choosing the index.
pub(super) fn by_places(direction: Direction) -> String {
    format!(
        r#"SELECT o.* FROM unnest($1::int8[], $2::uuid[]) AS k (time, id)
CROSS JOIN LATERAL (SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o
  WHERE o.time = k.time AND o.id = k.id AND ($3::text IS NULL OR o.app_id = $3)
    AND ($4::text IS NULL OR o.channel = $4) OFFSET 0) o {}"#,
        order_by(direction, "o")
    )
}
