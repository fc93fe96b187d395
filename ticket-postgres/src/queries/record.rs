//! Recording (rules 1 to 8 and 32).

use std::collections::{BTreeMap, BTreeSet};

use ticket_core::backend::{
    Added, Batch, NewOccurrence, Recorded, TicketChange, TicketUpdate, VersionKey,
};
use ticket_core::{HistoryEvent, OccurrenceId, Result, TicketId, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::positions::store_positions;
use super::{ATTEMPTS, backoff, to_i64};
use crate::connection::{Connections, Param};
use crate::error::{corrupt, is_conflict, is_stopped};
use crate::month::Month;
use crate::partitions;
use crate::row::{count, get, ticket_id, type_key, uuid_of, value_key};
use crate::schema::PART;

/// Records a whole batch in one statement, and therefore in one round trip.
///
/// Its parts, each of which reads what one before it returns:
///
/// ```text
/// locked    lock the tickets that exist, in id order
/// new       insert the occurrences that are not stored yet
/// counted   count the new occurrences of each ticket
/// fresh     the tickets to write, and which of them reopen; divides by zero unless all of their
///           occurrences are new
/// stored    insert or update the tickets
/// counts    add to the counts per ticket and hour
/// seen      add pairs of release and environment
/// recurred  add an entry to the history of each ticket that reopens
/// compared  add the traits
/// summed    add to the counts per application and hour
/// ```
///
/// The statement assumes that either all of a ticket's occurrences in the batch are new or none is,
/// because then their effect on the ticket is known in advance. Otherwise the division by zero in
/// `fresh` rolls everything back, and the batch is sent again without the stored occurrences.
///
/// `fresh` decides once what reopens, and hands it on as `excluded.reopened`. An assignment of several
/// columns in `stored` could do so too, but Citus mistakes the columns of `(a, b) = (SELECT …)`.
///
/// A ticket that appears between `locked` and `stored` may be solved or muted by then, which `fresh` has
/// not seen. Whoever updates it divides by zero too, and finds it when the batch is sent again.
///
/// A ticket that was merged keeps its row, which is locked like any other, so a merge and a recording
/// wait for each other. Whoever updates such a row divides by zero, and learns where the ticket went.
/// From then on this process sends its occurrences for that ticket: `new` checks that the tickets `$47`
/// are still merged into the tickets `$48`, and that the latter exist, see [`STILL_MERGED`].
///
/// A ticket that reopens gets an entry in its history, and none is deleted: it was solved before, which
/// deleted those that were too many, so there is one more than is kept at most. Reading leaves it out.
///
/// The parameters are arrays, one for each column of the rows to insert; the groups are
///
/// | parameters | rows |
/// |---|---|
/// | `$1` to `$8`, `$43` | occurrences |
/// | `$9` to `$28` | tickets |
/// | `$29` to `$31` | counts per ticket and hour |
/// | `$32` to `$34` | pairs of release and environment |
/// | `$44` to `$46` | for each pair the time of its newest occurrence, and the name and version of its release |
/// | `$35` to `$40` | traits |
/// | `$41` | a random id of this attempt, which marks the tickets that it reopens |
/// | `$42` | the schema version that this program writes |
/// | `$47`, `$48` | if there are any: merged tickets of this batch, and the tickets that get their occurrences |
///
/// Locks are taken in an order that excludes deadlocks. `locked` locks existing tickets by id, so
/// it and a concurrent deletion wait for each other. A ticket that appears in the meantime is
/// locked by the `ON CONFLICT` of `stored`. Everything after that is written under the lock of its
/// ticket. The sums of applications do not belong to one ticket: `summed` reads all of `stored`
/// first and then locks the sums in the order of their keys, as deletion does, and nothing waits
/// for a ticket after that.
const RECORD: &str = r#"
WITH locked AS MATERIALIZED (
  SELECT id, status, status_time, solved_release, solved_after, solved_name, solved_version
  FROM {s}."{p}tickets" WHERE id = ANY($9) ORDER BY id FOR UPDATE
), new AS (
  INSERT INTO {s}."{p}occurrences" (ticket_id, id, time, type, app_id, channel, repeats, payload,
    external_id)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::text[], $6::text[],
    $7::int8[], $8::text[], $43::text[])
  WHERE (SELECT count(*) FROM locked) >= 0
    AND 1 / ((SELECT coalesce(max(version), 0) FROM {s}."{p}schema_versions") = $42)::int = 1{merged}
  ON CONFLICT (ticket_id, id) DO NOTHING
  RETURNING ticket_id
), counted AS (
  SELECT ticket_id, count(*) AS n FROM new GROUP BY ticket_id
), fresh AS (
  SELECT d.*, 1 / (d.n = c.n)::int AS one, coalesce(t.status, 1) AS status, coalesce({reopens}, false) AS reopens
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
    {changes},
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
  SELECT id, history, last_time, '{recurred}' FROM stored WHERE is_reopened
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

/// The number of parameters without those of [`STILL_MERGED`].
const PARAMS: usize = 46;

/// Part of [`RECORD`] for a batch that has occurrences of merged tickets. The others do without it, because
/// PostgreSQL plans a statement each time it gets it.
const STILL_MERGED: &str = r#"
    AND 1 / ((SELECT count(*) FROM unnest($47::uuid[], $48::uuid[]) AS m (id, target)
      JOIN {s}."{p}tickets" t ON t.id = m.id AND t.merged_into = m.target
      WHERE m.target IN (SELECT id FROM locked)) = cardinality($47::uuid[]))::int = 1"#;

/// The columns of an existing ticket that an older and a newer occurrence change, each with its
/// condition.
const CHANGES: [(&str, &[&str]); 2] = [
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
];

/// The condition under which a batch reopens a ticket. It says what `KnownTicket::change` and
/// `Fix::settles` define. PostgreSQL has to decide by itself, because only the statement that records
/// sees the status under the lock of the ticket.
const REOPENS: &str = r"t.status = 2 AND d.last_time > t.status_time
      AND (t.solved_release IS NULL OR EXISTS (
        SELECT 1 FROM unnest($32::uuid[], $33::text[], $44::int8[], $45::text[], $46::bytea[])
          AS r (ticket_id, release, time, name, version)
        WHERE r.ticket_id = t.id AND r.time > t.status_time
          AND NOT (t.solved_after AND r.release = '=' || t.solved_release)
          AND NOT coalesce(
            (r.name = t.solved_name OR r.name = '' OR t.solved_name = '')
              AND (r.version < t.solved_version OR t.solved_after AND r.version = t.solved_version),
            false)))";

/// Returns the assignments of [`CHANGES`].
pub(super) fn changes() -> Vec<String> {
    let mut changes = Vec::new();
    for (condition, columns) in CHANGES {
        for column in columns {
            changes.push(format!(
                "{column} = CASE WHEN {condition} THEN excluded.{column} ELSE t.{column} END"
            ));
        }
    }
    changes
}

pub(super) fn record(has_merged: bool) -> String {
    RECORD
        .replace("{merged}", if has_merged { STILL_MERGED } else { "" })
        .replace("{changes}", &changes().join(",\n    "))
        .replace("{reopens}", REOPENS)
        .replace("{part}", PART)
        .replace("{recurred}", HistoryEvent::RECURRED_JSON)
}

pub(super) const STORED: &str = r#"SELECT o.ticket_id, o.id
FROM unnest($1::uuid[], $2::uuid[]) AS r (ticket_id, id)
JOIN {s}."{p}occurrences" o ON o.ticket_id = r.ticket_id AND o.id = r.id"#;

pub(crate) async fn record_tickets(connections: &Connections, batch: &Batch) -> Result<Recorded> {
    if batch.is_empty() && batch.positions().is_empty() {
        return Ok(Recorded::default());
    }
    let (mut tickets, mut merged) = redirected(connections, batch);
    let months: BTreeSet<Month> =
        batch.iter().filter_map(|new| Month::of_id(new.record().id.as_uuid())).collect();
    partitions::provide(connections, months).await?;
    let mut attempt = 1;
    let mut backoff = backoff();
    loop {
        let result = send(connections, batch, &tickets, &merged).await;
        match result {
            Err(error) if attempt < ATTEMPTS && is_stopped(&error) => {
                learn_merged(connections, batch).await?;
                (tickets, merged) = redirected(connections, batch);
                leave_out_stored(connections, &mut tickets).await?;
                merged.retain(|_, into| tickets.contains_key(into));
            }
            Err(error) if attempt < ATTEMPTS && is_conflict(&error) => {
                tokio::time::sleep(backoff.next_delay()).await;
            }
            result => return result,
        }
        attempt += 1;
    }
}

/// The occurrences to send, by ticket and in the batch's order.
type Tickets<'a> = BTreeMap<TicketId, Vec<&'a NewOccurrence>>;

/// Merged tickets, and the tickets that get their occurrences.
type Merged = BTreeMap<TicketId, TicketId>;

/// Returns the occurrences of a batch under the tickets that get them, as far as this process knows.
fn redirected<'a>(connections: &Connections, batch: &'a Batch) -> (Tickets<'a>, Merged) {
    let known = connections.merged();
    let (mut tickets, mut merged) = (Tickets::new(), Merged::new());
    for ticket in batch.tickets() {
        let into = known.get(&ticket.id()).copied();
        merged.extend(into.map(|into| (ticket.id(), into)));
        let news = tickets.entry(into.unwrap_or(ticket.id())).or_default();
        let have: BTreeSet<OccurrenceId> = news.iter().map(|new| new.record().id).collect();
        let more = ticket.occurrences().iter();
        news.extend(more.filter(|new| have.is_empty() || !have.contains(&new.record().id)));
    }
    (tickets, merged)
}

