//! The tables and their versions, as statements. [`setup`](crate::setup) runs them.

use ticket_core::Timestamp;

use crate::month;
use crate::names::Names;

/// The schema version that this program writes.
pub(crate) const CURRENT: i32 = 7;

/// The statements that turn each version into the next. Never change one that has been released;
/// add another.
///
/// Each text is one statement, without a semicolon, and is sent alone: Citus refuses a statement of
/// DDL that arrives together with others.
///
/// No table name may end with another table's name. Otherwise the tables of two stores with
/// different prefixes could have the same name.
pub(crate) const MIGRATIONS: [&[&str]; 7] =
    [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7];

pub(crate) const VERSIONS: &str = r#"-- The schema versions that were created here, and when (microseconds since 1970).
CREATE TABLE {s}."{p}schema_versions" (
  version integer PRIMARY KEY,
  made_at bigint NOT NULL
)"#;

/// The collation "C" compares texts by code point, which in UTF-8 is the order of their bytes.
/// Times are microseconds since 1970. Every key starts with the ticket's id, so that the tables can
/// be distributed by it.
const VERSION_1: &[&str] = &[
    r#"CREATE TABLE {s}."{p}tickets" (
  id uuid PRIMARY KEY,
  app_id text COLLATE "C" NOT NULL,
  level smallint NOT NULL,
  channel text COLLATE "C" NOT NULL,
  message text COLLATE "C" NOT NULL,
  file text COLLATE "C", line bigint, module text COLLATE "C", function text COLLATE "C",
  error_type text COLLATE "C",
  status smallint NOT NULL,               -- 1 open, 2 solved, 3 muted
  status_time bigint,                     -- solved at, or muted until
  solved_release text COLLATE "C",
  first_time bigint NOT NULL,
  first_id uuid NOT NULL,
  first_release text COLLATE "C",
  last_time bigint NOT NULL,
  last_id uuid NOT NULL,
  last_release text COLLATE "C",
  count bigint NOT NULL,
  reopened bigint NOT NULL,
  reopened_by uuid,                       -- the batch that last reopened it
  ingredients text COLLATE "C" NOT NULL,
  search_text text COLLATE "C" NOT NULL
) WITH (fillfactor = 70)"#,
    r#"-- One index for each order.
CREATE INDEX "{p}tickets_by_last" ON {s}."{p}tickets" (last_time, id)"#,
    r#"CREATE INDEX "{p}tickets_by_first" ON {s}."{p}tickets" (first_time, id)"#,
    r#"CREATE INDEX "{p}tickets_by_count" ON {s}."{p}tickets" (count, id)"#,
    r#"CREATE INDEX "{p}tickets_by_level" ON {s}."{p}tickets" (level, id)"#,
    r#"CREATE INDEX "{p}tickets_by_channel" ON {s}."{p}tickets" (channel, id)"#,
    r#"CREATE INDEX "{p}tickets_by_app" ON {s}."{p}tickets" (app_id, last_time, id)"#,
    r#"-- The releases and environments of a ticket: '' for a missing one, otherwise '=' and the text.
CREATE TABLE {s}."{p}seen" (
  ticket_id uuid NOT NULL,
  release text COLLATE "C" NOT NULL,
  environment text COLLATE "C" NOT NULL,
  PRIMARY KEY (ticket_id, release, environment)
)"#,
    r#"-- Counts per ticket and hour since 1970. They outlive pruned occurrences. The free room on each page
-- lets an update stay on its page, so that counting touches no index.
CREATE TABLE {s}."{p}hours" (
  ticket_id uuid NOT NULL,
  hour bigint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (ticket_id, hour)
) WITH (fillfactor = 50)"#,
    r#"-- Partitioned by month, as an id starts with its time. "other" has the ids without a month of their own.
CREATE TABLE {s}."{p}occurrences" (
  ticket_id uuid NOT NULL,
  id uuid NOT NULL,
  time bigint NOT NULL,
  type bigint NOT NULL,                   -- a hash of the next two columns
  app_id text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  repeats bigint NOT NULL,
  payload text COLLATE "C" NOT NULL,      -- the whole record as JSON
  PRIMARY KEY (ticket_id, id)
) PARTITION BY RANGE (id)"#,
    r#"CREATE INDEX "{p}occurrences_by_id" ON {s}."{p}occurrences" (id)"#,
    r#"CREATE INDEX "{p}occurrences_by_ticket" ON {s}."{p}occurrences" (ticket_id, time, id)"#,
    r#"CREATE INDEX "{p}occurrences_by_type" ON {s}."{p}occurrences" (type, time, id)"#,
    r#"CREATE INDEX "{p}occurrences_by_time" ON {s}."{p}occurrences" (time, id)"#,
    r#"CREATE TABLE {s}."{p}occurrences_other" PARTITION OF {s}."{p}occurrences" DEFAULT"#,
    r#"-- Traits by value: a byte for the kind, followed by bytes that sort like the values.
