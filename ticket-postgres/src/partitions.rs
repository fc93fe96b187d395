//! The partitions of the [months](Month), made when the first occurrence of a month arrives.

use ticket_core::Result;

use crate::connection::Connections;
use crate::error::is_check_violation;
use crate::month::Month;

/// Makes the partitions of these months, as far as they are missing.
pub(crate) async fn provide(
    connections: &Connections,
    months: impl IntoIterator<Item = Month>,
) -> Result<()> {
    let missing: Vec<Month> = {
        let known = connections.months();
        months.into_iter().filter(|month| !known.contains(month)).collect()
    };
    for month in missing {
        make(connections, month).await?;
        connections.months().insert(month);
    }
    Ok(())
}

/// Each in a transaction of its own: those of others go on in between.
async fn make(connections: &Connections, month: Month) -> Result<()> {
    let names = connections.names();
    let mut call = connections.maintain().await?;
    // Most of the time the partition is there.
    let table = format!("traits_{}", month.name());
    if call.has_table(&table).await? {
        return call.finish().await;
    }
    call.lock_store().await?;
    if call.has_table(&table).await? {
        return call.finish().await;
    }
    // Where the shared partition holds ids of this month already, the month stays in there.
    call.execute("SAVEPOINT month").await?;
    match call.execute(&month.to_sql(names)).await {
        Err(error) if !is_check_violation(&error) => return Err(error),
        Err(_) => call.execute("ROLLBACK TO SAVEPOINT month").await?,
        Ok(()) => {}
    }
    call.finish().await
}
