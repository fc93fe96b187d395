//! The collections, their indexes and versions, and how an older version becomes the current one.

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use ticket_core::{Error, ErrorKind, Result, Timestamp};

use crate::config::MongoConfig;
use crate::connection::{Connection, within};
use crate::error::{BACKEND, Failure, Outcome, code};
use crate::lease::Lease;
use crate::place::{self, Keys};
use crate::row;

/// Puts the prefix before the names of collections.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(crate) fn of(&self, collection: &str) -> String {
        format!("{}{collection}", self.prefix)
    }
}

/// The version that this program writes.
pub(crate) const CURRENT: i64 = 3;

/// The collections of the current version; the first four hold what was recorded.
pub(crate) const COLLECTIONS: [&str; 8] =
    ["tickets", "occurrences", "hours", "seen", "lease", "journal", "sessions", "schema_versions"];

/// An index: its collection, its name, and its keys, all of them ascending.
type Index = (&'static str, &'static str, &'static [&'static str]);

/// The indexes, apart from those of `_id`, which begin with the ticket id where tickets are kept.
const INDEXES: &[Index] = &[
    ("occurrences", "by_ticket", &["_id.t", "m", "_id.i"]),
    ("occurrences", "by_time", &["m", "_id.i", "_id.t", "a"]),
    ("occurrences", "by_type", &["c", "m", "_id.i", "_id.t"]),
    ("occurrences", "by_app", &["a", "c", "m", "_id.i", "_id.t"]),
    ("occurrences", "by_id", &["_id.i", "_id.t"]),
    ("occurrences", "by_trait", &["r.k", "r.v", "m"]),
    ("seen", "by_ticket", &["_id.t", "_id.r", "_id.e"]),
    ("sessions", "by_time", &["made_at"]),
];

/// What version 2 added: counts over time of an application.
const INDEXES_OF_VERSION_2: &[Index] = &[("hours", "by_hour", &["_id.h", "a"])];

/// What version 3 has in place of an index for each order of tickets.
const INDEXES_OF_VERSION_3: &[Index] = &[("tickets", place::INDEX, &["k.$**"])];

/// Makes the collections, or brings older ones up to date; harmless if they are current.
pub(crate) async fn set_up(connection: &Connection, config: &MongoConfig) -> Result<()> {
    within(connection.deadline(), async {
        let version = version(connection).await?;
        if version >= CURRENT || !config.autocreate() {
            return check(version);
        }
        migrate(connection).await.map_err(Error::from)
    })
    .await
}

/// Makes sure that the collections are of the current version.
pub(crate) async fn require_current(connection: &Connection) -> Result<()> {
    within(connection.deadline(), async { check(version(connection).await?) }).await
}

/// The version that is there; 0 if there is none.
async fn version(connection: &Connection) -> Result<i64> {
    let find =
        doc! { "find": connection.names.of("schema_versions"), "sort": { "_id": -1 }, "limit": 1 };
    let newest = connection.read(find).await.map_err(Error::from)?.pop();
    match newest {
        None => Ok(0),
        Some(newest) => newest
            .get_i64("_id")
            .map_err(|_| crate::error::corrupt("the version of the collections")),
    }
}

async fn migrate(connection: &Connection) -> Outcome<()> {
    let free = doc! { "update": connection.names.of("lease"), "updates": [{
        "q": { "_id": "writer" },
        "u": { "$setOnInsert": { "token": 0_i64, "owner": null, "phase": 0, "undone": [] } },
        "upsert": true,
    }] };
    // Of several that insert it at once, one does.
    match connection.run(free).await {
        Err(failure) if !failure.is_duplicate() => return Err(failure),
        _ => {}
    }
    // The version is read again under the lease: of eight that get here at once, one does the work.
    let mut lease = Lease::acquire(connection).await?;
    let outcome = migrate_alone(connection, &mut lease).await;
    lease.release().await?;
    outcome
}

