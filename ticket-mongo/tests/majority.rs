//! Why every write waits for a majority, whatever the URI says (F12).

#![allow(clippy::unwrap_used, reason = "a test program")]

mod support;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed};
use mongodb::bson::{Bson, Document, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use mongodb::{Client, Collection};
use support::{PROGRAM, Server, URL, database, run, trial};
use ticket_core::backend::{Batch, NewOccurrence, StatusChange};
use ticket_core::{
    Author, BackendBase, BackendExt, ErrorKind, EventStore, Expiry, Level, Record, TicketQuery,
    Timestamp,
};
use ticket_direct::HandlerOptions;
use ticket_mongo::{MongoBackend, MongoConfig};

fn main() -> ExitCode {
    let trials = vec![
        trial("the_decisive_command_of_a_write_waits_for_a_majority", Some(URL), |url| {
            run(decides(url))
        }),
        trial("f12_with_w_1_an_acknowledged_write_is_lost", Some(PROGRAM), |it| run(lost(it))),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn occurrence(text: &str) -> NewOccurrence {
    HandlerOptions::new("app").prepare(Record::new(Level::Error, "shop", text)).unwrap()
}

/// A weaker write concern on the application's client must not weaken the store's.
async fn decides(url: String) -> Result<(), Failed> {
    let commands: Arc<Mutex<Vec<Document>>> = Arc::default();
    let seen = Arc::clone(&commands);
    let mut options = ClientOptions::parse(&url).await?;
    options.write_concern =
        Some(WriteConcern::builder().w(Acknowledgment::Nodes(1)).journal(false).build());
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(started) = event {
            seen.lock().unwrap().push(started.command);
        }
    }));
    let client = Client::with_options(options)?;
    let plain = client.database(&database("majority"));
    let backend = MongoBackend::new(MongoConfig::with_client(client.clone(), plain.name()));
    backend.setup_backend().await?;
    commands.lock().unwrap().clear();

    let (one, other) = (occurrence("one"), occurrence("other"));
    let decided = |units: usize| {
        let sent = std::mem::take(&mut *commands.lock().unwrap());
        let concerns: Vec<_> = sent.iter().filter_map(concern_of_decision).collect();
        assert_eq!(concerns, vec![doc! { "w": "majority", "j": true }; units], "{sent:?}");
    };
    backend.record_tickets(one.clone().into()).await?;
    decided(1);
    backend.record_tickets(vec![other.clone(), occurrence("one")].into()).await?;
    decided(1);
    let at = Timestamp::now();
    backend
        .set_status(one.ticket_id(), StatusChange::Solve { at, release: None }, Author::unknown())
        .await?;
    decided(1);
    backend.delete_ticket(one.ticket_id()).await?;
    decided(1);
    backend.solve_ticket(other.ticket_id(), None, Author::unknown()).await?;
    decided(1);
    // The occurrence expires in one unit of work, and the solved ticket in another.
    let expired = backend.clear_expired(&Expiry::before(Timestamp::now())).await?;
    assert_eq!((expired.occurrences, expired.tickets), (1, 1));
    decided(2);
    Ok(plain.drop().await?)
}

/// Returns the write concern of a command that makes a unit of work durable: the commit of a transaction or, on a
/// standalone server, the lease update that separates batches that recovery undoes from those that it redoes.
fn concern_of_decision(command: &Document) -> Option<Document> {
    let concern = command.get_document("writeConcern").cloned().unwrap_or_default();
    let concern = concern.into_iter().filter(|(name, _)| name != "wtimeout").collect();
    if command.contains_key("commitTransaction") {
        return Some(concern);
    }
    let update = command.get_array("updates").ok()?.first()?.as_document()?;
    let set = update.get_array("u").ok()?.first()?.as_document()?.get_document("$set").ok()?;
    (set.get("phase") == Some(&Bson::Int32(2))).then_some(concern)
}

/// The primary acknowledges a write alone and dies; the other members never saw the write and continue without it.
async fn lost(program: String) -> Result<(), Failed> {
    const MEMBERS: usize = 3;
    let servers = (0..MEMBERS).map(|_| Server::start(&program, &["--replSet", "majority"]));
    let mut servers = servers.collect::<Result<Vec<_>, _>>()?;
    let host = |server: &Server| format!("127.0.0.1:{}", server.port);
    let hosts: Vec<String> = servers.iter().map(host).collect();
    let direct = async |host: &String| {
        let client =
            Client::with_uri_str(format!("mongodb://{host}/?directConnection=true")).await?;
        // All members must be up before the first one can initiate the set.
        client.database("admin").run_command(doc! { "ping": 1 }).await?;
        Ok::<_, Failed>(client)
    };
    let (_, _, first) =
        (direct(&hosts[2]).await?, direct(&hosts[1]).await?, direct(&hosts[0]).await?);
    let members = (0_i32..).zip(&hosts).map(|(id, host)| doc! { "_id": id, "host": host });
    let set = doc! { "_id": "majority", "members": members.collect::<Vec<_>>() };
    first.database("admin").run_command(doc! { "replSetInitiate": set }).await?;
    let uri = format!("mongodb://{}/shop?replicaSet=majority&w=1&journal=false", hosts.join(","));
    let backend = MongoBackend::from_uri(&format!("{uri}&timeout=30s"))?;
    backend.setup_backend().await?;
    backend.record_tickets(occurrence("before").into()).await?;
    let careless = Client::with_uri_str(&uri).await?.database("shop");
    let notes: Collection<Document> = careless.collection("notes");
    let everywhere = WriteConcern::majority();
    notes.insert_one(doc! { "_id": "before" }).write_concern(everywhere).await?;

    let hello = careless.run_command(doc! { "hello": 1 }).await?;
    let primary = hello.get_str("primary")?.to_owned();
    let (mut primaries, mut others): (Vec<_>, Vec<_>) =
        servers.drain(..).partition(|server| host(server) == primary);
    for server in &mut others {
        server.kill()?;
    }
    notes.insert_one(doc! { "_id": "acknowledged" }).await?;
    let batch = [occurrence("before")];
    let hasty = MongoBackend::from_uri(&format!("{uri}&timeout=2s"))?;
    let error = hasty.record_tickets(Batch::from(&batch[..])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "a write without a majority was acknowledged");
    primaries[0].kill()?;
    for server in &mut others {
        server.start_again()?;
    }

    let started = Instant::now();
    while let Err(error) = backend.record_tickets(Batch::from(&batch[..])).await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "no new primary was elected: {error}"
        );
    }
    let tickets = backend.get_tickets(&TicketQuery::new()).await?.items;
    assert_eq!(tickets.iter().map(|ticket| ticket.occurrence_count).collect::<Vec<_>>(), [2]);
    let left = notes.distinct("_id", doc! {}).await?;
    assert_eq!(left, [Bson::from("before")], "the write with `w=1` was expected to be lost");
    Ok(())
}
