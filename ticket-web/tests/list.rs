//! The list of tickets.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use ticket_core::backend::async_trait;
use ticket_core::{
    Author, BackendBase, BackendExt as _, Bucket, Error, ErrorKind, EventStore, HistogramQuery,
    Level, Record, ReleaseQuery, Result, Store, forward_backend, forward_event_store,
};
use ticket_memory::MemoryBackend;

use support::{HOUR, error, id_of, open, record, record_as, stores};

fn titles(answer: &support::Answer) -> Vec<String> {
    answer.texts("<a class=\"title\"")
}

#[tokio::test]
async fn an_empty_store_is_an_empty_page_with_the_lines_that_fill_it() {
    for (name, store, _folder) in stores().await {
        let answer = open(&store).get("/").await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        assert!(answer.body.contains("No tickets yet") && answer.body.contains("TicketLayer::new"));
        // Filters that match nothing are something else.
        let answer = open(&store).get("/?search=x").await;
        assert!(answer.body.contains("No tickets match"), "{name}");
    }
}

#[tokio::test]
async fn tabs_and_filters_select_tickets_and_survive_in_every_link() {
    for (name, store, _folder) in stores().await {
        let messages = ["payment refused", "stock gone", "mail lost"];
        record(&store, messages.map(|message| error(message, HOUR))).await;
        let warning =
            Record::new(Level::Warning, "depot::rack", "rack full").with_fingerprint("rack");
        record_as(&store, "depot", [warning.with_release("2.0.0").with_environment("staging")])
            .await;
        store
            .solve_ticket(id_of(&store, "stock gone").await, None, Author::unknown())
            .await
            .unwrap();
        store.mute_ticket(id_of(&store, "mail lost").await, None, Author::unknown()).await.unwrap();

        let client = open(&store);
        let answer = client.get("/").await;
        assert_eq!(titles(&answer), ["rack full", "payment refused"], "{name}");
        assert!(
            answer.texts("<a href=\"/?status=solved\"").iter().any(|tab| tab == "solved 1"),
            "{name}"
        );
        for (query, expected) in [
            ("status=solved", vec!["stock gone"]),
            ("status=muted", vec!["mail lost"]),
            (
                "status=all&sort=channel",
                vec!["rack full", "mail lost", "payment refused", "stock gone"],
            ),
            ("app=depot", vec!["rack full"]),
            ("level=error", vec!["payment refused"]),
            ("channel=depot::rack", vec!["rack full"]),
            ("release=2.0.0", vec!["rack full"]),
            ("environment=staging", vec!["rack full"]),
            ("since=30m", vec!["rack full"]),
            ("until=30m", vec!["payment refused"]),
            ("search=REFUSED", vec!["payment refused"]),
            ("search=checkout.rs&app=shop", vec!["payment refused"]),
            ("search=checkout.rs&app=depot", vec![]),
        ] {
            let answer = client.get(&format!("/?{query}")).await;
            let mut found = titles(&answer);
            if query.contains("sort=channel") {
                found[1..].sort();
            }
            assert_eq!(found, expected, "{name}: {query}");
            // The link of each tab keeps the other filters.
            let kept =
                query.split('&').filter(|part| !part.starts_with("status")).collect::<Vec<_>>();
            let all = answer.links().into_iter().find(|link| link.contains("status=all")).unwrap();
            assert!(kept.iter().all(|part| all.contains(part)), "{query}: {all}");
        }
    }
}

#[tokio::test]
async fn pages_lead_forth_and_back() {
    for (name, store, _folder) in stores().await {
        let records = (0..7_u32).map(|n| error(&format!("error {n}"), HOUR * n));
        record(&store, records).await;
        let client = open(&store);
        let expect = async |path: &str, expected: &[u32]| {
            let answer = client.get(path).await;
            let expected: Vec<String> = expected.iter().map(|n| format!("error {n}")).collect();
            assert_eq!(titles(&answer), expected, "{name}: {path}");
            let link = |rel: &str| {
                let at = answer.body.find(&format!("rel=\"{rel}\" href=\""))?;
                let link = answer.body[at..].split('"').nth(3)?;
                Some(link.replace("&#38;", "&"))
            };
            (link("prev"), link("next"))
        };
        for (query, pages) in [
            ("limit=3", [vec![0, 1, 2], vec![3, 4, 5], vec![6]]),
            ("limit=3&reverse=true", [vec![6, 5, 4], vec![3, 2, 1], vec![0]]),
        ] {
            let (none, next) = expect(&format!("/?{query}"), &pages[0]).await;
            assert_eq!(none, None);
            let (_, next) = expect(&next.unwrap(), &pages[1]).await;
            let (previous, none) = expect(&next.unwrap(), &pages[2]).await;
            assert_eq!(none, None);
            let (previous, next) = expect(&previous.unwrap(), &pages[1]).await;
            expect(&next.unwrap(), &pages[2]).await;
            expect(&previous.unwrap(), &pages[0]).await;
        }
    }
}

