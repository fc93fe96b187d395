//! The layer under hyper alone, over HTTP/2, with upgraded connections, and under tonic.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use support::{Fixture, request, send, serve};
use ticket_audit::Outcome;
use ticket_core::Value;
use ticket_tower::RequestContext;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer as _, Service as _, ServiceExt as _};

mod grpc;

/// Connects a client of HTTP/2.
async fn connect<B>(address: SocketAddr) -> hyper::client::conn::http2::SendRequest<B>
where
    B: hyper::body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + Unpin + 'static,
{
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (sender, connection) = client.await.unwrap();
    tokio::spawn(connection);
    sender
}

#[tokio::test]
async fn hyper_alone_needs_no_axum() {
    let fixture = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = tower::service_fn(|request: Request<hyper::body::Incoming>| async move {
        RequestContext::current().unwrap().set_route("/posts/{id}");
        match request.uri().path() {
            "/posts/1" => Err("no more connections"),
            _ => Ok(Response::new(Full::new(Bytes::from("Hello")))),
        }
    });
    let service = fixture.layer().layer(service);
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let service = service.clone().map_request(move |mut request: Request<_>| {
                request.extensions_mut().insert(peer);
                request
            });
            let server = hyper::server::conn::http1::Builder::new();
            let service = TowerToHyperService::new(service);
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    assert_eq!(support::get(address, "/posts/2").await.1, "Hello");
    let mut sender = support::connect(address).await;
    sender.send_request(request("GET", "/posts/1")).await.unwrap_err();

    let [done, failed] = fixture.requests().await.try_into().unwrap();
    let end = done.end.unwrap();
    assert_eq!(
        (end.outcome, end.http.remote_address.as_deref()),
        (Outcome::Done, Some("127.0.0.1"))
    );
    let failure = Outcome::from_message("the service failed: no more connections");
    assert_eq!(failed.end.unwrap().outcome, failure);
    let message = fixture.record().await.message;
    assert_eq!(message, "GET /posts/{id}: the service failed: no more connections");
}

