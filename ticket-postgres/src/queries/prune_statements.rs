//! The statements of [`prune`](super::prune).

use crate::schema::PART;

/// The ticket is locked by this, and what is deleted with it is looked for after that.
pub(super) const DELETE_TICKET: &str = r#"DELETE FROM {s}."{p}tickets" WHERE id = $1 RETURNING id"#;

/// Answers with what the applications have less of from then on.
pub(super) fn delete_hours() -> String {
    format!(
        r#"WITH gone AS (
  DELETE FROM {{s}}."{{p}}hours" WHERE ticket_id = ANY($1) RETURNING ticket_id, app_id, hour, count
) SELECT app_id, hour, ({PART})::int2, sum(count)::int8 FROM gone GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"#
    )
}

/// In the order in which recording locks them.
pub(super) const LOCK_APP_COUNTS: &str = r#"SELECT 1
FROM unnest($1::text[], $2::int8[], $3::int2[]) AS gone (app_id, hour, part)
JOIN {s}."{p}app_counts" a
  ON a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part
ORDER BY a.app_id, a.hour, a.part FOR UPDATE OF a"#;

pub(super) const SUBTRACT: &str = r#"UPDATE {s}."{p}app_counts" a SET count = a.count - gone.count
FROM unnest($1::text[], $2::int8[], $3::int2[], $4::int8[]) AS gone (app_id, hour, part, count)
WHERE a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part"#;

pub(super) const DELETE_APP_COUNTS: &str = r#"DELETE FROM {s}."{p}app_counts" a
USING unnest($1::text[], $2::int8[], $3::int2[]) AS gone (app_id, hour, part)
WHERE a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part AND a.count = 0"#;

pub(super) const DELETE_SEEN: &str = r#"DELETE FROM {s}."{p}seen" WHERE ticket_id = ANY($1)"#;

/// The columns that the keys of an occurrence's traits are made of.
const DELETED: &str = "o.time, o.id, o.ticket_id, o.repeats, o.payload, o.app_id, o.channel";

pub(super) fn of_ticket() -> String {
    format!(
        r#"WITH gone AS (SELECT ticket_id, id FROM {{s}}."{{p}}occurrences" WHERE ticket_id = $1 LIMIT $2)
DELETE FROM {{s}}."{{p}}occurrences" o USING gone
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING {DELETED}"#
    )
}

/// From the time $2 and the id $3 on: what lies before is not to be deleted.
pub(super) fn expired() -> String {
    format!(
        r#"WITH gone AS (SELECT ticket_id, id FROM {{s}}."{{p}}occurrences"
  WHERE time < $1 AND (time, id) >= ($2, $3) AND ($4::text IS NULL OR app_id = $4)
  ORDER BY time, id, ticket_id LIMIT $5)
DELETE FROM {{s}}."{{p}}occurrences" o USING gone
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING {DELETED}"#
    )
}

pub(super) fn by_keys() -> String {
    format!(
        r#"DELETE FROM {{s}}."{{p}}occurrences" o
USING unnest($1::uuid[], $2::uuid[]) AS gone (ticket_id, id)
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING {DELETED}"#
    )
}

pub(super) const DELETE_TRAITS: &str = r#"DELETE FROM {s}."{p}traits" x
USING unnest($1::int8[], $2::text[], $3::bytea[], $4::int8[], $5::uuid[], $6::uuid[])
  AS gone (type, name, value, time, occurrence_id, ticket_id)
WHERE x.type = gone.type AND x.name = gone.name AND x.value = gone.value AND x.time = gone.time
  AND x.occurrence_id = gone.occurrence_id AND x.ticket_id = gone.ticket_id"#;

/// The tickets that may go, behind the time $3 and the id $4. They are locked in the order in which recording
/// locks them: nobody adds an occurrence or reopens one until they are gone.
pub(super) const SOLVED: &str = r#"SELECT t.id, found.last_time FROM (
  SELECT t.id, t.last_time FROM {s}."{p}tickets" t
  WHERE t.status = 2 AND t.last_time < $1 AND ($2::text IS NULL OR t.app_id = $2)
    AND (t.last_time, t.id) > ($3, $4)
    AND NOT EXISTS (SELECT 1 FROM {s}."{p}occurrences" o WHERE o.ticket_id = t.id)
  ORDER BY t.last_time, t.id LIMIT $5) found
JOIN {s}."{p}tickets" t ON t.id = found.id ORDER BY t.id FOR UPDATE OF t"#;

/// What has become of them while the lock was waited for is looked at once more.
pub(super) const DELETE_SOLVED: &str = r#"DELETE FROM {s}."{p}tickets" t
WHERE t.id = ANY($1) AND t.status = 2 AND t.last_time < $2
  AND NOT EXISTS (SELECT 1 FROM {s}."{p}occurrences" o WHERE o.ticket_id = t.id)
RETURNING t.id"#;

pub(super) const TICKETS_FROM: &str = r#"SELECT t.id FROM {s}."{p}tickets" t
WHERE t.id > $1 AND ($2::text IS NULL OR t.app_id = $2) ORDER BY t.id LIMIT $3"#;

/// Of each ticket in $1 all but the first one and the newest $2.
pub(super) const SURPLUS: &str = r#"SELECT s.ticket_id, s.id
FROM unnest($1::uuid[]) AS t (id) CROSS JOIN LATERAL (
  SELECT o.ticket_id, o.id FROM {s}."{p}occurrences" o
  WHERE o.ticket_id = t.id AND o.id <> (
    SELECT f.id FROM {s}."{p}occurrences" f WHERE f.ticket_id = t.id ORDER BY f.time, f.id LIMIT 1)
  ORDER BY o.time DESC, o.id DESC LIMIT $3 OFFSET $2) s
LIMIT $3"#;

pub(super) const MONTHS: &str = "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
    WHERE i.inhparent = to_regclass($1) ORDER BY c.relname";
