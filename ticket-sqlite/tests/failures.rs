//! Files that cannot be used, or that others use at the same time.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::path::Path;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rusqlite::Connection;
use ticket_core::backend::{Batch, NewOccurrence};
use ticket_core::{
    BackendBase, BucketWidth, Error, ErrorKind, EventStore, Expiry, Fingerprint, HistogramQuery,
    Ingredients, Level, Record, Registry, TicketFilter, TicketId, TicketQuery, Timestamp,
    TraitTypeQuery,
};
use ticket_grouping::Grouping;
use ticket_sqlite::{SqliteBackend, SqliteConfig};

fn occurrence(kind: &str) -> NewOccurrence {
    let record = Record::new(Level::Error, "shop::db", kind).with_app_id("shop").with_trait("a", 1);
    let fingerprint = Fingerprint::new("shop", b"", Ingredients::new("test/1").with("kind", kind));
    NewOccurrence::new(record, fingerprint)
}

fn open(path: &Path) -> SqliteBackend {
    SqliteBackend::new(SqliteConfig::new(path).with_busy_timeout(Duration::from_millis(100)))
}

fn set_up(path: &Path) -> SqliteBackend {
    let store = open(path);
    block_on(store.setup_backend()).unwrap();
    store
}

fn count(store: &SqliteBackend) -> u64 {
    block_on(store.count_tickets(&TicketFilter::new())).unwrap()
}

fn record(store: &SqliteBackend, kind: &str) -> Result<u64, Error> {
    block_on(store.record_tickets(occurrence(kind).into())).map(|recorded| recorded.occurrences)
}

#[test]
fn a_locked_file_is_unavailable_after_the_timeout_and_usable_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let store = set_up(&path);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let error = record(&store, "a").unwrap_err();
    assert!(error.is_retryable() && error.message().contains("busy_timeout"), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(90), "it waited");
    assert_eq!(count(&store), 0, "a reader waited for the writer");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(record(&store, "a").unwrap(), 1);
}

/// Switching the write-ahead log on needs the file alone. SQLite itself waits for a reader, but not for a writer.
#[test]
fn a_setup_waits_for_others_until_the_timeout_and_no_longer() {
    for begin in ["BEGIN; SELECT * FROM cart", "BEGIN IMMEDIATE"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tickets.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE cart (item INTEGER)").unwrap();
        other.execute_batch(begin).unwrap();
        let patience = Duration::from_secs(1);
        let store = SqliteBackend::new(SqliteConfig::new(&path).with_busy_timeout(patience));
        let (done, answer) = std::sync::mpsc::channel();
        let start = Instant::now();
        let of_thread = store.clone();
        std::thread::spawn(move || done.send(block_on(of_thread.setup_backend())));
        let answer = answer.recv_timeout(Duration::from_secs(20)).expect("the setup gives up");
        let error = answer.unwrap_err();
        assert!(error.is_retryable() && error.message().contains("busy_timeout"), "{error}");
        assert!(start.elapsed() >= patience * 9 / 10, "it did not wait: {begin}");
        other.execute_batch("COMMIT").unwrap();
        block_on(store.setup_backend()).unwrap();
        assert_eq!(record(&store, "a").unwrap(), 1);
    }
}

#[test]
fn a_file_that_is_not_a_database_is_corrupt_and_stays_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let text = "this is a text file, and a long one. ".repeat(200);
    std::fs::write(&path, &text).unwrap();
    let store = open(&path);
    assert_eq!(block_on(store.setup_backend()).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(record(&store, "a").unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // Once a valid file replaces it, the store uses that without being opened again.
    std::fs::remove_file(&path).unwrap();
    block_on(store.setup_backend()).unwrap();
    assert_eq!(record(&store, "a").unwrap(), 1);
}

#[test]
fn a_missing_folder_is_unavailable_until_it_exists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later").join("tickets.db");
    let store = open(&path);
    let error = block_on(store.setup_backend()).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let (file, directory) = (path.display(), path.parent().unwrap().display());
    let expected = format!(
        "sqlite: {file}: the file cannot be opened: the directory {directory} does not exist"
    );
    assert_eq!(error.to_string(), expected);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    block_on(store.setup_backend()).unwrap();
}

/// Nobody may create files in `/proc`, not even root.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let error = block_on(open(Path::new("/proc/tickets.db")).setup_backend()).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.message().ends_with("its directory may not be written"), "{error}");
}

#[test]
fn a_directory_in_place_of_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = block_on(open(folder.path()).setup_backend()).unwrap_err();
    let expected =
        format!("{}: the file cannot be opened: Is a directory", folder.path().display());
    assert!(error.message().starts_with(&expected), "{error}");
}

