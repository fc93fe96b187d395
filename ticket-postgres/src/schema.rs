//! The tables and their versions, as statements. [`setup`](crate::setup) carries them out.

use ticket_core::Timestamp;

use crate::month;
use crate::names::Names;

/// The version that this program writes.
pub(crate) const CURRENT: i32 = 4;

/// What makes each version out of the one before it. Never change one that was released: add one.
///
/// No name may end with another one, or else two prefixes could mean one table.
pub(crate) const MIGRATIONS: [&str; 4] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4];

pub(crate) const VERSIONS: &str = r#"
-- Which versions of these tables were made here, and when (microseconds since 1970).
CREATE TABLE {s}."{p}schema_versions" (
  version integer PRIMARY KEY,
  made_at bigint NOT NULL
);
"#;

/// Texts are compared by code point, which in UTF-8 is the order of their bytes. Times are microseconds
/// since 1970. Every key begins with the ticket's id, so that the tables can be distributed by it.
const VERSION_1: &str = r#"
CREATE TABLE {s}."{p}tickets" (
  id uuid PRIMARY KEY,
  app_id text COLLATE "C" NOT NULL,
  level smallint NOT NULL,
  channel text COLLATE "C" NOT NULL,
  message text COLLATE "C" NOT NULL,
  file text COLLATE "C", line bigint, module text COLLATE "C", function text COLLATE "C",
  error_type text COLLATE "C",
  status smallint NOT NULL,               -- 1 open, 2 solved, 3 muted
  status_time bigint,                     -- when it was solved; until when it is muted
  solved_release text COLLATE "C",
  first_time bigint NOT NULL,
  first_id uuid NOT NULL,
  first_release text COLLATE "C",
  last_time bigint NOT NULL,
  last_id uuid NOT NULL,
  last_release text COLLATE "C",
  count bigint NOT NULL,
  reopened bigint NOT NULL,
  reopened_by uuid,                       -- the batch that reopened it the last time
  ingredients text COLLATE "C" NOT NULL,
  search_text text COLLATE "C" NOT NULL
) WITH (fillfactor = 70);
-- Each order has its index.
CREATE INDEX "{p}tickets_by_last" ON {s}."{p}tickets" (last_time, id);
CREATE INDEX "{p}tickets_by_first" ON {s}."{p}tickets" (first_time, id);
CREATE INDEX "{p}tickets_by_count" ON {s}."{p}tickets" (count, id);
CREATE INDEX "{p}tickets_by_level" ON {s}."{p}tickets" (level, id);
CREATE INDEX "{p}tickets_by_channel" ON {s}."{p}tickets" (channel, id);
CREATE INDEX "{p}tickets_by_app" ON {s}."{p}tickets" (app_id, last_time, id);

-- With which releases and environments a ticket was seen: '' for none, else '=' and the text.
CREATE TABLE {s}."{p}seen" (
  ticket_id uuid NOT NULL,
  release text COLLATE "C" NOT NULL,
  environment text COLLATE "C" NOT NULL,
  PRIMARY KEY (ticket_id, release, environment)
);

-- Counts per ticket and hour since 1970: what is left of pruned occurrences. There is room on each
-- page, so that counting changes no index.
CREATE TABLE {s}."{p}hours" (
  ticket_id uuid NOT NULL,
  hour bigint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (ticket_id, hour)
) WITH (fillfactor = 50);

