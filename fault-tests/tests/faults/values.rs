//! Hostile values: every database returns a record as the handler accepted it.

use std::time::Duration;

use futures::TryStreamExt as _;
use libtest_mimic::Trial;
use ticket_core::record::ErrorCause;
use ticket_core::{
    BackendExt as _, EventQuery, EventStoreExt as _, Level, MAX_LIMIT, OccurrenceId, Record,
    SmolStr, TicketQuery, Timestamp, Value,
};
use ticket_direct::HandlerOptions;
use ticket_faults::Outcome;
use ticket_faults::case::{Engine, on};
use ticket_faults::servers::registry;
use ticket_faults::victim::APP;
use ticket_handler::BackgroundHandler;

use super::process::block_on;

pub(crate) fn cases() -> impl Iterator<Item = Trial> {
    [
        on(&Engine::ALL, "f19_hostile_texts_come_back", |engine| come_back(engine, &texts())),
        on(&Engine::ALL, "f20_hostile_structures_come_back", |engine| {
            come_back(engine, &structures())
        }),
    ]
    .into_iter()
    .flatten()
}

fn record(message: impl Into<SmolStr>) -> Record {
    Record::new(Level::Error, "hostile", message)
}

/// Returns records with texts that tend to break databases, terminals and drivers.
fn texts() -> Vec<Record> {
    let texts = [
        "a NUL \0 in the middle".to_owned(),
        "\u{1b}[31mred\u{1b}[0m \u{202e}from the right\u{202c} \u{200b}".to_owned(),
        "Robert'); DROP TABLE tickets;-- \\u0000 $1 {\"$gt\": \"\"}".to_owned(),
        "👩‍👩‍👧‍👦".repeat(2_000),
        "10 MB: ".to_owned() + &"x".repeat(10 << 20),
        "\u{feff}\r\n\t\u{85}\u{2028}\u{10ffff}".to_owned(),
        String::new(),
    ];
    texts
        .into_iter()
        .flat_map(|text| {
            let mut named = record("a trait with a hostile name");
            named.traits.insert(text.clone().into(), Value::from(1));
            let mut failed = record("a hostile error");
            failed.error.push(ErrorCause::new(Some("hostile::Error".into()), text.clone()));
            failed.release = Some(text.clone().into());
            [
                record(text.clone()),
                record("a hostile trait").with_trait("text", text),
                named,
                failed,
            ]
        })
        .collect()
}

/// Returns records with extreme structures, numbers and times.
fn structures() -> Vec<Record> {
    let mut many = record("ten thousand traits");
    many.traits =
        (0..10_000).map(|number| (format!("t{number}").into(), Value::from(number))).collect();
    let mut chain = record("a thousand causes");
    chain.error = (0..1_000).map(|n| ErrorCause::new(None, format!("cause {n}"))).collect();
    let mut names = record("names that are operators");
    for name in ["$set", "a.b", "", "$", ".", "__proto__", "_id", "a\0b"] {
        names.traits.insert(name.into(), Value::from(name));
    }
    let numbers = [
        Value::from(i64::MAX),
        Value::from(i64::MIN),
        Value::from(-0.0),
        Value::from(f64::MAX),
        Value::from(f64::MIN_POSITIVE),
        Value::from(f64::NAN),
        Value::from(f64::INFINITY),
        Value::from(Timestamp::MIN),
        Value::from(Timestamp::MAX),
    ];
    let mut all = vec![many, chain, names];
    all.extend(numbers.map(|value| record("a number").with_trait("value", value)));
    all.extend([Timestamp::MIN, Timestamp::MAX].map(|time| record("a time").with_time(time)));
    all
}

/// Records all of `records` with one handler, and checks that each of them is read back as the handler's
/// limits leave it.
fn come_back(engine: Engine, records: &[Record]) -> Outcome {
    let database = engine.start()?;
    let (options, url) = (HandlerOptions::new(APP), database.url());
    let handler =
        BackgroundHandler::builder(options.clone()).with_budget(u32::MAX).connect(move || {
            let url = url.clone();
            async move { registry().connect(&url).await }
        })?;
    for record in records {
        handler.emit(record.clone())?;
    }
    handler.blocking_flush(Duration::from_secs(60))?;
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.dropped.total()), (records.len() as u64, 0), "{stats:?}");
    block_on(async {
        let store = database.open().await?;
        let events = store.walk_events(EventQuery::new().with_limit(MAX_LIMIT));
        let mut stored: Vec<(OccurrenceId, Record)> =
            events.map_ok(|event| (event.record.id, event.record)).try_collect().await?;
        let prepared = records.iter().cloned().filter_map(|record| options.prepare(record));
        let mut expected: Vec<(OccurrenceId, Record)> =
            prepared.map(|new| (new.record().id, new.record().clone())).collect();
        stored.sort_by_key(|(id, _)| *id);
        expected.sort_by_key(|(id, _)| *id);
        for (stored, expected) in stored.iter().zip(&expected) {
            assert!(stored == expected, "stored: {stored:?}\nexpected: {expected:?}");
        }
        assert_eq!(stored.len(), expected.len());
        // Lists of tickets can be read as well.
        let tickets = store.walk_tickets(TicketQuery::new());
        let count: u64 =
            tickets.try_fold(0, async |sum, ticket| Ok(sum + ticket.occurrence_count)).await?;
        assert_eq!(count, records.len() as u64);
        Ok(())
    })
}
