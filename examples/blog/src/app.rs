//! The routes. Some have a bug, as applications do.

use std::fmt;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ticket_core::Store;
use ticket_tower::TicketHttpLayer;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::session::{self, Sessions};
use crate::{Database, Error, Post, Result};

type Blog = State<Arc<dyn Database>>;

/// Returns the blog's routes, with the dashboard of its tickets at `/admin/errors`.
pub fn app(database: Arc<dyn Database>, tickets: TicketHttpLayer, store: Arc<dyn Store>) -> Router {
    let sessions = Sessions::default();
    let identify = || middleware::from_fn_with_state(sessions.clone(), session::identify);
    let dashboard = ticket_web::router(store, session::access()).layer(identify());
    let sign_in = get(session::form).post(session::sign_in).with_state(sessions.clone());
    Router::new()
        .route("/", get(list))
        .route("/posts/{id}", get(show).delete(delete))
        .route("/posts/{id}/like", post(like))
        .route("/posts/{id}/comments", post(comment))
        .route("/sign-in", sign_in)
        .layer(identify())
        .with_state(database)
        // The last layer is the outermost one: what the others log and how they fail belongs to the request too.
        .layer(tickets)
        // After that layer: when the dashboard cannot reach its store, that is no ticket.
        .nest_service("/admin/errors", dashboard)
}

async fn list(State(database): Blog) -> Result<String, Failure> {
    let mut transaction = database.begin().await?;
    let posts = transaction.posts().await?;
    Ok(posts.iter().map(summary).collect())
}

async fn show(State(database): Blog, Path(id): Path<i64>) -> Result<String, Failure> {
    tracing::info!(post = id, "showing post {id}");
    let mut transaction = database.begin().await?;
    let post = transaction.post(id).await?.ok_or(Failure::NoSuchPost)?;
    Ok(summary(&post))
}

fn summary(post: &Post) -> String {
    let Post { id, title, likes, comments, .. } = post;
    format!("{id}: {title}, {likes} likes, {} comments\n", comments.len())
}

/// Likes a post, and tells its author.
async fn like(State(database): Blog, Path(id): Path<i64>) -> Result<&'static str, Failure> {
    let mut transaction = database.begin().await?;
    let post = transaction.post(id).await?.ok_or(Failure::NoSuchPost)?;
    transaction.like(id).await?;
    tracing::info!(post = id, "counted a like of post {id}");

    // A client that does not want to wait for the author disconnects. That drops this function at its `await`, and with
    // it the transaction.
    if let Err(error) = tell(&post).await {
        // This is the dangerous bug: an error is logged while the transaction has changed something and is not rolled back
        // yet. Here it is harmless. The record goes to the database over a connection of the handler's own, so logging
        // neither commits the transaction nor waits for the database.
        tracing::error!(
            error = &error as &dyn std::error::Error,
            post = id,
            "cannot like post {id}"
        );
        transaction.rollback().await?;
        return Err(Failure::Reported);
    }
    transaction.commit().await?;
    Ok("liked\n")
}

/// Tells the author of a post that it is liked, and waits for the answer.
async fn tell(post: &Post) -> Result<(), NotTold> {
    if post.author.is_empty() {
        return Ok(());
    }
    let told = async {
        let mut author = BufReader::new(TcpStream::connect(&post.author).await?);
        author.write_all(format!("{} is liked\n", post.title).as_bytes()).await?;
        match author.read_line(&mut String::new()).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    };
    told.await.map_err(|source| NotTold { title: post.title.clone(), source })
}

/// Adds a comment. It panics if the end of the excerpt is inside a character.
async fn comment(
    State(database): Blog,
    Path(id): Path<i64>,
    text: String,
) -> Result<&'static str, Failure> {
    tracing::info!(post = id, "adding a comment to post {id}");
    let mut transaction = database.begin().await?;
    transaction.comment(id, &text).await?;
    let excerpt = &text[..text.len().min(20)];
    tracing::info!(post = id, "the comment begins with {excerpt:?}");
    transaction.commit().await?;
    Ok("added\n")
}

/// Deletes a post once it is in the archive. It hides why it failed: neither the client nor the log is told.
async fn delete(State(database): Blog, Path(id): Path<i64>) -> Result<&'static str, Failure> {
    let mut transaction = database.begin().await?;
    let post = transaction.post(id).await?.ok_or(Failure::NoSuchPost)?;
    transaction.delete(id).await?;
    tracing::info!(post = id, "archiving post {id}");
    let file = format!("/var/lib/blog/archive/{id}.txt");
    tokio::fs::write(file, summary(&post)).await.map_err(|_| Failure::Hidden)?;
    transaction.commit().await?;
    Ok("deleted\n")
}

/// The author of a post could not be told of a like.
#[derive(Debug)]
struct NotTold {
    title: String,
    source: io::Error,
}

impl fmt::Display for NotTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the author of {:?} does not answer", self.title)
    }
}

impl std::error::Error for NotTold {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Why a request failed.
enum Failure {
    NoSuchPost,
    /// The handler has logged an error.
    Reported,
    /// Nobody has logged anything.
    Hidden,
    /// The database has failed, which is logged when the response is made.
    Database(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoSuchPost => StatusCode::NOT_FOUND,
            Self::Reported | Self::Hidden => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Database(error) => {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                tracing::error!(error, "the database failed");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        (status, format!("{status}\n")).into_response()
    }
}
