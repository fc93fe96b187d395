//! What a user sees when something goes wrong: an unreachable server, a wrong password, or a crash in the
//! middle of a write.

#![allow(clippy::unwrap_used, reason = "a test program")]

mod support;

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed};
use mongodb::bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use mongodb::{Client, Collection};
use support::{PROGRAM, Server, URL, database, everything, port, run, trial};
use ticket_core::backend::Batch;
use ticket_core::{
    Author, BackendBase, BackendExt, BucketWidth, Error, ErrorKind, EventQuery, EventStore,
    HistogramQuery, Level, Record, Status, TicketQuery, Timestamp, limits,
};
use ticket_direct::HandlerOptions;
use ticket_direct::RecordEvents;
use ticket_mongo::{MongoBackend, MongoConfig};

fn main() -> ExitCode {
    let trials = vec![
        trial("an_unreachable_server_is_reported_as_unavailable_in_time", None, |_| run(away())),
        trial("a_wrong_password_is_reported_and_not_shown", Some(PROGRAM), |it| run(password(it))),
        trial("a_server_without_tls_is_rejected", Some(PROGRAM), |it| run(no_tls(it))),
        trial("a_member_of_a_set_that_was_never_initiated_is_unavailable", Some(PROGRAM), |it| {
            run(never_initiated(it))
        }),
        trial("a_stopped_server_is_used_again_when_it_continues", Some(PROGRAM), |it| {
            run(still(it))
        }),
        trial("an_interrupted_write_is_undone_or_finished", Some(URL), |it| run(cut_off(it))),
        trial("setting_up_waits_for_a_migration_in_another_process", Some(URL), |it| run(busy(it))),
        trial("repair_removes_occurrences_without_a_ticket", Some(URL), |it| run(repair(it))),
        trial("an_overlong_release_is_truncated", Some(URL), |it| run(long_release(it))),
        trial("late_commands_of_a_stalled_writer_change_nothing", Some(PROGRAM), |it| {
            run(slow(it))
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A migration may take longer than any deadline of a call. Whoever else sets up meanwhile waits for it.
async fn busy(url: String) -> Result<(), Failed> {
    let opened = Opened::new(&url, "busy").await?;
    let versions = opened.collection("schema_versions");
    let current = versions.find_one(doc! {}).await?.ok_or("a version")?;
    versions.delete_many(doc! {}).await?;
    let writer = || doc! { "_id": "writer" };
    let lease = opened.collection("lease");
    lease.update_one(writer(), doc! { "$set": { "owner": "another", "phase": 1 } }).await?;
    let renew = doc! { "$set": { "until": { "$add": ["$$NOW", 4_000] } } };
    lease.update_one(writer(), vec![renew.clone()]).await?;

    let name = opened.database.name().to_owned();
    let impatient = MongoConfig::with_client(Client::with_uri_str(&url).await?, name)
        .with_timeout(Duration::from_millis(500));
    let waiting = tokio::spawn(async move { MongoBackend::new(impatient).setup_backend().await });
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        lease.update_one(writer(), vec![renew.clone()]).await?;
        assert!(!waiting.is_finished(), "{:?}", waiting.await);
    }
    versions.insert_one(current).await?;
    lease.update_one(writer(), doc! { "$set": { "owner": null, "phase": 0 } }).await?;
    waiting.await??;
    Ok(())
}

/// Returns everything that an error displays, including its debug form.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!("{error} {error:?}"));
        source = error.source();
    }
    text
}

async fn away() -> Result<(), Failed> {
    // One port on which nobody listens, and a listener that never answers.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    for port in [port()?, silent.local_addr()?.port()] {
        let uri = format!("mongodb://shop:s3cr3t@127.0.0.1:{port}/shop?timeout=1s");
        let backend = MongoBackend::from_uri(&uri)?;
        let started = Instant::now();
        let error = backend.setup_backend().await.unwrap_err();
        let elapsed = started.elapsed();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(elapsed < Duration::from_millis(1_500), "{elapsed:?}");
        assert!(!shown(&error).contains("s3cr3t"), "{error}");
    }
    Ok(())
}

