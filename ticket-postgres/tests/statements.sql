-- The statements of ticket-postgres, with the index that each must use and what its plan may sort.
-- {s} is the schema and {p} the prefix of the tables.
-- UPDATE_STATEMENTS=1 cargo test -p ticket-postgres --lib writes this file anew.

-- index: tickets_by_last; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.last_time ASC, t.id ASC LIMIT $3 OFFSET $4;

-- index: tickets_by_first; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.first_time ASC, t.id ASC LIMIT $3 OFFSET $4;

-- index: tickets_by_count; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.count ASC, t.id ASC LIMIT $3 OFFSET $4;

-- index: tickets_by_level; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.level ASC, t.id ASC LIMIT $3 OFFSET $4;

-- index: tickets_by_channel; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.channel ASC, t.id ASC LIMIT $3 OFFSET $4;

-- index: tickets_by_app; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE t.merged_into IS NULL AND t.app_id = $1 ORDER BY t.last_time ASC, t.id ASC LIMIT $2 OFFSET $3;

-- index: _ticket_id_time_id_idx; sorts: nothing
SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o
WHERE o.ticket_id = $1 AND (o.time, o.id) > ($2, $3)
ORDER BY o.time ASC, o.id ASC LIMIT $4 OFFSET $5;

-- index: history_pkey; sorts: nothing
SELECT h.no, h.time, h.author, h.event FROM {s}."{p}history" h
WHERE h.ticket_id = $1 AND h.no > $2
  AND h.no > (SELECT t.history FROM {s}."{p}tickets" t WHERE t.id = $1) - 100
ORDER BY h.no ASC LIMIT $3 OFFSET $4;

-- index: _time_id_idx; sorts: Incremental Sort
SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o WHERE (o.time, o.id, o.ticket_id) > ($1, $2, $3) AND o.time <= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) ORDER BY o.time ASC, o.id ASC, o.ticket_id ASC LIMIT $7 OFFSET $8;

-- index: _type_time_id_idx; sorts: Incremental Sort
SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o WHERE o.type = 1 AND (o.time, o.id, o.ticket_id) > ($1, $2, $3) AND o.time <= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) ORDER BY o.time ASC, o.id ASC, o.ticket_id ASC LIMIT $7 OFFSET $8;

-- index: _type_time_id_idx; sorts: Sort
SELECT * FROM ((SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o WHERE o.type = 1 AND (o.time, o.id, o.ticket_id) > ($1, $2, $3) AND o.time <= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) ORDER BY o.time ASC, o.id ASC, o.ticket_id ASC LIMIT $7::int8 + $8::int8) UNION ALL (SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o WHERE o.type = 2 AND (o.time, o.id, o.ticket_id) > ($1, $2, $3) AND o.time <= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) ORDER BY o.time ASC, o.id ASC, o.ticket_id ASC LIMIT $7::int8 + $8::int8)) o ORDER BY o.time ASC, o.id ASC, o.ticket_id ASC LIMIT $7 OFFSET $8;

-- index: _id_idx; sorts: Sort
SELECT * FROM (SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o
  WHERE o.id = $9 AND ($10::text IS NULL OR o.external_id = $10) AND (o.time, o.id, o.ticket_id) > ($1, $2, $3) AND o.time <= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) OFFSET 0) o
ORDER BY o.time ASC, o.id ASC, o.ticket_id ASC LIMIT $7 OFFSET $8;

-- index: _external_id_time_id_idx; sorts: Sort
SELECT * FROM (SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o
  WHERE o.external_id = $9 AND (o.time, o.id, o.ticket_id) > ($1, $2, $3) AND o.time <= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) OFFSET 0) o
ORDER BY o.time ASC, o.id ASC, o.ticket_id ASC LIMIT $7 OFFSET $8;

-- index: _time_id_idx; sorts: Sort
SELECT o.* FROM unnest($1::int8[], $2::uuid[]) AS k (time, id)
CROSS JOIN LATERAL (SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o
  WHERE o.time = k.time AND o.id = k.id AND ($3::text IS NULL OR o.app_id = $3)
    AND ($4::text IS NULL OR o.channel = $4) OFFSET 0) o ORDER BY o.time ASC, o.id ASC, o.ticket_id ASC;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
SELECT x.time, x.occurrence_id FROM {s}."{p}traits" x
WHERE x.type IN (1) AND x.name = $5 AND x.value = $6 AND (x.time, x.occurrence_id) >= ($2, $3) AND x.time <= $4 ORDER BY time ASC, occurrence_id ASC LIMIT $1;

-- index: _type_name_value_time_occurrence_id_idx; sorts: Sort
SELECT x.time, x.occurrence_id FROM {s}."{p}traits" x
WHERE x.type IN (1, 2) AND x.name = $5 AND x.value >= $6 AND x.value < $7 AND (x.time, x.occurrence_id) > ($2, $3) AND x.time <= $4 ORDER BY time ASC, occurrence_id ASC LIMIT $1;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
(SELECT x.time, x.occurrence_id FROM {s}."{p}traits" x
WHERE x.type IN (1) AND x.name = $5 AND x.value = $6 AND (x.time, x.occurrence_id) > ($2, $3) AND x.time <= $4 ORDER BY time ASC, occurrence_id ASC LIMIT $1)
UNION ALL (SELECT x.time, x.occurrence_id FROM {s}."{p}traits" x
WHERE x.type IN (1) AND x.name = $7 AND x.value = $8 AND (x.time, x.occurrence_id) > ($2, $3) AND x.time <= $4 ORDER BY time ASC, occurrence_id ASC LIMIT $1) ORDER BY time ASC, occurrence_id ASC LIMIT $1;

