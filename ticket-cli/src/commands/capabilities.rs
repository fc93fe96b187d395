//! `ticket capabilities`.

use std::collections::BTreeMap;
use std::io::Write;

use ticket_core::Capability;

use crate::context::Context;
use crate::output::json::{self, CapabilitiesView};

pub(crate) async fn run(context: &Context, out: &mut dyn Write) -> anyhow::Result<()> {
    let store = context.open().await?;
    let capabilities = store.capabilities();
    if context.json {
        let capabilities: BTreeMap<String, bool> = Capability::ALL
            .into_iter()
            .map(|capability| (key(capability), capabilities.has(capability)))
            .collect();
        json::write_line(out, &CapabilitiesView { backend: store.name(), capabilities })?;
        return Ok(());
    }
    writeln!(out, "backend  {}", store.name())?;
    for capability in Capability::ALL {
        let answer = if capabilities.has(capability) { "yes" } else { "no" };
        writeln!(out, "{answer:7}  {capability:23}  {}", meaning(capability))?;
    }
    Ok(())
}

/// Returns the name of a capability as JSON has names: `SharedStorage` is `shared_storage`.
fn key(capability: Capability) -> String {
    let mut key = String::new();
    for c in capability.as_str().chars() {
        if c.is_ascii_uppercase() && !key.is_empty() {
            key.push('_');
        }
        key.push(c.to_ascii_lowercase());
    }
    key
}

const fn meaning(capability: Capability) -> &'static str {
    match capability {
        Capability::Events => "events can be found by type and traits, and expire",
        Capability::SharedStorage => "several processes can use the store at once",
        Capability::SchemaVersions => "older tables are migrated, newer ones are refused",
        Capability::ApplicationTransactions => {
            "the store may share its database with the application's transactions"
        }
        Capability::ProcessReports => "the processes that record say how they are doing",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_has_a_name_and_a_meaning() {
        let keys = Capability::ALL.map(key);
        assert_eq!(
            keys,
            [
                "events",
                "shared_storage",
                "schema_versions",
                "application_transactions",
                "process_reports"
            ]
        );
        assert!(Capability::ALL.into_iter().all(|capability| !meaning(capability).is_empty()));
    }
}
