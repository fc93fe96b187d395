//! The batches to record: what a service under load reports, the same in every run.

use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{Level, Location, Record, Timestamp};
use ticket_direct::HandlerOptions;

use super::Plan;

pub(crate) struct Batches {
    options: HandlerOptions,
    start: Timestamp,
    plan: Plan,
    next: u32,
}

impl Batches {
    pub(crate) fn new(plan: Plan) -> Self {
        let start = Timestamp::now().saturating_sub(Duration::from_secs(3_600));
        Self { options: HandlerOptions::new("shop"), start, plan, next: 0 }
    }

    pub(crate) fn batch(&mut self) -> Vec<NewOccurrence> {
        let numbers = self.next..self.next + self.plan.size;
        self.next = numbers.end;
        numbers.filter_map(|number| self.options.prepare(self.record(number))).collect()
    }

    /// Creates a record with four traits, about 300 bytes as JSON.
    fn record(&self, number: u32) -> Record {
        // A multiplicative hash spreads the records over the tickets, so that they do not arrive in the order
        // of an index.
        let mixed = number.wrapping_mul(2_654_435_761);
        let ticket = mixed % self.plan.tickets;
        Record::new(Level::Error, "shop::db", format!("cannot reserve {}: timed out", mixed % 997))
            .with_time(self.start.saturating_add(Duration::from_millis(number.into())))
            .with_location(Location::new().with_file(format!("src/part_{ticket}.rs")).with_line(17))
            .with_release("1.4.2")
            .with_trait("user_id", i64::from(mixed % 100_003))
            .with_trait("path", format!("/api/orders/{}", mixed % 4_999))
            .with_trait("duration_ms", f64::from(mixed % 90_001) / 7.0)
            .with_trait("retried", mixed.is_multiple_of(2))
    }
}
