//! The partitions of the [months](Month), made when the first occurrence of a month arrives.

use ticket_core::Result;

use crate::connection::{Call, Connections};
use crate::error::is_check_violation;
use crate::month::Month;

/// Creates the missing partitions of these months.
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

/// Creates one month in a transaction of its own, so that others continue in between.
async fn make(connections: &Connections, month: Month) -> Result<()> {
    let mut call = connections.maintain().await?;
    // Usually the partition exists.
    let table = format!("traits_{}", month.name());
    if call.has_table(&table).await? {
        return call.finish().await;
    }
    call.lock_store().await?;
    if call.has_table(&table).await? {
        return call.finish().await;
    }
    // If the shared partition already contains ids of this month, PostgreSQL refuses the new
    // partition, and the month stays in the shared one.
    call.execute("SAVEPOINT month").await?;
    match create(&mut call, month).await {
        Err(error) if !is_check_violation(&error) => return Err(error),
        Err(_) => call.execute("ROLLBACK TO SAVEPOINT month").await?,
        Ok(()) => {}
    }
    call.finish().await
}

async fn create(call: &mut Call<'_>, month: Month) -> Result<()> {
    for statement in month.statements(call.names()) {
        call.execute(&statement).await?;
    }
    Ok(())
}
