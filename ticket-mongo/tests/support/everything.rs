//! A store whose commands are captured, and calls that make it send every command it has.

use std::sync::{Arc, Mutex};

use libtest_mimic::Failed;
use mongodb::Client;
use mongodb::bson::Document;
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use ticket_core::backend::{Batch, ReadPosition, StatusChange};
use ticket_core::{
    Author, BackendBase, BucketWidth, Comparison, Direction, EventFilter, EventQuery, EventStore,
    EventTypeQuery, Expiry, HistogramQuery, HistoryQuery, KeepPerTicket, Level, Note, OccurrenceId,
    OccurrenceQuery, Operator, ProcessReport, Record, ReleaseQuery, ReportQuery, StatusKind,
    TicketFilter, TicketQuery, TicketSort, Timestamp, TraitQuery, TraitTypeQuery, limits,
};
use ticket_direct::RecordEvents;
use ticket_mongo::{MongoBackend, MongoConfig};

use super::database;

pub(crate) type Seen = Arc<Mutex<Vec<Document>>>;

/// Creates a store in the test's own database, and captures the commands that it sends from now on.
pub(crate) async fn store(url: &str, test: &str) -> Result<(MongoBackend, Client, Seen), Failed> {
    let seen = Seen::default();
    let watched = Arc::clone(&seen);
    let database = database(test);
    let own = database.clone();
    let mut options = ClientOptions::parse(url).await?;
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(started) = event
            && started.db == own
        {
            watched.lock().unwrap().push(started.command);
        }
    }));
    let client = Client::with_options(options)?;
    let backend = MongoBackend::new(MongoConfig::with_client(client, database));
    backend.setup_backend().await?;
    Ok((backend, Client::with_uri_str(url).await?, seen))
}

/// Calls every method, with every filter and order that leads to a different command.
pub(crate) async fn use_everything(backend: &MongoBackend) -> Result<(), Failed> {
    let record = |i: i64| {
        let text = format!("failure {}", ["one", "two", "three"][usize::try_from(i % 3).unwrap()]);
        Record::new(Level::Error, "shop", text)
            .with_app_id("app")
            .with_time(Timestamp::from_micros(i * 1_000_000))
            .with_trait("user", i)
            .with_release("1.0")
            .with_external_id(format!("order-{}", i % 4))
    };
    backend.record_events((0..60).map(record).collect()).await?;
    backend.record_events((50..70).map(record).collect()).await?;
    let tickets = backend.get_tickets(&TicketQuery::new()).await?.items;
    let (one, other) = (tickets[0].id, tickets[1].id);
    for sort in TicketSort::ALL {
        for direction in [Direction::Ascending, Direction::Descending] {
            for filter in filters() {
                let query = TicketQuery::new()
                    .with_filter(filter)
                    .with_order(sort, direction)
                    .with_limit(1);
                let page = backend.get_tickets(&query).await?;
                if let Some(next) = page.next {
                    backend.get_tickets(&query.with_after(next)).await?;
                }
            }
        }
    }
    for filter in filters() {
        backend.count_tickets(&filter).await?;
    }
    for direction in [Direction::Ascending, Direction::Descending] {
        let query = OccurrenceQuery::new().with_direction(direction).with_limit(2);
        let page = backend.get_occurrences(one, &query).await?;
        backend.get_occurrences(one, &query.with_after(page.next.ok_or("a second page")?)).await?;
    }
    for filter in event_filters() {
        let query = EventQuery::new().with_filter(filter).with_limit(2);
        if let Some(next) = backend.get_events(&query).await?.next {
            backend.get_events(&query.with_after(next)).await?;
        }
    }
    for app_id in [None, Some("app")] {
        let (from, to) = (Timestamp::from_micros(0), Timestamp::from_micros(3_600_000_000));
        backend
            .count_occurrences(&HistogramQuery::of_app(app_id, BucketWidth::Hour, from, to))
            .await?;
        backend
            .count_occurrences(&HistogramQuery::of_ticket(one, BucketWidth::Hour, from, to))
            .await?;
        let (mut types, mut traits) = (EventTypeQuery::new(), TraitTypeQuery::new("shop"));
        let mut query = TraitQuery::new("shop").with_limit(2);
        if let Some(app_id) = app_id {
            types = types.with_app_id(app_id);
            traits = traits.with_app_id(app_id);
            query = query.with_app_id(app_id);
        }
        backend.event_types(&types).await?;
        let mut releases = ReleaseQuery::new();
        releases.app_id = app_id.map(str::to_owned);
        backend.get_releases(&releases).await?;
        backend.trait_types(&traits).await?;
        let page = backend.get_traits(&query).await?;
        backend.get_traits(&query.with_after(page.next.ok_or("a second page")?)).await?;
    }
    let at = Timestamp::now();
    backend.set_status(one, StatusChange::Solve { at, release: None }, Author::unknown()).await?;
    for _ in 0..=limits::HISTORY {
        backend.add_note(one, Note::new("a note", Author::unknown())).await?;
    }
    for direction in [Direction::Ascending, Direction::Descending] {
        let query = HistoryQuery::new().with_direction(direction).with_limit(2);
        let page = backend.get_history(one, &query).await?;
        backend.get_history(one, &query.with_after(page.next.ok_or("a second page")?)).await?;
    }
    backend.keep_per_ticket(&KeepPerTicket::new(5)?.with_app_id("app")).await?;
    backend.keep_per_ticket(&KeepPerTicket::new(3)?).await?;
    let third = tickets[2].id;
    backend.merge_tickets(other, third, Author::unknown()).await?.ok_or("a merged ticket")?;
    backend.record_events((70..80).map(record).collect()).await?;
    backend.merge_tickets(one, other, Author::unknown()).await?.ok_or("a merged ticket")?;
    assert!(backend.unmerge_ticket(other, Author::unknown()).await?);
    backend.record_events((80..90).map(record).collect()).await?;
    backend.merge_tickets(other, one, Author::unknown()).await?.ok_or("a merged ticket")?;
    backend.delete_ticket(other).await?;
    let soon = Timestamp::from_micros(40_000_000);
    backend.clear_expired(&Expiry::before(soon).with_max_count(3)).await?;
    backend.clear_expired(&Expiry::before(at).with_app_id("app")).await?;
    backend.clear_expired(&Expiry::before(at)).await?;
    backend.record_events((0..3).map(record).collect()).await?;
    let position = ReadPosition::new("app.log", "1", at);
    backend.record_tickets(Batch::default().with_positions(vec![position])).await?;
    backend.read_position("app.log").await?;
    for process in ["one", "two", "one"] {
        backend.report_process(ProcessReport::new(process, "app", at)).await?;
    }
    backend.get_reports(&ReportQuery::new()).await?;
    backend.get_reports(&ReportQuery::new().with_app_id("app")).await?;
    backend.store_info().await?;
    backend.clear().await?;
    Ok(())
}

