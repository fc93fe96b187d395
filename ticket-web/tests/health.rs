//! The page `/health` and the answer of `/api/v1/health`.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use support::{Client, HOUR, error, open, record, stores};
use ticket_core::backend::async_trait;
use ticket_core::{
    BackendBase, Error, ErrorKind, EventStore, ProcessReport, ReportQuery, ReportedError, Result,
    Store, StoreInfo, Timestamp, forward_backend, forward_event_store,
};
use ticket_memory::MemoryBackend;
use ticket_web::{Access, Grant};

fn report(process: &str, seconds_ago: u64) -> ProcessReport {
    let ago = |seconds| Timestamp::now().saturating_sub(Duration::from_secs(seconds));
    let mut report = ProcessReport::new(process, "shop", ago(seconds_ago));
    report.until = report.time.saturating_add(Duration::from_secs(120));
    report.host = Some(process.to_owned());
    report
}

#[tokio::test]
async fn the_page_says_in_words_how_each_process_is_doing() {
    for (name, store, _folder) in stores().await {
        record(&store, [error("one", HOUR)]).await;
        let client = open(&store);
        let page = client.get("/health").await;
        assert!(page.body.contains("No process has reported yet"), "{name}");

        let mut running = report("<script>alert(1)</script>", 20);
        running.lost = [("full".to_owned(), 1_200)].into();
        let text = "no <b>server</b> \u{202e}".to_owned();
        running.last_error = Some(ReportedError { time: running.time, text });
        (running.spooled_bytes, running.on_disk) = (5 << 20, true);
        running.retention.max_total = Some(10);
        let mut ended = report("ended-1", 5);
        ended.ended = true;
        for report in [running, ended, report("stale-1", 600)] {
            store.report_process(report).await.unwrap();
        }
        let page = client.get("/health").await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        let place = |text: &str| {
            page.body.find(text).unwrap_or_else(|| panic!("{name}: {text} in {}", page.body))
        };
        let states = ["<b>stale</b>", "<td>running</td>", "<b>ended</b>"].map(place);
        assert!(states.is_sorted(), "{name}: stale processes come first");
        for expected in [
            "1,200 (full: 1200)",
            "5.0 MiB on disk",
            "keeps 10 in all",
            "keeps everything",
            "no &#60;b&#62;server",
        ] {
            place(expected);
        }
        assert!(!page.body.contains("<script>alert") && !page.body.contains('\u{202e}'), "{name}");
        if name == "sqlite" {
            for expected in ["<dt>Schema version</dt><dd>6</dd>", "<dt>tables and indexes</dt><dd>"]
            {
                place(expected);
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_many_processes_stays_small_and_the_answer_has_all() {
    for (name, store, _folder) in stores().await {
        for number in 0..250 {
            let mut report = report(&format!("web-{number}"), 600 + number);
            let text = "x".repeat(1_000);
            report.last_error = Some(ReportedError { time: report.time, text });
            store.report_process(report).await.unwrap();
        }
        let client = open(&store);
        let page = client.get("/health").await;
        assert!(page.body.len() < 100 << 10, "{name}: {}", page.body.len());
        assert!(page.body.contains("/api/v1/health lists 200 more."), "{name}");
        let answer = client.get("/api/v1/health").await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer["processes"].as_array().unwrap().len(), 250, "{name}");
        assert_eq!(answer["processes"][0]["process"], "web-0", "{name}");
        assert_eq!(answer["processes"][0]["state"], "stale", "{name}");
    }
}

#[tokio::test]
async fn who_sees_some_applications_sees_their_processes_and_no_sizes() {
    for (name, store, _folder) in stores().await {
        for app_id in ["shop", "depot", "post"] {
            let report = ProcessReport::new(app_id, app_id, Timestamp::now());
            store.report_process(report).await.unwrap();
        }
        let grant = Grant::all().with_app_ids(["shop", "post"]);
        let access = Access::decided_by(move |_| grant.clone());
        let client = Client(ticket_web::router(store.clone(), access));
        let answer = client.get("/api/v1/health").await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let processes = answer["processes"].as_array().unwrap();
        let seen: Vec<_> = processes.iter().map(|process| &process["app_id"]).collect();
        assert_eq!(seen, ["post", "shop"], "{name}");
        assert_eq!(
            (&answer["store"]["bytes"], &answer["store"]["parts"]),
            (&Value::Null, &json!([]))
        );
    }
}

/// A store that fails to say how processes and itself are doing.
#[derive(Debug)]
struct Silent(MemoryBackend);

#[async_trait]
impl BackendBase for Silent {
    forward_backend!(self => self.0; except get_reports, store_info);

    async fn get_reports(&self, _: &ReportQuery) -> Result<Vec<ProcessReport>> {
        Err(Error::new(ErrorKind::Unavailable, "silent", "it does not list them"))
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        Err(Error::new(ErrorKind::Unavailable, "silent", "it does not say that"))
    }
}

#[async_trait]
impl EventStore for Silent {
    forward_event_store!(self => self.0);
}

#[tokio::test]
async fn the_page_shows_the_rest_if_the_store_does_not_return_reports() {
    let store: Arc<dyn Store> = Arc::new(Silent(MemoryBackend::new()));
    record(&store, [error("one", HOUR)]).await;
    let client = open(&store);
    let page = client.get("/health").await;
    assert_eq!(page.status, StatusCode::OK);
    for expected in ["did not return the reports", "<dt>Size</dt><dd>unknown</dd>"] {
        assert!(page.body.contains(expected), "{expected} in {}", page.body);
    }
    let answer = client.get("/api/v1/health").await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&answer["store"], &answer["processes"]), (&Value::Null, &Value::Null));
    assert_eq!(answer["tickets"]["open"], 1);
}
