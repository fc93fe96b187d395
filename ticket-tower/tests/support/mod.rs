//! A server on a loopback port, and what its requests leave behind.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use ticket_audit::{BufferHandler, BufferedRequest, EventTracker, Outcome};
use ticket_core::{Direction, EventQuery, EventStore as _, Record};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_memory::MemoryBackend;
use ticket_tower::TicketHttpLayer;
use ticket_tracing::TicketLayer;
use tokio::net::{TcpListener, TcpStream};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::prelude::*;

pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A store with its handler, and a tracker whose requests can be looked at.
pub(crate) struct Fixture {
    store: MemoryBackend,
    buffer: BufferHandler,
    pub(crate) handler: BackgroundHandler,
    pub(crate) tracker: EventTracker,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let store = MemoryBackend::new();
        let options = HandlerOptions::new("blog");
        let handler = BackgroundHandler::builder(options).backend(store.clone()).unwrap();
        let buffer = BufferHandler::new();
        let tracker = EventTracker::builder().with_handler(buffer.clone()).build().unwrap();
        Self { store, buffer, handler, tracker }
    }

    /// Returns the layer under test.
    pub(crate) fn layer(&self) -> TicketHttpLayer {
        TicketHttpLayer::new(&self.handler).with_tracker(self.tracker.clone())
    }

    /// Records what this thread logs, which runs the server too.
    pub(crate) fn log(&self) -> DefaultGuard {
        let layer = TicketLayer::new(self.handler.clone());
        tracing_subscriber::registry().with(layer.filtered()).set_default()
    }

    /// Returns the requests, once all that have begun have ended.
    pub(crate) async fn requests(&self) -> Vec<BufferedRequest> {
        let search = async {
            loop {
                self.tracker.flush(LONG).await.unwrap();
                let requests = self.buffer.requests();
                if !requests.is_empty() && requests.iter().all(|request| request.end.is_some()) {
                    return requests;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, search).await.expect("a request does not end")
    }

    /// Returns the requests so far, including those that have not ended.
    pub(crate) fn buffered(&self) -> Vec<BufferedRequest> {
        self.buffer.requests()
    }

    /// Returns the only request.
    pub(crate) async fn request(&self) -> BufferedRequest {
        let mut requests = self.requests().await;
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// Returns how the only request ended.
    pub(crate) async fn outcome(&self) -> Outcome {
        self.request().await.end.unwrap().outcome
    }

    /// Returns the records so far, the oldest first.
    pub(crate) async fn records(&self) -> Vec<Record> {
        self.handler.blocking_flush(LONG).unwrap();
        let query = EventQuery::new().with_direction(Direction::Ascending).with_limit(1_000);
        let events = self.store.get_events(&query).await.unwrap();
        events.items.into_iter().map(|event| event.record).collect()
    }

    /// Returns the only record.
    pub(crate) async fn record(&self) -> Record {
        let mut records = self.records().await;
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    /// Returns the number of tickets.
    pub(crate) async fn tickets(&self) -> usize {
        use ticket_core::{BackendBase as _, TicketQuery};
        self.handler.blocking_flush(LONG).unwrap();
        self.store.get_tickets(&TicketQuery::new()).await.unwrap().items.len()
    }
}

/// Starts an axum server.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Connects a client of HTTP/1.
pub(crate) async fn connect(address: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    sender
}

/// Returns a request without a body.
pub(crate) fn request(method: &str, path: &str) -> Request<Empty<Bytes>> {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    request.body(Empty::new()).unwrap()
}

/// Sends a request on a connection of its own, and returns the head of the response with the client's body.
pub(crate) async fn send(
    address: SocketAddr,
    request: Request<Empty<Bytes>>,
) -> Response<Incoming> {
    let mut sender = connect(address).await;
    tokio::time::timeout(LONG, sender.send_request(request)).await.unwrap().unwrap()
}

/// Gets a path; returns the head and the whole body of the response.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (http::response::Parts, Bytes) {
    fetch(address, request("GET", path)).await
}

/// Sends a request; returns the head and the whole body of the response.
pub(crate) async fn fetch(
    address: SocketAddr,
    request: Request<Empty<Bytes>>,
) -> (http::response::Parts, Bytes) {
    let (head, body) = send(address, request).await.into_parts();
    (head, body.collect().await.unwrap().to_bytes())
}

/// Returns a body that yields these chunks and then what `last` is: an end, an error, or a panic.
pub(crate) fn streamed(
    chunks: &[&'static str],
    last: impl FnOnce() -> Option<std::io::Error> + Send + 'static,
) -> Body {
    use futures::StreamExt as _;
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from(*chunk))).collect();
    let last = futures::stream::once(async { last() });
    let last = last.filter_map(|error| async { error.map(Err) });
    // A pause between the chunks lets each of them go out before the next one comes.
    let chunks = futures::stream::iter(chunks).then(|chunk| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        chunk
    });
    Body::from_stream(chunks.chain(last))
}
