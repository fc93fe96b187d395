//! Events: pages and exports.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use axum::http::StatusCode;
use ticket_core::{Level, Record};

use support::{HOUR, error, open, record, stores};

fn events() -> Vec<Record> {
    (0..1_200_u32)
        .map(|n| {
            let name = if n % 2 == 0 { "=SUM(A1)" } else { "plain, with \"quotes\"" };
            Record::new(Level::Warning, "checkout", format!("order {n}"))
                .with_key(&n.to_string())
                .with_trait("n", n)
                .with_trait("name", name)
        })
        .collect()
}

#[tokio::test]
async fn events_are_found_with_the_language_of_the_command() {
    for (name, store, _folder) in stores().await {
        record(&store, events()).await;
        record(&store, [error("payment refused", HOUR)]).await;
        let client = open(&store);
        let titles =
            async |q: &str| client.get(&format!("/events?q={q}")).await.texts("<a class=\"title\"");
        assert_eq!(titles("n=7+and+type=checkout").await, ["order 7"], "{name}");
        assert_eq!(titles("message+~+%22refused%22").await, ["payment refused"], "{name}");
        assert_eq!(titles("type=checkout").await.len(), 50, "{name}");
        let answer = client.get("/events?q=type%3Dcheckout&columns=n").await;
        assert!(
            answer.body.contains("<bdi>n</bdi></th>")
                && !answer.body.contains("<bdi>name</bdi></th>"),
            "{name}"
        );
        let answer = client.get("/events?q=n+42").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        assert!(
            answer.body.contains("expected a comparison") && answer.body.contains("<mark>"),
            "{name}"
        );
        assert!(answer.body.contains("value=\"n 42\""), "{name}: what was typed stays");
    }
}

#[tokio::test]
async fn an_export_has_every_event_and_no_formula() {
    for (name, store, _folder) in stores().await {
        record(&store, events()).await;
        let client = open(&store);
        let answer = client.get("/events/export.jsonl?q=n%3C1100&limit=3").await;
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        assert!(answer.header("content-disposition").contains("attachment"));
        let lines: Vec<serde_json::Value> =
            answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 1_100, "{name}");
        assert_eq!(lines[0]["channel"], "checkout");

        let answer = client.get("/events/export.csv?q=type%3Dcheckout&reverse=true").await;
        assert_eq!(answer.body.lines().count(), 1_201, "{name}");
        let header = answer.body.lines().next().unwrap();
        assert!(
            header.starts_with("time,level,type,message,") && header.ends_with(",n,name"),
            "{header}"
        );
        assert!(answer.body.contains(",0,'=SUM(A1)\r\n"), "{name}");
        assert!(answer.body.contains(",1,\"plain, with \"\"quotes\"\"\"\r\n"), "{name}");
        for path in ["/events/export.csv?q=n+42", "/events/export.jsonl?q=n+42"] {
            assert_eq!(client.get(path).await.status, StatusCode::BAD_REQUEST, "{name}: {path}");
        }
    }
}
