//! The collections can be sharded by ticket id: every key begins with it, and every statement names the tickets
//! that it concerns or is declared to query all shards.

#![allow(clippy::unwrap_used, reason = "a test program")]

mod support;

use std::process::ExitCode;

use futures::TryStreamExt;
use libtest_mimic::{Arguments, Failed};
use mongodb::bson::{Bson, Document, doc};
use support::everything::{store, use_everything};
use support::{URL, database, run, trial};
use ticket_core::backend::StatusChange;
use ticket_core::{
    Author, BackendBase, BucketWidth, EventStore, HistogramQuery, HistoryQuery, Level, Note,
    OccurrenceQuery, Record, TicketQuery, Timestamp,
};
use ticket_direct::RecordEvents;
use ticket_mongo::MongoConfig;

fn main() -> ExitCode {
    let trials = vec![
        trial("every_key_begins_with_the_ticket_id", Some(URL), |url| run(keys(url))),
        trial("every_statement_names_its_tickets_or_is_declared_as_a_scatter", Some(URL), |url| {
            run(targets(url))
        }),
        trial("the_manual_shards_by_these_keys", None, manual),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The collections that grow, and their shard keys.
const SHARDED: [(&str, &str); 5] = [
    ("tickets", "_id"),
    ("occurrences", "_id.t"),
    ("hours", "_id"),
    ("seen", "_id.t"),
    ("history", "_id"),
];

/// The collections that stay small and on one shard, and why their keys need no ticket id.
const ON_ONE_SHARD: [(&str, &str); 7] = [
    ("app_counts", "a few documents for each application and hour"),
    ("read_positions", "one document for each source that is read"),
    ("reports", "one document for each process"),
    ("lease", "one document that names who may write to a standalone server"),
    ("journal", "the unfinished batch of one writer to a standalone server"),
    ("sessions", "one document for each session of a process"),
    ("schema_versions", "one document for each version"),
];

/// The statements that have to query every shard, and why. None of them is a write.
const SCATTERED: [(&str, &str, &str); 6] = [
    ("aggregate", "tickets", "listing and counting tickets"),
    ("find", "tickets", "expiry and thinning go through all tickets"),
    ("find", "occurrences", "events of all tickets, and the oldest of those"),
    ("aggregate", "occurrences", "the traits of a type"),
    ("distinct", "occurrences", "the types"),
    ("aggregate", "seen", "the releases of an application"),
];

async fn keys(url: String) -> Result<(), Failed> {
    let (backend, plain, _) = store(&url, "keys").await?;
    let record = Record::new(Level::Error, "shop", "failure").with_app_id("app");
    // The ticket itself holds its newest hour, so only an older one gets a document in `hours`.
    let older = record.clone().with_time(Timestamp::from_micros(0));
    backend.record_events(vec![older, record]).await?;
    let ticket = backend.get_tickets(&TicketQuery::new()).await?.items.remove(0);
    let id: Bson = mongodb::bson::Binary {
        subtype: mongodb::bson::spec::BinarySubtype::Generic,
        bytes: ticket.id.as_bytes().to_vec(),
    }
    .into();
    backend.add_note(ticket.id, Note::new("a note", Author::unknown())).await?;
    let database = plain.database(&database("keys"));
    let names = database.list_collection_names().await?;
    assert_eq!(names.len(), SHARDED.len() + ON_ONE_SHARD.len(), "{names:?}");
    for name in &names {
        let short = name.strip_prefix(MongoConfig::DEFAULT_PREFIX).ok_or("a prefix")?;
        if ON_ONE_SHARD.iter().any(|(small, _)| *small == short) {
            continue;
        }
        let sharded = SHARDED.iter().find(|(collection, _)| *collection == short);
        let (_, shard_key) = sharded.ok_or_else(|| format!("{name} is not declared"))?;
        let collection = database.collection::<Document>(name);
        let document = collection.find_one(doc! {}).await?.ok_or("a document")?;
        let key = document.get("_id").ok_or("an _id")?;
        let first = match key {
            Bson::Document(key) => {
                assert_eq!(key.keys().next().map(String::as_str), Some("t"), "{name}");
                key.get("t").cloned()
            }
            key => Some(key.clone()),
        };
        assert_eq!(first, Some(id.clone()), "{name}: {key}");
        let indexes: Vec<_> = collection.list_indexes().await?.try_collect().await?;
        let first = |index: &mongodb::IndexModel| index.keys.keys().next().cloned();
        for index in &indexes {
            let is_unique =
                index.options.as_ref().is_some_and(|options| options.unique == Some(true));
            let first = first(index).unwrap_or_default();
            assert!(
                !is_unique || ["_id", "_id.t"].contains(&first.as_str()),
                "{name}: {:?}",
                index.keys
            );
        }
        assert!(
            indexes.iter().any(|index| first(index).as_deref() == Some(*shard_key)),
            "{name} has no index that begins with {shard_key}, so it cannot be sharded by that key"
        );
    }
    database.drop().await?;
    Ok(())
}

async fn targets(url: String) -> Result<(), Failed> {
    let (backend, plain, seen) = store(&url, "targets").await?;
    let take = || std::mem::take(&mut *seen.lock().unwrap());
    take();
    // Every command of these frequent operations names the tickets that it concerns.
    let record = |text: &str| Record::new(Level::Error, "shop", text).with_app_id("app");
    backend.record_events(vec![record("one"), record("two")]).await?;
    backend.record_events(vec![record("one"), record("two")]).await?;
    let recorded = take();
    let tickets = backend.get_tickets(&TicketQuery::new()).await?.items;
    let (one, two) = (tickets[0].id, tickets[1].id);
    take();
    backend.get_ticket(one).await?;
    backend.get_occurrences(one, &OccurrenceQuery::new()).await?;
    let (from, to) = (Timestamp::from_micros(0), Timestamp::from_micros(3_600_000_000));
    backend.count_occurrences(&HistogramQuery::of_ticket(one, BucketWidth::Hour, from, to)).await?;
    let solve = StatusChange::Solve { at: Timestamp::now(), release: None };
    backend.set_status(one, solve, Author::unknown()).await?;
    backend.add_note(one, Note::new("a note", Author::unknown())).await?;
    backend.get_history(one, &HistoryQuery::new()).await?;
    backend.merge_tickets(one, two, Author::unknown()).await?.ok_or("a merged ticket")?;
    backend.record_events(vec![record("one"), record("two")]).await?;
    backend.unmerge_ticket(two, Author::unknown()).await?;
    backend.delete_ticket(one).await?;
    let mut targeted = 0;
    for statement in recorded.iter().chain(&take()).flat_map(statements) {
        assert!(statement.is_targeted, "{statement:?}");
        targeted += 1;
    }
    assert!(targeted > 15, "only {targeted} statements were seen");

    backend.clear().await?;
    use_everything(&backend).await?;
    let mut scattered = std::collections::BTreeSet::new();
    for statement in take().iter().flat_map(statements) {
        if statement.is_targeted {
            continue;
        }
        let declared = SCATTERED.iter().find(|(verb, collection, _)| {
            (*verb, *collection) == (&statement.verb, &statement.collection)
        });
        scattered.insert(declared.ok_or_else(|| format!("not declared: {statement:?}"))?);
    }
    assert_eq!(
        scattered.len(),
        SCATTERED.len(),
        "some declared scatters never occur: {scattered:?}"
    );
    plain.database(&database("targets")).drop().await?;
    Ok(())
}

/// A statement on a sharded collection.
#[derive(Debug)]
struct Statement {
    verb: String,
    collection: String,
    /// `true` if it names the tickets that it concerns.
    is_targeted: bool,
    #[expect(dead_code, reason = "shown by `Debug` when the statement is not targeted")]
    text: String,
}

fn statements(command: &Document) -> Vec<Statement> {
    let Some((verb, Bson::String(collection))) = command.iter().next() else { return Vec::new() };
    let collection = collection.trim_start_matches(MongoConfig::DEFAULT_PREFIX);
    if !SHARDED.iter().any(|(sharded, _)| *sharded == collection) {
        let is_small = ON_ONE_SHARD.iter().any(|(small, _)| *small == collection);
        assert!(is_small || ["create", "createIndexes"].contains(&verb.as_str()), "{command}");
        return Vec::new();
    }
    let of_list = |list: &str, filter: &str| -> Vec<Document> {
        let parts = command.get_array(list).unwrap().iter().map(|part| part.as_document().unwrap());
        if filter.is_empty() {
            parts.map(|part| doc! { "_id": part.get("_id").cloned() }).collect()
        } else {
            parts.map(|part| part.get_document(filter).unwrap().clone()).collect()
        }
    };
    let filters = match verb.as_str() {
        "insert" => of_list("documents", ""),
        "update" => of_list("updates", "q"),
        "delete" => of_list("deletes", "q"),
        "find" => vec![command.get_document("filter").unwrap().clone()],
        "distinct" => vec![command.get_document("query").unwrap().clone()],
        "aggregate" => {
            let stages = command.get_array("pipeline").unwrap();
            let first = stages[0].as_document().unwrap();
            // Each shard says what it knows about the collection, and reads no document.
            if first.contains_key("$collStats") {
                return Vec::new();
            }
            vec![first.get_document("$match").unwrap().clone()]
        }
        _ => panic!("unknown command: {command}"),
    };
    let statement = |filter: Document| Statement {
        verb: verb.clone(),
        collection: collection.to_owned(),
        is_targeted: names_tickets(&filter),
        text: filter.to_string(),
    };
    filters.into_iter().map(statement).collect()
}

/// Returns `true` if a condition matches only documents of tickets that it names.
fn names_tickets(filter: &Document) -> bool {
    filter.iter().any(|(field, value)| match (field.as_str(), value) {
        ("$and", Bson::Array(all)) => all.iter().filter_map(Bson::as_document).any(names_tickets),
        ("$or", Bson::Array(any)) => {
            !any.is_empty() && any.iter().all(|one| one.as_document().is_some_and(names_tickets))
        }
        ("_id" | "_id.t", Bson::Document(condition)) if is_operator(condition) => {
            match (condition.get_array("$in"), condition.get("$gte")) {
                (Ok(keys), _) => keys.iter().all(|key| ticket_of(key).is_some()),
                // A range between two keys of the same ticket.
                (Err(_), Some(from)) => {
                    let to = condition.get("$lt").or_else(|| condition.get("$lte"));
                    matches!(from, Bson::Document(_))
                        && ticket_of(from).is_some()
                        && to.and_then(ticket_of) == ticket_of(from)
                }
                (Err(_), None) => false,
            }
        }
        ("_id" | "_id.t", key) => ticket_of(key).is_some(),
        _ => false,
    })
}

fn is_operator(condition: &Document) -> bool {
    condition.keys().any(|key| key.starts_with('$'))
}

/// Returns the ticket id that a key begins with.
fn ticket_of(key: &Bson) -> Option<&[u8]> {
    match key {
        Bson::Binary(id) if id.bytes.len() == 16 => Some(&id.bytes),
        Bson::Document(key) if key.keys().next().is_some_and(|first| first == "t") => {
            ticket_of(key.get("t")?)
        }
        _ => None,
    }
}

/// The manual shards exactly the collections that are declared here, by exactly these keys.
fn manual(_url: String) -> Result<(), Failed> {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let manual = std::fs::read_to_string(manual)?;
    let told: Vec<&str> =
        manual.lines().filter(|line| line.starts_with("sh.shardCollection(")).collect();
    let expected = SHARDED.map(|(collection, key)| {
        let key = if key.contains('.') { format!("\"{key}\"") } else { key.to_owned() };
        format!("sh.shardCollection(\"DATABASE.ticketing_{collection}\", {{ {key}: 1 }})")
    });
    assert_eq!(told, expected);
    Ok(())
}