async fn password(program: String) -> Result<(), Failed> {
    let server = Server::start(&program, &["--auth"])?;
    let uri = format!("mongodb://shop:s3cr3t@127.0.0.1:{}/shop?timeout=20s", server.port);
    let error = MongoBackend::from_uri(&uri)?.setup_backend().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.message().contains("password"), "{error}");
    assert!(!shown(&error).contains("s3cr3t"), "{error}");
    Ok(())
}

async fn no_tls(program: String) -> Result<(), Failed> {
    let server = Server::start(&program, &[])?;
    let plain = format!("mongodb://127.0.0.1:{}/shop?timeout=20s", server.port);
    MongoBackend::from_uri(&plain)?.setup_backend().await?;
    let uri = format!("mongodb://shop:s3cr3t@127.0.0.1:{}/shop?tls=true&timeout=1s", server.port);
    let error = MongoBackend::from_uri(&uri)?.setup_backend().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("TLS"), "{error}");
    assert!(!shown(&error).contains("s3cr3t"), "{error}");
    Ok(())
}

/// Taken for a standalone server, it would be written to without transactions as soon as it has a primary.
async fn never_initiated(program: String) -> Result<(), Failed> {
    let server = Server::start(&program, &["--replSet", "never"])?;
    let options = "directConnection=true&timeout=20s";
    let uri = format!("mongodb://127.0.0.1:{}/shop?{options}", server.port);
    let error = MongoBackend::from_uri(&uri)?.setup_backend().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("never initiated"), "{error}");
    Ok(())
}

/// A call that times out in the middle of a transaction must not block the next one.
async fn still(program: String) -> Result<(), Failed> {
    let server = Server::start(&program, &["--replSet", "still"])?;
    let host = format!("127.0.0.1:{}", server.port);
    let direct = Client::with_uri_str(format!("mongodb://{host}/?directConnection=true")).await?;
    let set = doc! { "_id": "still", "members": [{ "_id": 0, "host": &host }] };
    direct.database("admin").run_command(doc! { "replSetInitiate": set }).await?;
    let uri = format!("mongodb://{host}/shop?replicaSet=still&timeout=20s");
    MongoBackend::from_uri(&uri)?.setup_backend().await?;

    let uri = format!("mongodb://{host}/shop?replicaSet=still&timeout=1s");
    let backend = MongoBackend::from_uri(&uri)?;
    let options = HandlerOptions::default();
    let new = || options.prepare(record()).ok_or("the record was filtered out");
    backend.record_tickets(new()?.into()).await?;
    let batch = [new()?];
    server.signal("STOP")?;
    for _ in 0..3 {
        let error = backend.record_tickets(Batch::from(&batch[..])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    server.signal("CONT")?;
    let started = Instant::now();
    while let Err(error) = backend.record_tickets(Batch::from(&batch[..])).await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(started.elapsed() < Duration::from_secs(60), "the store did not recover: {error}");
    }
    let tickets = backend.get_tickets(&TicketQuery::new()).await?.items;
    assert_eq!(tickets.iter().map(|ticket| ticket.occurrence_count).sum::<u64>(), 2);
    Ok(())
}

struct Opened {
    backend: MongoBackend,
    database: mongodb::Database,
    is_standalone: bool,
}

impl Opened {
    async fn new(url: &str, test: &str) -> Result<Self, Failed> {
        let client = Client::with_uri_str(url).await?;
        let name = format!("ticket_{test}_{}", std::process::id());
        let database = client.database(&name);
        let hello = database.run_command(doc! { "hello": 1 }).await?;
        let backend = MongoBackend::new(MongoConfig::with_client(client, name));
        backend.setup_backend().await?;
        Ok(Self { backend, database, is_standalone: !hello.contains_key("setName") })
    }

    fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(&format!("{}{name}", MongoConfig::DEFAULT_PREFIX))
    }

    async fn events(&self) -> Result<usize, Failed> {
        Ok(self.backend.get_events(&EventQuery::new()).await?.items.len())
    }

    async fn lease(&self) -> Result<Document, Failed> {
        Ok(self.collection("lease").find_one(doc! { "_id": "writer" }).await?.ok_or("a lease")?)
    }

    async fn counts(&self) -> Result<Vec<u64>, Failed> {
        let tickets = self.backend.get_tickets(&TicketQuery::new()).await?.items;
        Ok(tickets.iter().map(|ticket| ticket.occurrence_count).collect())
    }

    /// Returns the sum of the histogram over all applications.
    async fn hours_of_all(&self) -> Result<u64, Failed> {
        let (day, now) = (Duration::from_secs(86_400), Timestamp::now());
        let (from, to) = (now.saturating_sub(day), now.saturating_add(day));
        let query = HistogramQuery::of_app(None::<&str>, BucketWidth::Hour, from, to);
        let buckets = self.backend.count_occurrences(&query).await?;
        Ok(buckets.iter().map(|bucket| bucket.count).sum())
    }
}

