//! Requests to an axum server on a loopback port: what is recorded of them, and what becomes a ticket.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use std::time::Duration;

use axum::extract::Path;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use support::{Fixture, fetch, request, send, serve, streamed};
use ticket_audit::{EventTracker, LlmEvent, Outcome, TicketHandler};
use ticket_core::{Level, Record, Value};
use ticket_handler::request as current;
use ticket_tower::{IpNet, ProxyHeader, RequestContext};
use tower::Layer as _;

const TROUBLE: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

fn failed(text: &str) -> Outcome {
    Outcome::from_message(text)
}

// What is recorded of a request.

#[tokio::test]
async fn handlers_hear_of_the_whole_request() {
    let fixture = Fixture::new();
    let like = || async {
        let current = RequestContext::current().unwrap();
        current.set_user("ann");
        current.set_attribute("is_admin", true);
        StatusCode::CREATED
    };
    let app = Router::new().route("/posts/{id}/like", post(like)).layer(fixture.layer());
    let address = serve(app).await;

    let mut asked = request("POST", "/posts/17/like?token=secret");
    asked.headers_mut().insert("x-request-id", HeaderValue::from_static("r-4711"));
    let (head, _) = fetch(address, asked).await;
    assert_eq!(head.status, StatusCode::CREATED);

    let heard = fixture.request().await;
    assert_eq!(heard.start.user_request, "POST /posts/17/like");
    assert_eq!(heard.start.id, "r-4711");
    let end = heard.end.unwrap();
    assert_eq!(end.outcome, Outcome::Done);
    assert_eq!(end.http.method.as_deref(), Some("POST"));
    assert_eq!(end.http.path.as_deref(), Some("/posts/17/like"));
    assert_eq!(end.http.route.as_deref(), Some("/posts/{id}/like"));
    assert_eq!(end.http.status, Some(201));
    assert_eq!(end.http.remote_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(end.http.user.as_deref(), Some("ann"));
    assert_eq!(end.http.request_id.as_deref(), Some("r-4711"));
    assert_eq!(end.attributes["is_admin"], true.into());
    assert!(fixture.records().await.is_empty());
}

#[tokio::test]
async fn events_of_the_application_nest_in_the_request() {
    let fixture = Fixture::new();
    let tracker = fixture.tracker.clone();
    let ask = || async move {
        let mut llm = tracker.event(LlmEvent::new("iql", "Who works in Berlin?"));
        llm.response = Some("people".into());
        llm.finish();
        tracker.run("a nested run", async { Ok::<_, std::io::Error>("3 rows") }).await.unwrap()
    };
    let app = Router::new().route("/ask", get(ask)).layer(fixture.layer());
    assert_eq!(support::get(serve(app).await, "/ask").await.1, "3 rows");

    let heard = fixture.request().await;
    assert_eq!(heard.events.len(), 1);
    let end = heard.events[0].end.as_ref().unwrap();
    assert_eq!(end.event.output(), Some("people".into()));
    assert_eq!(heard.end.unwrap().outcome, Outcome::Done);
}

#[tokio::test]
async fn what_is_logged_inside_carries_the_request() {
    let fixture = Fixture::new();
    let _log = fixture.log();
    let spawned = fixture.handler.clone();
    let handler = |Path(id): Path<u32>| async move {
        tracing::info!("looking");
        tracing::error!(id, "no such post");
        let emit = async move { spawned.emit(Record::new(Level::Error, "blog", "spawned")) };
        current::spawn(emit).await.unwrap().unwrap();
    };
    let app = Router::new().route("/posts/{id}", get(handler)).layer(fixture.layer());
    support::get(serve(app).await, "/posts/17").await;

    fixture.requests().await;
    let records = fixture.records().await;
    assert_eq!(records.len(), 2);
    for record in &records {
        let request = record.request.as_ref().unwrap();
        assert_eq!(request.path.as_deref(), Some("/posts/17"));
        assert_eq!(request.route.as_deref(), Some("/posts/{id}"));
        assert_eq!(request.remote_address.as_deref(), Some("127.0.0.1"));
    }
    assert_eq!(records[0].breadcrumbs[0].message, "looking");
}

#[tokio::test]
async fn requests_at_the_same_time_keep_apart() {
    let fixture = Fixture::new();
    let _log = fixture.log();
    let handler = |Path(id): Path<u64>| async move {
        for _ in 0..id % 7 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tracing::error!(id, "broken");
    };
    let app = Router::new().route("/posts/{id}", get(handler)).layer(fixture.layer());
    let address = serve(app).await;
    let paths = (0..40).map(|id| format!("/posts/{id}"));
    futures::future::join_all(paths.map(|path| async move { support::get(address, &path).await }))
        .await;

    assert_eq!(fixture.requests().await.len(), 40);
    let records = fixture.records().await;
    assert_eq!(records.len(), 40);
    for record in records {
        let Value::Int(id) = record.traits["id"] else { panic!("{:?}", record.traits) };
        assert_eq!(record.request.unwrap().path.unwrap(), format!("/posts/{id}"));
    }
}

#[tokio::test]
async fn ignored_paths_and_routes_are_left_out() {
    let fixture = Fixture::new();
    let layer = fixture.layer().with_ignored(["/health", "/assets/{*path}"]);
    let has_context = || async { RequestContext::current().is_some().to_string() };
    let app = Router::new()
        .route("/health", get(has_context))
        .route("/assets/{*path}", get(|| async { TROUBLE }))
        .route("/health/details", get(has_context))
        .layer(layer);
    let address = serve(app).await;
    assert_eq!(support::get(address, "/health").await.1, "false");
    assert_eq!(support::get(address, "/assets/a.css").await.0.status, TROUBLE);
    assert_eq!(support::get(address, "/health/details").await.1, "true");

    let heard = fixture.request().await;
    assert_eq!(heard.start.user_request, "GET /health/details");
    assert!(fixture.records().await.is_empty());
}

#[tokio::test]
async fn chosen_headers_are_recorded_and_redacted() {
    let fixture = Fixture::new();
    let names = [header::USER_AGENT, header::AUTHORIZATION, header::COOKIE, header::ACCEPT];
    let layer = fixture.layer().with_headers(names);
    let app = Router::new().route("/", get(|| async { TROUBLE })).layer(layer);
    let mut asked = request("GET", "/");
    let headers = asked.headers_mut();
    headers.insert(header::USER_AGENT, HeaderValue::from_static("curl/8.5"));
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer aaaabbbbccccdddd"));
    headers.insert(header::COOKIE, HeaderValue::from_static("sid=eeeeffff"));
    headers.insert(header::REFERER, HeaderValue::from_static("https://example.org/"));
    fetch(serve(app).await, asked).await;

    let record = fixture.record().await;
    assert_eq!(record.traits["header.user-agent"], "curl/8.5".into());
    assert!(record.traits.get("header.referer").is_none());
    assert!(record.traits.get("header.accept").is_none());
    let shown = format!("{record:?}");
    assert!(!shown.contains("aaaabbbbccccdddd") && !shown.contains("eeeeffff"), "{shown}");
}

#[tokio::test]
async fn the_user_is_found_in_the_extensions_of_the_request_or_the_response() {
    #[derive(Clone)]
    struct User(&'static str);

    let fixture = Fixture::new();
    let layer = fixture.layer().with_user(|extensions| extensions.get::<User>().map(|user| user.0));
    let app = Router::new()
        .route("/request", get(|| async {}))
        .layer(layer.clone())
        .layer(Extension(User("ann")))
        .merge(
            Router::new().route("/response", get(|| async { Extension(User("bob")) })).layer(layer),
        );
    let address = serve(app).await;
    support::get(address, "/request").await;
    support::get(address, "/response").await;

    let users =
        fixture.requests().await.into_iter().map(|heard| heard.end.unwrap().http.user.unwrap());
    assert_eq!(users.collect::<Vec<_>>(), ["ann", "bob"]);
}

#[tokio::test]
async fn the_id_of_a_request_is_taken_made_and_answered() {
    let fixture = Fixture::new();
    let app = Router::new().route("/", get(|| async {})).layer(fixture.layer());
    let app = app.merge(
        Router::new()
            .route("/own", get(|| async { [("x-trace", "own")] }))
            .layer(fixture.layer().with_request_id_header(HeaderName::from_static("x-trace"))),
    );
    let address = serve(app).await;
    let answered = async |path: &str, name: &'static str, sent: &[&[u8]]| {
        let mut asked = request("GET", path);
        for id in sent {
            asked.headers_mut().append(name, HeaderValue::from_bytes(id).unwrap());
        }
        fetch(address, asked).await.0.headers[name].to_str().unwrap().to_owned()
    };
    assert_eq!(answered("/", "x-request-id", &[b"r-4711"]).await, "r-4711");
    let too_long = [b'a'; 5_000];
    let hostile: [&[&[u8]]; 6] =
        [&[], &[b""], &[b"a\tb"], &[b"\xff\xfe"], &[&too_long], &[b"r-1", b"r-2"]];
    for sent in hostile {
        let id = answered("/", "x-request-id", sent).await;
        assert_eq!(id.len(), 36, "{id} is not a UUID");
        let heard = fixture.requests().await.pop().unwrap();
        assert_eq!(heard.end.unwrap().http.request_id.unwrap(), id);
    }
    assert_eq!(answered("/own", "x-trace", &[b"r-4711"]).await, "own");
    assert_eq!(fixture.requests().await.pop().unwrap().start.id, "r-4711");
}

#[tokio::test]
async fn f44_proxies_are_believed_only_if_they_are_trusted() {
    let address_of =
        async |header: ProxyHeader, trusted: &str, name: &'static str, lines: &[&str]| {
            let fixture = Fixture::new();
            let network: IpNet = trusted.parse().unwrap();
            let layer = fixture.layer().with_trusted_proxies(header, [network]);
            let app = Router::new().route("/", get(|| async {})).layer(layer);
            let mut asked = request("GET", "/");
            for line in lines {
                asked.headers_mut().append(name, HeaderValue::from_str(line).unwrap());
            }
            fetch(serve(app).await, asked).await;
            fixture.request().await.end.unwrap().http.remote_address.unwrap().to_string()
        };
    let (x_name, x) = ("x-forwarded-for", ProxyHeader::XForwardedFor);
    let (f_name, f) = ("forwarded", ProxyHeader::Forwarded);
    let forged = &["6.6.6.6, 203.0.113.7, 127.0.0.2"][..];
    assert_eq!(address_of(x, "10.0.0.0/8", x_name, forged).await, "127.0.0.1");
    assert_eq!(address_of(x, "127.0.0.0/8", x_name, forged).await, "203.0.113.7");
    // The header that the proxies do not write comes from the client.
    assert_eq!(address_of(f, "127.0.0.0/8", x_name, forged).await, "127.0.0.1");
    let forged = &["for=\"6.6.6.6", "for=203.0.113.7;proto=http, for=\"127.0.0.2:80\""][..];
    assert_eq!(address_of(f, "127.0.0.0/8", f_name, forged).await, "203.0.113.7");
    assert_eq!(address_of(x, "127.0.0.0/8", f_name, forged).await, "127.0.0.1");
    let endless = ",".repeat(7_000);
    assert_eq!(address_of(x, "127.0.0.0/8", x_name, &[&endless]).await, "127.0.0.1");
    assert_eq!(
        address_of(f, "127.0.0.0/8", f_name, &["for=x\\\"\\\"\"\"\\\\\","]).await,
        "127.0.0.1"
    );
}

