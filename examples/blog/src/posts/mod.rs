//! The blog's own data: posts with their likes and comments, behind one small trait for each database.

mod mongo;
mod postgres;
mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;

use self::mongo::Mongo;
use self::postgres::Postgres;
use self::sqlite::Sqlite;
use crate::Result;

/// A post with its comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The number in its path.
    pub id: i64,
    /// The title.
    pub title: String,
    /// The address, such as `127.0.0.1:7000`, at which the author wants to hear of likes.
    pub author: String,
    /// The number of likes.
    pub likes: i64,
    /// The comments, the oldest first.
    pub comments: Vec<String>,
}

impl Post {
    /// Creates a post without likes and comments.
    #[must_use]
    pub fn new(id: i64, title: &str, author: impl Into<String>) -> Self {
        let (title, author) = (title.to_owned(), author.into());
        Self { id, title, author, likes: 0, comments: Vec::new() }
    }
}

/// The database with the blog's data.
#[async_trait]
pub trait Database: Send + Sync + 'static {
    /// Begins a transaction.
    async fn begin(&self) -> Result<Box<dyn Transaction>>;
}

/// A transaction, which is rolled back unless it is committed: also when a panic, an early return or a client that
/// disconnects drops it.
#[async_trait]
pub trait Transaction: Send {
    /// Returns all posts by id.
    async fn posts(&mut self) -> Result<Vec<Post>>;

    /// Returns a post, or `None` if there is no such post.
    async fn post(&mut self, id: i64) -> Result<Option<Post>> {
        Ok(self.posts().await?.into_iter().find(|post| post.id == id))
    }

    /// Counts one more like of a post.
    async fn like(&mut self, id: i64) -> Result<()>;

    /// Adds a comment to a post.
    async fn comment(&mut self, id: i64, text: &str) -> Result<()>;

    /// Deletes a post with its comments.
    async fn delete(&mut self, id: i64) -> Result<()>;

    /// Commits what the transaction has changed.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Rolls back what the transaction has changed, and waits until that is done.
    async fn rollback(self: Box<Self>) -> Result<()>;
}

/// Opens the database at a URL that begins with `sqlite:`, `postgres:` or `mongodb:`.
///
/// Creates the tables `blog_posts` and `blog_comments`, and the posts that do not exist yet.
///
/// # Errors
///
/// The database cannot be reached, the URL is wrong, or it names a MongoDB server without transactions.
pub async fn open(url: &str, posts: &[Post]) -> Result<Arc<dyn Database>> {
    match url.split_once(':') {
        Some(("sqlite", file)) => Ok(Arc::new(Sqlite::open(file, posts)?)),
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(Postgres::open(url, posts).await?)),
        Some(("mongodb" | "mongodb+srv", _)) => Ok(Arc::new(Mongo::open(url, posts).await?)),
        // Not the URL itself, which may hold a password.
        _ => Err("the blog's URL must begin with sqlite:, postgres: or mongodb:".into()),
    }
}
