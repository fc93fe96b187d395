//! The backends that this command was built with; the only place that names them.

use ticket_core::{Error, Registry, Result};

/// All of them.
pub(crate) fn registry() -> Registry {
    #[allow(unused_mut, reason = "without any backend feature nothing is registered")]
    let mut registry = Registry::new();
    #[cfg(feature = "memory")]
    ticket_memory::register(&mut registry);
    #[cfg(feature = "sqlite")]
    ticket_sqlite::register(&mut registry);
    #[cfg(feature = "postgres")]
    ticket_postgres::register(&mut registry);
    #[cfg(feature = "mongo")]
    ticket_mongo::register(&mut registry);
    registry
}

/// The same store, whose set-up creates nothing and only checks that it is there.
pub(crate) fn check_only(url: &str) -> String {
    // A store in memory is always new: there is nothing to check, and it takes no options.
    if scheme(url) == "memory" {
        return url.to_owned();
    }
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}autocreate=false")
}

/// Puts right what a crash has left in the store, and says what that was.
#[allow(clippy::unused_async, reason = "without the feature there is nothing to wait for")]
pub(crate) async fn repair(url: &str) -> Result<String> {
    #[cfg(feature = "mongo")]
    if ticket_mongo::SCHEMES.contains(&scheme(url).as_str()) {
        let store = ticket_mongo::MongoBackend::from_uri(&check_only(url))?;
        let repaired = store.repair().await?;
        return Ok(format!(
            "repaired: {} occurrences that belong to nothing removed, {} tickets and {} hours of \
             applications counted again",
            repaired.occurrences, repaired.tickets, repaired.sums
        ));
    }
    Ok(format!(
        "nothing to repair: a store of the kind {} records a batch in one transaction, of which a crash \
         leaves all or nothing",
        scheme(url)
    ))
}

/// The statements that create the store's schema.
pub(crate) fn schema(url: &str) -> Result<String> {
    match scheme(url).as_str() {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(ticket_sqlite::SqliteConfig::from_uri(url)?.schema_sql()),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            Ok(ticket_postgres::PostgresConfig::from_uri(url)?.schema_sql())
        }
        scheme => Err(Error::config(format!(
            "a store of the kind {scheme} has no statements that --print could show: name one of \
             sqlite or postgres"
        ))),
    }
}

/// The same, and those that spread its tables over several servers.
#[cfg(feature = "postgres")]
pub(crate) fn distributed_schema(
    url: &str,
    distribution: ticket_postgres::Distribution,
) -> Result<String> {
    if !ticket_postgres::SCHEMES.contains(&scheme(url).as_str()) {
        return Err(Error::config(
            "--engine is for PostgreSQL alone: write a URL that begins with postgres://",
        ));
    }
    Ok(ticket_postgres::PostgresConfig::from_uri(url)?.distributed_schema_sql(distribution))
}

fn scheme(url: &str) -> String {
    url.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_needs_no_repair_says_so() {
        for url in ["sqlite:tickets.db", "postgres://localhost/shop", "memory:"] {
            let said = repair(url).await.unwrap();
            assert!(said.starts_with("nothing to repair: "), "{said}");
            assert!(said.contains(url.split(':').next().unwrap()), "{said}");
        }
    }

    #[test]
    fn reading_never_creates() {
        assert_eq!(check_only("sqlite:a.db"), "sqlite:a.db?autocreate=false");
        assert_eq!(
            check_only("sqlite:a.db?table_prefix=x&autocreate=true"),
            "sqlite:a.db?table_prefix=x&autocreate=true&autocreate=false"
        );
        assert_eq!(check_only("Memory:"), "Memory:");
    }
}
