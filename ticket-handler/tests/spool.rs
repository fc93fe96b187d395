//! The spool on disk, as the application and the next process see it.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Fault, Faulty, LONG, error, until};
use futures::executor::block_on;
use tempfile::TempDir;
use ticket_core::ErrorKind;
use ticket_direct::HandlerOptions;
use ticket_handler::spool::{self, DeadLetter};
use ticket_handler::{BackgroundHandler, Builder};

fn builder(dir: &Path) -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("app")).with_spool(dir).with_budget(u32::MAX)
}

/// Returns the names in a folder, sorted.
fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The length of a segment without entries.
const HEADER: usize = 16;

/// Returns the segments with entries: the spare one has none.
fn segments(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| {
        path.extension().is_some_and(|extension| extension == "segment")
            && fs::read(path).is_ok_and(|bytes| bytes.iter().skip(HEADER).any(|byte| *byte != 0))
    });
    all.sort();
    all
}

/// Returns a spool in which a dead process left these messages, each in its own segment.
fn left_by_a_dead_process(messages: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let living = tempfile::tempdir().unwrap();
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let handler = builder(living.path()).backend(backend).unwrap();
    for message in messages {
        handler.emit(error(*message)).unwrap();
        let _ = handler.blocking_flush(Duration::ZERO);
    }
    // A copy without the lock is what the process would leave if it were killed now.
    let folder = living.path().join(&names(living.path())[0]);
    let dead = dir.path().join("1-dead");
    fs::create_dir(&dead).unwrap();
    for segment in segments(&folder) {
        fs::copy(&segment, dead.join(segment.file_name().unwrap())).unwrap();
    }
    assert_eq!(segments(&dead).len(), messages.len());
    dir
}

#[test]
fn records_go_through_files_that_are_removed_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("not/yet/there");
    let backend = Faulty::default();
    let handler = builder(&spool).backend(backend.clone()).unwrap();
    for number in 0..2_000 {
        handler.emit(error(format!("number {number}"))).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    assert_eq!((backend.count(), handler.stats().recorded), (2_000, 2_000));
    assert_eq!((handler.stats().queued, handler.stats().queued_bytes), (0, 0));
    let folder = spool.join(&names(&spool)[0]);
    assert_eq!(segments(&folder), [] as [PathBuf; 0]);
    drop(handler);
    until(|| names(&spool).is_empty());
}

#[test]
fn the_next_process_records_what_a_dead_one_left() {
    let dir = left_by_a_dead_process(&["one", "two", "three"]);
    let backend = Faulty::default();
    let handler = builder(dir.path()).backend(backend.clone()).unwrap();
    until(|| names(dir.path()).len() == 1);
    assert_eq!(backend.stored(), ["one", "three", "two"]);
    until(|| handler.stats().adopted == 3);
    assert_eq!((handler.stats().recorded, handler.stats().dropped.total()), (0, 0));
}

