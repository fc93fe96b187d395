//! Any query string, id and body gets an answer from every address of the dashboard, and no answer is a failure of the server.

#![no_main]

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use libfuzzer_sys::fuzz_target;
use ticket_memory::MemoryBackend;
use ticket_web::{Access, Permission};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

static APP: LazyLock<Router> = LazyLock::new(|| {
    ticket_web::router(MemoryBackend::new(), Access::decided_by(|_| Permission::All))
});

/// The methods and paths of the API, as its document lists them, and of the pages that read parameters.
static ADDRESSES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let request = Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap();
    let document: serde_json::Value = RUNTIME.block_on(async {
        let response = APP.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    });
    let mut addresses = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            addresses.push((method.to_uppercase(), format!("/api/v1{path}")));
        }
    }
    let pages = ["/", "/events", "/events/export.csv", "/events/export.jsonl", "/tickets/{ticket}"];
    addresses.extend(pages.map(|page| ("GET".to_owned(), page.to_owned())));
    addresses.push(("POST".to_owned(), "/tickets/change".to_owned()));
    addresses
});

fuzz_target!(|input: (usize, &str, &str, &[u8])| {
    let (at, id, query, body) = input;
    let (method, path) = &ADDRESSES[at % ADDRESSES.len()];
    let path = path.replace("{ticket}", id).replace("{from}", id).replace("{occurrence}", id);
    let request = Request::builder().method(method.as_str()).uri(format!("{path}?{query}"));
    // Most texts are no address.
    let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
    RUNTIME.block_on(async {
        let response = APP.clone().oneshot(request).await.unwrap();
        assert!(!response.status().is_server_error(), "{}", response.status());
        response.into_body().collect().await.unwrap();
    });
});
