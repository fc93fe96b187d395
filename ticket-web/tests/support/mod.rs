//! Stores with tickets, and a client.
#![allow(dead_code, reason = "each test needs another part")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use ticket_core::{Level, Location, Record, Store, TicketId, TicketingBaseHandler as _, Timestamp};
use ticket_direct::{HandlerOptions, TicketingHandler};
use ticket_memory::MemoryBackend;
use ticket_sqlite::SqliteBackend;
use ticket_web::{Access, Dashboard, Permission};
use tower::ServiceExt as _;

/// The kinds of stores on which every test runs.
pub(crate) async fn stores() -> Vec<(&'static str, Arc<dyn Store>, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite =
        SqliteBackend::from_uri(&format!("sqlite:{}", folder.path().join("t.db").display()))
            .unwrap();
    let stores: Vec<(_, Arc<dyn Store>, _)> = vec![
        ("memory", Arc::new(MemoryBackend::new()), None),
        ("sqlite", Arc::new(sqlite), Some(folder)),
    ];
    for (_, store, _) in &stores {
        store.setup_backend().await.unwrap();
    }
    stores
}

/// Records occurrences as the application `shop`.
pub(crate) async fn record(store: &Arc<dyn Store>, records: impl IntoIterator<Item = Record>) {
    record_as(store, "shop", records).await;
}

pub(crate) async fn record_as(
    store: &Arc<dyn Store>,
    app_id: &str,
    records: impl IntoIterator<Item = Record>,
) {
    let handler =
        TicketingHandler::new(Arc::clone(store), HandlerOptions::new(app_id)).await.unwrap();
    for record in records {
        handler.emit(record).await.unwrap();
    }
}

/// Returns an error that happened `ago`, and whose ticket is that of its message.
pub(crate) fn error(message: &str, ago: Duration) -> Record {
    Record::new(Level::Error, "shop::checkout", message)
        .with_time(Timestamp::now().saturating_sub(ago))
        .with_location(Location::new().with_file("src/checkout.rs").with_line(42))
        .with_fingerprint(message)
}

/// Returns a dashboard that everybody may use.
pub(crate) fn open(store: &Arc<dyn Store>) -> Client {
    Client(Dashboard::new(Arc::clone(store), Access::decided_by(|_| Permission::All)).into_router())
}

#[derive(Clone)]
pub(crate) struct Client(pub(crate) Router);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the values of all attributes `href` and `action`, without their escapes.
    pub(crate) fn links(&self) -> Vec<String> {
        let mut links = Vec::new();
        for name in [" href=\"", " action=\"", " src=\""] {
            for rest in self.body.split(name).skip(1) {
                let link = rest.split('"').next().unwrap();
                links.push(link.replace("&#38;", "&").replace("&amp;", "&"));
            }
        }
        links
    }

    /// Returns the texts of the elements that begin with this tag, without tags inside of them.
    pub(crate) fn texts(&self, tag: &str) -> Vec<String> {
        let name = tag.trim_start_matches('<').split([' ', '>']).next().unwrap();
        let end = format!("</{name}>");
        let found = self.body.split(tag).skip(1);
        found.map(|rest| without_tags(rest.split(end.as_str()).next().unwrap())).collect()
    }
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    if let Some(end) = rest.find('>').filter(|end| rest.find('<').is_none_or(|start| *end < start))
    {
        rest = &rest[end + 1..];
    }
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = rest[start..].split_once('>').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        let request =
            Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

/// Returns the id of the only ticket with this message.
pub(crate) async fn id_of(store: &Arc<dyn Store>, message: &str) -> TicketId {
    let query = ticket_core::TicketQuery::new()
        .with_filter(ticket_core::TicketFilter::new().with_search(message));
    let page = store.get_tickets(&query).await.unwrap();
    assert_eq!(page.items.len(), 1, "{message}");
    page.items[0].id
}

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
