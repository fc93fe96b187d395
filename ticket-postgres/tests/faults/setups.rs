//! F17: concurrent set-ups, some of which are killed.
//!
//! This program starts itself again as the child processes; an environment variable tells them what to set up.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ticket_core::BackendBase;
use ticket_postgres::PostgresBackend;

use super::support::{Database, occurrence, until};

/// The environment variable with the URL of a store. If it is set, this program only sets that store up.
pub(crate) const JOB: &str = "TICKET_POSTGRES_TEST_SETUP";

const PROCESSES: usize = 8;
const ROUNDS: u64 = 6;

pub(crate) async fn job(url: &str) {
    PostgresBackend::from_uri(url).unwrap().setup_backend().await.unwrap();
}

fn start(database: &Database) -> Child {
    let separator = if database.url.contains('?') { '&' } else { '?' };
    let name = format!("application_name={}", database.schema);
    let url = format!("{}{separator}schema={}&{name}", database.url, database.schema);
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.env(JOB, url).stdin(Stdio::null()).spawn().unwrap()
}

/// Checks that every schema version is present exactly once and that the store works.
async fn check(database: &Database) {
    let store = database.store().await;
    let versions = "SELECT count(*) - max(version) FROM \"{s}\".ticketing_schema_versions";
    assert_eq!(database.number(versions).await, 0);
    store.record_tickets(occurrence("works").into()).await.unwrap();
}

pub(crate) async fn f17_eight_processes_set_up_at_once_and_some_are_killed() {
    for round in 0..ROUNDS {
        let database = Database::new(&format!("race{round}")).await;
        let mut children: Vec<Child> = (0..PROCESSES).map(|_| start(&database)).collect();
        // Each round kills later; the first one kills nobody.
        let killed = if round == 0 { 0 } else { 3 };
        tokio::time::sleep(Duration::from_millis(15 * round)).await;
        for child in &mut children[..killed] {
            child.kill().unwrap();
        }
        for (number, child) in children.iter_mut().enumerate() {
            let status = child.wait().unwrap();
            assert!(number < killed || status.success(), "round {round}, {number}: {status}");
        }
        check(&database).await;
        database.drop_schema().await;
    }
}

pub(crate) async fn f17_a_setup_killed_half_way_leaves_nothing() {
    let database = Database::new("half").await;
    // An open transaction creates one of the later tables, so the set-up blocks there, with all earlier
    // tables already created in its own transaction.
    database.run("CREATE SCHEMA \"{s}\"").await.unwrap();
    database.run("BEGIN; CREATE TABLE \"{s}\".ticketing_traits ()").await.unwrap();
    let mut child = start(&database);
    let other = Database::at(&database.url, "other").await;
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' \
         AND wait_event_type = 'Lock'",
        database.schema
    );
    until("the set-up waits for the lock", async || other.number(&waits).await == 1).await;
    child.kill().unwrap();
    child.wait().unwrap();
    database.run("ROLLBACK").await.unwrap();
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'",
        database.schema
    );
    until("the server has ended the killed process's session", async || {
        other.number(&sessions).await == 0
    })
    .await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = '{s}'";
    assert_eq!(database.number(tables).await, 0, "the killed set-up left tables behind");
    // The killed set-up left no lock for the next ones to wait for.
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| start(&database)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    check(&database).await;
    database.drop_schema().await;
}