#[tokio::test]
async fn a_service_is_called_only_after_it_is_ready() {
    /// Panics if it is called before it is ready.
    #[derive(Clone)]
    struct Picky {
        is_ready: bool,
    }

    impl tower::Service<Request<()>> for Picky {
        type Response = Response<Empty<Bytes>>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            self.is_ready = true;
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            assert!(std::mem::take(&mut self.is_ready), "called before it was ready");
            std::future::ready(Ok(Response::new(Empty::new())))
        }
    }

    let fixture = Fixture::new();
    let mut service = fixture.layer().layer(Picky { is_ready: false });
    for _ in 0..2 {
        let ready = service.ready().await.unwrap();
        assert_eq!(ready.call(Request::new(())).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(fixture.requests().await.len(), 2);
}

#[tokio::test]
async fn a_service_that_another_task_calls_runs_in_the_request() {
    let fixture = Fixture::new();
    // Called by the task of the buffer, where no request is current.
    let service = tower::service_fn(|_: Request<()>| {
        let context = RequestContext::current();
        async move {
            context.unwrap().set_attribute("called", true);
            Ok::<_, std::convert::Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let buffered = tower::buffer::Buffer::new(fixture.layer().layer(service), 1);
    fixture.layer().layer(buffered).oneshot(Request::new(())).await.unwrap();
    assert_eq!(fixture.request().await.end.unwrap().attributes["called"], true.into());
}

#[tokio::test]
async fn f41_a_stream_of_http_2_that_is_reset_drops_its_request_only() {
    let fixture = Fixture::new();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let started = Arc::new(Mutex::new(Some(started)));
    let handler = || async move {
        let sender = started.lock().unwrap().take();
        sender.unwrap().send(()).unwrap();
        std::future::pending::<()>().await;
    };
    let app = Router::new()
        .route("/hangs", get(handler))
        .route("/fails", get(|| async { (StatusCode::BAD_GATEWAY, "upstream") }))
        .layer(fixture.layer());
    let mut client = connect(serve(app).await).await;
    let asked = |path: &str| {
        let uri = format!("http://localhost{path}");
        Request::builder().uri(uri).body(Empty::<Bytes>::new()).unwrap()
    };
    let hanging = tokio::spawn(client.send_request(asked("/hangs")));
    has_started.await.unwrap();
    hanging.abort();
    let response = client.send_request(asked("/fails")).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "upstream");

    let requests = fixture.requests().await;
    let outcomes = requests.into_iter().map(|heard| heard.end.unwrap().outcome);
    let expected = [Outcome::Dropped, Outcome::from_message("502 Bad Gateway")];
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    assert_eq!(fixture.record().await.message, "GET /fails: 502 Bad Gateway");
}

#[tokio::test]
async fn an_upgrade_to_a_websocket_completes_the_request() {
    let fixture = Fixture::new();
    let _log = fixture.log();
    let handler = |request: axum::extract::Request| async move {
        let context = RequestContext::current().unwrap();
        let upgrade = hyper::upgrade::on(request);
        let echo = async move {
            let mut socket = TokioIo::new(upgrade.await.unwrap());
            let mut message = [0; 4];
            socket.read_exact(&mut message).await.unwrap();
            tracing::error!("logged in the socket");
            socket.write_all(&message).await.unwrap();
        };
        tokio::spawn(async move { context.scope(echo).await });
        let headers = [(header::UPGRADE, "websocket"), (header::CONNECTION, "upgrade")];
        (StatusCode::SWITCHING_PROTOCOLS, headers)
    };
    let app = Router::new().route("/chat", get(handler)).layer(fixture.layer());
    let mut asked = request("GET", "/chat");
    for (name, value) in [(header::UPGRADE, "websocket"), (header::CONNECTION, "upgrade")] {
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    let response = send(serve(app).await, asked).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);

    // The socket is still open.
    let end = fixture.request().await.end.unwrap();
    assert_eq!((end.outcome, end.http.status), (Outcome::Done, Some(101)));
    let mut socket = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    socket.write_all(b"ping").await.unwrap();
    let mut message = [0; 4];
    socket.read_exact(&mut message).await.unwrap();
    assert_eq!(&message, b"ping");
    let record = fixture.record().await;
    assert_eq!(record.request.unwrap().route.as_deref(), Some("/chat"));
}

/// Calls the method of a service of tonic; returns the name of its status as the request's handlers see it, the
/// outcome, and the number of records.
async fn call(script: &str) -> (Option<Value>, Outcome, Vec<ticket_core::Record>, http::HeaderMap) {
    let fixture = Fixture::new();
    let layer = fixture.layer().with_peer_address(|extensions| {
        let info = extensions.get::<tonic::transport::server::TcpConnectInfo>()?;
        info.remote_addr().map(|address| address.ip())
    });
    let address = grpc::serve(layer).await;
    let (mut head, body) = grpc::call(address, script).await;
    if let Some(trailers) = body {
        head.headers.extend(trailers);
    }
    let end = fixture.request().await.end.unwrap();
    assert_eq!(end.http.remote_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(end.http.route.as_deref(), Some("/blog.Posts/Like"));
    let status = end.attributes.get("grpc_status").cloned();
    (status, end.outcome, fixture.records().await, head.headers)
}

#[tokio::test]
async fn a_call_of_grpc_succeeds_with_the_status_in_its_trailers() {
    let (status, outcome, records, headers) = call("say a; say b").await;
    assert_eq!((status, outcome), (Some("OK".into()), Outcome::Done));
    assert!(records.is_empty());
    assert_eq!(headers["grpc-status"], "0");
}

#[tokio::test]
async fn f43_a_call_of_grpc_that_fails_in_its_head_becomes_a_ticket() {
    let (status, outcome, records, headers) = call("reject 13 no disk").await;
    assert_eq!(status, Some("INTERNAL".into()));
    assert_eq!(outcome, Outcome::from_message("INTERNAL: no disk"));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].message, "POST /blog.Posts/Like: INTERNAL: no disk");
    assert_eq!(headers["grpc-status"], "13");
}

#[tokio::test]
async fn f43_a_call_of_grpc_that_fails_in_its_trailers_becomes_a_ticket() {
    for (code, name) in [
        (2, "UNKNOWN"),
        (4, "DEADLINE_EXCEEDED"),
        (13, "INTERNAL"),
        (14, "UNAVAILABLE"),
        (15, "DATA_LOSS"),
    ] {
        let (status, outcome, records, _) = call(&format!("say a; fail {code} é%20 gone")).await;
        assert_eq!(status, Some(name.into()));
        assert_eq!(outcome, Outcome::from_message(format!("{name}: é%20 gone")));
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].request.as_ref().unwrap().status, Some(200));
    }
}

#[tokio::test]
async fn a_status_of_grpc_that_clients_cause_is_no_failure() {
    for (code, name) in [
        (1, "CANCELLED"),
        (3, "INVALID_ARGUMENT"),
        (5, "NOT_FOUND"),
        (12, "UNIMPLEMENTED"),
        (16, "UNAUTHENTICATED"),
    ] {
        let (status, outcome, records, _) = call(&format!("reject {code} x")).await;
        assert_eq!((status, outcome), (Some(name.into()), Outcome::Done));
        assert!(records.is_empty());
    }
}

#[tokio::test]
async fn f42_a_call_of_grpc_that_panics_gets_the_status_internal() {
    let (_, outcome, records, headers) = call("panic").await;
    assert_eq!(outcome, Outcome::Panicked);
    assert_eq!(records.len(), 1);
    assert_eq!(headers["grpc-status"], "13");
    assert_eq!(headers["content-type"], "application/grpc");
}

#[tokio::test]
async fn f42_a_call_of_grpc_that_panics_after_its_head_is_reset() {
    let (_, outcome, records, headers) = call("say a; panic").await;
    assert_eq!(outcome, Outcome::Panicked);
    assert_eq!(records.len(), 1);
    assert!(!headers.contains_key("grpc-status"));
}