pub(super) const MERGED: &str = r#"SELECT t.id, t.merged_into FROM {s}."{p}tickets" t
WHERE t.id = ANY($1) AND t.merged_into IS NOT NULL"#;

/// Finds out which tickets of a batch are merged.
async fn learn_merged(connections: &Connections, batch: &Batch) -> Result<()> {
    let ids: Vec<Uuid> = batch.tickets().map(|ticket| uuid_of(ticket.id())).collect();
    let sql = connections.names().sql(MERGED);
    let call = connections.write().await?;
    let rows = call.only(&sql, &[(&ids, Type::UUID_ARRAY)]).await?;
    let mut found = Merged::new();
    for row in &rows {
        found.insert(ticket_id(row, 0)?, ticket_id(row, 1)?);
    }
    let mut known = connections.merged();
    for ticket in batch.tickets() {
        match found.get(&ticket.id()) {
            Some(into) => known.insert(ticket.id(), *into),
            None => known.remove(&ticket.id()),
        };
    }
    Ok(())
}

async fn leave_out_stored(connections: &Connections, tickets: &mut Tickets<'_>) -> Result<()> {
    let ids = tickets.iter().flat_map(|(ticket, news)| {
        news.iter().map(|new| (uuid_of(*ticket), *new.record().id.as_uuid()))
    });
    let (ticket_ids, ids): (Vec<Uuid>, Vec<Uuid>) = ids.unzip();
    let sql = connections.names().sql(STORED);
    let params: [Param<'_>; 2] = [(&ticket_ids, Type::UUID_ARRAY), (&ids, Type::UUID_ARRAY)];
    let rows = connections.write().await?.only(&sql, &params).await?;
    let mut stored = BTreeSet::new();
    for row in &rows {
        stored.insert((ticket_id(row, 0)?, OccurrenceId::from_uuid(get(row, 1)?)));
    }
    for (ticket, news) in tickets.iter_mut() {
        news.retain(|new| !stored.contains(&(*ticket, new.record().id)));
    }
    tickets.retain(|_, news| !news.is_empty());
    Ok(())
}

async fn send(
    connections: &Connections,
    batch: &Batch,
    tickets: &Tickets<'_>,
    merged: &Merged,
) -> Result<Recorded> {
    if tickets.is_empty() && batch.positions().is_empty() {
        return Ok(Recorded::default());
    }
    let mut rows = Rows::default();
    for (from, into) in merged {
        rows.merged.0.push(uuid_of(*from));
        rows.merged.1.push(uuid_of(*into));
    }
    for (id, occurrences) in tickets {
        rows.add(*id, occurrences)?;
    }
    let attempt = *OccurrenceId::random(Timestamp::now()).as_uuid();
    let sql = connections.names().sql(&record(!merged.is_empty()));
    let params = rows.params(&attempt);
    let params = if merged.is_empty() { &params[..PARAMS] } else { &params[..] };
    let mut call = connections.write().await?;
    let found = if batch.positions().is_empty() {
        call.only(&sql, params).await?
    } else {
        store_positions(&mut call, batch).await?;
        let found = if tickets.is_empty() { Vec::new() } else { call.query(&sql, params).await? };
        call.finish().await?;
        found
    };
    let mut recorded = Recorded::default();
    for row in &found {
        let (ticket_id, total) = (ticket_id(row, 0)?, count(row, 1)?);
        let Some(occurrences) = tickets.get(&ticket_id) else {
            return Err(corrupt("a ticket's id"));
        };
        let added = repeats(occurrences);
        recorded.occurrences += occurrences.len() as u64;
        recorded.updates.push(TicketUpdate {
            ticket_id,
            change: if total == added {
                Some(TicketChange::Created)
            } else if get(row, 2)? {
                Some(TicketChange::Reopened)
            } else {
                None
            },
            added,
            occurrence_count: total,
        });
    }
    recorded.updates.sort_unstable_by_key(|update| update.ticket_id);
    Ok(recorded)
}

/// The parameters of [`RECORD`], column by column.
#[derive(Default)]
struct Rows<'a> {
    // The rows of occurrences.
    ticket_ids: Vec<Uuid>,
    ids: Vec<Uuid>,
    times: Vec<i64>,
    types: Vec<i64>,
    app_ids: Vec<&'a str>,
    channels: Vec<&'a str>,
    repeats: Vec<i64>,
    payloads: Vec<String>,
    external_ids: Vec<Option<&'a str>>,
    tickets: TicketRows<'a>,
    hours: (Vec<Uuid>, Vec<i64>, Vec<i64>),
    seen: SeenRows<'a>,
    traits: TraitRows<'a>,
    merged: (Vec<Uuid>, Vec<Uuid>),
}

