//! Measures queries on a large store and on a small one, both filled by `seed`.
//!
//! Prints one JSON object per query, with the median time of its calls in milliseconds.

#![allow(clippy::print_stdout, reason = "prints the results")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use serde_json::json;
use ticket_benches::{APP, backends};
use ticket_core::{
    BackendBase as _, BucketWidth, Clause, Comparison, Direction, EventFilter, EventQuery,
    EventStore as _, HistogramQuery, Occurrence, OccurrenceQuery, Operator, StatusKind, Store,
    TicketFilter, TicketId, TicketQuery, TicketSort, Timestamp, Value,
};

const WARM_UP: usize = 3;
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The number of occurrences whose values the queries look for in turn, from the newest to the oldest.
const SAMPLES: u32 = 20;

/// Measure queries on a large store and on a small one
///
/// Prints one JSON object per query.
#[derive(Debug, Parser)]
struct Arguments {
    /// The URI of the large store
    large: String,
    /// The URI of the small store
    small: String,
    /// The number of measured calls per query
    #[arg(long, default_value_t = 40)]
    runs: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { large, small, runs } = Arguments::parse();
    let stores = [Filled::open(&large).await?, Filled::open(&small).await?];
    for question in Question::ALL {
        // The stores take turns, so that other load on the machine affects both alike.
        let mut times = [Vec::new(), Vec::new()];
        for run in 0..WARM_UP + runs {
            for (store, times) in stores.iter().zip(&mut times) {
                let started = Instant::now();
                store.ask(question, run).await?;
                let time = started.elapsed().as_secs_f64() * 1_000.0;
                if run >= WARM_UP {
                    times.push(time);
                }
            }
        }
        let [value, baseline] = times.map(median);
        println!("{}", json!({ "case": question.name(), "value": value, "baseline": baseline }));
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[derive(Clone, Copy, Debug)]
enum Question {
    NewestTickets,
    OpenTicketsOfApp,
    BusiestTickets,
    NewestOccurrences,
    HoursOfTicket,
    HoursOfApp,
    ExternalId,
    RareAndRare,
    RareAndCommon,
    MiddlingAndCommon,
    CommonAndCommon,
    SeldomTogether,
    EitherRare,
    EitherAndSeldom,
}

impl Question {
    const ALL: [Self; 14] = [
        Self::NewestTickets,
        Self::OpenTicketsOfApp,
        Self::BusiestTickets,
        Self::NewestOccurrences,
        Self::HoursOfTicket,
        Self::HoursOfApp,
        Self::ExternalId,
        Self::RareAndRare,
        Self::RareAndCommon,
        Self::MiddlingAndCommon,
        Self::CommonAndCommon,
        Self::SeldomTogether,
        Self::EitherRare,
        Self::EitherAndSeldom,
    ];

    /// Returns the query's name in the output. The share of occurrences that each comparison matches is in
    /// parentheses.
    const fn name(self) -> &'static str {
        match self {
            Self::NewestTickets => "newest 50 tickets",
            Self::OpenTicketsOfApp => "newest 50 open tickets of an app",
            Self::BusiestTickets => "50 tickets with most occurrences",
            Self::NewestOccurrences => "newest 50 occurrences of a ticket",
            Self::HoursOfTicket => "a week of hours of a ticket",
            Self::HoursOfApp => "a week of hours of an app",
            Self::ExternalId => "an external id that no event has",
            Self::RareAndRare => "traits: a user (1e-6) and a path (2e-4)",
            Self::RareAndCommon => "traits: a user (1e-6) and retried (50 %)",
            Self::MiddlingAndCommon => "traits: a path (2e-4) and retried (50 %)",
            Self::CommonAndCommon => "traits: slow (50 %) and retried (50 %)",
            Self::SeldomTogether => "traits: slow (5 %) and some paths (1 %)",
            Self::EitherRare => "traits: a user (1e-6) or a path (2e-4)",
            Self::EitherAndSeldom => "traits: slow (5 %), and a path (2e-4) or retried (50 %)",
        }
    }
}

/// A store that `seed` has filled, and values from it to query for.
struct Filled {
    store: Arc<dyn Store>,
    busiest: TicketId,
    samples: Vec<Occurrence>,
    until: Timestamp,
}

impl Filled {
    async fn open(url: &str) -> Result<Self> {
        let store = backends().connect(url).await?;
        store.setup_backend().await?;
        let end = async |direction| -> Result<Timestamp> {
            let query = EventQuery::new().with_direction(direction).with_limit(1);
            let page = store.get_events(&query).await?;
            Ok(page.items.first().context("the store is empty: seed it first")?.record.time)
        };
        let (from, until) = (end(Direction::Ascending).await?, end(Direction::Descending).await?);
        let span = SystemTime::from(until).duration_since(from.into())?;
        let busiest = TicketQuery::new().with_order(TicketSort::Count, Direction::Descending);
        let busiest = store.get_tickets(&busiest.with_limit(1)).await?;
        let mut samples = Vec::new();
        for part in 0..SAMPLES {
            let filter = EventFilter::new().with_until(until.saturating_sub(span * part / SAMPLES));
            let query = EventQuery::new().with_filter(filter).with_limit(1);
            samples.extend(store.get_events(&query).await?.items);
        }
        Ok(Self { store, busiest: busiest.items[0].id, samples, until })
    }

