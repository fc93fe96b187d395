//! Where a dashboard can be mounted, and what every response has.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use ticket_core::backend::async_trait;
use ticket_core::{
    BackendBase, EventStore, Page, ProcessReport, Result, Store, Ticket, TicketId, TicketQuery,
    Timestamp, forward_backend, forward_event_store,
};
use ticket_memory::MemoryBackend;
use ticket_web::{Access, Dashboard, Grant, Permission};
use tokio::time::Instant;

use support::{Client, HOUR, error, id_of, open, record, record_as, stores};

fn everybody() -> Access {
    Access::decided_by(|_| Permission::All)
}

async fn filled() -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(MemoryBackend::new());
    record(&store, [error("payment refused", HOUR)]).await;
    store
}

#[tokio::test]
async fn links_begin_with_the_path_of_the_mount_and_lead_to_pages() {
    let store = filled().await;
    let dashboard = || ticket_web::router(store.clone(), everybody());
    let with_prefix = |prefix: &str| {
        Dashboard::new(store.clone(), everybody()).with_prefix(prefix).unwrap().into_router()
    };
    let mounts = [
        ("/", "", dashboard()),
        ("/", "", Router::new().fallback_service(dashboard())),
        ("/", "", Router::new().route("/host", get(|| async {})).merge(dashboard())),
        (
            "/admin/errors",
            "/admin/errors",
            Router::new().nest_service("/admin/errors", dashboard()),
        ),
        (
            "/admin/errors/",
            "/admin/errors",
            Router::new().nest_service("/admin/errors", dashboard()),
        ),
        ("/admin/errors", "/admin/errors", Router::new().nest("/admin/errors", dashboard())),
        ("/admin/errors/", "/admin/errors", Router::new().nest("/admin/errors/", dashboard())),
        ("/a/b", "/a/b", Router::new().nest("/a", Router::new().nest_service("/b", dashboard()))),
        (
            "/t/7/errors",
            "/t/7/errors",
            Router::new().nest_service("/t/{tenant}/errors", dashboard()),
        ),
    ];
    for (path, base, app) in mounts {
        let client = Client(app);
        check_links(&client, path, base, base).await;
    }
    // A proxy takes the prefix off.
    check_links(&Client(with_prefix("/x")), "/", "/x", "").await;
    let nested = Router::new().nest_service("/in", with_prefix("/out"));
    check_links(&Client(nested), "/in", "/out/in", "/in").await;
}

/// Follows the links of the list and of a ticket. They begin with `base`, for which the client asks as `seen`.
async fn check_links(client: &Client, path: &str, base: &str, seen: &str) {
    let answer = client.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    assert!(answer.body.contains("payment refused"), "{path}");
    let mut links = answer.links();
    let ticket = links.iter().find(|link| link.contains("/tickets/") && !link.ends_with("change"));
    let ticket = ticket.unwrap().replacen(base, seen, 1);
    links.extend(client.get(&ticket).await.links());
    assert!(links.len() > 20, "{links:?}");
    for link in links.iter().filter(|link| !link.starts_with('#')) {
        let rest = link.strip_prefix(base);
        let is_below =
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
        assert!(is_below, "{path}: {link}");
        let inner = link.replacen(base, seen, 1);
        let inner = if inner.starts_with('/') { inner } else { format!("/{inner}") };
        let status = client.get(&inner).await.status;
        assert!(
            [StatusCode::OK, StatusCode::METHOD_NOT_ALLOWED].contains(&status),
            "{path}: {inner}: {status}"
        );
    }
}

#[tokio::test]
async fn two_dashboards_in_one_application_keep_apart() {
    let (one, other) = (filled().await, Arc::new(MemoryBackend::new()));
    let app = Router::new()
        .nest_service("/one", ticket_web::router(one, everybody()))
        .nest_service("/other", ticket_web::router(other, everybody()));
    let client = Client(app);
    assert!(client.get("/one").await.body.contains("payment refused"));
    assert!(client.get("/other").await.body.contains("No tickets yet"));
}

#[tokio::test]
async fn every_response_forbids_what_comes_from_elsewhere() {
    let client = open(&filled().await);
    for path in ["/", "/nowhere", "/?limit=0", "/api/v1/tickets", "/api/v1/nowhere", "/sign-in"] {
        let answer = client.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.body.contains(" style=") && !answer.body.contains(" onclick"), "{path}");
    }
    let page = client.get("/").await;
    let style = page.links().into_iter().find(|link| link.ends_with(".css")).unwrap();
    let answer = client.get(&style).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn failures_are_pages_for_people_and_documents_for_programs() {
    let client = open(&filled().await);
    let page = client.get("/nowhere").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
    );
    let document = client.get("/api/v1/nowhere").await;
    assert_eq!(document.header("content-type"), "application/problem+json");
    let json: serde_json::Value = serde_json::from_str(&document.body).unwrap();
    assert_eq!(json["status"], 404);
    let answer = client.post("/", "").await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD")
    );
}

#[tokio::test]
async fn a_theme_is_chosen_without_a_script() {
    let client = open(&filled().await);
    assert!(client.get("/").await.body.contains("data-theme=\"auto\""));
    let answer = client.post("/theme", "theme=dark&next=%2F%3Fapp%3Dshop").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/?app=shop"));
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let request = Request::get("/").header("cookie", cookie).body(Body::empty()).unwrap();
    assert!(client.send(request).await.body.contains("data-theme=\"dark\""));
    assert_eq!(client.post("/theme", "theme=pink").await.status, StatusCode::BAD_REQUEST);
    for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let form = format!("theme=dark&next={elsewhere}");
        assert_eq!(client.post("/theme", &form).await.header("location"), "/", "{elsewhere}");
    }
}

