//! The conformance suite on the MongoDB server of the URL, which may be a replica set or a standalone server.

use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Client, ClientSession, Collection, Database, IndexModel};
use ticket_conformance::{Application, BoxError, Case, Fixture, Outage, Schema, Suite};
use ticket_core::Capability;
use ticket_mongo::{MongoBackend, MongoConfig};

const URL: &str = "TICKET_MONGODB_URL";

/// Three times the default, which was too short for a batch of ten thousand while compilers took the cores.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The timeout, and as much again for a busy server.
const OUTAGE_LIMIT: Duration = Duration::from_secs(60);

/// The database that all cases share; each uses its own prefix in it.
const DATABASE: &str = "ticket_conformance";

fn main() -> ExitCode {
    let suite = Suite::new("mongodb", |case: Case| async move {
        let client = Client::with_uri_str(std::env::var(URL)?).await?;
        let database = client.database(DATABASE);
        let config = MongoConfig::with_client(client.clone(), DATABASE)
            .with_table_prefix(case.namespace())?
            .with_autocreate(case.autocreate())
            .with_timeout(TIMEOUT);
        let backend = MongoBackend::new(config);
        backend.connect().await?;
        let table = database.collection(&format!("{}_cart", case.namespace()));
        let versions = Versions { database: database.clone(), prefix: case.namespace().to_owned() };
        let tickets = format!("{}tickets", case.namespace());
        let stall = Stall { database: database.clone(), tickets, update: None };
        Ok(Fixture::new(backend)
            .with_outage(stall, OUTAGE_LIMIT)
            .with_application(App { client, table, session: None })
            .with_schema(versions)
            .with_cleanup(remove(database, case.namespace().to_owned())))
    })
    .needs_env(URL);
    if is_standalone() {
        let reason = "a standalone server has no transactions";
        suite.without(Capability::ApplicationTransactions, reason).main()
    } else {
        suite.main()
    }
}

/// Returns `true` if the server is standalone and so has no transactions. If it cannot be reached, the cases
/// themselves report that.
fn is_standalone() -> bool {
    let ask = async {
        let client = Client::with_uri_str(std::env::var(URL).ok()?).await.ok()?;
        let hello = client.database("admin").run_command(doc! { "hello": 1 }).await.ok()?;
        Some(!hello.contains_key("setName") && !hello.contains_key("msg"))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.is_ok_and(|runtime| runtime.block_on(ask).unwrap_or(false))
}

async fn remove(database: Database, prefix: String) -> Result<(), BoxError> {
    for name in database.list_collection_names().await? {
        if name.starts_with(&prefix) {
            database.collection::<Document>(&name).drop().await?;
        }
    }
    Ok(())
}

/// An application that keeps its own collection in the same database.
struct App {
    client: Client,
    table: Collection<Document>,
    session: Option<ClientSession>,
}

impl App {
    fn session(&mut self) -> Result<&mut ClientSession, BoxError> {
        self.session.as_mut().ok_or_else(|| "no transaction is open".into())
    }
}

#[async_trait]
impl Application for App {
    async fn begin(&mut self) -> Result<(), BoxError> {
        // Older servers cannot create a collection inside a transaction.
        self.client.database(DATABASE).create_collection(self.table.name()).await.or_else(
            |error| if error.to_string().contains("exists") { Ok(()) } else { Err(error) },
        )?;
        let mut session = self.client.start_session().await?;
        session.start_transaction().await?;
        self.session = Some(session);
        Ok(())
    }

    async fn insert(&mut self) -> Result<(), BoxError> {
        let table = self.table.clone();
        table.insert_one(doc! { "item": 1 }).session(self.session()?).await?;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), BoxError> {
        Ok(self.session()?.commit_transaction().await?)
    }

    async fn rollback(&mut self) -> Result<(), BoxError> {
        Ok(self.session()?.abort_transaction().await?)
    }

    async fn count(&mut self) -> Result<u64, BoxError> {
        Ok(self.table.count_documents(doc! {}).await?)
    }
}

/// Turns the collections of one case into those of an older or a newer version.
struct Versions {
    database: Database,
    prefix: String,
}

impl Versions {
    fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(&format!("{}{name}", self.prefix))
    }
}

