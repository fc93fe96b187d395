use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{Level, Location, Record, Timestamp};
use ticket_direct::HandlerOptions;

use crate::Random;

/// The number of hot tickets, and `n` such that one in `n` occurrences belongs to a hot ticket.
const HOT: (u32, u32) = (10, 4);

/// The id of the application that has half of the tickets.
pub const APP: &str = "shop";
const APPS: [&str; 4] = [APP, "mail", APP, "search"];
const CHANNELS: [&str; 8] = [
    "shop::checkout",
    "shop::cart",
    "shop::db",
    "shop::mail",
    "shop::search",
    "shop::auth",
    "hyper::proto",
    "sqlx::query",
];
const LEVELS: [Level; 4] = [Level::Error, Level::Error, Level::Warning, Level::Critical];

/// An iterator over the occurrences that a busy shop logs, in chronological order.
///
/// Each occurrence has four traits: `user_id` (one of a million), `path` (one of 5,000), `duration_ms`
/// (uniform between 0 and 12,857) and `retried` (true for half of the occurrences).
#[derive(Debug)]
pub struct Shop {
    tickets: u32,
    occurrences: u32,
    next: u32,
    /// The number of the occurrence at the start of the span.
    first: u32,
    started: Timestamp,
    span: Duration,
    has_traits: bool,
    random: Random,
    options: HandlerOptions,
}

impl Shop {
    /// The time span that the occurrences cover, which ends now.
    pub const SPAN: Duration = Duration::from_secs(60 * 24 * 60 * 60);

    /// Creates a shop with `occurrences` occurrences of `tickets` tickets, the last of them now.
    #[must_use]
    pub fn new(tickets: u32, occurrences: u32) -> Self {
        Self {
            tickets,
            occurrences,
            next: 0,
            first: 0,
            started: Timestamp::now().saturating_sub(Self::SPAN),
            span: Self::SPAN,
            has_traits: true,
            random: Random::new(1),
            options: HandlerOptions::default(),
        }
    }

    /// Leaves the traits out: they are most of what a store has to write.
    #[must_use]
    pub fn without_traits(self) -> Self {
        Self { has_traits: false, ..self }
    }

    /// Returns occurrences of the last 24 hours of the same tickets, for a store that was filled on an earlier day.
    #[must_use]
    pub fn of_today(self, occurrences: u32) -> Self {
        let span = Duration::from_secs(24 * 60 * 60);
        let started = Timestamp::now().saturating_sub(span);
        // Those before the first would be the first occurrence of each ticket.
        let first = self.tickets;
        Self { next: first, first, occurrences: first + occurrences, started, span, ..self }
    }

    fn ticket(&mut self, number: u32) -> u32 {
        let (hot, share) = HOT;
        if number < self.tickets {
            number
        } else if self.random.below(share) == 0 {
            self.random.below(hot.min(self.tickets))
        } else {
            self.random.skewed(self.tickets)
        }
    }

    fn record(&mut self, ticket: u32, number: u32) -> Record {
        let share = f64::from(number - self.first) / f64::from(self.occurrences - self.first);
        let age = self.span.mul_f64(share);
        let random = &mut self.random;
        let choice = ticket as usize;
        let channel = CHANNELS[choice % CHANNELS.len()];
        let user = random.below(1_000_000);
        let step = ticket % 97;
        let message =
            format!("cannot finish step {step} for user {user}: the connection was refused");
        let record = Record::new(LEVELS[choice % LEVELS.len()], channel, message)
            .with_time(self.started.saturating_add(age))
            .with_key(&number.to_string())
            .with_app_id(APPS[choice / CHANNELS.len() % APPS.len()])
            .with_location(
                Location::new()
                    .with_file(format!("src/handlers/part_{}.rs", ticket / 40))
                    .with_line(10 + ticket % 900)
                    .with_module(channel)
                    .with_function(format!("handle_{ticket}")),
            )
            .with_release(format!("1.{}.0", number / 100_000))
            .with_environment("production");
        if !self.has_traits {
            return record;
        }
        record
            .with_trait("user_id", i64::from(user))
            .with_trait("path", format!("/api/orders/{}", random.below(5_000)))
            .with_trait("duration_ms", f64::from(random.below(90_000)) / 7.0)
            .with_trait("retried", random.below(2) == 0)
    }
}

impl Iterator for Shop {
    type Item = NewOccurrence;

    fn next(&mut self) -> Option<NewOccurrence> {
        let number = self.next;
        if number == self.occurrences {
            return None;
        }
        self.next += 1;
        let ticket = self.ticket(number);
        let record = self.record(ticket, number);
        self.options.prepare(record)
    }
}