-- index: tickets_by_last; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.last_time DESC, t.id DESC LIMIT $3 OFFSET $4;

-- index: tickets_by_first; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.first_time DESC, t.id DESC LIMIT $3 OFFSET $4;

-- index: tickets_by_count; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.count DESC, t.id DESC LIMIT $3 OFFSET $4;

-- index: tickets_by_level; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.level DESC, t.id DESC LIMIT $3 OFFSET $4;

-- index: tickets_by_channel; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND (t.status = 1 OR (t.status = 3 AND t.status_time <= $1))) AND position($2 IN t.search_text) > 0 ORDER BY t.channel DESC, t.id DESC LIMIT $3 OFFSET $4;

-- index: tickets_by_app; sorts: nothing
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM {s}."{p}tickets" t WHERE t.merged_into IS NULL AND t.app_id = $1 ORDER BY t.last_time DESC, t.id DESC LIMIT $2 OFFSET $3;

-- index: _ticket_id_time_id_idx; sorts: nothing
SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o
WHERE o.ticket_id = $1 AND (o.time, o.id) < ($2, $3)
ORDER BY o.time DESC, o.id DESC LIMIT $4 OFFSET $5;

-- index: history_pkey; sorts: nothing
SELECT h.no, h.time, h.author, h.event FROM {s}."{p}history" h
WHERE h.ticket_id = $1 AND h.no < $2
  AND h.no > (SELECT t.history FROM {s}."{p}tickets" t WHERE t.id = $1) - 100
ORDER BY h.no DESC LIMIT $3 OFFSET $4;

-- index: _time_id_idx; sorts: Incremental Sort
SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o WHERE (o.time, o.id, o.ticket_id) < ($1, $2, $3) AND o.time >= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) ORDER BY o.time DESC, o.id DESC, o.ticket_id DESC LIMIT $7 OFFSET $8;

-- index: _type_time_id_idx; sorts: Incremental Sort
SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o WHERE o.type = 1 AND (o.time, o.id, o.ticket_id) < ($1, $2, $3) AND o.time >= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) ORDER BY o.time DESC, o.id DESC, o.ticket_id DESC LIMIT $7 OFFSET $8;

-- index: _type_time_id_idx; sorts: Sort
SELECT * FROM ((SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o WHERE o.type = 1 AND (o.time, o.id, o.ticket_id) < ($1, $2, $3) AND o.time >= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) ORDER BY o.time DESC, o.id DESC, o.ticket_id DESC LIMIT $7::int8 + $8::int8) UNION ALL (SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o WHERE o.type = 2 AND (o.time, o.id, o.ticket_id) < ($1, $2, $3) AND o.time >= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) ORDER BY o.time DESC, o.id DESC, o.ticket_id DESC LIMIT $7::int8 + $8::int8)) o ORDER BY o.time DESC, o.id DESC, o.ticket_id DESC LIMIT $7 OFFSET $8;

-- index: _id_idx; sorts: Sort
SELECT * FROM (SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o
  WHERE o.id = $9 AND ($10::text IS NULL OR o.external_id = $10) AND (o.time, o.id, o.ticket_id) < ($1, $2, $3) AND o.time >= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) OFFSET 0) o
ORDER BY o.time DESC, o.id DESC, o.ticket_id DESC LIMIT $7 OFFSET $8;

-- index: _external_id_time_id_idx; sorts: Sort
SELECT * FROM (SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o
  WHERE o.external_id = $9 AND (o.time, o.id, o.ticket_id) < ($1, $2, $3) AND o.time >= $4 AND ($5::text IS NULL OR o.app_id = $5) AND ($6::text IS NULL OR o.channel = $6) OFFSET 0) o
ORDER BY o.time DESC, o.id DESC, o.ticket_id DESC LIMIT $7 OFFSET $8;

-- index: _time_id_idx; sorts: Sort
SELECT o.* FROM unnest($1::int8[], $2::uuid[]) AS k (time, id)
CROSS JOIN LATERAL (SELECT o.time, o.id, o.ticket_id, o.repeats, o.payload FROM {s}."{p}occurrences" o
  WHERE o.time = k.time AND o.id = k.id AND ($3::text IS NULL OR o.app_id = $3)
    AND ($4::text IS NULL OR o.channel = $4) OFFSET 0) o ORDER BY o.time DESC, o.id DESC, o.ticket_id DESC;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
SELECT x.time, x.occurrence_id FROM {s}."{p}traits" x
WHERE x.type IN (1) AND x.name = $5 AND x.value = $6 AND (x.time, x.occurrence_id) <= ($2, $3) AND x.time >= $4 ORDER BY time DESC, occurrence_id DESC LIMIT $1;

-- index: _type_name_value_time_occurrence_id_idx; sorts: Sort
SELECT x.time, x.occurrence_id FROM {s}."{p}traits" x
WHERE x.type IN (1, 2) AND x.name = $5 AND x.value >= $6 AND x.value < $7 AND (x.time, x.occurrence_id) < ($2, $3) AND x.time >= $4 ORDER BY time DESC, occurrence_id DESC LIMIT $1;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
(SELECT x.time, x.occurrence_id FROM {s}."{p}traits" x
WHERE x.type IN (1) AND x.name = $5 AND x.value = $6 AND (x.time, x.occurrence_id) < ($2, $3) AND x.time >= $4 ORDER BY time DESC, occurrence_id DESC LIMIT $1)
UNION ALL (SELECT x.time, x.occurrence_id FROM {s}."{p}traits" x
WHERE x.type IN (1) AND x.name = $7 AND x.value = $8 AND (x.time, x.occurrence_id) < ($2, $3) AND x.time >= $4 ORDER BY time DESC, occurrence_id DESC LIMIT $1) ORDER BY time DESC, occurrence_id DESC LIMIT $1;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
SELECT count(*) FROM (SELECT 1 FROM {s}."{p}traits" x
WHERE x.type IN (1, 2) AND x.name = $2 AND x.value >= $3 AND x.value < $4 LIMIT $1) s;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
SELECT count(*) FROM (SELECT 1 FROM {s}."{p}traits" x
WHERE x.type IN (1) AND x.name = $2 AND x.value = $3
UNION ALL SELECT 1 FROM {s}."{p}traits" x
WHERE x.type IN (1) AND x.name = $4 AND x.value = $5 LIMIT $1) s;