#[derive(Default)]
struct TicketRows<'a> {
    ids: Vec<Uuid>,
    numbers: Vec<i64>,
    app_ids: Vec<&'a str>,
    levels: Vec<i16>,
    channels: Vec<&'a str>,
    messages: Vec<&'a str>,
    files: Vec<Option<&'a str>>,
    lines: Vec<Option<i64>>,
    modules: Vec<Option<&'a str>>,
    functions: Vec<Option<&'a str>>,
    error_types: Vec<Option<&'a str>>,
    first_times: Vec<i64>,
    first_ids: Vec<Uuid>,
    first_releases: Vec<Option<&'a str>>,
    last_times: Vec<i64>,
    last_ids: Vec<Uuid>,
    last_releases: Vec<Option<&'a str>>,
    counts: Vec<i64>,
    ingredients: Vec<String>,
    search_texts: Vec<String>,
}

#[derive(Default)]
struct SeenRows<'a> {
    ticket_ids: Vec<Uuid>,
    releases: Vec<String>,
    environments: Vec<String>,
    times: Vec<i64>,
    names: Vec<Option<&'a str>>,
    versions: Vec<Option<Vec<u8>>>,
}

#[derive(Default)]
struct TraitRows<'a> {
    ticket_ids: Vec<Uuid>,
    occurrence_ids: Vec<Uuid>,
    times: Vec<i64>,
    types: Vec<i64>,
    names: Vec<&'a str>,
    values: Vec<Vec<u8>>,
}

