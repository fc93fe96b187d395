//! Every command that the store sends uses an index, as `explain` shows, and alternatives are merged in the order of
//! their index.

#![allow(clippy::unwrap_used, reason = "a test program")]

mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use mongodb::bson::{Document, doc};
use support::everything::{store, use_everything};
use support::{URL, database, run, trial};

fn main() -> ExitCode {
    let name = "every_command_uses_an_index";
    let trials = vec![trial(name, Some(URL), |url| run(commands(url)))];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn commands(url: String) -> Result<(), Failed> {
    let (backend, plain, seen) = store(&url, "commands").await?;
    seen.lock().unwrap().clear();
    use_everything(&backend).await?;
    let sent = std::mem::take(&mut *seen.lock().unwrap());
    let (mut explained, mut merged, mut distinct) = (0, 0, 0);
    for command in sent {
        for one in explainable(&command) {
            let plan = plain
                .database(&database("commands"))
                .run_command(doc! { "explain": one.clone(), "verbosity": "queryPlanner" })
                .await
                .map_err(|error| format!("{error}: {one}"))?;
            assert!(
                !plan.to_string().contains("\"COLLSCAN\""),
                "{one} scans a whole collection: {plan}"
            );
            // The first step of a search by traits reads only as many entries as the page needs.
            if one.get_str("hint").is_ok_and(|hint| hint == "by_trait_in_block") {
                let plan = plan.to_string();
                assert!(!plan.contains("\"stage\": \"SORT\""), "{one} sorts: {plan}");
                merged += usize::from(plan.contains("SORT_MERGE"));
            }
            // Releases are read from one to the next, not for each ticket.
            let lists = one.get_str("aggregate").is_ok_and(|name| name.ends_with("seen"))
                && one.to_string().contains("$match");
            if lists {
                assert!(
                    plan.to_string().contains("DISTINCT_SCAN"),
                    "{one} reads each pair: {plan}"
                );
                distinct += 1;
            }
            explained += 1;
        }
    }
    assert!(explained > 80, "only {explained} commands were seen");
    assert!(merged > 5, "only {merged} searches merge the entries of alternatives");
    assert!(distinct > 2, "only {distinct} commands list applications or releases");
    plain.database(&database("commands")).drop().await?;
    Ok(())
}

/// Splits a command into those that `explain` accepts: one per statement of a write, and without the session.
fn explainable(command: &Document) -> Vec<Document> {
    let mut command = command.clone();
    for field in [
        "lsid",
        "txnNumber",
        "startTransaction",
        "autocommit",
        "$db",
        "$clusterTime",
        "readConcern",
        "writeConcern",
        "$readPreference",
        "apiVersion",
        "maxTimeMS",
    ] {
        command.remove(field);
    }
    let Some((verb, collection)) = command.iter().next().map(|(k, v)| (k.clone(), v.clone()))
    else {
        return Vec::new();
    };
    let list = match verb.as_str() {
        "find" | "aggregate" | "distinct" | "findAndModify" | "count" => return vec![command],
        "update" => "updates",
        "delete" => "deletes",
        _ => return Vec::new(),
    };
    let statements = command.get_array(list).cloned().unwrap_or_default();
    statements
        .into_iter()
        .map(|statement| doc! { &verb: collection.clone(), list: [statement] })
        .collect()
}