-- index: _time_id_idx; sorts: nothing
SELECT count(*) FROM (SELECT 1 FROM {s}."{p}occurrences" o
WHERE o.time >= $1 AND o.time <= $2 LIMIT $3) s;

-- index: _type_time_id_idx; sorts: nothing
WITH RECURSIVE types AS (
  (SELECT o.type, o.app_id, o.channel FROM {s}."{p}occurrences" o ORDER BY o.type LIMIT 1)
  UNION ALL
  SELECT next.* FROM types CROSS JOIN LATERAL (
    SELECT o.type, o.app_id, o.channel FROM {s}."{p}occurrences" o
    WHERE o.type > types.type ORDER BY o.type LIMIT 1) next
) SELECT type, app_id, channel FROM types;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
WITH RECURSIVE kinds AS (
  (SELECT x.name, substr(x.value, 1, 1) AS kind FROM {s}."{p}traits" x
   WHERE x.type = $1 ORDER BY x.name, x.value LIMIT 1)
  UNION ALL
  SELECT next.* FROM kinds CROSS JOIN LATERAL (
    SELECT x.name, substr(x.value, 1, 1) AS kind FROM {s}."{p}traits" x
    WHERE x.type = $1
      AND (x.name, x.value) >= (kinds.name, set_byte(kinds.kind, 0, get_byte(kinds.kind, 0) + 1))
    ORDER BY x.name, x.value LIMIT 1) next
) SELECT name, get_byte(kind, 0)::int2 FROM kinds;

-- index: hours_pkey; sorts: nothing
SELECT hour, count FROM {s}."{p}hours"
WHERE ticket_id = $3 AND hour >= $1 AND hour < $2;

-- index: app_counts_pkey; sorts: nothing
SELECT hour, sum(count)::int8 FROM {s}."{p}app_counts"
WHERE hour >= $1 AND hour < $2 AND app_id = $3 GROUP BY hour;

-- index: app_counts_by_hour; sorts: nothing
SELECT hour, sum(count)::int8 FROM {s}."{p}app_counts"
WHERE hour >= $1 AND hour < $2 GROUP BY hour;

-- index: tickets_by_status; sorts: nothing
SELECT (SELECT count(*) FROM {s}."{p}tickets") - (SELECT count(*) FROM {s}."{p}tickets" t
  WHERE t.status <> 1 AND (t.status <> 3 OR t.status_time IS NULL OR t.status_time > $1));

-- index: tickets_by_s; sorts: nothing
SELECT count(*) FROM {s}."{p}tickets" t WHERE ($1::int8 IS NOT NULL AND t.status = 2) ;

-- index: tickets_by_status; sorts: nothing
SELECT count(*) FROM {s}."{p}tickets" t WHERE (t.status = 3 AND (t.status_time IS NULL OR t.status_time > $1)) ;

-- index: tickets_pkey; sorts: Sort