impl<'a> Rows<'a> {
    fn add(&mut self, id: TicketId, occurrences: &[&'a NewOccurrence]) -> Result<()> {
        let ticket_id = uuid_of(id);
        let Some(added) = Added::of(occurrences.iter().copied()) else { return Ok(()) };
        // Two writers that send the same occurrences have to insert them in the same order:
        // otherwise each could wait for a key that the other has inserted.
        let mut by_id = occurrences.to_vec();
        by_id.sort_unstable_by_key(|new| new.record().id);
        for new in by_id {
            let record = new.record();
            let (id, time) = (*record.id.as_uuid(), record.time.as_micros());
            let event_type = type_key(&record.app_id, &record.channel);
            self.ticket_ids.push(ticket_id);
            self.ids.push(id);
            self.times.push(time);
            self.types.push(event_type);
            self.app_ids.push(&record.app_id);
            self.channels.push(&record.channel);
            self.repeats.push(new.repeats().into());
            self.payloads.push(to_json(record)?);
            self.external_ids.push(record.external_id.as_deref());
            for (name, value) in &record.traits {
                self.traits.ticket_ids.push(ticket_id);
                self.traits.occurrence_ids.push(id);
                self.traits.times.push(time);
                self.traits.types.push(event_type);
                self.traits.names.push(name);
                self.traits.values.push(value_key(value));
            }
        }
        for (hour, count) in &added.hours {
            self.hours.0.push(ticket_id);
            self.hours.1.push(*hour);
            self.hours.2.push(to_i64(*count));
        }
        for ((release, environment), newest) in &added.seen {
            let version = release.and_then(VersionKey::of);
            self.seen.ticket_ids.push(ticket_id);
            self.seen.releases.push(seen_text(*release));
            self.seen.environments.push(seen_text(*environment));
            self.seen.times.push(newest.as_micros());
            self.seen.names.push(version.as_ref().map(|version| version.name));
            self.seen.versions.push(version.map(|version| version.bytes));
        }
        self.tickets.add(ticket_id, occurrences, &added)
    }

    /// Returns the parameters in the order of their numbers.
    fn params<'b>(&'b self, batch: &'b Uuid) -> [Param<'b>; 48] {
        let (tickets, seen, traits) = (&self.tickets, &self.seen, &self.traits);
        [
            (&self.ticket_ids, Type::UUID_ARRAY),
            (&self.ids, Type::UUID_ARRAY),
            (&self.times, Type::INT8_ARRAY),
            (&self.types, Type::INT8_ARRAY),
            (&self.app_ids, Type::TEXT_ARRAY),
            (&self.channels, Type::TEXT_ARRAY),
            (&self.repeats, Type::INT8_ARRAY),
            (&self.payloads, Type::TEXT_ARRAY),
            (&tickets.ids, Type::UUID_ARRAY),
            (&tickets.numbers, Type::INT8_ARRAY),
            (&tickets.app_ids, Type::TEXT_ARRAY),
            (&tickets.levels, Type::INT2_ARRAY),
            (&tickets.channels, Type::TEXT_ARRAY),
            (&tickets.messages, Type::TEXT_ARRAY),
            (&tickets.files, Type::TEXT_ARRAY),
            (&tickets.lines, Type::INT8_ARRAY),
            (&tickets.modules, Type::TEXT_ARRAY),
            (&tickets.functions, Type::TEXT_ARRAY),
            (&tickets.error_types, Type::TEXT_ARRAY),
            (&tickets.first_times, Type::INT8_ARRAY),
            (&tickets.first_ids, Type::UUID_ARRAY),
            (&tickets.first_releases, Type::TEXT_ARRAY),
            (&tickets.last_times, Type::INT8_ARRAY),
            (&tickets.last_ids, Type::UUID_ARRAY),
            (&tickets.last_releases, Type::TEXT_ARRAY),
            (&tickets.counts, Type::INT8_ARRAY),
            (&tickets.ingredients, Type::TEXT_ARRAY),
            (&tickets.search_texts, Type::TEXT_ARRAY),
            (&self.hours.0, Type::UUID_ARRAY),
            (&self.hours.1, Type::INT8_ARRAY),
            (&self.hours.2, Type::INT8_ARRAY),
            (&seen.ticket_ids, Type::UUID_ARRAY),
            (&seen.releases, Type::TEXT_ARRAY),
            (&seen.environments, Type::TEXT_ARRAY),
            (&traits.ticket_ids, Type::UUID_ARRAY),
            (&traits.occurrence_ids, Type::UUID_ARRAY),
            (&traits.times, Type::INT8_ARRAY),
            (&traits.types, Type::INT8_ARRAY),
            (&traits.names, Type::TEXT_ARRAY),
            (&traits.values, Type::BYTEA_ARRAY),
            (batch, Type::UUID),
            (&crate::schema::CURRENT, Type::INT4),
            (&self.external_ids, Type::TEXT_ARRAY),
            (&seen.times, Type::INT8_ARRAY),
            (&seen.names, Type::TEXT_ARRAY),
            (&seen.versions, Type::BYTEA_ARRAY),
            (&self.merged.0, Type::UUID_ARRAY),
            (&self.merged.1, Type::UUID_ARRAY),
        ]
    }
}