/// In a directory that may not be written, SQLite cannot create the write-ahead log without which it does not even
/// read. A link to nowhere in the place of the log has the same effect, also for root.
#[cfg(unix)]
#[test]
fn without_a_log_the_file_alone_is_read_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let [path, log] = ["50% ?#.db", "50% ?#.db-wal"].map(|name| folder.path().join(name));
    let forbid = || std::os::unix::fs::symlink("nowhere/else", &log).unwrap();
    record(&set_up(&path), "a").unwrap();
    forbid();
    let store = open(&path);
    assert_eq!(count(&store), 1);
    let error = record(&store, "b").unwrap_err();
    assert!(error.is_retryable() && error.message().contains("read-only"), "{error}");

    // Somebody who may write has changed the file.
    std::fs::remove_file(&log).unwrap();
    record(&open(&path), "b").unwrap();
    forbid();
    assert_eq!(count(&store), 2);

    // Somebody is writing: the file alone is not everything.
    std::fs::remove_file(&log).unwrap();
    std::fs::create_dir(&log).unwrap();
    let error = block_on(store.count_tickets(&TicketFilter::new())).unwrap_err();
    assert!(error.is_retryable(), "{error}");

    // As soon as the store can be written, it is.
    std::fs::remove_dir(&log).unwrap();
    assert_eq!(record(&store, "c").unwrap(), 1);
    assert_eq!(count(&store), 3);
}

#[test]
fn without_a_setup_the_error_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("tickets.db"));
    for error in [
        record(&store, "a").unwrap_err(),
        block_on(store.delete_ticket(TicketId::MIN)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("setup_backend"), "{error}");
    }
    // To a reader it is empty.
    assert_eq!(block_on(store.count_tickets(&TicketFilter::new())).unwrap(), 0);
    block_on(store.setup_backend()).unwrap();
    assert_eq!(record(&store, "a").unwrap(), 1);
}

#[test]
fn no_file_is_created_without_autocreate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let store = SqliteBackend::new(SqliteConfig::new(&path).with_autocreate(false));
    let error = block_on(store.setup_backend()).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Config && error.message().contains("does not exist"),
        "{error}"
    );
    assert!(!path.exists());
    set_up(&path);
    block_on(store.setup_backend()).unwrap();
}

#[test]
fn a_file_that_a_newer_program_migrates_meanwhile_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let store = set_up(&path);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("INSERT INTO ticketing_schema_versions VALUES (99, 0)").unwrap();
    for error in [record(&store, "a").unwrap_err(), block_on(store.setup_backend()).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("version 99"), "{error}");
    }
}

#[test]
fn without_autocreate_a_file_with_other_tables_is_no_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE carts (no INTEGER)").unwrap();
    let list = |autocreate| {
        let config = SqliteConfig::new(&path).with_autocreate(autocreate);
        block_on(SqliteBackend::new(config).get_tickets(&TicketQuery::new()))
    };
    let error = list(false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(list(true).unwrap().items.is_empty());
}

#[test]
fn version_1_gets_its_counts_per_application() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let store = set_up(&path);
    for kind in ["a", "b", "a"] {
        record(&store, kind).unwrap();
    }
    let chart = |store: &SqliteBackend| {
        let now = Timestamp::now();
        let from = now.saturating_sub(Duration::from_secs(86_400));
        let to = now.saturating_add(Duration::from_secs(86_400));
        let query = HistogramQuery::of_app(Some("shop"), BucketWidth::Day, from, to);
        block_on(store.count_occurrences(&query))
            .map(|buckets| buckets.iter().map(|b| b.count).sum::<u64>())
    };
    assert_eq!(chart(&store).unwrap(), 3);
    drop(store);
    let other = Connection::open(&path).unwrap();
    let older = "DROP TABLE ticketing_app_hours; DROP TABLE ticketing_leases; \
        DROP TABLE ticketing_history; DROP TABLE ticketing_merged; ALTER TABLE ticketing_tickets DROP COLUMN history; \
        DROP TABLE ticketing_read_positions; DROP TABLE ticketing_reports; DROP INDEX ticketing_occurrences_by_external_id; \
        ALTER TABLE ticketing_occurrences DROP COLUMN external_id; ALTER TABLE ticketing_tickets DROP COLUMN solved_after; \
        DROP INDEX ticketing_seen_by_release; ALTER TABLE ticketing_seen DROP COLUMN app_id; \
        DELETE FROM ticketing_schema_versions WHERE version > 1";
    other.execute_batch(older).unwrap();
    let store = open(&path);
    let error = chart(&store).unwrap_err();
    assert!(error.kind() == ErrorKind::Config && error.message().contains("older"), "{error}");
    block_on(store.setup_backend()).unwrap();
    assert_eq!(chart(&store).unwrap(), 3);
    assert_eq!(record(&store, "a").unwrap(), 1);
    assert_eq!(chart(&store).unwrap(), 4);
}