WITH locked AS MATERIALIZED (
  SELECT id, status, status_time, solved_release, solved_after, solved_name, solved_version
  FROM {s}."{p}tickets" WHERE id = ANY($9) ORDER BY id FOR UPDATE
), new AS (
  INSERT INTO {s}."{p}occurrences" (ticket_id, id, time, type, app_id, channel, repeats, payload,
    external_id)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::text[], $6::text[],
    $7::int8[], $8::text[], $43::text[])
  WHERE (SELECT count(*) FROM locked) >= 0
    AND 1 / ((SELECT coalesce(max(version), 0) FROM {s}."{p}schema_versions") = $42)::int = 1
  ON CONFLICT (ticket_id, id) DO NOTHING
  RETURNING ticket_id
), counted AS (
  SELECT ticket_id, count(*) AS n FROM new GROUP BY ticket_id
), fresh AS (
  SELECT d.*, 1 / (d.n = c.n)::int AS one, coalesce(t.status, 1) AS status, coalesce(t.status = 2 AND d.last_time > t.status_time
      AND (t.solved_release IS NULL OR EXISTS (
        SELECT 1 FROM unnest($32::uuid[], $33::text[], $44::int8[], $45::text[], $46::bytea[])
          AS r (ticket_id, release, time, name, version)
        WHERE r.ticket_id = t.id AND r.time > t.status_time
          AND NOT (t.solved_after AND r.release = '=' || t.solved_release)
          AND NOT coalesce(
            (r.name = t.solved_name OR r.name = '' OR t.solved_name = '')
              AND (r.version < t.solved_version OR t.solved_after AND r.version = t.solved_version),
            false))), false) AS reopens
  FROM unnest($9::uuid[], $10::int8[], $11::text[], $12::int2[], $13::text[], $14::text[], $15::text[],
    $16::int8[], $17::text[], $18::text[], $19::text[], $20::int8[], $21::uuid[], $22::text[],
    $23::int8[], $24::uuid[], $25::text[], $26::int8[], $27::text[], $28::text[])
    AS d (id, n, app_id, level, channel, message, file, line, module, function, error_type,
      first_time, first_id, first_release, last_time, last_id, last_release, count, ingredients,
      search_text)
  JOIN counted c ON c.ticket_id = d.id
  LEFT JOIN locked t ON t.id = d.id
  ORDER BY d.id
), stored AS (
  INSERT INTO {s}."{p}tickets" AS t (id, app_id, level, channel, message, file, line, module, function,
    error_type, status, first_time, first_id, first_release, last_time, last_id, last_release, count,
    reopened, ingredients, search_text)
  SELECT id, app_id, level, channel, message, file, line, module, function, error_type, status, first_time,
    first_id, first_release, last_time, last_id, last_release, count * one, reopens::int, ingredients,
    search_text
  FROM fresh
  ON CONFLICT (id) DO UPDATE SET
    count = t.count + excluded.count / (t.merged_into IS NULL AND t.status = excluded.status)::int,
    first_time = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_time ELSE t.first_time END,
    first_id = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_id ELSE t.first_id END,
    first_release = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_release ELSE t.first_release END,
    level = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.level ELSE t.level END,
    channel = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.channel ELSE t.channel END,
    message = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.message ELSE t.message END,
    file = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.file ELSE t.file END,
    line = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.line ELSE t.line END,
    module = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.module ELSE t.module END,
    function = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.function ELSE t.function END,
    error_type = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.error_type ELSE t.error_type END,
    last_time = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_time ELSE t.last_time END,
    last_id = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_id ELSE t.last_id END,
    last_release = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_release ELSE t.last_release END,
    search_text = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.search_text ELSE t.search_text END,
    status = CASE WHEN excluded.reopened = 1 THEN 1 ELSE t.status END,
    status_time = CASE WHEN excluded.reopened = 0 THEN t.status_time END,
    solved_release = CASE WHEN excluded.reopened = 0 THEN t.solved_release END,
    solved_after = t.solved_after AND excluded.reopened = 0,
    solved_name = CASE WHEN excluded.reopened = 0 THEN t.solved_name END,
    solved_version = CASE WHEN excluded.reopened = 0 THEN t.solved_version END,
    reopened = t.reopened + excluded.reopened,
    history = t.history + excluded.reopened,
    reopened_by = CASE WHEN excluded.reopened = 1 THEN $41::uuid ELSE t.reopened_by END
  RETURNING t.id, t.app_id, t.count, t.last_time, t.history, t.reopened_by IS NOT DISTINCT FROM $41 AS is_reopened
), counts AS (
  INSERT INTO {s}."{p}hours" AS h (ticket_id, app_id, hour, count)
  SELECT u.ticket_id, t.app_id, u.hour, u.count
  FROM unnest($29::uuid[], $30::int8[], $31::int8[]) AS u (ticket_id, hour, count)
  JOIN stored t ON t.id = u.ticket_id
  ON CONFLICT (ticket_id, hour) DO UPDATE SET count = h.count + excluded.count
), seen AS (
  INSERT INTO {s}."{p}seen" (ticket_id, app_id, release, environment)
  SELECT u.ticket_id, t.app_id, u.release, u.environment
  FROM unnest($32::uuid[], $33::text[], $34::text[]) AS u (ticket_id, release, environment)
  JOIN stored t ON t.id = u.ticket_id
  ON CONFLICT DO NOTHING
), recurred AS (
  INSERT INTO {s}."{p}history" (ticket_id, no, time, event)
  SELECT id, history, last_time, '{"event":"recurred"}' FROM stored WHERE is_reopened
), compared AS (
  INSERT INTO {s}."{p}traits" (ticket_id, occurrence_id, time, type, name, value)
  SELECT u.* FROM unnest($35::uuid[], $36::uuid[], $37::int8[], $38::int8[], $39::text[], $40::bytea[])
    AS u (ticket_id, occurrence_id, time, type, name, value)
  WHERE u.ticket_id IN (SELECT id FROM stored)
), summed AS (
  INSERT INTO {s}."{p}app_counts" AS a (app_id, hour, part, count)
  SELECT t.app_id, u.hour, get_byte(uuid_send(ticket_id), 15) % 8, sum(u.count)
  FROM unnest($29::uuid[], $30::int8[], $31::int8[]) AS u (ticket_id, hour, count)
  JOIN stored t ON t.id = u.ticket_id
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (app_id, hour, part) DO UPDATE SET count = a.count + excluded.count
)
SELECT id, count, is_reopened FROM stored;

-- index: tickets_pkey; sorts: Sort

