//! A client that makes the blog fail in each of four ways.

use std::net::SocketAddr;

use axum::http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::{Post, Result};

/// The post that is liked without trouble: its author does not want to be told.
pub const QUIET: i64 = 16;
/// The post whose author refuses to be told of likes.
pub const REFUSING: i64 = 17;
/// The post whose author never answers.
pub const SILENT: i64 = 18;

/// Twenty bytes of this text end inside of its last character.
pub const COMMENT: &str = "How about a second é";

/// The posts of the story.
///
/// # Errors
///
/// The port of an author cannot be found out.
pub fn posts(silent: &TcpListener) -> Result<[Post; 3]> {
    Ok([
        Post::new(QUIET, "How to log to a database", ""),
        // Nobody listens on this port, so the connection is refused.
        Post::new(REFUSING, "Dangerous bug alert", "127.0.0.1:1"),
        Post::new(SILENT, "A second schema", silent.local_addr()?.to_string()),
    ])
}

/// A request and what came back.
#[derive(Debug)]
pub struct Step {
    /// What happens on the server.
    pub what: &'static str,
    /// The method and the path.
    pub request: String,
    /// The status of the response, or `None` if the client did not wait for it.
    pub status: Option<StatusCode>,
}

/// Sends requests that succeed: a page, and a like that is committed.
///
/// # Errors
///
/// The blog cannot be reached.
pub async fn succeed(blog: SocketAddr) -> Result<Vec<Step>> {
    let like = format!("/posts/{QUIET}/like");
    Ok(vec![
        send("shows a post", blog, "GET", &format!("/posts/{REFUSING}"), "bob", "").await?,
        send("commits a like", blog, "POST", &like, "bob", "").await?,
    ])
}

/// Sends the four requests that fail, each of them inside of a transaction that has already changed something.
///
/// No request changes the post of the request before it. A dropped transaction is rolled back after the client has its
/// answer, and until then MongoDB refuses to change the same post again, with a write conflict.
///
/// `silent` is the author who never answers: the connection to it shows that the server is in the middle of the request
/// that this client cancels.
///
/// # Errors
///
/// The blog cannot be reached.
pub async fn fail(blog: SocketAddr, silent: &TcpListener) -> Result<Vec<Step>> {
    let like = format!("/posts/{REFUSING}/like");
    let comments = format!("/posts/{QUIET}/comments");
    let post = format!("/posts/{REFUSING}");
    let mut steps = vec![
        send("logs an error before it rolls back", blog, "POST", &like, "ann", "").await?,
        send("panics", blog, "POST", &comments, "bob", COMMENT).await?,
        send("answers 500 without logging", blog, "DELETE", &post, "ann", "").await?,
    ];

    let what = "is cancelled by the client";
    let like = format!("/posts/{SILENT}/like");
    let request = send(what, blog, "POST", &like, "bob", "");
    let mut author = tokio::select! {
        step = request => {
            steps.push(step?);
            return Ok(steps);
        }
        accepted = silent.accept() => accepted?.0,
    };
    // The request has been dropped. The author stays until the blog hangs up, which it does without an answer only
    // because nobody waits for it any more.
    author.read_to_end(&mut Vec::new()).await?;
    steps.push(Step { what, request: format!("POST {like}"), status: None });
    Ok(steps)
}

/// Returns the status and the text of a page.
///
/// # Errors
///
/// The blog cannot be reached, or the page is no text.
pub async fn page(blog: SocketAddr, path: &str, user: &str) -> Result<(StatusCode, String)> {
    let (status, body) = exchange(blog, "GET", path, user, "").await?;
    Ok((status, String::from_utf8(body.to_vec())?))
}

async fn send(
    what: &'static str,
    blog: SocketAddr,
    method: &str,
    path: &str,
    user: &str,
    body: &'static str,
) -> Result<Step> {
    let (status, _) = exchange(blog, method, path, user, body).await?;
    Ok(Step { what, request: format!("{method} {path}"), status: Some(status) })
}

async fn exchange(
    blog: SocketAddr,
    method: &str,
    path: &str,
    user: &str,
    body: &'static str,
) -> Result<(StatusCode, Bytes)> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("host", "localhost").header("x-user", user);
    let request = request.body(Full::new(Bytes::from_static(body.as_bytes())))?;

    let (mut sender, connection) =
        http1::handshake(TokioIo::new(TcpStream::connect(blog).await?)).await?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes()))
    };
    // The connection ends once the sender is dropped. If this future is dropped first, both go together, which the server
    // sees as a client that disconnects.
    let (answer, _) = tokio::join!(exchange, connection);
    Ok(answer?)
}
