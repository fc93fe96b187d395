//! The application whose requests are measured, and what a client sends to it.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Path};
use axum::routing::get;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use tower_service::Service as _;

const ROUTE: &str = "/api/customers/{id}/orders";
/// The path of a request that succeeds, and of one that fails.
const PATHS: [&str; 2] = ["/api/customers/4711/orders", "/api/customers/0/orders"];
/// Where requests come from, which decides how many headers they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Agent {
    /// A browser behind a proxy.
    Browser,
    /// A program, such as curl.
    Program,
}

/// What Firefox sends when somebody follows a link, without cookies, and what a proxy adds.
const BROWSER: [(&str, &str); 14] = [
    ("host", "shop.example.org"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("referer", "https://shop.example.org/"),
    ("upgrade-insecure-requests", "1"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-user", "?1"),
    ("priority", "u=0, i"),
    ("x-forwarded-for", "203.0.113.7"),
    ("x-forwarded-proto", "https"),
];
/// What curl sends.
const PROGRAM: [(&str, &str); 3] =
    [("host", "shop.example.org"), ("user-agent", "curl/8.14.1"), ("accept", "*/*")];

impl Agent {
    const fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Browser => &BROWSER,
            Self::Program => &PROGRAM,
        }
    }
}

/// The body of each response, which ends it.
pub(crate) const BODY: &str = "17 orders, 3 of them open.";

/// Which requests fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Failures {
    None,
    /// One in a hundred.
    Some,
}

impl Failures {
    /// Returns `true` if the request with this number fails.
    pub(crate) const fn hit(self, number: u32) -> bool {
        matches!(self, Self::Some) && number % 100 == 99
    }
}

/// Returns an application without a middleware.
pub(crate) fn router() -> Router {
    Router::new().route(ROUTE, get(orders))
}

/// Reports its failure as an application does, before it answers with a 500.
async fn orders(Path(customer): Path<u32>) -> (StatusCode, &'static str) {
    if customer == 0 {
        tracing::error!(customer, "cannot read the orders: the database is away");
        return (StatusCode::INTERNAL_SERVER_ERROR, BODY);
    }
    (StatusCode::OK, BODY)
}

/// The bytes of a browser's request that succeeds, and of one that fails.
pub(crate) fn raw_requests() -> [Vec<u8>; 2] {
    PATHS.map(|path| {
        let headers = BROWSER.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
        format!("GET {path} HTTP/1.1\r\n{headers}\r\n").into_bytes()
    })
}

/// Calls the application as a server does, without a connection.
#[derive(Debug)]
pub(crate) struct Caller {
    app: Router,
    requests: [Parts; 2],
}

impl Caller {
    pub(crate) fn new(app: Router, agent: Agent) -> Result<Self> {
        let build = |path: &str| {
            let mut request = Request::get(path);
            for (name, value) in agent.headers() {
                request = request.header(*name, *value);
            }
            // The server of axum adds it.
            let peer = ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)));
            anyhow::Ok(request.extension(peer).body(())?.into_parts().0)
        };
        Ok(Self { app, requests: [build(PATHS[0])?, build(PATHS[1])?] })
    }

    /// Calls the application and reads the body of its response; returns the status.
    pub(crate) async fn call(&mut self, fails: bool) -> StatusCode {
        let head = self.requests[usize::from(fails)].clone();
        let Ok(response) = self.app.call(Request::from_parts(head, Body::empty())).await;
        let (head, mut body) = response.into_parts();
        while !body.is_end_stream() && body.frame().await.is_some() {}
        head.status
    }
}