#[test]
fn the_printed_schema_is_the_one_that_is_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let [made, printed] = ["made.db", "printed.db"].map(|name| folder.path().join(name));
    drop(set_up(&made));
    let other = Connection::open(&printed).unwrap();
    other.execute_batch(&SqliteConfig::new(&printed).schema_sql()).unwrap();
    let tables = |path: &Path| -> Vec<String> {
        let sqlite = Connection::open(path).unwrap();
        let mut read = sqlite
            .prepare("SELECT name || sql FROM sqlite_master WHERE sql <> '' ORDER BY 1")
            .unwrap();
        read.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert!(tables(&made).len() > 20);
    assert_eq!(tables(&made), tables(&printed));
    let store = SqliteBackend::new(SqliteConfig::new(&printed).with_autocreate(false));
    block_on(store.setup_backend()).unwrap();
}

#[test]
fn closing_leaves_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let store = set_up(&path);
    record(&store, "a").unwrap();
    assert_eq!(count(&store), 1);
    assert!(folder.path().join("tickets.db-wal").exists());
    drop(store);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "the write-ahead log was not merged into the file");
    assert_eq!(count(&open(&path)), 1);
}

#[test]
fn the_parts_of_a_store_are_the_bytes_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let store = set_up(&path);
    let batch: Vec<NewOccurrence> = (0..500).map(|_| occurrence("many")).collect();
    block_on(store.record_tickets(Batch::from(&batch[..]))).unwrap();
    let parts = |store: &SqliteBackend| -> Vec<u64> {
        let info = block_on(store.store_info()).unwrap();
        let names: Vec<&str> = info.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["tables and indexes", "free pages", "write-ahead log"]);
        info.parts.iter().map(|part| part.bytes).collect()
    };
    let log = std::fs::metadata(folder.path().join("tickets.db-wal")).unwrap().len();
    assert_eq!(parts(&store)[2], log);
    // Empty tables leave free pages. Closing moves the log into the file.
    block_on(store.clear()).unwrap();
    drop(store);
    let (parts, size) = (parts(&open(&path)), std::fs::metadata(&path).unwrap().len());
    assert!(parts[1] > size / 2, "{parts:?}");
    assert_eq!(parts[0] + parts[1], size, "{parts:?}");
}

/// Deletion removes the data from every table, including names that nothing uses any more.
#[test]
fn deleting_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let store = set_up(&path);
    let batch: Vec<NewOccurrence> = (0..2_000).map(|_| occurrence("many")).collect();
    let rows = || -> Vec<i64> {
        let sqlite = Connection::open(&path).unwrap();
        let tables = [
            "tickets",
            "seen",
            "ticket_hours",
            "app_hours",
            "event_types",
            "occurrences",
            "trait_keys",
            "traits",
            "deleted",
        ];
        let count = |table| {
            let sql = format!("SELECT count(*) FROM ticketing_{table}");
            sqlite.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        tables.map(count).to_vec()
    };
    block_on(store.record_tickets(Batch::from(&batch[..]))).unwrap();
    assert!(rows()[..8].iter().all(|count| *count > 0), "{:?}", rows());
    assert!(block_on(store.delete_ticket(batch[0].ticket_id())).unwrap());
    assert_eq!(rows(), [0; 9]);

    block_on(store.record_tickets(Batch::from(&batch[..]))).unwrap();
    let expiry = Expiry::before(Timestamp::MAX);
    assert_eq!(block_on(store.clear_expired(&expiry)).unwrap().occurrences, 2_000);
    let left = rows();
    assert_eq!([left[4], left[5], left[6], left[7]], [0; 4], "{left:?}");
    block_on(store.clear()).unwrap();
    assert_eq!(rows(), [0; 9]);
}

#[test]
fn what_a_killed_deletion_left_is_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let store = set_up(&path);
    record(&store, "a").unwrap();
    let (deleted, ingredients) = (occurrence("b"), Ingredients::new("test/1").with("kind", "b"));
    let record = deleted.record().clone().with_trait("b", 1);
    let fingerprint = Fingerprint::new("shop", b"", ingredients);
    block_on(store.record_tickets(NewOccurrence::new(record, fingerprint).into())).unwrap();
    let names = || -> Vec<String> {
        let types = block_on(store.trait_types(&TraitTypeQuery::new("shop::db"))).unwrap();
        types.into_iter().map(|one| one.name).collect()
    };
    assert_eq!(names(), ["a", "b"]);
    let first_step = "INSERT INTO ticketing_deleted SELECT no FROM ticketing_tickets WHERE message = 'b'; \
        DELETE FROM ticketing_tickets WHERE message = 'b'";
    Connection::open(&path).unwrap().execute_batch(first_step).unwrap();
    assert_eq!(names(), ["a"]);
}

#[test]
fn a_registry_opens_the_store_by_its_uri() {
    let mut backends = Registry::new();
    ticket_sqlite::register(&mut backends);
    let store = block_on(backends.connect("sqlite::memory:")).unwrap();
    block_on(store.setup_backend()).unwrap();
    let record = Record::new(Level::Error, "a", "b");
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    let batch = [NewOccurrence::new(record, fingerprint)];
    assert_eq!(block_on(store.record_tickets(Batch::from(&batch[..]))).unwrap().occurrences, 1);
    assert_eq!(store.name(), "sqlite");
}