fn record() -> Record {
    Record::new(Level::Error, "shop", "payment refused")
}

/// Leaves the lease and the journal as a writer does that is killed just before, or just after, its decision.
async fn cut_off(url: String) -> Result<(), Failed> {
    let opened = Opened::new(&url, "cut").await?;
    opened.backend.record_events(vec![record()]).await?;
    if opened.is_standalone {
        let occurrences = opened.collection("occurrences");
        let stored = occurrences.find_one(doc! {}).await?.ok_or("an occurrence")?;
        let ticket = stored.get_document("_id")?.get("t").cloned().ok_or("a ticket id")?;
        for (phase, events, count) in [(1, 1, 1), (2, 2, 2)] {
            let token = opened.lease().await?.get_i64("token")? + 1;
            let id = doc! { "t": ticket.clone(), "i": binary(&[7; 16]) };
            let mut half_done = stored.clone();
            half_done.insert("_id", id.clone());
            half_done.insert("w", token);
            occurrences.insert_one(half_done).await?;
            let undo = doc! { "delete": occurrences.name(), "deletes": [
                { "q": { "_id": id, "w": token }, "limit": 0 },
            ] };
            let redo = doc! { "update": opened.collection("tickets").name(), "updates": [{
                "q": { "_id": ticket.clone(), "w": { "$not": { "$gte": token } } },
                "u": { "$inc": { "n": 1_i64 }, "$set": { "w": token } },
            }] };
            let journal = opened.collection("journal");
            for (n, is_undo, command) in [(0_i64, true, undo), (1, false, redo)] {
                let key = doc! { "w": token, "n": n };
                let command = binary(&command.to_vec()?);
                journal
                    .insert_one(doc! { "_id": key, "undo": is_undo, "command": command })
                    .await?;
            }
            let dead = doc! { "$set": { "owner": "a dead writer", "token": token, "phase": phase,
            "until": mongodb::bson::DateTime::from_millis(0) } };
            opened.collection("lease").update_one(doc! { "_id": "writer" }, dead).await?;
            assert_eq!((opened.events().await?, opened.counts().await?), (events, vec![count]));
            assert_eq!(journal.count_documents(doc! {}).await?, 0);
            assert!(matches!(opened.lease().await?.get("owner"), Some(Bson::Null)));
        }
    } else {
        // A replica set has no such window: a dead writer's transaction stays invisible, and the next write ends it.
        let client = opened.database.client().clone();
        let mut session = client.start_session().await?;
        let id = session.id().get("id").cloned().ok_or("an id")?;
        opened.collection("sessions").insert_one(doc! { "_id": id, "made_at": i64::MAX }).await?;
        session.start_transaction().await?;
        let change = doc! { "$inc": { "n": 1_i64 } };
        opened.collection("tickets").update_one(doc! {}, change).session(&mut session).await?;
        let started = Instant::now();
        opened.backend.record_events(vec![record()]).await?;
        assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
        assert_eq!((opened.events().await?, opened.counts().await?), (2, vec![2]));
    }
    Ok(opened.database.drop().await?)
}

fn binary(bytes: &[u8]) -> Bson {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }.into()
}