CREATE TABLE {s}."{p}traits" (
  ticket_id uuid NOT NULL,
  occurrence_id uuid NOT NULL,
  time bigint NOT NULL,
  type bigint NOT NULL,
  name text COLLATE "C" NOT NULL,
  value bytea NOT NULL
) PARTITION BY RANGE (occurrence_id)"#,
    r#"CREATE INDEX "{p}traits_by_value" ON {s}."{p}traits" (type, name, value, time, occurrence_id)"#,
    r#"CREATE TABLE {s}."{p}traits_other" PARTITION OF {s}."{p}traits" DEFAULT"#,
];

const VERSION_2: &[&str] = &[
    r#"-- Charts of an application need the hours of its tickets.
ALTER TABLE {s}."{p}hours" ADD COLUMN app_id text COLLATE "C""#,
    r#"UPDATE {s}."{p}hours" h SET app_id = t.app_id FROM {s}."{p}tickets" t WHERE t.id = h.ticket_id"#,
    r#"ALTER TABLE {s}."{p}hours" ALTER COLUMN app_id SET NOT NULL"#,
    r#"CREATE INDEX "{p}hours_by_hour" ON {s}."{p}hours" (hour, app_id)"#,
];

/// Adds up what was recorded before there were sums. The lock keeps programs of the older version
/// from recording until they see the new version, and stop.
const VERSION_3: &[&str] = &[
    r#"LOCK TABLE {s}."{p}tickets", {s}."{p}hours" IN SHARE ROW EXCLUSIVE MODE"#,
    r#"-- Counts per application and hour: the sums of "hours". Each sum is split into 8 parts by the end of
-- the ticket's id, so that writers of different tickets rarely wait for each other. This is the only key
-- that does not start with a ticket's id.
CREATE TABLE {s}."{p}app_counts" (
  app_id text COLLATE "C" NOT NULL,
  hour bigint NOT NULL,
  part smallint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (app_id, hour, part)
) WITH (fillfactor = 50)"#,
    r#"CREATE INDEX "{p}app_counts_by_hour" ON {s}."{p}app_counts" (hour)"#,
    r#"INSERT INTO {s}."{p}app_counts" (app_id, hour, part, count)
  SELECT app_id, hour, get_byte(uuid_send(ticket_id), 15) % 8, sum(count)
  FROM {s}."{p}hours" GROUP BY 1, 2, 3"#,
    r#"DROP INDEX {s}."{p}hours_by_hour""#,
    r#"-- Expiry visits solved tickets, the oldest first.
CREATE INDEX "{p}tickets_by_solved" ON {s}."{p}tickets" (last_time, id) WHERE status = 2"#,
];

/// The part of an application's sum in which a ticket counts.
pub(crate) const PART: &str = "get_byte(uuid_send(ticket_id), 15) % 8";

