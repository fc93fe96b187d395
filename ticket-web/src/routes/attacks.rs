//! Every route × hostile parameters: F21 and F23.
//!
//! The routes come from the router's own list. A route, a parameter or a form that these tests do not know fails them, so none
//! can be added without saying what it refuses.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use ticket_core::{
    Author, EventQuery, HistoryQuery, Level, Note, OccurrenceQuery, Record, Store, TicketFilter,
    TicketQuery, TicketingBaseHandler as _,
};
use ticket_direct::{HandlerOptions, TicketingHandler};
use ticket_memory::MemoryBackend;
use ticket_sqlite::SqliteBackend;
use tower::ServiceExt as _;

use super::*;
use crate::params::Params;
use crate::{Access, Dashboard, Permission};

/// Texts that would mean something to a database, a template, a header, a path or a terminal.
const HOSTILE: [&str; 18] = [
    "' OR '1'='1",
    "'; DROP TABLE ticketing_tickets; --",
    "\") UNION SELECT * FROM sqlite_master --",
    "{\"$gt\":\"\"}",
    "{\"$where\":\"sleep(10000)\"}",
    "\"><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}",
    "%",
    "_",
    "\\",
    "\0",
    "(a+)+$",
    "../../../etc/passwd",
    "\r\nset-cookie: stolen=1",
    "\u{202e}\u{1b}[31m",
    "1e999",
    "🦀",
];

/// What no id of a ticket or an occurrence looks like, percent-encoded.
fn no_ids() -> Vec<String> {
    let texts = HOSTILE.map(str::to_owned).into_iter().chain([
        "0".to_owned(),
        "-1".to_owned(),
        "0".repeat(31),
        "0".repeat(33),
        "g".repeat(32),
        "0".repeat(4_000),
        "𝟘".repeat(32),
        " ".to_owned(),
    ]);
    let encoded = texts.map(|text| {
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
    });
    encoded.chain(["%FF".to_owned(), "%C3%28".to_owned()]).collect()
}