#[async_trait]
impl Schema for Versions {
    /// Version 1 had an index for each ticket order with exact sort keys, the hourly counts of all tickets in one
    /// collection without sums, no blocks of time, no histories, no ids of producers, no read positions, no reports, no
    /// application of releases, and searched the message and the location only.
    async fn make_older(&mut self) -> Result<(), BoxError> {
        let (tickets, hours) = (self.collection("tickets"), self.collection("hours"));
        let mut kept: Vec<Document> = tickets.find(doc! {}).await?.try_collect().await?;
        for ticket in &mut kept {
            let (Some(hour), Some(count)) = (ticket.remove("h"), ticket.remove("hn")) else {
                return Err("a ticket lacks its newest hour".into());
            };
            let key = doc! { "_id": { "t": ticket.get("_id"), "h": hour } };
            let add = doc! { "$inc": { "n": count }, "$setOnInsert": { "a": ticket.get("a") } };
            hours.update_one(key, add).upsert(true).await?;
        }
        tickets.drop_index("by_place").await?;
        let unset = doc! { "k": "", "h": "", "hn": "", "y": "", "solved_after": "" };
        tickets.update_many(doc! {}, doc! { "$unset": unset, "$set": { "search": "" } }).await?;
        let seen = self.collection("seen");
        seen.drop_index("by_app").await?;
        seen.update_many(doc! {}, doc! { "$unset": { "a": "" } }).await?;
        let index = |name: &str, keys: Document| {
            let options = IndexOptions::builder().name(name.to_owned()).build();
            IndexModel::builder().keys(keys).options(options).build()
        };
        tickets.create_index(index("by_last", doc! { "s": 1, "m": 1, "_id": 1 })).await?;
        self.collection("app_counts").drop().await?;
        self.collection("history").drop().await?;
        self.collection("read_positions").drop().await?;
        self.collection("reports").drop().await?;
        let occurrences = self.collection("occurrences");
        occurrences.drop_index("by_trait_in_block").await?;
        occurrences.drop_index("by_external_id").await?;
        occurrences.create_index(index("by_trait", doc! { "r.k": 1, "r.v": 1, "m": 1 })).await?;
        occurrences.update_many(doc! {}, doc! { "$unset": { "d": "", "x": "" } }).await?;
        let versions = self.collection("schema_versions");
        versions.delete_many(doc! {}).await?;
        versions.insert_one(doc! { "_id": 1_i64 }).await?;
        Ok(())
    }

    async fn make_newer(&mut self) -> Result<(), BoxError> {
        self.collection("schema_versions").insert_one(doc! { "_id": 1000_i64 }).await?;
        Ok(())
    }

    async fn undo_newer(&mut self) -> Result<(), BoxError> {
        self.collection("schema_versions").delete_one(doc! { "_id": 1000_i64 }).await?;
        Ok(())
    }
}

/// Two commands that keep a collection locked: an update that sleeps, and a change of the collection, which waits for it.
/// All later writers wait behind that change.
struct Stall {
    database: Database,
    tickets: String,
    /// The id of the update.
    update: Option<Bson>,
}

impl Stall {
    fn start(&self, command: Document) {
        let database = self.database.clone();
        // The update ends with an error: it is killed.
        tokio::spawn(async move { database.run_command(command).await });
    }

    /// Waits for a command to begin, and returns its id.
    async fn begun(&self, filter: Document) -> Result<Option<Bson>, BoxError> {
        let admin = self.database.client().database("admin");
        loop {
            let stages = [doc! { "$currentOp": {} }, doc! { "$match": &filter }];
            let mut found = admin.aggregate(stages).await?;
            if let Some(mut command) = found.try_next().await? {
                return Ok(command.remove("opid"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[async_trait]
impl Outage for Stall {
    async fn begin(&mut self) -> Result<(), BoxError> {
        let space = format!("{DATABASE}.{}", self.tickets);
        // It holds the collection's lock meanwhile, and finds nothing to change.
        let sleep = "function() { sleep(60000); return false }";
        let update = doc! { "q": { "$where": sleep }, "u": { "$set": { "x": 1 } } };
        self.start(doc! { "update": &self.tickets, "updates": [update] });
        self.update = self.begun(doc! { "op": "update", "ns": space }).await?;
        self.start(doc! { "collMod": &self.tickets, "validationLevel": "strict" });
        self.begun(doc! { "command.collMod": &self.tickets, "waitingForLock": true }).await?;
        Ok(())
    }

    async fn end(&mut self) -> Result<(), BoxError> {
        let admin = self.database.client().database("admin");
        admin.run_command(doc! { "killOp": 1, "op": self.update.take() }).await?;
        Ok(())
    }
}
