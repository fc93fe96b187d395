//! Posts in a MongoDB database, which may be the database with the tickets.

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::{Client, ClientSession, Collection, Database as Collections};

use super::{Database, Post, Transaction};
use crate::Result;

pub(super) struct Mongo {
    client: Client,
    collections: Collections,
}

impl Mongo {
    pub(super) async fn open(url: &str, posts: &[Post]) -> Result<Self> {
        let client = Client::with_uri_str(url).await?;
        let collections = client.default_database().ok_or(
            "the blog's URL names no database: write mongodb://HOST/DATABASE?replicaSet=NAME",
        )?;
        check_transactions(&collections.run_command(doc! { "hello": 1 }).await?)?;
        let database = Self { client, collections };
        for post in posts {
            let fields = doc! {
                "$set": { "author": &post.author },
                "$setOnInsert": { "title": &post.title, "likes": 0_i64, "comments": [] },
            };
            let stored = database.collections.collection::<Document>("blog_posts");
            stored.update_one(doc! { "_id": post.id }, fields).upsert(true).await?;
        }
        Ok(database)
    }
}

/// Fails if the server that has said hello is a standalone one, which has no transactions.
fn check_transactions(hello: &Document) -> Result<()> {
    // A member of a replica set says its name, and a router of a sharded cluster `isdbgrid`.
    if hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|text| text == "isdbgrid") {
        return Ok(());
    }
    Err("the blog needs transactions, which a standalone MongoDB server does not have: start mongod with \
         --replSet NAME, run rs.initiate() once, and add ?replicaSet=NAME to the URL"
        .into())
}

#[async_trait]
impl Database for Mongo {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let mut session = self.client.start_session().await?;
        session.start_transaction().await?;
        let posts = self.collections.collection("blog_posts");
        Ok(Box::new(MongoTransaction { session, posts }))
    }
}

/// A session in a transaction. The driver rolls back when the session is dropped.
struct MongoTransaction {
    session: ClientSession,
    posts: Collection<Document>,
}

impl MongoTransaction {
    async fn update(&mut self, id: i64, change: Document) -> Result<()> {
        self.posts.update_one(doc! { "_id": id }, change).session(&mut self.session).await?;
        Ok(())
    }
}

#[async_trait]
impl Transaction for MongoTransaction {
    async fn posts(&mut self) -> Result<Vec<Post>> {
        let by_id = doc! { "_id": 1 };
        let mut found = self.posts.find(doc! {}).sort(by_id).session(&mut self.session).await?;
        let mut posts = Vec::new();
        while found.advance(&mut self.session).await? {
            let post = found.deserialize_current()?;
            let comments = post.get_array("comments")?.iter().filter_map(|text| text.as_str());
            posts.push(Post {
                id: post.get_i64("_id")?,
                title: post.get_str("title")?.to_owned(),
                author: post.get_str("author")?.to_owned(),
                likes: post.get_i64("likes")?,
                comments: comments.map(str::to_owned).collect(),
            });
        }
        Ok(posts)
    }

    async fn like(&mut self, id: i64) -> Result<()> {
        self.update(id, doc! { "$inc": { "likes": 1_i64 } }).await
    }

    async fn comment(&mut self, id: i64, text: &str) -> Result<()> {
        self.update(id, doc! { "$push": { "comments": text } }).await
    }

    async fn delete(&mut self, id: i64) -> Result<()> {
        self.posts.delete_one(doc! { "_id": id }).session(&mut self.session).await?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        Ok(self.session.commit_transaction().await?)
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        Ok(self.session.abort_transaction().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standalone_server_is_rejected_with_a_message_that_says_what_to_do() {
        let standalone = doc! { "isWritablePrimary": true, "maxWireVersion": 17 };
        let error = check_transactions(&standalone).unwrap_err().to_string();
        assert!(error.contains("--replSet"), "{error}");
        assert!(check_transactions(&doc! { "setName": "rs0" }).is_ok());
        assert!(check_transactions(&doc! { "msg": "isdbgrid" }).is_ok());
    }
}
