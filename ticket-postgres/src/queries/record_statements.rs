//! The statements of [`record`](super::record).

use crate::schema::PART;

/// The whole batch in one statement.
///
/// It assumes that of each ticket's occurrences either all are new or none is, so that what they do to
/// the ticket is known beforehand; where that is not so, `fresh` divides by zero, and nothing has happened.
///
/// `locked` locks the tickets that are there, in the order of their ids: whoever deletes one waits, or is
/// waited for. A ticket that comes into being meanwhile is met by the `ON CONFLICT` of `stored`. All that
/// is written after that is written under the lock of its ticket. The sums of applications have no one
/// ticket: `summed` first reads all of `stored`, and then locks them in the order of their keys, and so does
/// whoever else changes them; nobody waits for a ticket after that.
const RECORD: &str = r#"
WITH locked AS MATERIALIZED (
  SELECT 1 FROM {s}."{p}tickets" WHERE id = ANY($9) ORDER BY id FOR UPDATE
), new AS (
  INSERT INTO {s}."{p}occurrences" (ticket_id, id, time, type, app_id, channel, repeats, payload)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::text[], $6::text[],
    $7::int8[], $8::text[])
  WHERE (SELECT count(*) FROM locked) >= 0
    AND 1 / ((SELECT coalesce(max(version), 0) FROM {s}."{p}schema_versions") = $42)::int = 1
  ON CONFLICT (ticket_id, id) DO NOTHING
  RETURNING ticket_id
), counted AS (
  SELECT ticket_id, count(*) AS n FROM new GROUP BY ticket_id
), fresh AS (
  SELECT d.*, 1 / (d.n = c.n)::int AS one
  FROM unnest($9::uuid[], $10::int8[], $11::text[], $12::int2[], $13::text[], $14::text[], $15::text[],
    $16::int8[], $17::text[], $18::text[], $19::text[], $20::int8[], $21::uuid[], $22::text[],
    $23::int8[], $24::uuid[], $25::text[], $26::int8[], $27::text[], $28::text[])
    AS d (id, n, app_id, level, channel, message, file, line, module, function, error_type,
      first_time, first_id, first_release, last_time, last_id, last_release, count, ingredients,
      search_text)
  JOIN counted c ON c.ticket_id = d.id
  ORDER BY d.id
), stored AS (
  INSERT INTO {s}."{p}tickets" AS t (id, app_id, level, channel, message, file, line, module, function,
    error_type, status, first_time, first_id, first_release, last_time, last_id, last_release, count,
    reopened, ingredients, search_text)
  SELECT id, app_id, level, channel, message, file, line, module, function, error_type, 1, first_time,
    first_id, first_release, last_time, last_id, last_release, count * one, 0, ingredients, search_text
  FROM fresh
  ON CONFLICT (id) DO UPDATE SET
    count = t.count + excluded.count,
    {changes}
  RETURNING t.id, t.app_id, t.count, t.reopened_by IS NOT DISTINCT FROM $41 AS is_reopened
), counts AS (
  INSERT INTO {s}."{p}hours" AS h (ticket_id, app_id, hour, count)
  SELECT u.ticket_id, t.app_id, u.hour, u.count
  FROM unnest($29::uuid[], $30::int8[], $31::int8[]) AS u (ticket_id, hour, count)
  JOIN stored t ON t.id = u.ticket_id
  ON CONFLICT (ticket_id, hour) DO UPDATE SET count = h.count + excluded.count
), seen AS (
  INSERT INTO {s}."{p}seen" (ticket_id, release, environment)
  SELECT u.* FROM unnest($32::uuid[], $33::text[], $34::text[]) AS u (ticket_id, release, environment)
  WHERE u.ticket_id IN (SELECT id FROM stored)
  ON CONFLICT DO NOTHING
), compared AS (
  INSERT INTO {s}."{p}traits" (ticket_id, occurrence_id, time, type, name, value)
  SELECT u.* FROM unnest($35::uuid[], $36::uuid[], $37::int8[], $38::int8[], $39::text[], $40::bytea[])
    AS u (ticket_id, occurrence_id, time, type, name, value)
  WHERE u.ticket_id IN (SELECT id FROM stored)
), summed AS (
  INSERT INTO {s}."{p}app_counts" AS a (app_id, hour, part, count)
  SELECT t.app_id, u.hour, {part}, sum(u.count)
  FROM unnest($29::uuid[], $30::int8[], $31::int8[]) AS u (ticket_id, hour, count)
  JOIN stored t ON t.id = u.ticket_id
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (app_id, hour, part) DO UPDATE SET count = a.count + excluded.count
)
SELECT id, count, is_reopened FROM stored"#;

/// What an older, a newer, and a reopening occurrence change of a ticket that is there.
const CHANGES: [(&str, &[&str]); 3] = [
    (
        "(excluded.first_time, excluded.first_id) < (t.first_time, t.first_id)",
        &["first_time", "first_id", "first_release"],
    ),
    (
        "(excluded.last_time, excluded.last_id) > (t.last_time, t.last_id)",
        &[
            "level",
            "channel",
            "message",
            "file",
            "line",
            "module",
            "function",
            "error_type",
            "last_time",
            "last_id",
            "last_release",
            "search_text",
        ],
    ),
    (
        "t.status = 2 AND excluded.last_time > t.status_time",
        &["status", "status_time", "solved_release"],
    ),
];

pub(super) fn record() -> String {
    let mut changes = Vec::new();
    for (condition, columns) in CHANGES {
        for column in columns {
            changes.push(format!(
                "{column} = CASE WHEN {condition} THEN excluded.{column} ELSE t.{column} END"
            ));
        }
    }
    let reopening = CHANGES[2].0;
    changes.push(format!("reopened = t.reopened + ({reopening})::int"));
    changes
        .push(format!("reopened_by = CASE WHEN {reopening} THEN $41::uuid ELSE t.reopened_by END"));
    RECORD.replace("{changes}", &changes.join(",\n    ")).replace("{part}", PART)
}

pub(super) const STORED: &str = r#"SELECT o.ticket_id, o.id
FROM unnest($1::uuid[], $2::uuid[]) AS r (ticket_id, id)
JOIN {s}."{p}occurrences" o ON o.ticket_id = r.ticket_id AND o.id = r.id"#;
