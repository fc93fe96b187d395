//! Occurrences as events: each has a type, a time and typed traits, and can be searched by them.
#![allow(clippy::print_stdout, reason = "prints the results")]

use std::time::Duration;

use futures::executor::block_on;
use ticket_core::{
    BackendBase, Comparison, EventFilter, EventQuery, EventStore, Expiry, Level, Operator, Record,
    Result, TraitTypeQuery,
};
use ticket_direct::RecordEvents;
use ticket_sqlite::SqliteBackend;

fn main() -> Result<()> {
    block_on(run())
}

async fn run() -> Result<()> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let store = SqliteBackend::from_uri(&url)?;
    store.setup_backend().await?;

    let orders = [("ann", 12.50, true), ("bob", 99.0, false), ("cy", 140.0, false)];
    let events = orders.map(|(user, amount, paid)| {
        Record::new(Level::Info, "checkout", "order received")
            .with_app_id("shop")
            .with_trait("user", user)
            .with_trait("amount", amount)
            .with_trait("paid", paid)
    });
    store.record_events(events.into()).await?;

    let query = TraitTypeQuery::new("checkout").with_app_id("shop");
    for name in store.trait_types(&query).await? {
        println!("checkout events have the trait {} ({})", name.name, name.kind);
    }
    let filter = EventFilter::new()
        .with_event_type("checkout")
        .with_comparison(Comparison::new("amount", Operator::Ge, 50.0))
        .with_comparison(Comparison::new("paid", Operator::Eq, false));
    for event in store.get_events(&EventQuery::new().with_filter(filter)).await?.items {
        println!("{} owes {}", event.record.traits["user"], event.record.traits["amount"]);
    }

    let month = Duration::from_secs(30 * 24 * 3_600);
    let expired = store.clear_expired(&Expiry::time_to_live(month)?.with_app_id("shop")).await?;
    println!("deleted {} events that were older than a month", expired.occurrences);
    Ok(())
}