WITH locked AS MATERIALIZED (
  SELECT id, status, status_time, solved_release, solved_after, solved_name, solved_version
  FROM {s}."{p}tickets" WHERE id = ANY($9) ORDER BY id FOR UPDATE
), new AS (
  INSERT INTO {s}."{p}occurrences" (ticket_id, id, time, type, app_id, channel, repeats, payload,
    external_id)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::text[], $6::text[],
    $7::int8[], $8::text[], $43::text[])
  WHERE (SELECT count(*) FROM locked) >= 0
    AND 1 / ((SELECT coalesce(max(version), 0) FROM {s}."{p}schema_versions") = $42)::int = 1
    AND 1 / ((SELECT count(*) FROM unnest($47::uuid[], $48::uuid[]) AS m (id, target)
      JOIN {s}."{p}tickets" t ON t.id = m.id AND t.merged_into = m.target
      WHERE m.target IN (SELECT id FROM locked)) = cardinality($47::uuid[]))::int = 1
  ON CONFLICT (ticket_id, id) DO NOTHING
  RETURNING ticket_id
), counted AS (
  SELECT ticket_id, count(*) AS n FROM new GROUP BY ticket_id
), fresh AS (
  SELECT d.*, 1 / (d.n = c.n)::int AS one, coalesce(t.status, 1) AS status, coalesce(t.status = 2 AND d.last_time > t.status_time
      AND (t.solved_release IS NULL OR EXISTS (
        SELECT 1 FROM unnest($32::uuid[], $33::text[], $44::int8[], $45::text[], $46::bytea[])
          AS r (ticket_id, release, time, name, version)
        WHERE r.ticket_id = t.id AND r.time > t.status_time
          AND NOT (t.solved_after AND r.release = '=' || t.solved_release)
          AND NOT coalesce(
            (r.name = t.solved_name OR r.name = '' OR t.solved_name = '')
              AND (r.version < t.solved_version OR t.solved_after AND r.version = t.solved_version),
            false))), false) AS reopens
  FROM unnest($9::uuid[], $10::int8[], $11::text[], $12::int2[], $13::text[], $14::text[], $15::text[],
    $16::int8[], $17::text[], $18::text[], $19::text[], $20::int8[], $21::uuid[], $22::text[],
    $23::int8[], $24::uuid[], $25::text[], $26::int8[], $27::text[], $28::text[])
    AS d (id, n, app_id, level, channel, message, file, line, module, function, error_type,
      first_time, first_id, first_release, last_time, last_id, last_release, count, ingredients,
      search_text)
  JOIN counted c ON c.ticket_id = d.id
  LEFT JOIN locked t ON t.id = d.id
  ORDER BY d.id
), stored AS (
  INSERT INTO {s}."{p}tickets" AS t (id, app_id, level, channel, message, file, line, module, function,
    error_type, status, first_time, first_id, first_release, last_time, last_id, last_release, count,
    reopened, ingredients, search_text)
  SELECT id, app_id, level, channel, message, file, line, module, function, error_type, status, first_time,
    first_id, first_release, last_time, last_id, last_release, count * one, reopens::int, ingredients,
    search_text
  FROM fresh
  ON CONFLICT (id) DO UPDATE SET
    count = t.count + excluded.count / (t.merged_into IS NULL AND t.status = excluded.status)::int,
    first_time = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_time ELSE t.first_time END,
    first_id = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_id ELSE t.first_id END,
    first_release = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_release ELSE t.first_release END,
    level = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.level ELSE t.level END,
    channel = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.channel ELSE t.channel END,
    message = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.message ELSE t.message END,
    file = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.file ELSE t.file END,
    line = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.line ELSE t.line END,
    module = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.module ELSE t.module END,
    function = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.function ELSE t.function END,
    error_type = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.error_type ELSE t.error_type END,
    last_time = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_time ELSE t.last_time END,
    last_id = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_id ELSE t.last_id END,
    last_release = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_release ELSE t.last_release END,
    search_text = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.search_text ELSE t.search_text END,
    status = CASE WHEN excluded.reopened = 1 THEN 1 ELSE t.status END,
    status_time = CASE WHEN excluded.reopened = 0 THEN t.status_time END,
    solved_release = CASE WHEN excluded.reopened = 0 THEN t.solved_release END,
    solved_after = t.solved_after AND excluded.reopened = 0,
    solved_name = CASE WHEN excluded.reopened = 0 THEN t.solved_name END,
    solved_version = CASE WHEN excluded.reopened = 0 THEN t.solved_version END,
    reopened = t.reopened + excluded.reopened,
    history = t.history + excluded.reopened,
    reopened_by = CASE WHEN excluded.reopened = 1 THEN $41::uuid ELSE t.reopened_by END
  RETURNING t.id, t.app_id, t.count, t.last_time, t.history, t.reopened_by IS NOT DISTINCT FROM $41 AS is_reopened
), counts AS (
  INSERT INTO {s}."{p}hours" AS h (ticket_id, app_id, hour, count)
  SELECT u.ticket_id, t.app_id, u.hour, u.count
  FROM unnest($29::uuid[], $30::int8[], $31::int8[]) AS u (ticket_id, hour, count)
  JOIN stored t ON t.id = u.ticket_id
  ON CONFLICT (ticket_id, hour) DO UPDATE SET count = h.count + excluded.count
), seen AS (
  INSERT INTO {s}."{p}seen" (ticket_id, app_id, release, environment)
  SELECT u.ticket_id, t.app_id, u.release, u.environment
  FROM unnest($32::uuid[], $33::text[], $34::text[]) AS u (ticket_id, release, environment)
  JOIN stored t ON t.id = u.ticket_id
  ON CONFLICT DO NOTHING
), recurred AS (
  INSERT INTO {s}."{p}history" (ticket_id, no, time, event)
  SELECT id, history, last_time, '{"event":"recurred"}' FROM stored WHERE is_reopened
), compared AS (
  INSERT INTO {s}."{p}traits" (ticket_id, occurrence_id, time, type, name, value)
  SELECT u.* FROM unnest($35::uuid[], $36::uuid[], $37::int8[], $38::int8[], $39::text[], $40::bytea[])
    AS u (ticket_id, occurrence_id, time, type, name, value)
  WHERE u.ticket_id IN (SELECT id FROM stored)
), summed AS (
  INSERT INTO {s}."{p}app_counts" AS a (app_id, hour, part, count)
  SELECT t.app_id, u.hour, get_byte(uuid_send(ticket_id), 15) % 8, sum(u.count)
  FROM unnest($29::uuid[], $30::int8[], $31::int8[]) AS u (ticket_id, hour, count)
  JOIN stored t ON t.id = u.ticket_id
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (app_id, hour, part) DO UPDATE SET count = a.count + excluded.count
)
SELECT id, count, is_reopened FROM stored;