// Failures.

#[tokio::test]
async fn f43_a_500_that_nobody_logged_becomes_a_ticket() {
    let fixture = Fixture::new();
    let app = Router::new().route("/posts/{id}", get(|| async { TROUBLE })).layer(fixture.layer());
    let (head, _) = support::get(serve(app).await, "/posts/17").await;
    assert_eq!(head.status, TROUBLE);

    assert_eq!(fixture.outcome().await, failed("500 Internal Server Error"));
    let record = fixture.record().await;
    assert_eq!(record.level, Level::Error);
    assert_eq!(record.message, "GET /posts/{id}: 500 Internal Server Error");
    let request = record.request.unwrap();
    assert_eq!(request.path.as_deref(), Some("/posts/17"));
    assert_eq!(request.status, Some(500));
    assert!(matches!(record.traits["duration_ms"], Value::Float(_)));
}

#[tokio::test]
async fn a_500_that_was_logged_makes_no_second_ticket() {
    let fixture = Fixture::new();
    let _log = fixture.log();
    let handler = || async {
        tracing::error!("the disk is full");
        TROUBLE
    };
    let app = Router::new().route("/", get(handler)).layer(fixture.layer());
    support::get(serve(app).await, "/").await;

    assert_eq!(fixture.outcome().await, failed("500 Internal Server Error"));
    assert_eq!(fixture.record().await.message, "the disk is full");
}

