//! The backends that this command was built with. No other file names them.

use std::sync::Arc;

use ticket_core::{Error, Registry, Result, Store};

/// The schemes of all backends, the feature of this crate that adds each, and whether it is enabled.
const BACKENDS: [(&str, &str, bool); 6] = [
    ("memory", "memory", cfg!(feature = "memory")),
    ("sqlite", "sqlite", cfg!(feature = "sqlite")),
    ("postgres", "postgres", cfg!(feature = "postgres")),
    ("postgresql", "postgres", cfg!(feature = "postgres")),
    ("mongodb", "mongo", cfg!(feature = "mongo")),
    ("mongodb+srv", "mongo", cfg!(feature = "mongo")),
];

/// Connects to the store that a URL names.
pub(crate) async fn connect(url: &str) -> Result<Arc<dyn Store>> {
    check_feature(url)?;
    registry().connect(url).await
}

fn registry() -> Registry {
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

/// Fails if the URL names a backend that this command was built without.
fn check_feature(url: &str) -> Result<()> {
    let scheme = scheme(url);
    match BACKENDS.iter().find(|(known, _, enabled)| *known == scheme && !enabled) {
        None => Ok(()),
        Some((_, feature, _)) => Err(Error::config(format!(
            "this command was built without support for {scheme}: URLs; install it with \
             `cargo install ticket-cli --features {feature}`"
        ))),
    }
}

/// Returns the URL of the same store, whose set-up creates nothing and only checks that it exists.
pub(crate) fn check_only(url: &str) -> String {
    // A store in memory is always new: there is nothing to check, and it takes no options.
    if scheme(url) == "memory" {
        return url.to_owned();
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}autocreate=false")
}

/// Repairs what a crash has left in the store, and describes what that was.
#[allow(clippy::unused_async, reason = "only MongoDB has something to wait for")]
pub(crate) async fn repair(url: &str) -> Result<String> {
    check_feature(url)?;
    #[cfg(feature = "mongo")]
    if ticket_mongo::SCHEMES.contains(&scheme(url).as_str()) {
        let store = ticket_mongo::MongoBackend::from_uri(&check_only(url))?;
        let repaired = store.repair().await?;
        return Ok(format!(
            "repaired: removed {} occurrences that belong to no ticket, and recounted {} tickets and {} \
             hours of applications",
            repaired.occurrences, repaired.tickets, repaired.sums
        ));
    }
    Ok(format!(
        "nothing to repair: a {} store records a batch in one transaction, so a crash leaves all of it or \
         nothing",
        scheme(url)
    ))
}

/// Returns the statements that create the schema of the store.
pub(crate) fn schema(url: &str) -> Result<String> {
    check_feature(url)?;
    match scheme(url).as_str() {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(ticket_sqlite::SqliteConfig::from_uri(url)?.schema_sql()),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            Ok(ticket_postgres::PostgresConfig::from_uri(url)?.schema_sql())
        }
        scheme => Err(Error::config(format!(
            "a store of kind {scheme} has no statements to print: --print works with sqlite: and postgres: \
             URLs"
        ))),
    }
}

/// Returns the statements that create the schema and distribute its tables over several servers.
#[cfg(feature = "postgres")]
pub(crate) fn distributed_schema(
    url: &str,
    distribution: ticket_postgres::Distribution,
) -> Result<String> {
    if !ticket_postgres::SCHEMES.contains(&scheme(url).as_str()) {
        return Err(Error::config(
            "--engine works with PostgreSQL only: write a URL that begins with postgres://",
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

    #[test]
    fn the_error_for_a_backend_that_is_not_built_in_names_its_feature() {
        for (scheme, feature, enabled) in BACKENDS {
            let checked = check_feature(&format!("{}://me:S3cret@host/db", scheme.to_uppercase()));
            assert_eq!(checked.is_ok(), enabled, "{scheme}");
            if let Err(error) = checked {
                let said = error.to_string();
                assert!(said.contains(&format!("--features {feature}`")), "{said}");
                assert!(!said.contains("S3cret"), "{said}");
            }
        }
        assert!(check_feature("foo:bar").is_ok(), "the registry knows better");
    }

    #[test]
    fn every_registered_scheme_is_listed() {
        let known = registry().schemes().map(str::to_owned).collect::<Vec<_>>();
        let listed = BACKENDS.iter().filter(|(_, _, enabled)| *enabled).count();
        assert_eq!(known.len(), listed, "{known:?}");
        assert!(known.iter().all(|scheme| BACKENDS.iter().any(|(name, ..)| name == scheme)));
    }

    #[tokio::test]
    async fn a_store_that_needs_no_repair_says_so() {
        for (url, enabled) in [
            ("sqlite:tickets.db", cfg!(feature = "sqlite")),
            ("postgres://localhost/shop", cfg!(feature = "postgres")),
            ("memory:", cfg!(feature = "memory")),
        ] {
            if enabled {
                let said = repair(url).await.unwrap();
                assert!(said.starts_with("nothing to repair: "), "{said}");
                assert!(said.contains(url.split(':').next().unwrap()), "{said}");
            }
        }
    }

    #[test]
    fn a_url_for_reading_creates_nothing() {
        assert_eq!(check_only("sqlite:a.db"), "sqlite:a.db?autocreate=false");
        assert_eq!(
            check_only("sqlite:a.db?table_prefix=x&autocreate=true"),
            "sqlite:a.db?table_prefix=x&autocreate=true&autocreate=false"
        );
        assert_eq!(check_only("Memory:"), "Memory:");
    }
}