-- index: occurrences_other_pkey; sorts: nothing
SELECT o.ticket_id, o.id
FROM unnest($1::uuid[], $2::uuid[]) AS r (ticket_id, id)
JOIN {s}."{p}occurrences" o ON o.ticket_id = r.ticket_id AND o.id = r.id;

-- index: tickets_pkey; sorts: nothing
SELECT t.id FROM {s}."{p}tickets" t WHERE t.id = $1 AND t.merged_into IS NULL;

-- index: seen_by_release; sorts: Sort
WITH RECURSIVE apps (app_id) AS (
  SELECT $1::text
), found (app_id, release) AS (
  SELECT app_id, (SELECT min(s.release) FROM {s}."{p}seen" s WHERE s.app_id = apps.app_id AND s.release > '')
  FROM apps WHERE app_id IS NOT NULL
  UNION ALL
  SELECT app_id, (SELECT min(s.release) FROM {s}."{p}seen" s WHERE s.app_id = found.app_id AND s.release > found.release)
  FROM found WHERE release IS NOT NULL
)
SELECT DISTINCT release FROM found WHERE release IS NOT NULL ORDER BY release;

-- index: seen_by_release; sorts: Sort
WITH RECURSIVE apps (app_id) AS (
  SELECT min(s.app_id) FROM {s}."{p}seen" s
  UNION ALL
  SELECT (SELECT min(s.app_id) FROM {s}."{p}seen" s WHERE s.app_id > apps.app_id) FROM apps
  WHERE app_id IS NOT NULL
), found (app_id, release) AS (
  SELECT app_id, (SELECT min(s.release) FROM {s}."{p}seen" s WHERE s.app_id = apps.app_id AND s.release > '')
  FROM apps WHERE app_id IS NOT NULL
  UNION ALL
  SELECT app_id, (SELECT min(s.release) FROM {s}."{p}seen" s WHERE s.app_id = found.app_id AND s.release > found.release)
  FROM found WHERE release IS NOT NULL
)
SELECT DISTINCT release FROM found WHERE release IS NOT NULL ORDER BY release;

-- index: tickets_pkey; sorts: nothing
WITH changed AS (
  UPDATE {s}."{p}tickets" t SET status = $5, status_time = $6, solved_release = $7, solved_after = $9, solved_name = $10,
    solved_version = $11, history = t.history + 1
  WHERE t.id = $1 AND t.merged_into IS NULL AND ($8::int8 IS NULL OR $8 >= t.last_time)
  RETURNING t.*
), entry AS (
  INSERT INTO {s}."{p}history" (ticket_id, no, time, author, event)
  SELECT t.id, t.history, $2::int8, $3::text, $4::text FROM changed t
), forgotten AS (
  DELETE FROM {s}."{p}history" h USING changed t
  WHERE h.ticket_id = $1 AND h.ticket_id = t.id AND h.no <= t.history - 100
)
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM changed t;

-- index: tickets_pkey; sorts: nothing
WITH changed AS (
  UPDATE {s}."{p}tickets" t SET history = t.history + 1
  WHERE t.id = $1 AND t.merged_into IS NULL
  RETURNING t.*
), entry AS (
  INSERT INTO {s}."{p}history" (ticket_id, no, time, author, event)
  SELECT t.id, t.history, $2::int8, $3::text, $4::text FROM changed t
), forgotten AS (
  DELETE FROM {s}."{p}history" h USING changed t
  WHERE h.ticket_id = $1 AND h.ticket_id = t.id AND h.no <= t.history - 100
)
SELECT t.id, t.app_id, t.level, t.channel, t.message, t.file, t.line, t.module, t.function, t.error_type, t.status, t.status_time, t.solved_release, t.first_time, t.last_time, t.count, t.reopened, t.first_release, t.last_release, t.ingredients, t.solved_after FROM changed t;

-- index: tickets_pkey; sorts: nothing
DELETE FROM {s}."{p}tickets"
WHERE id = $1 AND merged_into IS NULL RETURNING id;

-- index: _time_id_idx; sorts: Incremental Sort
WITH gone AS (SELECT ticket_id, id FROM {s}."{p}occurrences"
  WHERE time < $1 AND (time, id) >= ($2, $3) AND ($4::text IS NULL OR app_id = $4)
  ORDER BY time, id, ticket_id LIMIT $5)
DELETE FROM {s}."{p}occurrences" o USING gone
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING o.time, o.id, o.ticket_id, o.repeats, o.payload, o.app_id, o.channel;

-- index: _ticket_id; sorts: nothing
WITH gone AS (SELECT ticket_id, id FROM {s}."{p}occurrences" WHERE ticket_id = $1 LIMIT $2)
DELETE FROM {s}."{p}occurrences" o USING gone
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING o.time, o.id, o.ticket_id, o.repeats, o.payload, o.app_id, o.channel;

-- index: occurrences_other_pkey; sorts: nothing
DELETE FROM {s}."{p}occurrences" o
USING unnest($1::uuid[], $2::uuid[]) AS gone (ticket_id, id)
WHERE o.ticket_id = gone.ticket_id AND o.id = gone.id RETURNING o.time, o.id, o.ticket_id, o.repeats, o.payload, o.app_id, o.channel;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
DELETE FROM {s}."{p}traits" x
USING unnest($1::int8[], $2::text[], $3::bytea[], $4::int8[], $5::uuid[], $6::uuid[])
  AS gone (type, name, value, time, occurrence_id, ticket_id)