fn filters() -> Vec<TicketFilter> {
    let new = TicketFilter::new;
    let mut filters = vec![
        new(),
        new().with_app_id("app"),
        new().with_min_level(Level::Error).with_channel("shop"),
        new().with_release("1.0").with_environment("x"),
        new().with_search("failure"),
        new().with_since(Timestamp::MIN).with_until(Timestamp::MAX),
        new().with_id_prefix("a".parse().unwrap()),
    ];
    for status in StatusKind::ALL {
        filters.push(new().with_status(status));
        filters.push(new().with_app_id("app").with_status(status));
    }
    filters
}

fn event_filters() -> Vec<EventFilter> {
    let new = EventFilter::new;
    let user = |number: i64| Comparison::new("user", Operator::Eq, number);
    let mut filters = vec![
        new(),
        new().with_app_id("app"),
        new().with_event_type("shop"),
        new().with_app_id("app").with_event_type("shop"),
        new().with_occurrence_id(OccurrenceId::random(Timestamp::MIN)),
        new().with_external_id("order-1"),
        new().with_external_id("order-1").with_comparison(Comparison::new("user", Operator::Ge, 5)),
        new().with_since(Timestamp::MIN).with_until(Timestamp::MAX),
        new()
            .with_event_type("shop")
            .with_comparison(Comparison::new("user", Operator::Ge, 5))
            .with_comparison(Comparison::new("user", Operator::Lt, 50)),
        new().with_comparison(Comparison::number("user", Operator::Ne, 5.5).unwrap()),
        new().with_clause(user(5).or(Comparison::new("order", Operator::Ge, 5))),
        new()
            .with_clause(user(5).or(user(6)))
            .with_clause(user(6).or(Comparison::missing("order"))),
        new().with_comparison(Comparison::has("user")),
        new().with_comparison(Comparison::missing("order")),
        new().with_app_id("app").with_event_type("shop").with_comparison(!user(5)),
        new().with_comparison(Comparison::message_contains("failure")),
    ];
    filters.extend(Operator::ALL.map(|op| new().with_comparison(Comparison::new("user", op, 5))));
    filters
}
