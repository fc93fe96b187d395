//! Read positions (rule 32).

use mongodb::bson::doc;
use ticket_core::backend::Batch;

use crate::connection::Connection;
use crate::error::{BACKEND, Outcome};
use crate::row::required_text;
use crate::unit::{Effects, Unit};

pub(crate) async fn read_position(
    connection: &Connection,
    source: String,
) -> Outcome<Option<String>> {
    let find = doc! { "find": connection.names.of("read_positions"), "filter": { "_id": source } };
    let found = connection.read(find).await?;
    Ok(found.first().map(|found| required_text(found, "p")).transpose()?)
}

/// Checks and stores the positions of a batch as part of its unit of work. Two transactions that
/// store a position of one source conflict, and the later one is planned again.
pub(super) async fn store_positions(
    unit: &mut Unit,
    effects: &mut Effects,
    batch: &Batch,
) -> Outcome<()> {
    let mut statements = Vec::new();
    for position in batch.positions() {
        let find =
            doc! { "find": unit.name("read_positions"), "filter": { "_id": position.source() } };
        let found = unit.read(find).await?;
        let stored = found.first().map(|found| required_text(found, "p")).transpose()?;
        position.check(BACKEND, stored.as_deref())?;
        let set = doc! { "p": position.position(), "at": position.at().as_micros() };
        statements.push(unit.change(position.source(), doc! { "$set": set }, true));
    }
    effects.update(&unit.name("read_positions"), statements);
    if let Some(oldest) = batch.forgets_positions_before() {
        let old = unit.guarded_delete(doc! { "at": { "$lt": oldest.as_micros() } });
        effects.delete(&unit.name("read_positions"), vec![old]);
    }
    Ok(())
}