WHERE x.type = gone.type AND x.name = gone.name AND x.value = gone.value AND x.time = gone.time
  AND x.occurrence_id = gone.occurrence_id AND x.ticket_id = gone.ticket_id;

-- index: _ticket_id_time_id_idx; sorts: nothing
SELECT s.ticket_id, s.id
FROM unnest($1::uuid[]) AS t (id) CROSS JOIN LATERAL (
  SELECT o.ticket_id, o.id FROM {s}."{p}occurrences" o
  WHERE o.ticket_id = t.id AND o.id <> (
    SELECT f.id FROM {s}."{p}occurrences" f WHERE f.ticket_id = t.id ORDER BY f.time, f.id LIMIT 1)
  ORDER BY o.time DESC, o.id DESC LIMIT $3 OFFSET $2) s
LIMIT $3;

-- index: tickets_pkey; sorts: nothing
SELECT t.id FROM {s}."{p}tickets" t
WHERE t.id > $1 AND ($2::text IS NULL OR t.app_id = $2) ORDER BY t.id LIMIT $3;

-- index: tickets_by_solved; sorts: Sort
SELECT t.id, found.last_time FROM (
  SELECT t.id, t.last_time FROM {s}."{p}tickets" t
  WHERE t.status = 2 AND t.last_time < $1 AND ($2::text IS NULL OR t.app_id = $2)
    AND (t.last_time, t.id) > ($3, $4)
    AND NOT EXISTS (SELECT 1 FROM {s}."{p}occurrences" o WHERE o.ticket_id = t.id)
  ORDER BY t.last_time, t.id LIMIT $5) found
JOIN {s}."{p}tickets" t ON t.id = found.id ORDER BY t.id FOR UPDATE OF t;

-- index: _ticket_id_time_id_idx; sorts: nothing
DELETE FROM {s}."{p}tickets" t
WHERE t.id = ANY($1) AND t.status = 2 AND t.last_time < $2
  AND NOT EXISTS (SELECT 1 FROM {s}."{p}occurrences" o WHERE o.ticket_id = t.id)
RETURNING t.id;

-- index: seen_pkey; sorts: nothing
DELETE FROM {s}."{p}seen" WHERE ticket_id = ANY($1);

-- index: history_pkey; sorts: nothing
DELETE FROM {s}."{p}history" WHERE ticket_id = ANY($1);

-- index: tickets_by_merged; sorts: nothing
DELETE FROM {s}."{p}tickets" WHERE merged_into = ANY($1);

-- index: tickets_pkey; sorts: nothing
SELECT t.id, t.merged_into FROM {s}."{p}tickets" t
WHERE t.id = ANY($1) AND t.merged_into IS NOT NULL;

-- index: tickets_pkey; sorts: Sort
SELECT t.id, t.app_id, t.merged_into FROM {s}."{p}tickets" t
WHERE t.id = ANY($1) ORDER BY t.id FOR UPDATE;

-- index: occurrences_other_pkey; sorts: nothing
DELETE FROM {s}."{p}occurrences" o USING {s}."{p}occurrences" i
WHERE o.ticket_id = $2 AND i.ticket_id = $1 AND i.id = o.id RETURNING o.time, o.id, o.ticket_id, o.repeats, o.payload, o.app_id, o.channel;

-- index: _ticket_id; sorts: nothing
WITH chosen AS (SELECT ticket_id, id FROM {s}."{p}occurrences" WHERE ticket_id = $2 LIMIT $3)
UPDATE {s}."{p}occurrences" o SET ticket_id = $1 FROM chosen
WHERE o.ticket_id = chosen.ticket_id AND o.id = chosen.id RETURNING o.time, o.id, o.ticket_id, o.repeats, o.payload, o.app_id, o.channel;

-- index: _type_name_value_time_occurrence_id_idx; sorts: nothing
UPDATE {s}."{p}traits" x SET ticket_id = moved.ticket_id
FROM unnest($1::int8[], $2::text[], $3::bytea[], $4::int8[], $5::uuid[], $6::uuid[])
  AS moved (type, name, value, time, occurrence_id, ticket_id)
WHERE x.type = moved.type AND x.name = moved.name AND x.value = moved.value AND x.time = moved.time
  AND x.occurrence_id = moved.occurrence_id AND x.ticket_id = $7;

-- index: seen_pkey; sorts: nothing
INSERT INTO {s}."{p}seen" (ticket_id, app_id, release, environment)
SELECT $1::uuid, s.app_id, s.release, s.environment FROM {s}."{p}seen" s WHERE s.ticket_id = $2
ON CONFLICT DO NOTHING;

-- index: history_pkey; sorts: nothing
INSERT INTO {s}."{p}history" (ticket_id, no, time, author, event)
SELECT $1::uuid, t.history + row_number() OVER (ORDER BY h.no), h.time, h.author, h.event
FROM {s}."{p}history" h JOIN {s}."{p}tickets" t ON t.id = $1 WHERE h.ticket_id = $2
RETURNING 1;

