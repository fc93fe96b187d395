//! Orders are exact although index keys are coarse, and writers of one application do not conflict over its
//! sums.

#![allow(clippy::unwrap_used, reason = "a test program")]

mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use libtest_mimic::{Arguments, Failed};
use mongodb::Client;
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use support::{URL, database, run, trial};
use ticket_core::backend::{Batch, EventPosition, NewOccurrence};
use ticket_core::{
    Author, BackendBase, BucketWidth, Comparison, Direction, EventFilter, EventQuery, EventStore,
    HistogramQuery, Level, Occurrence, Operator, Record, Ticket, TicketFilter, TicketQuery,
    TicketSort, Timestamp,
};
use ticket_direct::HandlerOptions;
use ticket_mongo::{MongoBackend, MongoConfig};

fn main() -> ExitCode {
    let trials = vec![
        trial("tickets_with_coarse_index_keys_are_listed_in_exact_order", Some(URL), |url| {
            run(tickets(url))
        }),
        trial("events_in_blocks_of_time_are_listed_in_exact_order", Some(URL), |url| {
            run(events(url))
        }),
        trial("writers_of_one_application_do_not_conflict", Some(URL), |url| run(writers(url))),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn store(url: &str, test: &str) -> Result<(MongoBackend, mongodb::Database), Failed> {
    let client = Client::with_uri_str(url).await?;
    let backend = MongoBackend::new(MongoConfig::with_client(client.clone(), database(test)));
    backend.setup_backend().await?;
    Ok((backend, client.database(&database(test))))
}

/// Scrambles a number, so that a sequence of them has no useful order.
fn mixed(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761) >> 7
}

fn prepare(record: Record) -> NewOccurrence {
    HandlerOptions::new("app").prepare(record).unwrap()
}

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Lists tickets that span a few minutes, with small and large counts, filtered by one status and by several.
async fn tickets(url: String) -> Result<(), Failed> {
    let (backend, plain) = store(&url, "tickets").await?;
    let start = Timestamp::now().saturating_sub(Duration::from_secs(3_600));
    let batch: Vec<NewOccurrence> = (0..240)
        .map(|number| {
            let time =
                start.saturating_add(Duration::from_millis((mixed(number) % 300_000).into()));
            let record = Record::new(Level::Error, "shop", "failure").with_time(time);
            let record = record.with_location(ticket_core::Location::new().with_line(number));
            let options =
                HandlerOptions::new("app").with_grouping(ticket_grouping::Grouping::Location);
            let repeats = if number % 3 == 0 { 1 } else { 1 + mixed(number + 1_000) % 300 };
            options.prepare(record).unwrap().with_repeats(repeats)
        })
        .collect();
    for part in batch.chunks(50) {
        backend.record_tickets(part.into()).await?;
    }
    let ids: Vec<_> = batch.iter().map(NewOccurrence::ticket_id).collect();
    for (number, id) in ids.iter().enumerate() {
        let at = Timestamp::now();
        match number % 4 {
            1 => drop(
                backend
                    .set_status(
                        *id,
                        ticket_core::backend::StatusChange::Solve { at, release: None },
                        Author::unknown(),
                    )
                    .await?,
            ),
            2 => drop(
                backend
                    .set_status(
                        *id,
                        ticket_core::backend::StatusChange::Mute { until: None },
                        Author::unknown(),
                    )
                    .await?,
            ),
            _ => {}
        }
    }
    for filter in [TicketFilter::new(), TicketFilter::new().with_app_id("app")] {
        for sort in TicketSort::ALL {
            for direction in DIRECTIONS {
                let query =
                    TicketQuery::new().with_filter(filter.clone()).with_order(sort, direction);
                let mut expected =
                    backend.get_tickets(&query.clone().with_limit(1_000)).await?.items;
                assert_eq!(expected.len(), ids.len());
                let walked = walk(&backend, &query).await?;
                assert_eq!(
                    walked, expected,
                    "{sort:?} {direction:?}: paging differs from one large page"
                );
                expected.sort_by(|a, b| direction.apply(key(sort, a).cmp(&key(sort, b))));
                assert_eq!(walked, expected, "{sort:?} {direction:?}");
                let skipped = backend.get_tickets(&query.with_offset(100).with_limit(9)).await?;
                assert_eq!(skipped.items, expected[100..109], "{sort:?} {direction:?}");
            }
        }
    }
    Ok(plain.drop().await?)
}

fn key(sort: TicketSort, ticket: &Ticket) -> (i64, String, ticket_core::TicketId) {
    let (number, text) = match sort {
        TicketSort::FirstOccurrence => (ticket.first_occurrence_time.as_micros(), ""),
        TicketSort::Count => (i64::try_from(ticket.occurrence_count).unwrap(), ""),
        TicketSort::Level => (ticket.level.as_u8().into(), ""),
        TicketSort::Channel => (0, ticket.channel.as_str()),
        _ => (ticket.last_occurrence_time.as_micros(), ""),
    };
    (number, text.to_owned(), ticket.id)
}

async fn walk(backend: &MongoBackend, query: &TicketQuery) -> Result<Vec<Ticket>, Failed> {
    let mut walked = Vec::new();
    let mut query = query.clone().with_limit(13);
    loop {
        let page = backend.get_tickets(&query).await?;
        walked.extend(page.items);
        let Some(next) = page.next else { return Ok(walked) };
        query = query.with_after(next);
    }
}

/// Finds events by two comparisons; they span three days, and some share the same time.
async fn events(url: String) -> Result<(), Failed> {
    let (backend, plain) = store(&url, "events").await?;
    let start = Timestamp::now().saturating_sub(Duration::from_secs(3 * 86_400));
    let batch: Vec<NewOccurrence> = (0..2_000)
        .map(|number| {
            let time = start
                .saturating_add(Duration::from_secs((mixed(number) % 259_200 / 600 * 600).into()));
            prepare(
                Record::new(Level::Error, "shop", "failure")
                    .with_time(time)
                    .with_trait("a", i64::from(mixed(number + 5_000) % 100))
                    .with_trait("b", f64::from(mixed(number + 9_000) % 100)),
            )
        })
        .collect();
    backend.record_tickets(Batch::from(&batch[..])).await?;
    let all: Vec<Occurrence> = {
        let mut query = EventQuery::new().with_limit(1_000);
        let mut all = Vec::new();
        loop {
            let page = backend.get_events(&query).await?;
            all.extend(page.items);
            let Some(next) = page.next else { break all };
            query = query.with_after(next);
        }
    };
    assert_eq!(all.len(), batch.len());
    let (since, until) = (
        start.saturating_add(Duration::from_secs(80_000)),
        start.saturating_add(Duration::from_secs(200_000)),
    );
    for (least, most) in [(0, 99), (60, 99), (90, 20), (99, 2), (30, 0)] {
        let filter = EventFilter::new()
            .with_comparison(Comparison::new("a", Operator::Ge, least))
            .with_comparison(Comparison::number("b", Operator::Le, most)?);
        for filter in [filter.clone(), filter.with_since(since).with_until(until)] {
            for direction in DIRECTIONS {
                let mut expected: Vec<Occurrence> =
                    all.iter().filter(|event| filter.matches(&event.record)).cloned().collect();
                expected.sort_by(|a, b| {
                    direction.apply(EventPosition::of(a).cmp(&EventPosition::of(b)))
                });
                for limit in [7, 100] {
                    let mut walked = Vec::new();
                    let query = EventQuery::new().with_filter(filter.clone());
                    let mut query = query.with_direction(direction).with_limit(limit);
                    loop {
                        let page = backend.get_events(&query).await?;
                        walked.extend(page.items);
                        let Some(next) = page.next else { break };
                        query = query.with_after(next);
                    }
                    assert!(walked == expected, "{filter:?} {direction:?} {limit}");
                }
            }
        }
    }
    Ok(plain.drop().await?)
}

/// Eight processes record different tickets of one application in the same hour.
async fn writers(url: String) -> Result<(), Failed> {
    const WRITERS: u32 = 8;
    const BATCHES: u32 = 25;
    let (backend, plain) = store(&url, "writers").await?;
    let aborted = Arc::new(AtomicU32::new(0));
    let now = Timestamp::now();
    let writer = async |number: u32| -> Result<(), Failed> {
        let mut options = ClientOptions::parse(&url).await?;
        let count = Arc::clone(&aborted);
        options.command_event_handler = Some(EventHandler::callback(move |event| {
            if let CommandEvent::Failed(failed) = event
                && !["hello", "isMaster"].contains(&failed.command_name.as_str())
            {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }));
        let client = Client::with_options(options)?;
        let backend = MongoBackend::new(MongoConfig::with_client(client, database("writers")));
        for _ in 0..BATCHES {
            let record = Record::new(Level::Error, format!("part {number}"), "failure");
            backend.record_tickets(prepare(record.with_time(now)).into()).await?;
        }
        Ok(())
    };
    try_join_all((0..WRITERS).map(writer)).await?;
    let query = HistogramQuery::of_app(
        Some("app"),
        BucketWidth::Hour,
        now,
        now.saturating_add(Duration::from_secs(3_600)),
    );
    let counted: u64 =
        backend.count_occurrences(&query).await?.iter().map(|bucket| bucket.count).sum();
    assert_eq!(counted, u64::from(WRITERS * BATCHES));
    let aborted = aborted.load(Ordering::Relaxed);
    // If all writers updated one document, nearly every batch would conflict with another one.
    assert!(aborted < WRITERS * BATCHES / 4, "{aborted} commands failed");
    Ok(plain.drop().await?)
}
