//! Which way a page of tickets takes, and that both give the same.

use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, Ingredients, Level, Record};

use super::super::record_tickets;
use super::*;
use crate::config::SqliteConfig;

fn store(size: usize) -> Connection {
    let config = SqliteConfig::in_memory();
    let mut connection = Connection::open(&config).unwrap();
    connection.schema.set_up(&mut connection.sqlite, None).unwrap();
    let batch: Vec<NewOccurrence> = (0..size)
        .map(|number| {
            let channel = if number % 2 == 0 { "even" } else { "odd" };
            let mut record = Record::new(Level::Error, channel, format!("number <{number}>"))
                .with_app_id(if number < 10 { "small" } else { "large" });
            record.time = Timestamp::from_micros(i64::try_from(number * 7 % size).unwrap());
            let ingredients = Ingredients::new("test/1").with("number", number.to_string());
            let fingerprint = Fingerprint::new(&record.app_id, b"", ingredients);
            NewOccurrence::new(record, fingerprint)
        })
        .collect();
    record_tickets(&mut connection, &batch.into()).unwrap();
    connection
}

#[test]
fn only_what_is_rare_in_a_large_store_is_sought_in_the_table() {
    let (large, small) = (store(1_000), store(200));
    let all = TicketFilter::new();
    let rare = all.clone().with_search("<77>");
    let ask = |connection: &Connection, filter: &TicketFilter| {
        let query = TicketQuery::new().with_filter(filter.clone());
        finds_little(connection, &query, Timestamp::now()).unwrap()
    };
    assert!(ask(&large, &rare));
    assert!(ask(&large, &all.clone().with_channel("none")));
    assert!(ask(&large, &all.clone().with_release("none")));
    assert!(!ask(&large, &all));
    assert!(!ask(&large, &all.clone().with_channel("even")), "every other one");
    assert!(!ask(&large, &rare.clone().with_app_id("small")), "has few to look at");
    assert!(!ask(&small, &rare));
}

#[test]
fn both_ways_give_the_same_pages() {
    let connection = store(400);
    let now = Timestamp::now();
    let filters = [
        TicketFilter::new(),
        TicketFilter::new().with_status(StatusKind::Open).with_search("7"),
        TicketFilter::new().with_channel("odd").with_app_id("large"),
    ];
    for (filter, sort) in filters.iter().flat_map(|f| TicketSort::ALL.map(|sort| (f, sort))) {
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut query = TicketQuery::new()
                .with_filter(filter.clone())
                .with_order(sort, direction)
                .with_limit(30);
            let page = get_tickets(&connection, &query).unwrap();
            query = query.with_after(page.next);
            let ways = [Along::Order, Along::Table].map(|along| {
                let statement = list(&connection.names, &query, now, along).unwrap();
                let mut read = connection.sqlite.prepare(&statement.sql).unwrap();
                let rows = read.query(&*statement.named()).unwrap();
                rows.mapped(|row| row.get(0)).map(Result::unwrap).collect::<Vec<[u8; 16]>>()
            });
            assert!(ways[0].len() > 20 && ways[0] == ways[1], "{query:?}");
        }
    }
}