async fn repair(url: String) -> Result<(), Failed> {
    let opened = Opened::new(&url, "repair").await?;
    opened.backend.record_events(vec![record()]).await?;
    let repaired = opened.backend.repair().await?;
    let found = (repaired.occurrences, repaired.tickets, repaired.sums);
    assert_eq!(found, (0, 0, 0), "a consistent store was changed");

    let occurrences = opened.collection("occurrences");
    let mut orphan = occurrences.find_one(doc! {}).await?.ok_or("an occurrence")?;
    orphan.insert("_id", doc! { "t": binary(&[1; 16]), "i": binary(&[2; 16]) });
    occurrences.insert_one(orphan).await?;
    let wrong = doc! { "$inc": { "n": 5_i64 } };
    for name in ["tickets", "app_counts"] {
        opened.collection(name).update_one(doc! {}, wrong.clone()).await?;
    }
    assert_eq!(opened.hours_of_all().await?, 6);
    let repaired = opened.backend.repair().await?;
    let found = (repaired.occurrences, repaired.tickets, repaired.sums);
    assert_eq!(found, (1, 1, 1));
    assert_eq!(opened.hours_of_all().await?, 1);
    assert_eq!((opened.events().await?, opened.counts().await?), (1, vec![1]));
    Ok(opened.database.drop().await?)
}

/// An overlong release is truncated when it solves a ticket, just as when it is recorded.
async fn long_release(url: String) -> Result<(), Failed> {
    let opened = Opened::new(&url, "release").await?;
    let long = "1".repeat(2 * limits::NAME);
    opened.backend.record_events(vec![record().with_release(long.as_str())]).await?;
    let id = opened.backend.get_tickets(&TicketQuery::new()).await?.items.remove(0).id;
    let ticket =
        opened.backend.solve_ticket(id, Some(long), Author::unknown()).await?.ok_or("a ticket")?;
    let Status::Solved { release, .. } = ticket.status else { panic!("{:?}", ticket.status) };
    assert_eq!(release, ticket.last_release.map(ticket_core::Fix::In));
    assert!(release.is_some_and(|fix| fix.release().len() <= limits::NAME));
    Ok(opened.database.drop().await?)
}

/// On a standalone server, a writer may stall until its lease has expired and others have finished its batch and
/// written more. Whatever it sends after that must change nothing.
async fn slow(program: String) -> Result<(), Failed> {
    let server = Server::start(&program, &[])?;
    let url = format!("mongodb://127.0.0.1:{}/", server.port);
    let (backend, plain, seen) = everything::store(&url, "slow").await?;
    let plain = plain.database(&database("slow"));
    let tickets = format!("{}tickets", MongoConfig::DEFAULT_PREFIX);
    seen.lock().unwrap().clear();

    backend.record_events(vec![record()]).await?;
    let wrong = doc! { "$inc": { "n": 5_i64 } };
    plain.collection::<Document>(&tickets).update_one(doc! {}, wrong).await?;
    assert_eq!(backend.repair().await?.tickets, 1);
    backend.record_events(vec![record()]).await?;
    let id = backend.get_tickets(&TicketQuery::new()).await?.items.remove(0).id;
    backend.solve_ticket(id, None, Author::unknown()).await?;
    backend.record_events(vec![record()]).await?;
    backend.delete_ticket(id).await?;
    backend.record_events(vec![record(), record()]).await?;
    let state = async || -> Result<_, Failed> {
        let now = Timestamp::now();
        let day = Duration::from_secs(86_400);
        let (from, to) = (now.saturating_sub(day), now.saturating_add(day));
        let chart = HistogramQuery::of_app(None::<&str>, BucketWidth::Day, from, to);
        let counts = backend.count_occurrences(&chart).await?;
        let events = backend.get_events(&EventQuery::new()).await?.items.len();
        let tickets = backend.get_tickets(&TicketQuery::new()).await?.items;
        Ok((tickets, events, counts.iter().map(|bucket| bucket.count).sum::<u64>()))
    };
    let before = state().await?;
    assert_eq!((before.0[0].occurrence_count, before.1, before.2), (2, 2, 2));
    let sent = std::mem::take(&mut *seen.lock().unwrap());
    let mut repeated = 0;
    for command in sent {
        let Some((verb, collection)) = command.iter().next() else { continue };
        let list = if verb == "update" { "updates" } else { "deletes" };
        let of_writers =
            ["lease", "journal"].iter().any(|name| collection.to_string().contains(name));
        if let (Ok(statements), false) = (command.get_array(list), of_writers) {
            let again = doc! { verb: collection, list: statements, "ordered": false };
            plain.run_command(again).await?;
            repeated += 1;
        }
    }
    assert!(repeated > 10, "only {repeated} commands were repeated");
    assert_eq!(state().await?, before);
    Ok(())
}