impl<'a> TicketRows<'a> {
    fn add(
        &mut self,
        id: Uuid,
        occurrences: &[&'a NewOccurrence],
        added: &Added<'a>,
    ) -> Result<()> {
        let (first, last) = (added.oldest.record(), added.newest);
        let (record, location) = (last.record(), &last.record().location);
        self.ids.push(id);
        self.numbers.push(to_i64(occurrences.len()));
        self.app_ids.push(&record.app_id);
        self.levels.push(record.level.as_u8().into());
        self.channels.push(&record.channel);
        self.messages.push(&record.message);
        self.files.push(location.file.as_deref());
        self.lines.push(location.line.map(i64::from));
        self.modules.push(location.module.as_deref());
        self.functions.push(location.function.as_deref());
        self.error_types.push(record.error_type());
        self.first_times.push(first.time.as_micros());
        self.first_ids.push(*first.id.as_uuid());
        self.first_releases.push(first.release.as_deref());
        self.last_times.push(record.time.as_micros());
        self.last_ids.push(*record.id.as_uuid());
        self.last_releases.push(record.release.as_deref());
        self.counts.push(to_i64(added.repeats));
        // The ticket keeps the ingredients of the occurrence that was given first.
        self.ingredients.push(to_json(occurrences[0].ingredients())?);
        self.search_texts.push(last.search_text());
        Ok(())
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| corrupt("a record").with_source(error))
}

/// Returns the number of records that these occurrences stand for.
fn repeats(occurrences: &[&NewOccurrence]) -> u64 {
    occurrences.iter().map(|new| u64::from(new.repeats())).sum()
}

/// Encodes a release or an environment as part of a key, which cannot contain null.
pub(super) fn seen_text(text: Option<&str>) -> String {
    text.map(|text| format!("={text}")).unwrap_or_default()
}