const VERSION_4: &[&str] = &[r#"-- Leases: the holder of each job, and until when.
CREATE TABLE {s}."{p}leases" (
  name text COLLATE "C" PRIMARY KEY,
  holder text COLLATE "C" NOT NULL,
  until timestamptz NOT NULL
)"#];

const VERSION_5: &[&str] = &[
    r#"-- The newest entries of each ticket's history.
CREATE TABLE {s}."{p}history" (
  ticket_id uuid NOT NULL,
  no bigint NOT NULL,
  time bigint NOT NULL,
  author text COLLATE "C",
  event text COLLATE "C" NOT NULL,        -- what happened, as JSON
  PRIMARY KEY (ticket_id, no)
)"#,
    r#"-- The number of the newest entry.
ALTER TABLE {s}."{p}tickets" ADD COLUMN history bigint NOT NULL DEFAULT 0"#,
    r#"-- The ticket into which this one was merged. Of such a ticket nothing but its id is left: its status is 4,
-- and whoever records an occurrence of it is redirected.
ALTER TABLE {s}."{p}tickets" ADD COLUMN merged_into uuid"#,
    r#"CREATE INDEX "{p}tickets_by_merged" ON {s}."{p}tickets" (merged_into) WHERE merged_into IS NOT NULL"#,
    r#"-- How far sources were read, and when.
CREATE TABLE {s}."{p}read_positions" (
  source text COLLATE "C" PRIMARY KEY,
  position text COLLATE "C" NOT NULL,
  at bigint NOT NULL
)"#,
    r#"CREATE INDEX "{p}read_positions_by_time" ON {s}."{p}read_positions" (at)"#,
    r#"-- The producer's own id of an event, and an index of the events that have one.
ALTER TABLE {s}."{p}occurrences" ADD COLUMN external_id text COLLATE "C""#,
    r#"CREATE INDEX "{p}occurrences_by_external_id" ON {s}."{p}occurrences" (external_id, time, id)
  WHERE external_id IS NOT NULL"#,
    r#"ALTER TABLE {s}."{p}tickets"
  ADD COLUMN solved_after boolean NOT NULL DEFAULT false,  -- the fix is not in solved_release but after it
  ADD COLUMN solved_name text COLLATE "C",                 -- the name in solved_release, if that is a version
  -- Bytes that sort like versions.
  ADD COLUMN solved_version bytea"#,
];

const VERSION_6: &[&str] = &[
    r#"-- The newest report of each process, and its time.
CREATE TABLE {s}."{p}reports" (
  process text COLLATE "C" PRIMARY KEY,
  app_id text COLLATE "C" NOT NULL,
  time bigint NOT NULL,
  report text COLLATE "C" NOT NULL        -- the whole report as JSON
)"#,
    r#"CREATE INDEX "{p}reports_by_time" ON {s}."{p}reports" (time DESC, process)"#,
    r#"CREATE INDEX "{p}reports_by_app" ON {s}."{p}reports" (app_id, time DESC, process)"#,
    r#"-- Lists say how many tickets have each status. Most are open and get an entry in each index of the table
-- whenever they recur, so those that are not open are counted, and subtracted from all.
CREATE INDEX "{p}tickets_by_status" ON {s}."{p}tickets" (status, status_time) WHERE status <> 1"#,
];

const VERSION_7: &[&str] = &[
    r#"-- The releases of an application are read without its tickets.
ALTER TABLE {s}."{p}seen" ADD COLUMN app_id text COLLATE "C""#,
    r#"UPDATE {s}."{p}seen" s SET app_id = t.app_id FROM {s}."{p}tickets" t WHERE t.id = s.ticket_id"#,
    r#"ALTER TABLE {s}."{p}seen" ALTER COLUMN app_id SET NOT NULL"#,
    r#"CREATE INDEX "{p}seen_by_release" ON {s}."{p}seen" (app_id, release)"#,
];

/// The version that began to search error chains and paths of requests, and to compare releases.
pub(crate) const REBUILDS_TICKETS: i32 = 5;

/// The tables that contain recorded data of tickets, in the order in which recording locks them. It
/// locks read positions before them.
pub(crate) const DATA_TABLES: [&str; 7] =
    ["tickets", "occurrences", "hours", "seen", "history", "traits", "app_counts"];

/// The other tables.
pub(crate) const OTHER_TABLES: [&str; 4] =
    ["read_positions", "reports", "leases", "schema_versions"];

/// Returns a transaction that creates the current version in an empty database.
pub(crate) fn to_sql(names: &Names) -> String {
    let mut statements =
        vec!["BEGIN".to_owned(), names.sql("CREATE SCHEMA IF NOT EXISTS {s}"), names.sql(VERSIONS)];
    for (version, migration) in (1..).zip(MIGRATIONS) {
        statements.extend(migration.iter().map(|statement| names.sql(statement)));
        statements.push(made(names, version));
    }
    let months = month::coming(Timestamp::now());
    statements.extend(months.flat_map(|month| month.statements(names)));
    statements.push("COMMIT;\n".to_owned());
    statements.join(";\n")
}

/// Returns the statement that notes a version as created now.
pub(crate) fn made(names: &Names, version: i32) -> String {
    let insert = names.sql(r#"INSERT INTO {s}."{p}schema_versions" (version, made_at)"#);
    format!("{insert} VALUES ({version}, {})", Timestamp::now().as_micros())
}

/// Returns a statement that divides by zero unless the tables have the current version.
pub(crate) fn require_current(names: &Names) -> String {
    let newest = r#"SELECT coalesce(max(version), 0) FROM {s}."{p}schema_versions""#;
    names.sql(&format!("SELECT 1 / (({newest}) = {CURRENT})::int"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_one_statement_and_may_be_followed_by_a_semicolon() {
        let names = Names::new("shop", "t_");
        let months = month::coming(Timestamp::now());
        let months: Vec<String> = months.flat_map(|month| month.statements(&names)).collect();
        let texts = MIGRATIONS.concat();
        for text in texts.into_iter().chain([VERSIONS]).chain(months.iter().map(String::as_str)) {
            assert!(!text.contains(';'), "{text}");
            let last = text.lines().last().unwrap_or_default();
            assert!(!last.is_empty() && !last.contains("--"), "{text}");
        }
    }
}