#[test]
fn f34_a_damaged_segment_is_set_aside_after_what_is_readable_was_recorded() {
    let dir = left_by_a_dead_process(&["one", "two", "three"]);
    let damaged = &segments(&dir.path().join("1-dead"))[1];
    let mut bytes = fs::read(damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(damaged, &bytes).unwrap();
    let backend = Faulty::default();
    let handler = builder(dir.path()).backend(backend.clone()).unwrap();
    until(|| handler.stats().damaged == 1);
    assert_eq!(backend.stored(), ["one", "three"]);
    let name = damaged.file_stem().unwrap().to_str().unwrap();
    let corrupt = dir.path().join(format!("1-dead-{name}.corrupt"));
    until(|| corrupt.exists() && !dir.path().join("1-dead").exists());
    assert_eq!(fs::read(corrupt).unwrap(), bytes);
}

#[test]
fn f34_a_torn_tail_is_skipped_and_counted() {
    let dir = left_by_a_dead_process(&["one", "two"]);
    let torn = &segments(&dir.path().join("1-dead"))[1];
    let bytes = fs::read(torn).unwrap();
    fs::write(torn, &bytes[..bytes.len() - 1]).unwrap();
    let backend = Faulty::default();
    let handler = builder(dir.path()).backend(backend.clone()).unwrap();
    until(|| handler.stats().torn == 1);
    assert_eq!((backend.stored(), handler.stats().damaged), (vec!["one".to_owned()], 0));
    until(|| names(dir.path()).len() == 1);
}

#[test]
fn f34_segments_of_another_version_stay_untouched() {
    let dir = left_by_a_dead_process(&["one", "two"]);
    let folder = dir.path().join("1-dead");
    let foreign = &segments(&folder)[0];
    let mut bytes = fs::read(foreign).unwrap();
    bytes[8] = 99;
    let checksum = crc32fast::hash(&bytes[8..12]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    fs::write(foreign, &bytes).unwrap();
    let backend = Faulty::default();
    let handler = builder(dir.path()).backend(backend.clone()).unwrap();
    until(|| handler.stats().adopted == 1);
    until(|| names(&folder).len() == 2);
    assert_eq!(backend.stored(), ["two"]);
    assert_eq!(fs::read(foreign).unwrap(), bytes);
    assert_eq!(handler.stats().damaged, 0);
    let listed = spool::list(dir.path()).unwrap();
    let folder = listed.iter().find(|of| of.path == folder).unwrap();
    assert_eq!((folder.foreign, folder.segments, folder.records), (1, 1, 0));
}

#[test]
fn f34_two_handlers_share_a_spool_without_touching_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let away = Faulty::default();
    away.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let first = builder(dir.path()).backend(away.clone()).unwrap();
    first.emit(error("of the first")).unwrap();
    let backend = Faulty::default();
    let second = builder(dir.path()).backend(backend.clone()).unwrap();
    second.emit(error("of the second")).unwrap();
    second.blocking_flush(LONG).unwrap();
    let drained = block_on(spool::drain(dir.path(), &backend)).unwrap();
    assert_eq!((drained.recorded, drained.left.len()), (0, 2));
    assert_eq!(backend.stored(), ["of the second"]);
    let listed = spool::list(dir.path()).unwrap();
    assert!(listed.iter().all(|folder| folder.live));
    assert_eq!(listed.iter().map(|folder| folder.records).sum::<u64>(), 1);
    away.always(None);
    first.blocking_flush(LONG).unwrap();
    assert_eq!(away.stored(), ["of the first"]);
}

#[test]
fn drain_records_what_is_left_exactly_once() {
    let dir = left_by_a_dead_process(&["one", "two", "three"]);
    let listed = spool::list(dir.path()).unwrap();
    assert_eq!((listed.len(), listed[0].records, listed[0].live), (1, 3, false));
    let backend = Faulty::default().with_faults([Fault::Fail(ErrorKind::Unavailable)]);
    let refused = block_on(spool::drain(dir.path(), &backend)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let drained = block_on(spool::drain(dir.path(), &backend)).unwrap();
    assert_eq!((drained.recorded, drained.duplicates, drained.folders), (3, 0, 1));
    assert_eq!(backend.stored(), ["one", "three", "two"]);
    assert_eq!(spool::list(dir.path()).unwrap(), []);
    let missing = dir.path().join("nothing");
    assert_eq!(spool::list(&missing).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn a_refused_record_is_a_dead_letter_that_can_be_recorded_again() {
    let dir = left_by_a_dead_process(&["one", "two"]);
    let poison = Fault::Fail(ErrorKind::Rejected);
    let backend = Faulty::default().with_poison("two", poison);
    let drained = block_on(spool::drain(dir.path(), &backend)).unwrap();
    assert_eq!((drained.recorded, drained.rejected), (1, 1));

    let backend = Faulty::default().with_poison("three", poison);
    let handler = builder(dir.path()).backend(backend.clone()).unwrap();
    for message in ["three", "four"] {
        handler.emit(error(message)).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    assert_eq!((handler.stats().recorded, handler.stats().dropped.rejected), (1, 1));

    let letters = fs::read_to_string(dir.path().join("dead-letter.jsonl")).unwrap();
    let letters: Vec<DeadLetter> =
        letters.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(letters.len(), 2);
    for (letter, message) in letters.into_iter().zip(["two", "three"]) {
        assert_eq!((&*letter.record.message, &*letter.reason), (message, "as the test asked"));
        let (id, ticket) = (letter.record.id, letter.ticket_id);
        let occurrence = letter.into_occurrence();
        assert_eq!((occurrence.record().id, occurrence.ticket_id()), (id, ticket));
    }
}

#[test]
fn f05_while_the_disk_fails_records_are_in_memory_and_go_to_it_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    // The parent is a file, so nothing can be created in it.
    let obstacle = dir.path().join("file");
    fs::write(&obstacle, "").unwrap();
    let spool = obstacle.join("spool");
    let handler = builder(&spool).backend(backend.clone()).unwrap();
    handler.emit(error("one")).unwrap();
    let stats = handler.stats();
    assert!(stats.disk_failures > 0 && stats.disk_error.is_some(), "{stats:?}");
    assert_eq!((stats.queued, stats.dropped.total()), (1, 0));
    fs::remove_file(&obstacle).unwrap();
    until(|| handler.stats().disk_error.is_none());
    handler.emit(error("two")).unwrap();
    let on_disk = || spool::list(&spool).unwrap().iter().map(|of| of.records).sum::<u64>();
    until(|| on_disk() == 2);
    backend.always(None);
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(backend.stored(), ["one", "two"]);
}

#[test]
fn f34_a_removed_folder_is_created_again_and_its_records_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let handler = builder(&spool).backend(backend.clone()).unwrap();
    handler.emit(error("first")).unwrap();
    // Once a batch was attempted, the worker has read the record into memory.
    until(|| !backend.batches().is_empty());
    handler.emit(error("lost")).unwrap();
    // Retry: the worker may just have created a spare segment in it.
    until(|| fs::remove_dir_all(&spool).is_ok());
    backend.always(None);
    handler.blocking_flush(LONG).unwrap();
    handler.emit(error("after that")).unwrap();
    handler.blocking_flush(LONG).unwrap();
    let stored = backend.stored();
    // There may be a loss report as well.
    assert!(["after that", "first"].iter().all(|message| stored.contains(&(*message).to_owned())));
    assert!(!stored.contains(&"lost".to_owned()));
    until(|| handler.stats().dropped.unreadable == 1);
    let stats = handler.stats();
    assert_eq!(stats.recorded + stats.queued + stats.dropped.total(), 3);
}

#[test]
fn a_spool_that_is_a_file_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for wrong in [&*file, Path::new("")] {
        let refused = builder(wrong).backend(Faulty::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Config);
    }
}

#[test]
fn records_arrive_with_sync_too() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Faulty::default();
    let handler = builder(dir.path()).with_sync(true).backend(backend.clone()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let handler = &handler;
            scope.spawn(move || {
                for number in 0..10 {
                    handler.emit(error(format!("{thread} {number}"))).unwrap();
                }
            });
        }
    });
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(backend.stored().len(), 40);
}
