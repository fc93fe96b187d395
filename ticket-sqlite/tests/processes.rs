//! Several processes that share one file, and processes that are killed.
//!
//! This program starts itself again as the child processes; an environment variable tells them what to do.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test program whose parent reads its output"
)]
#![allow(clippy::zombie_processes, reason = "every test waits for the children that it starts")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use futures::executor::block_on;
use libtest_mimic::{Arguments, Failed, Trial};
use rusqlite::Connection;
use ticket_core::backend::{Batch, NewOccurrence, TicketChange};
use ticket_core::{BackendBase, Level, Record, Status, TicketQuery};
use ticket_grouping::Grouping;
use ticket_sqlite::{SqliteBackend, SqliteConfig};

const JOB: &str = "TICKET_SQLITE_TEST_JOB";
const FILE: &str = "TICKET_SQLITE_TEST_FILE";

const PROCESSES: usize = 8;
const THREADS: usize = 64;
const KILLS: u64 = 12;
const TRAITS: i64 = 4;

fn main() -> ExitCode {
    if let (Ok(job), Some(file)) = (std::env::var(JOB), std::env::var_os(FILE)) {
        // What is tested is who creates the ticket, not how long the last of 512 threads waits on a busy machine.
        let config =
            SqliteConfig::new(PathBuf::from(file)).with_busy_timeout(Duration::from_secs(60));
        let store = SqliteBackend::new(config);
        match job.as_str() {
            "race" => race(&store),
            "burst" => burst(&store),
            "no thread" => no_thread(&store),
            job => panic!("unknown job {job}"),
        }
        return ExitCode::SUCCESS;
    }
    let trials = vec![
        Trial::test("eight_processes_of_64_threads_make_one_ticket_and_an_exact_count", one_ticket),
        Trial::test("a_killed_process_leaves_whole_batches", killed),
        Trial::test("f38_without_a_thread_a_call_fails_and_the_process_lives", without_thread),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn command(job: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(JOB, job).env(FILE, file).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn start(job: &str, file: &Path) -> Child {
    command(job, file).spawn().unwrap()
}

fn occurrence(message: &str) -> NewOccurrence {
    let mut record = Record::new(Level::Error, "shop::db", message).with_app_id("shop");
    for number in 0..TRAITS {
        record = record.with_trait(format!("trait_{number}"), number);
    }
    let fingerprint = Grouping::custom(|_| "one".to_owned()).fingerprint(&record, b"");
    NewOccurrence::new(record, fingerprint)
}

/// Records one new occurrence from each thread when the parent gives the signal.
fn race(store: &SqliteBackend) {
    block_on(store.setup_backend()).unwrap();
    println!("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let barrier = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (store, barrier) = (store.clone(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                let batch = [occurrence("the same new error")];
                barrier.wait();
                let recorded = block_on(store.record_tickets(Batch::from(&batch[..]))).unwrap();
                usize::from(recorded.updates[0].change == Some(TicketChange::Created))
            })
        })
        .collect();
    let created: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!("{created}");
}

fn one_ticket() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tickets.db");
    // The children also race to set up the new file.
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| start("race", &file)).collect();
    let mut outputs: Vec<_> = children
        .iter_mut()
        .map(|child| BufReader::new(child.stdout.take().unwrap()).lines())
        .collect();
    for lines in &mut outputs {
        assert_eq!(lines.next().unwrap()?, "ready");
    }
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n")?;
    }
    let mut created = 0;
    for (child, lines) in children.iter_mut().zip(&mut outputs) {
        created += lines
            .next()
            .expect("the child prints how many tickets it created")?
            .parse::<usize>()?;
        assert!(child.wait()?.success());
    }
    assert_eq!(created, 1, "exactly one thread creates the ticket");
    let store = SqliteBackend::new(SqliteConfig::new(&file));
    let tickets = block_on(store.get_tickets(&TicketQuery::new()))?.items;
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0].occurrence_count, (PROCESSES * THREADS) as u64);
    assert_eq!(tickets[0].status, Status::Open);
    check(&file)?;
    Ok(())
}

/// Records batches forever, and prints the total number of occurrences after each.
fn burst(store: &SqliteBackend) {
    block_on(store.setup_backend()).unwrap();
    let mut total = 0;
    loop {
        let batch: Vec<NewOccurrence> = (0..50).map(|_| occurrence("again and again")).collect();
        total += block_on(store.record_tickets(Batch::from(&batch[..]))).unwrap().occurrences;
        println!("{total}");
    }
}

fn killed() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tickets.db");
    let mut acknowledged = 0;
    for round in 0..KILLS {
        let mut child = start("burst", &file);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Each round kills later; the first ones do so in the middle of the set-up.
        std::thread::sleep(Duration::from_millis(3 + round * round * 3));
        child.kill()?;
        child.wait()?;
        if let Some(last) = lines.map_while(Result::ok).last() {
            acknowledged += last.parse::<u64>()?;
        }
        // A killed process may not even have created the file.
        let stored = if file.exists() { check(&file)? } else { 0 };
        assert!(stored >= acknowledged, "round {round}: {stored} of {acknowledged}");
        assert_eq!(stored % 50, 0, "round {round}: a batch is stored in part");
        // A batch may be stored although the kill came before its acknowledgement.
        acknowledged = stored;
    }
    assert!(acknowledged > 0, "nothing was recorded between the kills");
    Ok(())
}

/// Prints what a call says while no thread can be started.
fn no_thread(store: &SqliteBackend) {
    let (error, again) =
        (block_on(store.setup_backend()).unwrap_err(), block_on(store.setup_backend()));
    println!("{error} {}", error.is_retryable() && again.is_err());
}

fn without_thread() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    // No memory has room for this stack.
    let stack = (1_u64 << 60).to_string();
    let mut child = command("no thread", &folder.path().join("tickets.db"))
        .env("RUST_MIN_STACK", stack)
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (done, answer) = mpsc::channel();
    std::thread::spawn(move || done.send(lines.map_while(Result::ok).collect::<String>()));
    let answer = answer.recv_timeout(Duration::from_secs(30));
    child.kill()?;
    child.wait()?;
    assert_eq!(answer?, "sqlite: no thread could be started true");
    Ok(())
}

/// Checks that the stored data is consistent, and returns the number of occurrences.
fn check(file: &Path) -> Result<u64, Failed> {
    let sqlite = Connection::open(file)?;
    sqlite.busy_timeout(Duration::from_secs(5))?;
    let text: String = sqlite.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    assert_eq!(text, "ok");
    let tables = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'ticketing\\_%' ESCAPE '\\'";
    let tables: i64 = sqlite.query_row(tables, [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(0);
    }
    let number = |sql: &str| sqlite.query_row(sql, [], |row| row.get::<_, i64>(0));
    let stored = number("SELECT count(*) FROM ticketing_occurrences")?;
    let sums = [
        "SELECT coalesce(sum(repeats), 0) FROM ticketing_occurrences",
        "SELECT coalesce(sum(count), 0) FROM ticketing_tickets",
        "SELECT coalesce(sum(count), 0) FROM ticketing_ticket_hours",
        "SELECT coalesce(sum(count), 0) FROM ticketing_app_hours",
    ];
    for sql in sums {
        assert_eq!(number(sql)?, stored, "{sql}");
    }
    assert_eq!(number("SELECT count(*) FROM ticketing_traits")?, stored * TRAITS);
    Ok(stored.unsigned_abs())
}