-- index: tickets_pkey; sorts: nothing
UPDATE {s}."{p}tickets" t SET
  first_time = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_time ELSE t.first_time END,
  first_id = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_id ELSE t.first_id END,
  first_release = CASE WHEN (excluded.first_time, excluded.first_id) < (t.first_time, t.first_id) THEN excluded.first_release ELSE t.first_release END,
  level = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.level ELSE t.level END,
  channel = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.channel ELSE t.channel END,
  message = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.message ELSE t.message END,
  file = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.file ELSE t.file END,
  line = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.line ELSE t.line END,
  module = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.module ELSE t.module END,
  function = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.function ELSE t.function END,
  error_type = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.error_type ELSE t.error_type END,
  last_time = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_time ELSE t.last_time END,
  last_id = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_id ELSE t.last_id END,
  last_release = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.last_release ELSE t.last_release END,
  search_text = CASE WHEN (excluded.last_time, excluded.last_id) > (t.last_time, t.last_id) THEN excluded.search_text ELSE t.search_text END,
  status = CASE WHEN t.status = 2 AND excluded.last_time > t.status_time THEN 1 ELSE t.status END,
  status_time = CASE WHEN t.status = 2 AND excluded.last_time > t.status_time THEN NULL ELSE t.status_time END,
  solved_release = CASE WHEN t.status = 2 AND excluded.last_time > t.status_time THEN NULL ELSE t.solved_release END,
  solved_after = CASE WHEN t.status = 2 AND excluded.last_time > t.status_time THEN false ELSE t.solved_after END,
  solved_name = CASE WHEN t.status = 2 AND excluded.last_time > t.status_time THEN NULL ELSE t.solved_name END,
  solved_version = CASE WHEN t.status = 2 AND excluded.last_time > t.status_time THEN NULL ELSE t.solved_version END,
  count = t.count + excluded.count - $3::int8,
  reopened = t.reopened + excluded.reopened,
  history = t.history + $4::int8
FROM {s}."{p}tickets" excluded WHERE t.id = $1 AND excluded.id = $2;

-- index: tickets_pkey; sorts: nothing
UPDATE {s}."{p}tickets" t SET merged_into = $1, status = 4
WHERE t.id = $2;

-- index: tickets_by_merged; sorts: nothing
UPDATE {s}."{p}tickets" t SET merged_into = $1
WHERE t.merged_into = $2;

-- index: tickets_pkey; sorts: nothing
WITH changed AS (
  UPDATE {s}."{p}tickets" t SET history = t.history + 1 WHERE t.id = $1 RETURNING t.id, t.history
), entry AS (
  INSERT INTO {s}."{p}history" (ticket_id, no, time, author, event)
  SELECT t.id, t.history, $2::int8, $3::text, $4::text FROM changed t
)
DELETE FROM {s}."{p}history" h USING changed t
WHERE h.ticket_id = $1 AND h.ticket_id = t.id AND h.no <= t.history - 100;

-- index: tickets_pkey; sorts: nothing
DELETE FROM {s}."{p}tickets" t WHERE t.id = $1;

-- index: app_counts_pkey; sorts: Sort
SELECT 1
FROM unnest($1::text[], $2::int8[], $3::int2[]) AS gone (app_id, hour, part)
JOIN {s}."{p}app_counts" a
  ON a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part
ORDER BY a.app_id, a.hour, a.part FOR UPDATE OF a;

-- index: app_counts_pkey; sorts: nothing
UPDATE {s}."{p}app_counts" a SET count = a.count - gone.count
FROM unnest($1::text[], $2::int8[], $3::int2[], $4::int8[]) AS gone (app_id, hour, part, count)
WHERE a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part;

-- index: app_counts_pkey; sorts: nothing
DELETE FROM {s}."{p}app_counts" a
USING unnest($1::text[], $2::int8[], $3::int2[]) AS gone (app_id, hour, part)
WHERE a.app_id = gone.app_id AND a.hour = gone.hour AND a.part = gone.part AND a.count = 0;

-- index: hours_pkey; sorts: Sort
WITH gone AS (
  DELETE FROM {s}."{p}hours" WHERE ticket_id = ANY($1) RETURNING ticket_id, app_id, hour, count
) SELECT app_id, hour, (get_byte(uuid_send(ticket_id), 15) % 8)::int2, sum(count)::int8 FROM gone GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- index: leases_pkey; sorts: nothing
INSERT INTO {s}."{p}leases" AS l (name, holder, until)
VALUES ($1, $2, clock_timestamp() + $3::int8 * interval '1 microsecond')
ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until
WHERE l.holder = EXCLUDED.holder OR EXCLUDED.until - l.until >= $3::int8 * interval '1 microsecond'
RETURNING 1;

-- index: read_positions_pkey; sorts: nothing
SELECT position FROM {s}."{p}read_positions" WHERE source = $1;

-- index: read_positions_pkey; sorts: nothing
INSERT INTO {s}."{p}read_positions" (source, position, at) VALUES ($1, $2, $3)
ON CONFLICT (source) DO NOTHING RETURNING 1;

-- index: read_positions_pkey; sorts: nothing
UPDATE {s}."{p}read_positions" SET position = $2, at = $3 WHERE source = $1;

-- index: read_positions_by_time; sorts: nothing
DELETE FROM {s}."{p}read_positions" WHERE source IN
  (SELECT source FROM {s}."{p}read_positions" WHERE at < $1 FOR UPDATE SKIP LOCKED);

-- index: reports_pkey; sorts: nothing
INSERT INTO {s}."{p}reports" AS r (process, app_id, time, report) VALUES ($1, $2, $3, $4)
ON CONFLICT (process) DO UPDATE SET app_id = EXCLUDED.app_id, time = EXCLUDED.time, report = EXCLUDED.report
WHERE r.time <= EXCLUDED.time
RETURNING 1;

-- index: reports_by_time; sorts: nothing
DELETE FROM {s}."{p}reports" WHERE process IN
  (SELECT process FROM {s}."{p}reports" WHERE time < $1 FOR UPDATE SKIP LOCKED);

-- index: reports_by_time; sorts: nothing
SELECT report FROM {s}."{p}reports" ORDER BY time DESC, process LIMIT $1;

-- index: reports_by_app; sorts: nothing
SELECT report FROM {s}."{p}reports" WHERE app_id = $2
ORDER BY time DESC, process LIMIT $1;
