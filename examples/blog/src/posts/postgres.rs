//! Posts in a PostgreSQL database, which may be the database with the tickets.

use async_trait::async_trait;
use tokio_postgres::{Client, Config, NoTls};

use super::{Database, Post, Transaction};
use crate::Result;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS blog_posts (
        id bigint PRIMARY KEY, title text NOT NULL, author text NOT NULL, likes bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS blog_comments (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        post bigint NOT NULL REFERENCES blog_posts, text text NOT NULL)";

pub(super) struct Postgres {
    config: Config,
}

impl Postgres {
    pub(super) async fn open(url: &str, posts: &[Post]) -> Result<Self> {
        let database = Self { config: url.parse()? };
        let client = database.connect().await?;
        client.batch_execute(TABLES).await?;
        for post in posts {
            let sql = "INSERT INTO blog_posts VALUES ($1, $2, $3, 0) \
                       ON CONFLICT (id) DO UPDATE SET author = excluded.author";
            client.execute(sql, &[&post.id, &post.title, &post.author]).await?;
        }
        Ok(database)
    }

    async fn connect(&self) -> Result<Client> {
        let (client, connection) = self.config.connect(NoTls).await?;
        // It ends when the client is dropped. A failure is the client's error too.
        tokio::spawn(connection);
        Ok(client)
    }
}

#[async_trait]
impl Database for Postgres {
    /// Begins a transaction on a connection of its own, so that dropping one is enough to end the other. A blog with more
    /// readers takes connections from a pool, which has to roll back what is open on a connection that is returned.
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let client = self.connect().await?;
        client.batch_execute("BEGIN").await?;
        Ok(Box::new(PostgresTransaction { client }))
    }
}

/// A connection in a transaction. The server rolls back when the connection is closed.
struct PostgresTransaction {
    client: Client,
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn posts(&mut self) -> Result<Vec<Post>> {
        let sql = "SELECT id, title, author, likes, ARRAY(
                       SELECT text FROM blog_comments WHERE post = blog_posts.id ORDER BY id)
                   FROM blog_posts ORDER BY id";
        let rows = self.client.query(sql, &[]).await?;
        let posts = rows.iter().map(|row| Post {
            id: row.get(0),
            title: row.get(1),
            author: row.get(2),
            likes: row.get(3),
            comments: row.get(4),
        });
        Ok(posts.collect())
    }

    async fn like(&mut self, id: i64) -> Result<()> {
        let sql = "UPDATE blog_posts SET likes = likes + 1 WHERE id = $1";
        self.client.execute(sql, &[&id]).await?;
        Ok(())
    }

    async fn comment(&mut self, id: i64, text: &str) -> Result<()> {
        let sql = "INSERT INTO blog_comments (post, text) VALUES ($1, $2)";
        self.client.execute(sql, &[&id, &text]).await?;
        Ok(())
    }

    async fn delete(&mut self, id: i64) -> Result<()> {
        self.client.execute("DELETE FROM blog_comments WHERE post = $1", &[&id]).await?;
        self.client.execute("DELETE FROM blog_posts WHERE id = $1", &[&id]).await?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        Ok(self.client.batch_execute("COMMIT").await?)
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        Ok(self.client.batch_execute("ROLLBACK").await?)
    }
}