-- By month, as an id begins with its time; what has no month of its own is in the one named "other".
CREATE TABLE {s}."{p}occurrences" (
  ticket_id uuid NOT NULL,
  id uuid NOT NULL,
  time bigint NOT NULL,
  type bigint NOT NULL,                   -- a hash of the two that follow
  app_id text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  repeats bigint NOT NULL,
  payload text COLLATE "C" NOT NULL,      -- the whole record as JSON
  PRIMARY KEY (ticket_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX "{p}occurrences_by_id" ON {s}."{p}occurrences" (id);
CREATE INDEX "{p}occurrences_by_ticket" ON {s}."{p}occurrences" (ticket_id, time, id);
CREATE INDEX "{p}occurrences_by_type" ON {s}."{p}occurrences" (type, time, id);
CREATE INDEX "{p}occurrences_by_time" ON {s}."{p}occurrences" (time, id);
CREATE TABLE {s}."{p}occurrences_other" PARTITION OF {s}."{p}occurrences" DEFAULT;

-- Traits to be compared: a value is a byte for its kind, and bytes that sort like the values.
CREATE TABLE {s}."{p}traits" (
  ticket_id uuid NOT NULL,
  occurrence_id uuid NOT NULL,
  time bigint NOT NULL,
  type bigint NOT NULL,
  name text COLLATE "C" NOT NULL,
  value bytea NOT NULL
) PARTITION BY RANGE (occurrence_id);
CREATE INDEX "{p}traits_by_value" ON {s}."{p}traits" (type, name, value, time, occurrence_id);
CREATE TABLE {s}."{p}traits_other" PARTITION OF {s}."{p}traits" DEFAULT;
"#;

const VERSION_2: &str = r#"
-- Charts of an application: its tickets' hours know it.
ALTER TABLE {s}."{p}hours" ADD COLUMN app_id text COLLATE "C";
UPDATE {s}."{p}hours" h SET app_id = t.app_id FROM {s}."{p}tickets" t WHERE t.id = h.ticket_id;
ALTER TABLE {s}."{p}hours" ALTER COLUMN app_id SET NOT NULL;
CREATE INDEX "{p}hours_by_hour" ON {s}."{p}hours" (hour, app_id);
"#;

/// What was recorded while a version without the sums was in use is added up here; the lock keeps
/// writers of that version away until they see the new one, and refuse.
const VERSION_3: &str = r#"
LOCK TABLE {s}."{p}tickets", {s}."{p}hours" IN SHARE ROW EXCLUSIVE MODE;
-- Counts per application and hour: the sums of "hours". Each is in 8 parts, by the end of the
-- ticket's id, so that writers of different tickets seldom wait for each other. This is the one key that
-- does not begin with a ticket's id.
CREATE TABLE {s}."{p}app_counts" (
  app_id text COLLATE "C" NOT NULL,
  hour bigint NOT NULL,
  part smallint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (app_id, hour, part)
) WITH (fillfactor = 50);
CREATE INDEX "{p}app_counts_by_hour" ON {s}."{p}app_counts" (hour);
INSERT INTO {s}."{p}app_counts" (app_id, hour, part, count)
  SELECT app_id, hour, get_byte(uuid_send(ticket_id), 15) % 8, sum(count)
  FROM {s}."{p}hours" GROUP BY 1, 2, 3;
DROP INDEX {s}."{p}hours_by_hour";
-- Expiry looks for tickets that were solved, the longest ago first.
CREATE INDEX "{p}tickets_by_solved" ON {s}."{p}tickets" (last_time, id) WHERE status = 2;
"#;

/// The part of an application's sum that a ticket counts in.
pub(crate) const PART: &str = "get_byte(uuid_send(ticket_id), 15) % 8";

const VERSION_4: &str = r#"
-- Who does what only one process should do, and until when.
CREATE TABLE {s}."{p}leases" (
  name text COLLATE "C" PRIMARY KEY,
  holder text COLLATE "C" NOT NULL,
  until timestamptz NOT NULL
);
"#;

/// The tables that hold what was recorded, all of them, in the order in which recording locks them.
pub(crate) const DATA_TABLES: [&str; 6] =
    ["tickets", "occurrences", "hours", "seen", "traits", "app_counts"];

/// All statements that make the current version in an empty database.
pub(crate) fn to_sql(names: &Names) -> String {
    let mut text = names.sql("CREATE SCHEMA IF NOT EXISTS {s};\n");
    text.push_str(&names.sql(VERSIONS));
    for (version, migration) in (1..).zip(MIGRATIONS) {
        text.push_str(&names.sql(migration));
        text.push_str(&made(names, version));
    }
    for month in month::coming(Timestamp::now()) {
        text.push_str(&month.to_sql(names));
    }
    text
}

pub(crate) fn made(names: &Names, version: i32) -> String {
    let insert = names.sql(r#"INSERT INTO {s}."{p}schema_versions" (version, made_at)"#);
    format!("{insert} VALUES ({version}, {});\n", Timestamp::now().as_micros())
}

/// A statement that divides by zero unless the tables are of the current version.
pub(crate) fn require_current(names: &Names) -> String {
    let newest = r#"SELECT coalesce(max(version), 0) FROM {s}."{p}schema_versions""#;
    names.sql(&format!("SELECT 1 / (({newest}) = {CURRENT})::int"))
}
