//! Who does what only one should do (rule 28).
//!
//! These leases are documents beside that of the [writer](crate::lease), under ids that are documents and
//! not texts. One update of one document is atomic on every server.

use mongodb::bson::{DateTime, doc};
use mongodb::options::ReturnDocument;
use ticket_core::backend::Lease;
use ticket_core::{Error, Result};

use crate::connection::{Connection, within};
use crate::error::Failure;

/// How often something is tried that others have done first.
const ATTEMPTS: u32 = 10;

pub(crate) async fn lease(connection: &Connection, lease: &Lease) -> Result<bool> {
    // A text of a caller's must not be taken for a field's name.
    let holder = doc! { "$literal": &lease.holder };
    let until = doc! { "$ifNull": ["$until", DateTime::from_millis(0)] };
    let is_free = doc! { "$or": [
        { "$eq": ["$owner", &holder] },
        { "$lte": [until, "$$NOW"] },
    ] };
    // Whole milliseconds, as the server counts; not fewer than were asked for.
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
                // Of several that make it at once, one does; the others find it then.
                Err(failure) if failure.is_duplicate() && attempt < ATTEMPTS => attempt += 1,
                Err(failure) => return Err(Error::from(failure)),
            }
        }
    })
    .await
}