    async fn ask(&self, question: Question, run: usize) -> Result<()> {
        let sample = &self.samples[run % self.samples.len()];
        let of_sample = |name: &str| {
            let value: Value = sample.record.traits[name].clone();
            Comparison::new(name, Operator::Eq, value)
        };
        let retried = Comparison::new("retried", Operator::Eq, true);
        let slower_than = |ms: f64| Comparison::new("duration_ms", Operator::Ge, ms);
        match question {
            Question::NewestTickets => self.tickets(TicketQuery::new()).await,
            Question::OpenTicketsOfApp => {
                let filter = TicketFilter::new().with_app_id(APP).with_status(StatusKind::Open);
                self.tickets(TicketQuery::new().with_filter(filter)).await
            }
            Question::BusiestTickets => {
                let query = TicketQuery::new().with_order(TicketSort::Count, Direction::Descending);
                self.tickets(query).await
            }
            Question::NewestOccurrences => {
                let page =
                    self.store.get_occurrences(self.busiest, &OccurrenceQuery::new()).await?;
                expect(page.items.len(), 50..=50)
            }
            Question::HoursOfTicket => {
                let from = self.until.saturating_sub(WEEK);
                self.hours(HistogramQuery::of_ticket(
                    self.busiest,
                    BucketWidth::Hour,
                    from,
                    self.until,
                ))
                .await
            }
            Question::HoursOfApp => {
                let from = self.until.saturating_sub(WEEK);
                self.hours(HistogramQuery::of_app(Some(APP), BucketWidth::Hour, from, self.until))
                    .await
            }
            Question::ExternalId => {
                let filter = EventFilter::new().with_external_id("order-17");
                let page = self.store.get_events(&EventQuery::new().with_filter(filter)).await?;
                expect(page.items.len(), 0..=0)
            }
            Question::RareAndRare => {
                self.events([of_sample("user_id"), of_sample("path")], 1).await
            }
            Question::RareAndCommon => {
                let other = Comparison::new(
                    "retried",
                    Operator::Eq,
                    sample.record.traits["retried"].clone(),
                );
                self.events([of_sample("user_id"), other], 1).await
            }
            Question::MiddlingAndCommon => self.events([of_sample("path"), retried], 0).await,
            Question::CommonAndCommon => self.events([slower_than(6_428.0), retried], 1).await,
            Question::SeldomTogether => {
                let paths = Comparison::new("path", Operator::Ge, "/api/orders/955");
                self.events([slower_than(12_214.0), paths], 1).await
            }
            Question::EitherRare => {
                self.events([of_sample("user_id").or(of_sample("path"))], 1).await
            }
            Question::EitherAndSeldom => {
                let either = of_sample("path").or(retried);
                self.events([slower_than(12_214.0).into(), either], 1).await
            }
        }
    }

    async fn tickets(&self, query: TicketQuery) -> Result<()> {
        expect(self.store.get_tickets(&query).await?.items.len(), 50..=50)
    }

    async fn hours(&self, query: HistogramQuery) -> Result<()> {
        let buckets = self.store.count_occurrences(&query).await?;
        ensure!(buckets.iter().any(|bucket| bucket.count > 0), "the histogram has no occurrences");
        Ok(())
    }

    async fn events<const N: usize>(
        &self,
        clauses: [impl Into<Clause>; N],
        at_least: usize,
    ) -> Result<()> {
        let clauses = clauses.into_iter().map(Into::into);
        let filter = clauses.fold(EventFilter::new(), EventFilter::with_clause);
        let page = self.store.get_events(&EventQuery::new().with_filter(filter)).await?;
        expect(page.items.len(), at_least..=50)
    }
}

/// Checks the number of rows, because a fast but wrong answer must not be measured.
fn expect(found: usize, expected: std::ops::RangeInclusive<usize>) -> Result<()> {
    ensure!(expected.contains(&found), "found {found} rows instead of {expected:?}");
    Ok(())
}
