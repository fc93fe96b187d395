//! Posts in an SQLite file, which may be the file with the tickets.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::{Database, Post, Transaction};
use crate::Result;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS blog_posts (
        id INTEGER PRIMARY KEY, title TEXT NOT NULL, author TEXT NOT NULL, likes INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS blog_comments (
        id INTEGER PRIMARY KEY, post INTEGER NOT NULL REFERENCES blog_posts, text TEXT NOT NULL)";

pub(super) struct Sqlite {
    file: PathBuf,
}

impl Sqlite {
    pub(super) fn open(file: &str, posts: &[Post]) -> Result<Self> {
        let file = PathBuf::from(file);
        let connection = connect(&file)?;
        connection.execute_batch(TABLES)?;
        for post in posts {
            let sql = "INSERT INTO blog_posts VALUES (?1, ?2, ?3, 0) \
                       ON CONFLICT (id) DO UPDATE SET author = excluded.author";
            connection.execute(sql, params![post.id, post.title, post.author])?;
        }
        Ok(Self { file })
    }
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

#[async_trait]
impl Database for Sqlite {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let file = self.file.clone();
        // SQLite has one writer at a time. The others wait here, where they may block the thread; who has begun waits no
        // longer, so the statements that follow are called directly.
        let begin = move || {
            let connection = connect(&file)?;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            Ok::<_, rusqlite::Error>(connection)
        };
        let connection = tokio::task::spawn_blocking(begin).await??;
        Ok(Box::new(SqliteTransaction { connection }))
    }
}

/// A connection in a transaction. SQLite rolls back when the connection is closed.
struct SqliteTransaction {
    connection: Connection,
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn posts(&mut self) -> Result<Vec<Post>> {
        let mut posts = self
            .connection
            .prepare("SELECT id, title, author, likes FROM blog_posts ORDER BY id")?;
        let mut comments = self
            .connection
            .prepare("SELECT text FROM blog_comments WHERE post = ?1 ORDER BY id")?;
        let posts = posts.query_map([], |row| {
            let id: i64 = row.get(0)?;
            let comments =
                comments.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            let (title, author, likes) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(Post { id, title, author, likes, comments })
        })?;
        Ok(posts.collect::<rusqlite::Result<_>>()?)
    }

    async fn like(&mut self, id: i64) -> Result<()> {
        self.connection.execute("UPDATE blog_posts SET likes = likes + 1 WHERE id = ?1", [id])?;
        Ok(())
    }

    async fn comment(&mut self, id: i64, text: &str) -> Result<()> {
        let sql = "INSERT INTO blog_comments (post, text) VALUES (?1, ?2)";
        self.connection.execute(sql, params![id, text])?;
        Ok(())
    }

    async fn delete(&mut self, id: i64) -> Result<()> {
        self.connection.execute("DELETE FROM blog_comments WHERE post = ?1", [id])?;
        self.connection.execute("DELETE FROM blog_posts WHERE id = ?1", [id])?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }
}
