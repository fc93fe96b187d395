//! The JSON API.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use ticket_core::BackendBase as _;

use support::{Client, HOUR, error, id_of, open, record, stores};

async fn get(client: &Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/json"),
        "{path}"
    );
    serde_json::from_str(&answer.body).unwrap()
}

async fn send(client: &Client, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request =
        Request::builder().method(method).uri(path).header("content-type", "application/json");
    let answer = client.send(request.body(Body::from(body)).unwrap()).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
}

#[tokio::test]
async fn lists_are_paged_in_both_directions() {
    for (name, store, _folder) in stores().await {
        record(&store, (0..5_u32).map(|n| error(&format!("error {n}"), HOUR * n))).await;
        let client = open(&store);
        for list in ["/api/v1/tickets", "/api/v1/events"] {
            let messages = |page: &Value| {
                let items = page["items"].as_array().unwrap();
                items
                    .iter()
                    .map(|item| item["message"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
            };
            let first = get(&client, &format!("{list}?limit=2")).await;
            assert_eq!(messages(&first), ["error 0", "error 1"], "{name}: {list}");
            assert_eq!(first["previous"], Value::Null);
            let after = format!("{list}?limit=2&after={}", first["next"].as_str().unwrap());
            let second = get(&client, &after).await;
            assert_eq!(messages(&second), ["error 2", "error 3"], "{name}: {list}");
            let before = format!("{list}?limit=2&before={}", second["previous"].as_str().unwrap());
            assert_eq!(
                messages(&get(&client, &before).await),
                ["error 0", "error 1"],
                "{name}: {list}"
            );
        }
    }
}

#[tokio::test]
async fn a_history_is_paged_in_both_directions() {
    for (name, store, _folder) in stores().await {
        record(&store, [error("one", HOUR)]).await;
        let path = format!("/api/v1/tickets/{}", id_of(&store, "one").await);
        let client = open(&store);
        for number in 1..=5 {
            let note = json!({ "text": format!("note {number}") });
            let (status, _) = send(&client, "POST", &format!("{path}/notes"), &note).await;
            assert_eq!(status, StatusCode::NO_CONTENT, "{name}");
        }
        let list = format!("{path}/history?limit=2");
        let numbers = |page: &Value| {
            let items = page["items"].as_array().unwrap();
            items.iter().map(|item| item["number"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        let first = get(&client, &list).await;
        assert_eq!((numbers(&first), &first["previous"]), (vec![5, 4], &Value::Null), "{name}");
        let next = first["next"].as_str().unwrap();
        let second = get(&client, &format!("{list}&after={next}")).await;
        assert_eq!(numbers(&second), [3, 2], "{name}");
        let next = second["next"].as_str().unwrap();
        let third = get(&client, &format!("{list}&after={next}")).await;
        assert_eq!((numbers(&third), &third["next"]), (vec![1], &Value::Null), "{name}");
        let previous = third["previous"].as_str().unwrap();
        let before = get(&client, &format!("{list}&before={previous}")).await;
        assert_eq!(numbers(&before), [3, 2], "{name}");
        let oldest = get(&client, &format!("{list}&reverse=true")).await;
        assert_eq!(numbers(&oldest), [1, 2], "{name}");
        assert_eq!(
            numbers(&get(&client, &format!("{path}/history")).await),
            [5, 4, 3, 2, 1],
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_share_of_each_value_of_a_trait_is_told() {
    for (name, store, _folder) in stores().await {
        let records = (0..20_u32).map(|n| {
            let record = error("one", HOUR).with_key(&n.to_string()).with_trait("n", n);
            let record = record.with_trait("retried", n % 4 == 0);
            // The number 7 and the text "7" are two values.
            match n {
                0..9 => record.with_trait("code", 7),
                9 => record.with_trait("code", "7"),
                _ => record,
            }
        });
        record(&store, records).await;
        let id = id_of(&store, "one").await;
        let shares = get(&open(&store), &format!("/api/v1/tickets/{id}/traits")).await;
        assert_eq!(
            (&shares["occurrences"], &shares["is_complete"]),
            (&json!(20), &json!(true)),
            "{name}"
        );
        let [code, n, retried] = [0, 1, 2].map(|index| shares["items"][index].clone());
        let expected = json!({ "name": "code", "count": 10, "values": [
            { "kind": "int", "value": 7, "count": 9, "share": 0.9 },
            { "kind": "text", "value": "7", "count": 1, "share": 0.1 },
        ] });
        assert_eq!(code, expected, "{name}");
        assert_eq!(
            (&n["count"], n["values"].as_array().unwrap().len()),
            (&json!(20), 10),
            "{name}"
        );
        let expected = json!({ "name": "retried", "count": 20, "values": [
            { "kind": "bool", "value": false, "count": 15, "share": 0.75 },
            { "kind": "bool", "value": true, "count": 5, "share": 0.25 },
        ] });
        assert_eq!(retried, expected, "{name}");
    }
}

#[tokio::test]
async fn changes_are_idempotent() {
    for (name, store, _folder) in stores().await {
        record(&store, [error("one", HOUR), error("two", HOUR)]).await;
        let (one, two) = (id_of(&store, "one").await, id_of(&store, "two").await);
        let client = open(&store);
        for _ in 0..2 {
            let body = json!({ "status": "solved", "release": "1.5.0" });
            let (status, ticket) =
                send(&client, "PUT", &format!("/api/v1/tickets/{one}/status"), &body).await;
            assert_eq!(
                (status, &ticket["solved_release"]),
                (StatusCode::OK, &json!("1.5.0")),
                "{name}"
            );
            let path = format!("/api/v1/tickets/{two}/merged/{one}");
            let (status, ticket) = send(&client, "PUT", &path, &Value::Null).await;
            if status == StatusCode::OK {
                assert_eq!(ticket["occurrence_count"], 2, "{name}");
            }
            assert_eq!(status, StatusCode::OK, "{name}: {ticket}");
            if store.get_ticket(one).await.unwrap().is_none() {
                let (status, ticket) = send(&client, "PUT", &path, &Value::Null).await;
                assert_eq!(
                    (status, &ticket["occurrence_count"]),
                    (StatusCode::OK, &json!(2)),
                    "{name}"
                );
                break;
            }
        }
        let path = format!("/api/v1/tickets/{two}/merged/{one}");
        assert_eq!(
            send(&client, "DELETE", &path, &Value::Null).await.0,
            StatusCode::NO_CONTENT,
            "{name}"
        );
        assert_eq!(
            send(&client, "DELETE", &path, &Value::Null).await.0,
            StatusCode::NOT_FOUND,
            "{name}"
        );
        let path = format!("/api/v1/tickets/{two}/notes");
        assert_eq!(
            send(&client, "POST", &path, &json!({ "text": "seen" })).await.0,
            StatusCode::NO_CONTENT
        );
        let history = get(&client, &format!("/api/v1/tickets/{two}/history")).await;
        assert_eq!(history["items"][0]["note"], "seen", "{name}");
        let path = format!("/api/v1/tickets/{two}");
        assert_eq!(
            send(&client, "DELETE", &path, &Value::Null).await.0,
            StatusCode::NO_CONTENT,
            "{name}"
        );
        assert_eq!(
            send(&client, "DELETE", &path, &Value::Null).await.0,
            StatusCode::NOT_FOUND,
            "{name}"
        );
    }
}

#[tokio::test]
async fn everything_else_is_answered_too() {
    for (name, store, _folder) in stores().await {
        record(&store, [error("one", HOUR).with_release("1.4.0").with_trait("n", 7)]).await;
        let id = id_of(&store, "one").await;
        let client = open(&store);
        assert_eq!(
            get(&client, "/api/v1/tickets/count?search=one").await,
            json!({ "count": 1 }),
            "{name}"
        );
        assert_eq!(get(&client, &format!("/api/v1/tickets/{id}")).await["message"], "one");
        let occurrences = get(&client, &format!("/api/v1/tickets/{id}/occurrences")).await;
        let event = occurrences["items"][0]["id"].as_str().unwrap();
        let path = format!("/api/v1/tickets/{id}/occurrences/{event}");
        assert_eq!(get(&client, &path).await["traits"], json!({ "n": 7 }), "{name}");
        let sum = |histogram: &Value| {
            let items = histogram["items"].as_array().unwrap();
            items.iter().map(|item| item["count"].as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!(
            sum(&get(&client, &format!("/api/v1/tickets/{id}/histogram")).await),
            1,
            "{name}"
        );
        assert_eq!(sum(&get(&client, "/api/v1/histogram?step=day&since=7d").await), 1, "{name}");
        assert_eq!(
            get(&client, "/api/v1/applications").await,
            json!({ "items": ["shop"] }),
            "{name}"
        );
        assert_eq!(get(&client, "/api/v1/releases").await, json!({ "items": ["1.4.0"] }), "{name}");
        assert_eq!(
            get(&client, "/api/v1/event-types").await,
            json!({ "items": ["shop::checkout"] }),
            "{name}"
        );
        let traits = get(&client, "/api/v1/traits?type=shop::checkout").await;
        assert_eq!(traits, json!({ "items": [{ "name": "n", "kind": "int" }] }), "{name}");
        let values = get(&client, "/api/v1/traits/values?type=shop::checkout&name=n").await;
        assert_eq!(
            (&values["items"][0]["value"], &values["next"]),
            (&json!(7), &Value::Null),
            "{name}"
        );
        let health = get(&client, "/api/v1/health").await;
        assert_eq!(
            (&health["tickets"]["open"], &health["occurrences"]["last_24_hours"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(health["processes"], json!([]), "{name}");
        assert_eq!(health["store"]["schema_version"].is_u64(), name != "memory", "{name}");
        let document = get(&client, "/api/v1/openapi.json").await;
        assert_eq!(document["servers"][0]["url"], "/api/v1");
    }
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_that_says_what_to_write_instead() {
    for (name, store, _folder) in stores().await {
        record(&store, [error("one", HOUR)]).await;
        let id = id_of(&store, "one").await;
        let client = open(&store);
        let status = format!("/api/v1/tickets/{id}/status");
        let notes = format!("/api/v1/tickets/{id}/notes");
        let itself = format!("/api/v1/tickets/{id}/merged/{id}");
        for (method, path, body, part) in [
            ("GET", "/api/v1/tickets?sorted=last", Value::Null, "\"sorted\" is no parameter"),
            ("GET", "/api/v1/tickets?limit=1&limit=2", Value::Null, "limit: write it once"),
            ("GET", "/api/v1/tickets?limit=-1", Value::Null, "whole number"),
            ("GET", "/api/v1/events?q=n+42", Value::Null, "expected a comparison"),
            ("GET", "/api/v1/histogram?since=500d", Value::Null, "for days"),
            ("GET", "/api/v1/tickets/1", Value::Null, "32 hexadecimal digits"),
            ("PUT", status.as_str(), Value::Null, "not the JSON"),
            ("PUT", status.as_str(), json!({ "status": "closed" }), "open, solved or muted"),
            ("PUT", status.as_str(), json!({ "status": "muted", "for": "long" }), "such as 24h"),
            ("PUT", status.as_str(), json!({ "status": "open", "realease": "1" }), "unknown field"),
            ("POST", notes.as_str(), json!({ "text": " " }), "empty"),
            ("PUT", itself.as_str(), Value::Null, "into itself"),
        ] {
            let (status, problem) = send(&client, method, path, &body).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {method} {path}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(part), "{name}: {method} {path}: {detail}");
        }
    }
}