#[tokio::test]
async fn every_sort_key_orders_in_both_directions() {
    for (name, store, _folder) in stores().await {
        let warning = Record::new(Level::Warning, "a", "first").with_fingerprint("1");
        let error = error("second", HOUR);
        record(&store, [warning.clone(), warning.with_key("2"), error]).await;
        let client = open(&store);
        for (sort, expected) in [
            ("last", ["first", "second"]),
            ("first", ["first", "second"]),
            ("count", ["first", "second"]),
            ("level", ["second", "first"]),
            ("channel", ["first", "second"]),
        ] {
            let answer = client.get(&format!("/?sort={sort}")).await;
            assert_eq!(titles(&answer), expected, "{name}: {sort}");
            let answer = client.get(&format!("/?sort={sort}&reverse=true")).await;
            assert_eq!(
                titles(&answer).into_iter().rev().collect::<Vec<_>>(),
                expected,
                "{name}: {sort}"
            );
        }
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_to_write_instead() {
    for (name, store, _folder) in stores().await {
        record(&store, (0..3_u32).map(|n| error(&format!("error {n}"), HOUR * n))).await;
        let client = open(&store);
        let next = client.get("/?limit=1").await;
        let cursor =
            next.links().into_iter().find_map(|link| Some(link.split_once("after=")?.1.to_owned()));
        let of_other_order = format!("sort=count&after={}", cursor.unwrap());
        for (query, part) in [
            ("limit=-1", "a whole number"),
            ("limit=0", "between 1 and 1000"),
            ("limit=1001", "between 1 and 1000"),
            ("sort=id;drop%20table", "last, first, count"),
            ("status=closed", "open, solved, muted, all"),
            ("level=loud", "trace, debug, info"),
            ("reverse=yes", "true or false"),
            ("since=yesterday", "such as 24h"),
            ("id=xyz", "hexadecimal"),
            ("after=x.y", "cursor"),
            ("after=last-desc.1", "damaged"),
            ("after=a&before=b", "not both"),
            (of_other_order.as_str(), "the cursor belongs to the order"),
            (format!("search={}", "x".repeat(60_000)).as_str(), "longer than"),
        ] {
            let answer = client.get(&format!("/?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {query:.50}");
            assert!(answer.body.contains(part), "{name}: {query:.50}: {}", answer.body);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_beside_a_list_are_kept_for_a_second_and_who_changes_something_sees_it_at_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryBackend::new());
    record(&store, [error("one", HOUR), error("two", HOUR)]).await;
    let client = open(&store);
    let tabs = async || {
        let answer = client.get("/?status=all").await;
        let tabs = ["solved", "muted"].map(|status| format!("<a href=\"/?status={status}\""));
        tabs.map(|tab| answer.texts(&tab).remove(0))
    };
    assert_eq!(tabs().await, ["solved 0", "muted 0"]);
    let solve = async |message| {
        store.solve_ticket(id_of(&store, message).await, None, Author::unknown()).await.unwrap();
    };
    solve("one").await;
    assert_eq!(tabs().await, ["solved 0", "muted 0"], "as read within the last second");
    let form = format!("action=mute&id={}", id_of(&store, "two").await);
    assert_eq!(client.post("/tickets/change", &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(tabs().await, ["solved 1", "muted 1"]);
    solve("two").await;
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(tabs().await, ["solved 2", "muted 0"]);
    // The same by the API.
    let path = format!("/api/v1/tickets/{}/status", id_of(&store, "one").await);
    let request = axum::http::Request::put(path).body(r#"{"status":"muted"}"#.into()).unwrap();
    assert_eq!(client.send(request).await.status, StatusCode::OK);
    assert_eq!(tabs().await, ["solved 1", "muted 1"]);
}

/// A store that counts the charts that are read, and is too large for listing all of its releases.
#[derive(Debug, Default)]
struct Large {
    inner: MemoryBackend,
    charts: AtomicUsize,
}

#[async_trait]
impl BackendBase for Large {
    forward_backend!(self => self.inner; except count_occurrences, get_releases);

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        self.charts.fetch_add(1, Ordering::Relaxed);
        self.inner.count_occurrences(query).await
    }

    async fn get_releases(&self, _: &ReleaseQuery) -> Result<Vec<String>> {
        Err(Error::new(ErrorKind::Unavailable, "large", "there are too many releases"))
    }
}

#[async_trait]
impl EventStore for Large {
    forward_event_store!(self => self.inner);
}

#[tokio::test]
async fn a_list_reads_neither_all_releases_nor_a_chart_that_has_not_changed() {
    let large = Arc::new(Large::default());
    let store: Arc<dyn Store> = Arc::clone(&large) as _;
    let once = || error("one", HOUR).with_release("1.2.3");
    record(&store, [once(), error("two", HOUR)]).await;
    let client = open(&store);
    let list = async || {
        let answer = client.get("/").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(answer.body.contains("<option value=\"1.2.3\""), "{}", answer.body);
        let charts = large.charts.swap(0, Ordering::Relaxed);
        let sums = [1, 2].map(|sum| format!("Last 24 hours: {sum}, "));
        (charts, sums.map(|label| answer.body.matches(&label).count()))
    };
    assert_eq!(list().await, (2, [2, 0]));
    assert_eq!(list().await, (0, [2, 0]));
    record(&store, [once()]).await;
    assert_eq!(list().await, (1, [1, 1]));
}
