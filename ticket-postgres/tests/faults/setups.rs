//! F17: many who set up, and some who are killed at it.
//!
//! This program starts itself again as the processes: where they are to set up stands in the environment.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ticket_core::BackendBase;
use ticket_postgres::PostgresBackend;

use super::support::{Database, occurrence, until};

/// The variable that makes this program set up the store of its URI, and nothing else.
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

/// All versions are there, each once, and the store works.
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
        // Later in each round, and in the first one nobody.
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
    // Somebody is about to make one of the later tables, so that whoever sets up waits there, with all
    // that comes before already made in its transaction.
    database.run("CREATE SCHEMA \"{s}\"").await.unwrap();
    database.run("BEGIN; CREATE TABLE \"{s}\".ticketing_traits ()").await.unwrap();
    let mut child = start(&database);
    let other = Database::at(&database.url, "other").await;
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' \
         AND wait_event_type = 'Lock'",
        database.schema
    );
    until("the set-up is in the middle", async || other.number(&waits).await == 1).await;
    child.kill().unwrap();
    child.wait().unwrap();
    database.run("ROLLBACK").await.unwrap();
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'",
        database.schema
    );
    until("the server has noticed", async || other.number(&sessions).await == 0).await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = '{s}'";
    assert_eq!(database.number(tables).await, 0, "all or nothing");
    // The next ones do not find a lock that is left.
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| start(&database)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    check(&database).await;
    database.drop_schema().await;
}
