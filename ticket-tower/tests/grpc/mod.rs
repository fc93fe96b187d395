//! A service of tonic without code generation: its messages are texts. What a call does is in its request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use ticket_tower::TicketHttpLayer;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService};
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Code, Status};

/// Starts a server of tonic with the layer.
pub(crate) async fn serve(layer: TicketHttpLayer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().layer(layer).add_service(Posts);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

/// Calls the service; returns the head of the response, and its trailers if it has some.
pub(crate) async fn call(
    address: SocketAddr,
    script: &str,
) -> (http::response::Parts, Option<HeaderMap>) {
    let mut message = vec![0];
    message.extend(u32::try_from(script.len()).unwrap().to_be_bytes());
    message.extend(script.as_bytes());
    let request = Request::post(format!("http://{address}/blog.Posts/Like"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::from(message)))
        .unwrap();
    let mut client = super::connect(address).await;
    let (head, body) = client.send_request(request).await.unwrap().into_parts();
    let trailers = body.collect().await.ok().and_then(|body| body.trailers().cloned());
    (head, trailers)
}

/// The service.
#[derive(Clone)]
struct Posts;

impl NamedService for Posts {
    const NAME: &'static str = "blog.Posts";
}

impl tower::Service<Request<Body>> for Posts {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let like = tower::service_fn(|request: tonic::Request<String>| async move {
            let script = request.into_inner();
            if let Some(status) = status(&script, "reject") {
                return Err(status);
            }
            assert_ne!(script, "panic", "in the method");
            let steps: Vec<_> = script.split("; ").map(str::to_owned).collect();
            let messages = futures::stream::iter(steps).then(|step| async move {
                // Lets the head and the messages so far go out.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                assert_ne!(step, "panic", "in the stream");
                status(&step, "fail").map_or(Ok(step), Err)
            });
            let messages: BoxStream<'static, Result<String, Status>> = messages.boxed();
            Ok(tonic::Response::new(messages))
        });
        async move { Ok(Grpc::new(Text).server_streaming(like, request).await) }.boxed()
    }
}

/// Returns the status of a step such as `fail 13 no disk`.
fn status(step: &str, word: &str) -> Option<Status> {
    let (code, message) = step.strip_prefix(word)?.trim().split_once(' ')?;
    Some(Status::new(Code::from_i32(code.parse().ok()?), message))
}

/// The encoding of messages: texts as they are.
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, item: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(item.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let text = buffer.copy_to_bytes(buffer.remaining());
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }
}
