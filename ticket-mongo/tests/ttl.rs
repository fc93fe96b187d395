//! Expiry by the server itself, through a TTL index.

#![allow(clippy::unwrap_used, reason = "a test program")]

mod support;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed};
use mongodb::bson::{DateTime, Document, doc};
use mongodb::{Client, Collection, Database};
use support::{PROGRAM, Server, URL, database, run, trial};
use ticket_core::backend::Batch;
use ticket_core::{
    Author, BackendBase, BackendExt, BucketWidth, EventQuery, EventStore, EventTypeQuery, Expiry,
    HistogramQuery, Level, OccurrenceQuery, Record, TicketQuery, Timestamp,
};
use ticket_direct::HandlerOptions;
use ticket_direct::RecordEvents;
use ticket_mongo::{MongoBackend, MongoConfig};

const DAY: Duration = Duration::from_secs(86_400);

fn main() -> ExitCode {
    let trials = vec![
        trial("set_up_creates_changes_and_removes_the_index", Some(URL), |url| run(index(url))),
        trial("older_occurrences_get_their_date", Some(URL), |url| run(migrated(url))),
        trial("the_server_deletes_old_occurrences_and_counts_stay", Some(PROGRAM), |it| {
            run(deletes(it))
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn occurrences(database: &Database) -> Collection<Document> {
    database.collection(&format!("{}occurrences", MongoConfig::DEFAULT_PREFIX))
}

/// Returns the number of seconds after which the server deletes an occurrence, if there is a TTL index.
async fn seconds(database: &Database) -> Result<Option<u64>, Failed> {
    let mut indexes = occurrences(database).list_indexes().await?;
    let mut found = None;
    while indexes.advance().await? {
        let index = indexes.deserialize_current()?;
        let after = index.options.and_then(|options| options.expire_after);
        if let Some(after) = after {
            assert_eq!(index.keys, doc! { "d": 1 });
            assert!(found.replace(after.as_secs()).is_none(), "there is more than one TTL index");
        }
    }
    Ok(found)
}

async fn index(url: String) -> Result<(), Failed> {
    let client = Client::with_uri_str(url).await?;
    let plain = client.database(&database("ttl_index"));
    let config = || MongoConfig::with_client(client.clone(), plain.name());
    let set_up = async |config| MongoBackend::new(config).setup_backend().await;
    set_up(config()).await?;
    assert_eq!(seconds(&plain).await?, None, "nothing asked for the index");
    let month = config().with_ttl(30 * DAY)?;
    for _ in 0..2 {
        set_up(month.clone()).await?;
        assert_eq!(seconds(&plain).await?, Some(30 * 86_400));
    }
    set_up(month.with_ttl(DAY)?.with_autocreate(false)).await?;
    set_up(config()).await?;
    assert_eq!(seconds(&plain).await?, Some(30 * 86_400), "the index stays as it is");
    set_up(config().with_ttl(DAY)?).await?;
    assert_eq!(seconds(&plain).await?, Some(86_400), "the index is changed");
    for _ in 0..2 {
        set_up(config().with_ttl(Duration::ZERO)?).await?;
        assert_eq!(seconds(&plain).await?, None, "the index is removed");
    }
    // Several programs ask for different periods: one of them wins, and none fails.
    let all = (1..=8).map(|days| set_up(config().with_ttl(days * DAY).unwrap()));
    futures::future::try_join_all(all).await?;
    assert!(seconds(&plain).await?.is_some());
    Ok(plain.drop().await?)
}

/// Occurrences of version 3 had no date; the migration gives them the same one that recording sets now.
async fn migrated(url: String) -> Result<(), Failed> {
    let client = Client::with_uri_str(url).await?;
    let plain = client.database(&database("ttl_migrated"));
    let backend = MongoBackend::new(MongoConfig::with_client(client.clone(), plain.name()));
    backend.setup_backend().await?;
    const BLOCK: i64 = 6 * 3_600 * 1_000_000;
    let now = Timestamp::now().as_micros();
    let times = [i64::MIN, -BLOCK - 1, -BLOCK, -1, 0, 1, BLOCK - 1, BLOCK, now, i64::MAX];
    let records = times.map(|time| {
        Record::new(Level::Error, "shop", "failure").with_time(Timestamp::from_micros(time))
    });
    backend.record_events(records.to_vec()).await?;
    let dates = async || -> Result<Vec<(i64, DateTime)>, Failed> {
        let mut found = occurrences(&plain).find(doc! {}).sort(doc! { "m": 1 }).await?;
        let mut dates = Vec::new();
        while found.advance().await? {
            let one = found.deserialize_current()?;
            dates.push((one.get_i64("m")?, *one.get_datetime("d")?));
        }
        Ok(dates)
    };
    let recorded = dates().await?;
    assert_eq!(recorded.len(), times.len());
    for (time, date) in &recorded {
        let late = date.timestamp_millis() * 1_000 - time;
        assert!((1..=BLOCK).contains(&late), "{time} has the date {date:?}");
        assert_eq!(date.timestamp_millis() * 1_000 % BLOCK, 0, "{date:?}");
    }
    occurrences(&plain).update_many(doc! {}, doc! { "$unset": { "d": "" } }).await?;
    let versions: Collection<Document> =
        plain.collection(&format!("{}schema_versions", MongoConfig::DEFAULT_PREFIX));
    versions.delete_many(doc! {}).await?;
    versions.insert_one(doc! { "_id": 3_i64 }).await?;
    MongoBackend::new(MongoConfig::with_client(client, plain.name())).setup_backend().await?;
    assert_eq!(dates().await?, recorded);
    Ok(plain.drop().await?)
}

async fn deletes(program: String) -> Result<(), Failed> {
    let server = Server::start(&program, &["--setParameter", "ttlMonitorSleepSecs=1"])?;
    let uri = format!("mongodb://127.0.0.1:{}/shop?timeout=20s&ttl=30d", server.port);
    let backend = MongoBackend::from_uri(&uri)?;
    backend.setup_backend().await?;
    let now = Timestamp::now();
    let record = |channel: &str, days: u32| {
        Record::new(Level::Error, channel, "failure").with_time(now.saturating_sub(days * DAY))
    };
    let options = HandlerOptions::new("app");
    let batch = [record("old", 40), record("both", 40), record("both", 29), record("new", 0)];
    let batch = batch.map(|record| options.prepare(record).unwrap());
    backend.record_tickets(Batch::from(&batch[..])).await?;
    let old = batch[0].ticket_id();
    backend.solve_ticket(old, None, Author::unknown()).await?;
    let left = async || -> Result<usize, Failed> {
        Ok(backend.get_events(&EventQuery::new()).await?.items.len())
    };
    for _ in 0..600 {
        if left().await? == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(left().await?, 2, "old occurrences are still there");
    // Wait for another round of the server's TTL monitor, which would delete anything else that it considers old.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(left().await?, 2, "recent occurrences were deleted");

    assert!(backend.get_occurrences(old, &OccurrenceQuery::new()).await?.items.is_empty());
    assert_eq!(
        backend.event_types(&EventTypeQuery::new()).await?,
        ["both", "new"],
        "a type disappears with its last event"
    );
    let tickets = backend.get_tickets(&TicketQuery::new()).await?.items;
    assert_eq!(tickets.iter().map(|ticket| ticket.occurrence_count).sum::<u64>(), 4);
    let (from, to) = (now.saturating_sub(50 * DAY), now.saturating_add(DAY));
    for query in [
        HistogramQuery::of_app(Some("app"), BucketWidth::Day, from, to),
        HistogramQuery::of_app(None::<&str>, BucketWidth::Day, from, to),
    ] {
        let buckets = backend.count_occurrences(&query).await?;
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 4);
    }
    let of_ticket = HistogramQuery::of_ticket(old, BucketWidth::Day, from, to);
    let buckets = backend.count_occurrences(&of_ticket).await?;
    assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 1);
    // The TTL index does not delete solved tickets; `clear_expired` does.
    assert!(
        backend.get_ticket(old).await?.is_some(),
        "the TTL index does not delete a solved ticket"
    );
    let expired = backend.clear_expired(&Expiry::before(now.saturating_sub(30 * DAY))).await?;
    assert_eq!((expired.occurrences, expired.tickets), (0, 1));
    assert!(backend.get_ticket(old).await?.is_none(), "`clear_expired` deletes the solved ticket");
    Ok(())
}