#[tokio::test]
async fn a_500_after_a_warning_becomes_a_ticket() {
    let fixture = Fixture::new();
    let _log = fixture.log();
    let handler = || async {
        tracing::warn!("the disk is almost full");
        TROUBLE
    };
    let app = Router::new().route("/", get(handler)).layer(fixture.layer());
    support::get(serve(app).await, "/").await;

    let messages = fixture.records().await.into_iter().map(|record| record.message);
    let expected = ["the disk is almost full", "GET /: 500 Internal Server Error"];
    assert_eq!(messages.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn f44_failures_are_grouped_by_method_route_and_status_not_by_path() {
    let fixture = Fixture::new();
    let handler = |method: Method, Path(id): Path<u16>| async move {
        if method == Method::PUT {
            StatusCode::BAD_GATEWAY
        } else {
            StatusCode::from_u16(id).unwrap()
        }
    };
    let app = Router::new()
        .route("/a/{status}", axum::routing::any(handler))
        .route("/b/{status}", get(handler))
        .fallback(|| async { TROUBLE })
        .layer(fixture.layer());
    let address = serve(app).await;
    for (path, tickets) in [
        ("GET /a/500", 1),
        ("GET /a/500?page=2", 1),
        ("GET /a/503", 2),
        ("GET /b/503", 3),
        ("PUT /a/1", 4),
        ("PUT /a/2", 4),
        // Clients choose paths and methods. They must not be able to make any number of tickets.
        ("GET /unknown", 5),
        ("GET /also/unknown", 5),
        ("HACK /a/500", 6),
        ("CRACK /a/500", 6),
    ] {
        let (method, path) = path.split_once(' ').unwrap();
        fetch(address, request(method, path)).await;
        assert_eq!(fixture.tickets().await, tickets, "{method} {path}");
    }
}

#[tokio::test]
async fn the_application_decides_which_statuses_are_failures() {
    let fixture = Fixture::new();
    let layer = fixture.layer().with_failures(|status| status == StatusCode::CONFLICT);
    let handler = |Path(status): Path<u16>| async move { StatusCode::from_u16(status).unwrap() };
    let app = Router::new().route("/{status}", get(handler)).layer(layer);
    let address = serve(app).await;
    for status in [200, 404, 409, 500] {
        support::get(address, &format!("/{status}")).await;
    }
    let requests = fixture.requests().await;
    let outcomes = requests.into_iter().map(|heard| heard.end.unwrap().outcome);
    let expected = [Outcome::Done, Outcome::Done, failed("409 Conflict"), Outcome::Done];
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    assert_eq!(fixture.record().await.message, "GET /{status}: 409 Conflict");
}

#[tokio::test]
async fn a_failed_event_that_a_ticket_handler_reports_and_its_5xx_are_one_ticket() {
    let fixture = Fixture::new();
    let tickets = TicketHandler::new(fixture.handler.clone());
    fixture.tracker.use_event_handler(tickets).unwrap();
    let tracker = fixture.tracker.clone();
    let handler = || async move {
        let event = tracker.event(LlmEvent::new("iql", "Who works in Berlin?"));
        event.fail(&std::io::Error::other("no answer"));
        TROUBLE
    };
    let app = Router::new()
        .route("/event", get(handler))
        .route("/status", get(|| async { TROUBLE }))
        .layer(fixture.layer());
    let address = serve(app).await;
    for path in ["/event", "/status"] {
        support::get(address, path).await;
        fixture.requests().await;
    }
    let records = fixture.records().await;
    let messages: Vec<_> = records.iter().map(|record| record.message.as_str()).collect();
    assert_eq!(messages, ["llm failed: no answer", "GET /status: 500 Internal Server Error"]);
    assert_eq!(records[0].request.as_ref().unwrap().route.as_deref(), Some("/event"));
}

// How a request ends.

#[tokio::test]
async fn f41_a_client_that_goes_away_before_the_response_drops_the_request() {
    let fixture = Fixture::new();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let started = std::sync::Arc::new(std::sync::Mutex::new(Some(started)));
    let handler = || async move {
        let sender = started.lock().unwrap().take();
        sender.unwrap().send(()).unwrap();
        std::future::pending::<()>().await;
    };
    let app = Router::new().route("/", get(handler)).layer(fixture.layer());
    let address = serve(app).await;
    let client = tokio::spawn(async move { support::get(address, "/").await });
    has_started.await.unwrap();
    client.abort();

    let end = fixture.request().await.end.unwrap();
    assert_eq!((end.outcome, end.http.status), (Outcome::Dropped, None));
    assert!(fixture.records().await.is_empty());
}

#[tokio::test]
async fn a_streaming_body_ends_the_request_with_its_end() {
    let fixture = Fixture::new();
    let (end, has_ended) = tokio::sync::oneshot::channel::<()>();
    let end_it = std::sync::Arc::new(std::sync::Mutex::new(Some(has_ended)));
    let handler = || async move {
        let has_ended = end_it.lock().unwrap().take().unwrap();
        let first = futures::stream::iter([Ok::<_, std::io::Error>("first")]);
        let last = futures::stream::once(async move {
            has_ended.await.unwrap();
            assert!(RequestContext::current().is_some(), "the body is polled outside its request");
            Ok("last")
        });
        axum::body::Body::from_stream(futures::StreamExt::chain(first, last))
    };
    let app = Router::new().route("/", get(handler)).layer(fixture.layer());
    let response = send(serve(app).await, request("GET", "/")).await;

    fixture.tracker.flush(support::LONG).await.unwrap();
    assert!(fixture.buffered()[0].end.is_none(), "the request ended before its body");
    end.send(()).unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
    assert_eq!(body.to_bytes(), "firstlast");
    assert_eq!(fixture.outcome().await, Outcome::Done);
}

#[tokio::test]
async fn f43_a_streaming_body_that_fails_becomes_a_ticket() {
    let fixture = Fixture::new();
    let handler = || async { streamed(&["a", "b"], || Some(std::io::Error::other("disk gone"))) };
    let app = Router::new().route("/export", get(handler)).layer(fixture.layer());
    let response = send(serve(app).await, request("GET", "/export")).await;
    assert_eq!(response.status(), StatusCode::OK);
    http_body_util::BodyExt::collect(response.into_body()).await.unwrap_err();

    assert_eq!(fixture.outcome().await, failed("the body of the response failed: disk gone"));
    let record = fixture.record().await;
    assert_eq!(record.message, "GET /export: the body of the response failed: disk gone");
}

#[tokio::test]
async fn f41_a_client_that_goes_away_within_the_body_drops_the_request() {
    let fixture = Fixture::new();
    let handler = || async {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 10_000]));
        axum::body::Body::from_stream(endless)
    };
    let app = Router::new().route("/", get(handler)).layer(fixture.layer());
    let response = send(serve(app).await, request("GET", "/")).await;
    drop(response);

    let end = fixture.request().await.end.unwrap();
    assert_eq!((end.outcome, end.http.status), (Outcome::Dropped, Some(200)));
    assert!(fixture.records().await.is_empty());
}