const TOKEN: &str = "a-token-for-the-test";

#[tokio::test]
async fn a_person_signs_in_with_the_token_and_out() {
    let app = ticket_web::router(filled().await, Access::token(TOKEN).unwrap());
    let client = Client(Router::new().nest_service("/e", app));
    let answer = client.get("/e/?app=shop").await;
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    assert!(answer.body.contains("value=\"/?app=shop\"") && !answer.body.contains("payment"));

    let answer = client.post("/e/sign-in", "token=wrong").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("not known here") && answer.headers.get("set-cookie").is_none());

    let answer = client.post("/e/sign-in", &format!("token={TOKEN}&next=/?app=shop")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/e?app=shop"));
    let cookie = answer.header("set-cookie").to_owned();
    for attribute in ["Path=/e;", "HttpOnly", "SameSite=Strict", "Max-Age=2592000"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN));
    let session = cookie.split(';').next().unwrap();
    let request = Request::get("/e").header("cookie", session).body(Body::empty()).unwrap();
    let answer = client.send(request).await;
    assert!(answer.status == StatusCode::OK && answer.body.contains("Sign out"));
    let answer = client.post("/e/sign-out", "").await;
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn tickets_of_other_applications_are_not_there() {
    for (name, store, _folder) in stores().await {
        record(&store, [error("of the shop", HOUR)]).await;
        record_as(&store, "depot", [error("of the depot", HOUR)]).await;
        for app_id in ["shop", "depot"] {
            let report = ProcessReport::new(format!("of {app_id}"), app_id, Timestamp::now());
            store.report_process(report).await.unwrap();
        }
        let of_depot = id_of(&store, "of the depot").await;
        let event = store
            .get_occurrences(of_depot, &ticket_core::OccurrenceQuery::new())
            .await
            .unwrap()
            .items
            .remove(0)
            .record
            .id;
        let grant = Grant::all().with_app_ids(["shop"]);
        let client =
            Client(ticket_web::router(store.clone(), Access::decided_by(move |_| grant.clone())));
        for path in [
            "/",
            "/?status=all",
            "/events",
            "/events/export.csv",
            "/api/v1/tickets",
            "/api/v1/events",
            "/api/v1/applications",
            "/api/v1/health",
            "/health",
        ] {
            let answer = client.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {path}");
            assert!(!answer.body.contains("depot"), "{name}: {path}");
        }
        for path in [
            "/?app=depot",
            "/events?app=depot",
            "/api/v1/tickets?app=depot",
            "/api/v1/releases?app=depot",
        ] {
            assert_eq!(client.get(path).await.status, StatusCode::FORBIDDEN, "{name}: {path}");
        }
        for path in [
            format!("/tickets/{of_depot}"),
            format!("/tickets/{of_depot}/markdown"),
            format!("/tickets/{of_depot}/occurrences/{event}"),
            format!("/api/v1/tickets/{of_depot}"),
            format!("/api/v1/tickets/{of_depot}/occurrences"),
            format!("/api/v1/tickets/{of_depot}/history"),
            format!("/api/v1/tickets/{of_depot}/histogram"),
        ] {
            assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND, "{name}: {path}");
        }
        let form = format!("action=solve&id={of_depot}");
        let answer = client.post("/tickets/change", &form).await;
        assert!(answer.header("location").contains("missing=1"), "{name}");
        let answer = client.post(&format!("/tickets/{of_depot}/notes"), "text=x").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
        let ticket = store.get_ticket(of_depot).await.unwrap().unwrap();
        assert_eq!(ticket.status, ticket_core::Status::Open, "{name}");
    }
}

/// A store that never answers.
#[derive(Debug)]
struct Hanging(MemoryBackend);

#[async_trait]
impl BackendBase for Hanging {
    forward_backend!(self => self.0; except get_tickets, get_ticket);

    async fn get_tickets(&self, _: &TicketQuery) -> Result<Page<Ticket>> {
        std::future::pending().await
    }

    async fn get_ticket(&self, _: TicketId) -> Result<Option<Ticket>> {
        std::future::pending().await
    }
}

#[async_trait]
impl EventStore for Hanging {
    forward_event_store!(self => self.0);
}

// With a clock of its own, so that a busy machine does not count.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_gives_a_page_within_a_second_and_leaves_the_host_alone() {
    let dashboard = ticket_web::router(Hanging(MemoryBackend::new()), everybody());
    let app = Router::new().route("/host", get(|| async { "host" })).nest_service("/e", dashboard);
    let client = Client(app);
    let start = Instant::now();
    let asked = (0..500).map(|_| client.get("/e"));
    let asked = futures::future::join_all(asked);
    let host = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answer = client.get("/host").await;
        assert_eq!(answer.body, "host");
        start.elapsed()
    };
    let (answers, host) = futures::future::join(asked, host).await;
    assert!(host < Duration::from_millis(200), "{host:?}");
    for answer in answers {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.body.contains("does not answer"));
        assert_eq!(answer.header("retry-after"), "5");
    }
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
    let answer =
        client.post("/e/tickets/change", &format!("action=solve&id={}", "0".repeat(32))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let answer = client.get("/e/health").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("Last failure seen here"));
}
