//! The statements of [`events`](super::events).

use ticket_core::Direction;

use super::occurrences::signs;
use crate::row::OCCURRENCE_COLUMNS;

/// How many types are read side by side in the order of time.
const SIDE_BY_SIDE: usize = 16;

pub(super) const SHORT: &str = r#"SELECT count(*) FROM (SELECT 1 FROM {s}."{p}occurrences" o
WHERE o.time >= $1 AND o.time <= $2 LIMIT $3) s"#;

/// $1 are the types, $2 is the name, $3 how many entries at most, $4 and $5 are the range.
pub(super) fn entries(bounded: bool) -> String {
    of_entries("x.time, x.occurrence_id, x.ticket_id", bounded)
}

/// How many entries there are, but $3 at most.
pub(super) fn count_entries(bounded: bool) -> String {
    format!("SELECT count(*) FROM ({}) s", of_entries("1", bounded))
}

fn of_entries(columns: &str, bounded: bool) -> String {
    let range = if bounded { " AND x.value >= $4 AND x.value < $5" } else { "" };
    format!(
        r#"SELECT {columns} FROM {{s}}."{{p}}traits" x
WHERE x.type = ANY($1) AND x.name = $2{range} LIMIT $3"#
    )
}

/// Behind the place ($1, $2, $3), up to the time $4, of the application $5 and the channel $6.
fn conditions(direction: Direction) -> String {
    let (sign, _) = signs(direction);
    format!(
        "(o.time, o.id, o.ticket_id) {sign} ($1, $2, $3) AND o.time {} $4 \
         AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6)",
        if sign == ">" { "<=" } else { ">=" }
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
            let list = types.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
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

/// $9 is the type, $10 the name and $11 the value.
pub(super) fn by_value(direction: Direction) -> String {
    let (sign, order) = signs(direction);
    let end = if sign == ">" { "<=" } else { ">=" };
    format!(
        r#"SELECT {OCCURRENCE_COLUMNS} FROM (
  SELECT x.ticket_id, x.occurrence_id FROM {{s}}."{{p}}traits" x
  WHERE x.type = $9 AND x.name = $10 AND x.value = $11
    AND (x.time, x.occurrence_id, x.ticket_id) {sign} ($1, $2, $3) AND x.time {end} $4
  ORDER BY x.time {order}, x.occurrence_id {order}, x.ticket_id {order} LIMIT $7 OFFSET $8) x
JOIN {{s}}."{{p}}occurrences" o ON o.ticket_id = x.ticket_id AND o.id = x.occurrence_id
WHERE ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) {}"#,
        order_by(direction, "o")
    )
}

/// $1 are tickets and $2 the ids of occurrences. `OFFSET 0` keeps the order from choosing the index.
pub(super) fn by_keys(direction: Direction) -> String {
    format!(
        r#"SELECT o.* FROM unnest($1::uuid[], $2::uuid[]) AS k (ticket_id, id)
CROSS JOIN LATERAL (SELECT {OCCURRENCE_COLUMNS} FROM {{s}}."{{p}}occurrences" o
  WHERE o.ticket_id = k.ticket_id AND o.id = k.id OFFSET 0) o {}"#,
        order_by(direction, "o")
    )
}