#[tokio::test]
async fn f41_a_failure_stays_one_if_the_client_does_not_wait_for_its_body() {
    let fixture = Fixture::new();
    let handler = || async {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 10_000]));
        (TROUBLE, axum::body::Body::from_stream(endless))
    };
    let app = Router::new().route("/", get(handler)).layer(fixture.layer());
    drop(send(serve(app).await, request("GET", "/")).await);
    assert_eq!(fixture.outcome().await, failed("500 Internal Server Error"));
    assert_eq!(fixture.records().await.len(), 1);
}

#[tokio::test]
async fn responses_without_a_body_are_complete() {
    let fixture = Fixture::new();
    let sized = || async {
        // hyper does not poll a body again that has yielded as much as the header says.
        ([(header::CONTENT_LENGTH, "2")], streamed(&["a", "b"], || panic!("polled once too often")))
    };
    let endless = || async {
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>("chunk"));
        axum::body::Body::from_stream(chunks).into_response()
    };
    let app = Router::new()
        .route("/text", get(|| async { "Hello" }))
        .route("/empty", get(|| async {}))
        .route("/sized", get(sized))
        .route("/204", get(|| async { StatusCode::NO_CONTENT }))
        .route("/304", get(|| async { (StatusCode::NOT_MODIFIED, streamed(&["a"], || None)) }))
        .route("/endless", get(endless))
        .layer(fixture.layer());
    let address = serve(app).await;
    let asked = [
        "GET /text",
        "HEAD /text",
        "GET /empty",
        "GET /sized",
        "GET /204",
        "GET /304",
        "HEAD /endless",
        "GET /unknown",
    ];
    for line in asked {
        let (method, path) = line.split_once(' ').unwrap();
        fetch(address, request(method, path)).await;
    }
    let requests = fixture.requests().await;
    assert_eq!(requests.len(), asked.len());
    for heard in requests {
        assert_eq!(heard.end.unwrap().outcome, Outcome::Done, "{}", heard.start.user_request);
    }
    assert!(fixture.records().await.is_empty());
}

