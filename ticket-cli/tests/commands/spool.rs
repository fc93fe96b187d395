//! `spool`.

use std::fs;
use std::path::Path;

use predicates::str::contains;
use ticket_core::Level;
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;

use crate::store::{Place, record};

/// The file name of a process's first segment.
const FIRST: &str = "0000000000000000.segment";

/// Creates a handler whose store is never available, with these messages in its spool.
fn handler(spool: &Path, messages: &[&str]) -> BackgroundHandler {
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .with_spool(spool)
        .connect(async || {
            Err::<ticket_memory::MemoryBackend, _>(ticket_core::Error::config("not there"))
        })
        .unwrap();
    for (seconds_ago, message) in (0..).zip(messages) {
        handler.emit(record(Level::Error, "db", message, seconds_ago)).unwrap();
    }
    handler
}

/// Creates the folder that a process with these messages leaves when it is killed.
fn left_by_a_dead_process(place: &Place, messages: &[&str]) {
    let living = place.path().join("living");
    let handler = handler(&living, messages);
    let folder = fs::read_dir(&living).unwrap().next().unwrap().unwrap().path();
    let dead = place.path().join("spool/17-dead");
    fs::create_dir_all(&dead).unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_name() != "lock" {
            fs::copy(entry.path(), dead.join(entry.file_name())).unwrap();
        }
    }
    drop(handler);
}

#[test]
fn waiting_records_are_listed_and_recorded_once() {
    let place = Place::empty();
    left_by_a_dead_process(&place, &["cannot connect", "cannot write", "no space left"]);
    let handler = handler(&place.path().join("spool"), &["of the living"]);

    let table = place.output(&["spool", "ls", "spool"]);
    assert!(table.contains("17-dead") && table.contains("dead   "), "{table}");
    let listed = place.json(&["spool", "ls", "spool"]);
    let dead = listed.iter().find(|folder| folder["live"] == false).unwrap();
    assert_eq!((&dead["records"], &dead["damaged"]), (&3.into(), &0.into()));
    assert_eq!(listed.len(), 2);

    let output = place.output(&["spool", "drain", "spool"]);
    assert!(output.starts_with("recorded 3\nleft: "), "{output}");
    assert_eq!(place.json(&["list"]).len(), 3);
    let again = place.json(&["spool", "drain", "spool"]).remove(0);
    assert_eq!((&again["recorded"], &again["removed"]), (&0.into(), &0.into()));
    assert_eq!(again["left"].as_array().unwrap().len(), 1);
    assert_eq!(place.json(&["spool", "ls", "spool"]).len(), 1);
    drop(handler);
}

#[test]
fn damaged_records_are_counted_and_set_aside() {
    let place = Place::empty();
    left_by_a_dead_process(&place, &["cannot connect", "cannot write"]);
    let segments = place.path().join("spool/17-dead").read_dir().unwrap().map(Result::unwrap);
    let segment = segments.map(|file| file.path()).find(|file| file.ends_with(FIRST)).unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    // These bytes belong to the first entry.
    bytes[60..68].fill(b'X');
    fs::write(&segment, bytes).unwrap();
    assert_eq!(place.json(&["spool", "ls", "spool"])[0]["damaged"], 1);
    let said = "recorded 1, 1 damaged\nset aside: what cannot be read is in spool/*.corrupt\n";
    assert_eq!(place.output(&["spool", "drain", "spool"]), said);
    let left: Vec<_> = place.path().join("spool").read_dir().unwrap().map(Result::unwrap).collect();
    assert!(left.len() == 1 && left[0].path().extension().unwrap() == "corrupt", "{left:?}");
}

#[test]
fn nothing_is_lost_if_the_database_is_unavailable() {
    let place = Place::empty();
    left_by_a_dead_process(&place, &["cannot connect"]);
    let (code, said) =
        place.failure(&["spool", "drain", "spool", "--url", "sqlite:no/such/folder.db"]);
    assert_eq!(code, 1, "{said}");
    assert_eq!(place.json(&["spool", "ls", "spool"])[0]["records"], 1);
}

#[test]
fn a_missing_folder_is_wrong_usage_and_creates_nothing() {
    let place = Place::empty();
    for command in ["ls", "drain"] {
        place.ticket(&["spool", command, "missing"]).assert().code(2).stderr(contains("missing"));
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    fs::create_dir(place.path().join("empty")).unwrap();
    assert_eq!(place.output(&["spool", "ls", "empty"]), "nothing is waiting\n");
}