/// Returns values that a parameter refuses. Where every text is possible, there are none.
fn impossible(name: &str) -> Vec<String> {
    let texts: &[&str] = match name {
        "limit" => &["-1", "0", "1001", "1e3", "0x10", " 5", "5;", "NaN", "18446744073709551616"],
        "sort" => &["message", "last desc", "count;--", "LAST", "__proto__", "1"],
        "reverse" => &["1", "TRUE", "yes", "desc"],
        "status" => &["closed", "open,solved", "1", "OPEN"],
        "level" => &["fatal!", "-1", "ERROR", "error,info"],
        "step" => &["minute", "0", "HOUR"],
        "since" | "until" => &["yesterday", "-5m", "1e18", "9999-99-99", "2024-02-30", "5 m; --"],
        "id" => &["xyz", "-1", "0x0"],
        "q" => &[
            "n 42",
            "n = ",
            "= 42",
            "n = 1; DROP TABLE ticketing_tickets",
            "message ~ \"open",
            "n = 1 and",
            "((((n = 1)))",
            "type = 1' OR '1'='1",
            "{\"$gt\":\"\"}",
            "not",
        ],
        "after" | "before" => &["x", "-1", "AAAA", "1e18", "{\"$gt\":\"\"}", "last-desc"],
        "app" | "channel" | "release" | "environment" | "search" | "type" | "name" | "columns"
        | "next" => {
            return Vec::new();
        }
        other => panic!("say which values the parameter {other} refuses"),
    };
    let mut values: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    // An expression may be any text in quotes, and the beginning of an id any hexadecimal number.
    let hostile = HOSTILE.into_iter().filter(|text| {
        name != "q" && !(name == "id" && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    values.extend(hostile.map(str::to_owned));
    match name {
        "id" => values.push("0".repeat(33)),
        "q" => {
            values.push(format!("{}n=1{}", "(".repeat(2_000), ")".repeat(2_000)));
            let many = (0..33).map(|number| format!("n={number}")).collect::<Vec<_>>();
            values.push(many.join(" and "));
            values.push(many.join(" or "));
        }
        "after" | "before" => values.push("A".repeat(6_000)),
        _ => {}
    }
    values
}

/// Returns the parameters that a route reads from the query string.
fn parameters(document: &Value, route: &Route) -> Vec<String> {
    if let Some(path) = route.path.strip_prefix("/api/v1") {
        let operation = &document["paths"][path][route.method.as_str().to_lowercase()];
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names = parameters.iter().filter(|parameter| parameter["in"] == "query");
        return names.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
    }
    let filters = crate::ticket_params::FILTERS;
    let names: Vec<&str> = match route.path {
        "/" => [&filters[..], &crate::ticket_params::ORDER].concat(),
        "/live" => [&filters[..], &["sort", "reverse", "limit"]].concat(),
        "/events" => crate::event_params::NAMES.into(),
        "/events/export.jsonl" | "/events/export.csv" => {
            vec!["q", "app", "since", "until", "reverse", "columns"]
        }
        "/sign-in" => vec!["next"],
        "/health"
        | "/assets/{asset}"
        | "/tickets/change"
        | "/tickets/{ticket}"
        | "/tickets/{ticket}/markdown"
        | "/tickets/{ticket}/notes"
        | "/tickets/{ticket}/occurrences/{occurrence}"
        | "/tickets/{ticket}/occurrences/{occurrence}/markdown"
        | "/tickets/{ticket}/unmerge"
        | "/sign-out"
        | "/theme" => Vec::new(),
        other => panic!("say which parameters {other} has"),
    };
    names.into_iter().map(str::to_owned).collect()
}

/// Returns bodies that a route refuses.
fn refused_bodies(route: &Route, ids: &Ids) -> Vec<Vec<u8>> {
    let Ids { ticket, other, .. } = ids;
    let texts: Vec<String> = match (route.method.as_str(), route.path) {
        ("POST", "/tickets/change") => {
            let mut forms: Vec<String> = [
                "action=solve",
                "action=solve&id=x",
                "action=solve&all=1&filter=status%3Dclosed",
                "action=delete&all=1&filter=limit%3D1%26since%3Dnever",
            ]
            .map(str::to_owned)
            .into();
            let of_ticket = [
                "mute&for=long",
                "solve&solved_in=release",
                "solve&solved_in=never",
                "merge",
                "drop",
            ];
            forms.extend(of_ticket.map(|action| format!("action={action}&id={ticket}")));
            let merge = format!("action=merge&confirmed=true&id={ticket}&id={other}");
            forms.extend([format!("{merge}&into={}", "0".repeat(32)), merge]);
            for text in HOSTILE {
                let form = Params::default().with("action", "delete").with("confirmed", "true");
                forms.push(form.with("id", text).to_string());
                forms.push(form.with("action", text).with("id", ticket).to_string());
            }
            forms
        }
        ("POST", "/tickets/{ticket}/notes") => vec!["text=".to_owned(), "text=%20%0A".to_owned()],
        ("POST", "/tickets/{ticket}/unmerge") => {
            let hostile = HOSTILE.map(|text| Params::default().with("from", text).to_string());
            hostile.into_iter().chain([format!("from={other}")]).collect()
        }
        ("POST", "/theme") => HOSTILE.map(|text| format!("theme={text}")).into(),
        ("POST", "/sign-in") => HOSTILE.map(|text| format!("token={text}")).into(),
        ("PUT", "/api/v1/tickets/{ticket}/status") => {
            let mut documents: Vec<String> = [
                r#"{}"#,
                r#"{"status":null}"#,
                r#"{"status":"closed"}"#,
                r#"{"status":{"$gt":""}}"#,
                r#"{"status":["open"]}"#,
                r#"{"status":"open","ticket":1}"#,
                r#"{"status":"open","status":"solved"}"#,
                r#"{"status":"muted","for":"-1h"}"#,
                r#"{"status":"muted","for":9e99}"#,
                r#"{"status":"solved","release":"1","in_next_release":true}"#,
                r#"{"status":"solved","in_next_release":"yes"}"#,
            ]
            .map(str::to_owned)
            .into();
            documents.extend(HOSTILE.map(|text| serde_json::json!({ "status": text }).to_string()));
            documents
        }
        ("POST", "/api/v1/tickets/{ticket}/notes") => [
            r#"{}"#,
            r#"{"text":""}"#,
            r#"{"text":" \n"}"#,
            r#"{"text":{"$gt":""}}"#,
            r#"{"text":"x","by":"root"}"#,
            r#"{"text":"\ud800"}"#,
        ]
        .map(str::to_owned)
        .into(),
        // They read no body.
        ("DELETE", "/api/v1/tickets/{ticket}")
        | ("PUT" | "DELETE", "/api/v1/tickets/{ticket}/merged/{from}")
        | ("POST", "/sign-out")
        | ("GET", _) => return Vec::new(),
        (method, path) => panic!("say which bodies {method} {path} refuses"),
    };
    let malformed = [
        Vec::new(),
        b"\xff\xfe\0".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"[".repeat(100_000),
        b"{\"a\":".repeat(30_000),
    ];
    texts.into_iter().map(String::into_bytes).chain(malformed).collect()
}

/// What is stored.
struct Ids {
    ticket: String,
    other: String,
    occurrence: String,
}

struct Target {
    name: &'static str,
    store: Arc<dyn Store>,
    app: Router,
    ids: Ids,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn targets() -> Vec<Target> {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let file = format!("sqlite:{}", folders[1].path().join("t.db").display());
    let stores: [(_, Arc<dyn Store>); 2] = [
        ("memory", Arc::new(MemoryBackend::new())),
        ("sqlite", Arc::new(SqliteBackend::from_uri(&file).unwrap())),
    ];
    let mut targets = Vec::new();
    for ((name, store), folder) in stores.into_iter().zip(folders) {
        store.setup_backend().await.unwrap();
        let options = HandlerOptions::new("shop");
        let handler = TicketingHandler::new(Arc::clone(&store), options).await.unwrap();
        for number in 0..6_i64 {
            let ticket = if number % 2 == 0 { "refused" } else { "lost" };
            let record = Record::new(Level::Error, "checkout", format!("payment {ticket}"));
            let record = record.with_fingerprint(ticket).with_trait("n", number);
            handler.emit(record.with_release("1.0.0")).await.unwrap();
        }
        let tickets = store.get_tickets(&TicketQuery::new()).await.unwrap().items;
        let [ticket, other] = [&tickets[0], &tickets[1]].map(|ticket| ticket.id);
        for _ in 0..3 {
            store.add_note(ticket, Note::new("seen", Author::unknown())).await.unwrap();
        }
        let occurrences = store.get_occurrences(ticket, &OccurrenceQuery::new()).await.unwrap();
        let occurrence = occurrences.items[0].record.id.to_string();
        let ids = Ids { ticket: ticket.to_string(), other: other.to_string(), occurrence };
        let access = Access::decided_by(|_| Permission::All);
        let app = Dashboard::new(Arc::clone(&store), access).into_router();
        targets.push(Target { name, store, app, ids, _folder: folder });
    }
    targets
}

impl Target {
    /// Fills the parameters of a path with what is stored.
    fn address(&self, path: &str) -> String {
        let Ids { ticket, other, occurrence } = &self.ids;
        path.replace("{ticket}", ticket)
            .replace("{from}", other)
            .replace("{occurrence}", occurrence)
            .replace("{asset}", &crate::assets::style()["/assets/".len()..])
    }

    /// Everything in the store.
    async fn contents(&self) -> String {
        let all = TicketQuery::new().with_filter(TicketFilter::new()).with_limit(1_000);
        let tickets = self.store.get_tickets(&all).await.unwrap().items;
        let mut contents = format!("{tickets:?}");
        for ticket in &tickets {
            let query = OccurrenceQuery::new().with_limit(1_000);
            let occurrences = self.store.get_occurrences(ticket.id, &query).await.unwrap();
            let query = HistoryQuery::new().with_limit(1_000);
            let history = self.store.get_history(ticket.id, &query).await.unwrap();
            contents.push_str(&format!("{:?}{:?}", occurrences.items, history.items));
        }
        let events = self.store.get_events(&EventQuery::new().with_limit(1_000)).await.unwrap();
        contents + &format!("{:?}", events.items)
    }

    /// Sends a request. It has to be answered within a second; one that takes longer because the machine had something else
    /// to do does not take longer three times.
    async fn send(&self, method: &Method, address: &str, body: &[u8]) -> Answer {
        let what = format!("{}: {method} {}", self.name, &address[..address.len().min(300)]);
        for attempt in 1.. {
            let request =
                Request::builder().method(method).uri(address).header("host", "localhost");
            let request = request.body(Body::from(body.to_vec())).unwrap_or_else(|error| {
                panic!("{what}: {error}");
            });
            let start = Instant::now();
            let response = self.app.clone().oneshot(request).await.unwrap();
            let (status, headers) = (response.status(), response.headers().clone());
            let is_stream = headers.get("content-type").is_some_and(|of| of == "text/event-stream");
            let body = if is_stream {
                String::new()
            } else {
                let body = response.into_body().collect().await.unwrap().to_bytes();
                String::from_utf8(body.to_vec()).unwrap()
            };
            let is_late = start.elapsed() >= Duration::from_millis(900);
            if is_late && attempt < 3 {
                continue;
            }
            assert!(!is_late, "{what}: answered after {:?}", start.elapsed());
            assert!(!status.is_server_error(), "{what}: {status}: {body}");
            let is_page =
                headers.get("content-type").is_some_and(|of| of == "text/html; charset=utf-8");
            assert!(!is_page || !body.contains("<script>alert"), "{what}: {body}");
            assert!(
                headers
                    .get("set-cookie")
                    .is_none_or(|cookie| { !cookie.to_str().unwrap().contains("stolen") })
            );
            return Answer { status, headers, body };
        }
        unreachable!("the last attempt returns")
    }

    /// Sends a request that is to be refused with one of these statuses, and with an explanation.
    async fn refuse(&self, method: &Method, address: &str, body: &[u8], statuses: &[StatusCode]) {
        let answer = self.send(method, address, body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        let what = format!(
            "{}: {method} {} {shown:?}: {}: {}",
            self.name,
            &address[..address.len().min(300)],
            answer.status,
            answer.body.chars().take(1_000).collect::<String>()
        );
        assert!(statuses.contains(&answer.status), "{what}");
        let content_type = answer.headers["content-type"].to_str().unwrap();
        let detail = if address.starts_with("/api/") {
            assert_eq!(content_type, "application/problem+json", "{what}");
            let problem: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(problem["status"], answer.status.as_u16(), "{what}");
            problem["detail"].as_str().unwrap().to_owned()
        } else {
            assert_eq!(content_type, "text/html; charset=utf-8", "{what}");
            answer.body
        };
        assert!(detail.len() > 20 && !detail.contains("could not be read.<"), "{what}");
    }
}

/// The addresses of the API that do not look at the names of parameters.
const LENIENT: [&str; 1] = ["/api/v1/health"];

const WRONG: &[StatusCode] = &[StatusCode::BAD_REQUEST];
const WRONG_OR_MISSING: &[StatusCode] = &[StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND];

#[tokio::test]
async fn f21_every_route_refuses_what_it_cannot_mean() {
    for target in targets().await {
        let before = target.contents().await;
        let document: Value = serde_json::from_str(
            &target.send(&Method::GET, "/api/v1/openapi.json", b"").await.body,
        )
        .unwrap();
        for route in all() {
            let Route { method, path, .. } = &route;
            let valid = target.address(path);
            for name in parameters(&document, &route) {
                for value in impossible(&name) {
                    let query = Params::default().with(&name, &value).suffix();
                    target.refuse(method, &format!("{valid}{query}"), b"", WRONG).await;
                }
            }
            if path.starts_with("/api/") && !LENIENT.contains(path) {
                for name in ["limits", "$where", "'; --"] {
                    let query = Params::default().with(name, "1").suffix();
                    target.refuse(method, &format!("{valid}{query}"), b"", WRONG).await;
                }
            }
            for length in [9_000, 60_000] {
                let long = format!("{valid}?search={}", "a".repeat(length));
                target.refuse(method, &long, b"", WRONG).await;
            }
            for part in ["{ticket}", "{from}", "{occurrence}", "{asset}"] {
                if !path.contains(part) {
                    continue;
                }
                for id in no_ids() {
                    let address = target.address(&path.replace(part, &id));
                    let body: &[u8] = match *path {
                        "/api/v1/tickets/{ticket}/status" => br#"{"status":"solved"}"#,
                        "/api/v1/tickets/{ticket}/notes" => br#"{"text":"x"}"#,
                        _ => b"text=x",
                    };
                    target.refuse(method, &address, body, WRONG_OR_MISSING).await;
                }
            }
        }
        assert_eq!(target.contents().await, before, "{}", target.name);
    }
}

#[tokio::test]
async fn f21_every_text_is_possible_where_a_text_is_asked_for() {
    for target in targets().await {
        let before = target.contents().await;
        let document: Value = serde_json::from_str(
            &target.send(&Method::GET, "/api/v1/openapi.json", b"").await.body,
        )
        .unwrap();
        for route in all().into_iter().filter(|route| route.method == Method::GET) {
            let valid = target.address(route.path);
            let plain = target.send(&Method::GET, &valid, b"").await.status;
            for name in parameters(&document, &route) {
                if !impossible(&name).is_empty() {
                    continue;
                }
                let long = "a".repeat(6_000);
                for text in HOSTILE.into_iter().chain([long.as_str()]) {
                    let query = Params::default().with(&name, text).suffix();
                    let status =
                        target.send(&Method::GET, &format!("{valid}{query}"), b"").await.status;
                    assert_eq!(status, plain, "{}: {valid}{query}", target.name);
                }
            }
        }
        for text in HOSTILE {
            // As a value in an expression, with its quotes escaped.
            let literal = ticket_query::literal(&ticket_core::Value::from(text));
            let name = ticket_query::trait_name(text);
            for expression in
                [format!("name = {literal}"), format!("message ~ {literal}"), format!("{name} = 1")]
            {
                let query = Params::default().with("q", &expression).suffix();
                for path in ["/events", "/events/export.csv", "/api/v1/events"] {
                    let answer = target.send(&Method::GET, &format!("{path}{query}"), b"").await;
                    assert_eq!(answer.status, StatusCode::OK, "{}: {path}{query}", target.name);
                }
            }
        }
        assert_eq!(target.contents().await, before, "{}", target.name);
    }
}

/// The order to which the cursors of a list belong.
fn order(path: &str) -> &'static str {
    match path {
        "/" | "/api/v1/tickets" => "tickets",
        "/events" | "/api/v1/events" => "events",
        "/api/v1/tickets/{ticket}/occurrences" => "occurrences",
        "/api/v1/tickets/{ticket}/history" => "history",
        "/api/v1/traits/values" => "traits",
        other => panic!("say to which order the cursors of {other} belong"),
    }
}

#[tokio::test]
async fn f21_a_cursor_of_another_order_is_refused() {
    for target in targets().await {
        let ticket = target.address("/api/v1/tickets/{ticket}");
        let lists = [
            ("tickets", "/api/v1/tickets?limit=1".to_owned()),
            ("tickets by count", "/api/v1/tickets?limit=1&sort=count".to_owned()),
            ("tickets, reversed", "/api/v1/tickets?limit=1&reverse=true".to_owned()),
            ("events", "/api/v1/events?limit=1".to_owned()),
            ("occurrences", format!("{ticket}/occurrences?limit=1")),
            ("history", format!("{ticket}/history?limit=1")),
            ("traits", "/api/v1/traits/values?type=checkout&limit=1".to_owned()),
        ];
        let mut cursors = Vec::new();
        for (order, list) in lists {
            let answer = target.send(&Method::GET, &list, b"").await;
            let page: Value = serde_json::from_str(&answer.body).unwrap();
            let cursor = page["next"].as_str().unwrap_or_else(|| panic!("{list}: {page}"));
            cursors.push((order, cursor.to_owned()));
        }
        let document: Value = serde_json::from_str(
            &target.send(&Method::GET, "/api/v1/openapi.json", b"").await.body,
        )
        .unwrap();
        let mut tried = 0;
        for route in all().into_iter().filter(|route| route.method == Method::GET) {
            let names = parameters(&document, &route);
            let valid = target.address(route.path);
            for (of, cursor) in &cursors {
                for name in ["after", "before"]
                    .into_iter()
                    .filter(|name| names.contains(&(*name).to_owned()))
                {
                    let query = Params::default().with(name, cursor).suffix();
                    let address = format!("{valid}{query}");
                    // The cursor of the next page is one of the reversed order for a page before.
                    let fits = if name == "before" {
                        order(route.path) == "tickets" && *of == "tickets, reversed"
                    } else {
                        order(route.path) == *of
                    };
                    if fits {
                        let answer = target.send(&Method::GET, &address, b"").await;
                        assert_eq!(answer.status, StatusCode::OK, "{}: {address}", target.name);
                    } else {
                        target.refuse(&Method::GET, &address, b"", WRONG).await;
                    }
                    tried += 1;
                }
            }
            if names.contains(&"before".to_owned()) {
                let both = format!("{valid}?after={0}&before={0}", cursors[0].1);
                target.refuse(&Method::GET, &both, b"", WRONG).await;
            }
        }
        assert!(tried > 80, "{tried}");
    }
}

#[tokio::test]
async fn f21_every_change_refuses_what_is_no_form_or_document_of_its_own() {
    for target in targets().await {
        let before = target.contents().await;
        for route in all().into_iter().filter(|route| route.method != Method::GET) {
            let address = target.address(route.path);
            let statuses = match route.path {
                // There is no sign-in here.
                "/sign-in" => &[StatusCode::FORBIDDEN][..],
                _ => WRONG_OR_MISSING,
            };
            for body in refused_bodies(&route, &target.ids) {
                target.refuse(&route.method, &address, &body, statuses).await;
            }
            // Signing out reads nothing.
            if route.path != "/sign-out" {
                let large = vec![b'a'; MAX_BODY + 1];
                let too_large = &[StatusCode::PAYLOAD_TOO_LARGE];
                target.refuse(&route.method, &address, &large, too_large).await;
            }
        }
        assert_eq!(target.contents().await, before, "{}", target.name);
    }
}

#[tokio::test]
async fn f23_following_every_link_changes_nothing() {
    for target in targets().await {
        let before = target.contents().await;
        let mut seen = BTreeSet::new();
        let mut left: Vec<String> = all()
            .iter()
            .filter(|route| route.method == Method::GET)
            .map(|route| target.address(route.path))
            .collect();
        while let Some(address) = left.pop() {
            // Many links differ in their filters only.
            if seen.len() > 150 || !seen.insert(address.clone()) {
                continue;
            }
            let answer = target.send(&Method::GET, &address, b"").await;
            for name in [" href=\"", " src=\"", " action=\"", " formaction=\""] {
                let links = answer.body.split(name).skip(1);
                let links = links.filter_map(|rest| rest.split('"').next());
                let links = links.map(|link| link.replace("&#38;", "&").replace("&amp;", "&"));
                left.extend(links.filter(|link| link.starts_with('/')));
            }
        }
        assert!(seen.len() > 100, "{}", seen.len());
        assert!(seen.contains("/tickets/change"), "the addresses of forms, too");
        assert_eq!(target.contents().await, before, "{}", target.name);
    }
}