// Layers within one another.

#[tokio::test]
async fn a_layer_around_a_router_and_one_inside_make_one_request() {
    let fixture = Fixture::new();
    let app = Router::new()
        .route("/posts/{id}", get(|| async { TROUBLE }))
        .layer(fixture.layer())
        .layer(fixture.layer());
    let app = Router::new().fallback_service(fixture.layer().layer(app));
    let (head, _) = support::get(serve(app).await, "/posts/17").await;
    assert_eq!(head.headers.get_all("x-request-id").iter().count(), 1);

    let end = fixture.request().await.end.unwrap();
    assert_eq!(end.http.route.as_deref(), Some("/posts/{id}"));
    assert_eq!(fixture.record().await.message, "GET /posts/{id}: 500 Internal Server Error");
}

#[tokio::test]
async fn layers_within_one_another_make_one_request_without_any_handler() {
    let fixture = Fixture::new();
    let layer = fixture.layer().with_tracker(EventTracker::builder().build().unwrap());
    let app = Router::new().route("/", get(|| async { TROUBLE })).layer(layer.clone()).layer(layer);
    let (head, _) = support::get(serve(app).await, "/").await;
    let request = fixture.record().await.request.unwrap();
    assert_eq!(request.request_id.unwrap().as_bytes(), head.headers["x-request-id"].as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_request_ends_exactly_once_whatever_becomes_of_it() {
    let fixture = Fixture::new();
    let handler = |Path(id): Path<u64>| async move {
        tokio::time::sleep(Duration::from_millis(id % 5)).await;
        match id % 4 {
            0 => "done".into_response(),
            1 => TROUBLE.into_response(),
            2 => streamed(&["a", "b", "c"], || None).into_response(),
            _ => streamed(&["a"], || Some(std::io::Error::other("gone"))).into_response(),
        }
    };
    let app = Router::new().route("/{id}", get(handler)).layer(fixture.layer());
    let address = serve(app).await;
    let ask = |id: u64| async move {
        let asked = async {
            let mut sender = support::connect(address).await;
            let response = sender.send_request(request("GET", &format!("/{id}"))).await;
            // If the body fails before the server has sent the head, there is no response.
            if let Ok(response) = response {
                let _ = http_body_util::BodyExt::collect(response.into_body()).await;
            }
        };
        // Some clients lose their patience.
        let patience = Duration::from_millis(if id.is_multiple_of(3) { id % 11 } else { 10_000 });
        let _ = tokio::time::timeout(patience, asked).await;
    };
    futures::future::join_all((0..200).map(ask)).await;

    let requests = fixture.requests().await;
    assert!((100..=200).contains(&requests.len()), "{} requests", requests.len());
    let failures = requests.iter().filter(|heard| heard.end.as_ref().unwrap().outcome.is_failure());
    assert_eq!(failures.count(), fixture.records().await.len());
    assert_eq!(fixture.tracker.stats().handlers[0].failures(), 0);
}
