//! Leases (rule 28): at most one holder at a time does a job.
//!
//! These leases are documents beside that of the [writer](crate::lease). Their ids are documents,
//! so that no name can collide with the id `writer`. The update of one document is atomic on every
//! kind of server.

use mongodb::bson::{DateTime, doc};
use mongodb::options::ReturnDocument;
use ticket_core::backend::Lease;
use ticket_core::{Error, Result};

use crate::connection::{Connection, within};
use crate::error::Failure;

/// The number of attempts when another process inserts the same document.
const ATTEMPTS: u32 = 10;

pub(crate) async fn lease(connection: &Connection, lease: &Lease) -> Result<bool> {
    // `$literal` keeps a caller's text from being taken for the name of a field.
    let holder = doc! { "$literal": &lease.holder };
    let until = doc! { "$ifNull": ["$until", DateTime::from_millis(0)] };
    let is_free = doc! { "$or": [
        { "$eq": ["$owner", &holder] },
        { "$lte": [until, "$$NOW"] },
    ] };
    // The server counts whole milliseconds; round up, so that the lease lasts at least as long as
    // asked for.
    let millis = lease.micros().saturating_add(999) / 1_000;
    let take = vec![doc! { "$set": {
        "owner": { "$cond": [&is_free, holder, "$owner"] },
        "until": { "$cond": [&is_free, { "$add": ["$$NOW", millis] }, "$until"] },
    } }];
    let leases = connection.collection("lease");
    within(connection.deadline(), async {
        let mut attempt = 1;
        loop {
            let taken = leases
                .find_one_and_update(doc! { "_id": { "name": &lease.name } }, take.clone())
                .upsert(true)
                .return_document(ReturnDocument::After)
                .await;
            match taken.map_err(Failure::from) {
                Ok(taken) => {
                    let owner = taken.as_ref().and_then(|taken| taken.get_str("owner").ok());
                    return Ok(owner == Some(lease.holder.as_str()));
                }
                // Of several processes that insert it at once one succeeds, and the others find it
                // in their next attempt.
                Err(failure) if failure.is_duplicate() && attempt < ATTEMPTS => attempt += 1,
                Err(failure) => return Err(Error::from(failure)),
            }
        }
    })
    .await
}