async fn migrate_alone(connection: &Connection, lease: &mut Lease) -> Outcome<()> {
    let version = version(connection).await?;
    if version == 0 {
        for name in COLLECTIONS {
            lease.live().await?;
            create(connection, name).await?;
        }
        make_indexes(connection, lease, INDEXES).await?;
        made(connection, 1).await?;
    }
    if version < 2 {
        make_indexes(connection, lease, INDEXES_OF_VERSION_2).await?;
        made(connection, 2).await?;
    }
    if version < 3 {
        make_indexes(connection, lease, INDEXES_OF_VERSION_3).await?;
        drop_orders(connection).await?;
        place_tickets(connection, lease).await?;
        made(connection, 3).await?;
    }
    check(version.max(CURRENT)).map_err(Failure::from)
}

/// Makes a collection; in a transaction that would not be possible everywhere.
async fn create(connection: &Connection, name: &str) -> Outcome<()> {
    const NAMESPACE_EXISTS: i32 = 48;
    match connection.database.create_collection(connection.names.of(name)).await {
        Err(error) if code(&error) != Some(NAMESPACE_EXISTS) => Err(error.into()),
        _ => Ok(()),
    }
}

async fn make_indexes(
    connection: &Connection,
    lease: &mut Lease,
    indexes: &[Index],
) -> Outcome<()> {
    for group in indexes.chunk_by(|a, b| a.0 == b.0) {
        lease.live().await?;
        let models = group.iter().map(|(_, name, keys)| {
            let keys: Document = keys.iter().map(|key| ((*key).to_owned(), 1.into())).collect();
            let options = IndexOptions::builder().name((*name).to_owned()).build();
            IndexModel::builder().keys(keys).options(options).build()
        });
        connection.collection(group[0].0).create_indexes(models).await?;
    }
    Ok(())
}

/// Drops the indexes of tickets that older versions had.
async fn drop_orders(connection: &Connection) -> Outcome<()> {
    let tickets = connection.collection("tickets");
    for name in tickets.list_index_names().await? {
        if !["_id_", place::INDEX].contains(&name.as_str()) {
            tickets.drop_index(name).await?;
        }
    }
    Ok(())
}

/// Gives a place in each order to the tickets that have none.
async fn place_tickets(connection: &Connection, lease: &mut Lease) -> Outcome<()> {
    loop {
        lease.live().await?;
        let find = doc! { "find": connection.names.of("tickets"), "filter": { "k": null },
        "projection": Keys::fields(), "limit": 500 };
        let found = connection.read(find).await?;
        if found.is_empty() {
            return Ok(());
        }
        let mut statements = Vec::new();
        for ticket in &found {
            let (id, keys) = (row::ticket_id(ticket.get("_id"))?, Keys::of(ticket)?);
            // One that was written meanwhile is looked at again.
            let mut same = ticket.clone();
            same.insert("k", Bson::Null);
            statements.push(doc! { "q": same, "u": { "$set": keys.places(id, None) } });
        }
        let place = doc! { "update": connection.names.of("tickets"), "updates": statements, "ordered": false };
        connection.run(place).await?;
    }
}

async fn made(connection: &Connection, version: i64) -> Outcome<()> {
    let made = doc! { "_id": version, "made_at": Timestamp::now().as_micros() };
    match connection.collection("schema_versions").insert_one(made).await.map_err(Failure::from) {
        Err(failure) if !failure.is_duplicate() => Err(failure),
        _ => Ok(()),
    }
}

fn check(version: i64) -> Result<()> {
    let (kind, message) = match version {
        CURRENT => return Ok(()),
        0 => (
            ErrorKind::Config,
            "the collections are not there: call setup_backend once, and for that \
            do not set autocreate=false"
                .to_owned(),
        ),
        older @ 1..CURRENT => (
            ErrorKind::Config,
            format!(
                "the collections are of the older version {older}: call setup_backend once, which brings \
                 them to version {CURRENT}, and for that do not set autocreate=false"
            ),
        ),
        newer => (
            ErrorKind::Corrupt,
            format!(
                "the collections are of version {newer}, and this program knows versions up to {CURRENT}: \
                 use a newer program"
            ),
        ),
    };
    Err(Error::new(kind, BACKEND, message))
}
