//! Files that are filled in advance.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;
use ticket_core::Level;

use super::header::HEADER;
use super::take::Reader;
use super::tests::{bytes_on_disk, entry_len, messages, push, settle, spool_with, take};
use super::{Damage, FILLED, Spool, WhenFull, drain, folder};

/// Returns a spool whose spare segment is filled in advance, because an earlier one has grown.
fn filled_spool(dir: &TempDir, max_bytes: u64) -> (Spool, PathBuf) {
    let spool = spool_with(Some(dir), max_bytes, WhenFull::CountOnly);
    // The first segment is not filled: its length could not be known.
    for _ in 0..2 {
        for _ in 0..100 {
            push(&spool, Level::Info, &"long ".repeat(100)).unwrap();
        }
        assert_eq!(messages(&spool).len(), 100);
        spool.help();
    }
    let path = only_segment(&spool);
    assert!(len(&path) > 32 << 10, "{}", len(&path));
    (spool, path)
}

fn only_segment(spool: &Spool) -> PathBuf {
    let segments = folder::segments(&spool.folder().unwrap()).unwrap();
    let [segment] = &segments[..] else { panic!("{segments:?}") };
    segment.path.clone()
}

fn len(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn after_a_burst_the_next_file_is_filled_and_its_unused_part_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, spare) = filled_spool(&dir, 64 << 20);
    let filled = len(&spare);
    push(&spool, Level::Info, "one").unwrap();
    push(&spool, Level::Info, "two").unwrap();
    assert_eq!(len(&spare), filled, "they are in it");

    // What another process finds if this one is killed now.
    let copy = tempfile::tempdir().unwrap();
    let folder = copy.path().join("1-dead");
    fs::create_dir(&folder).unwrap();
    fs::copy(&spare, folder.join(spare.file_name().unwrap())).unwrap();
    let [listed] = &drain::list(copy.path()).unwrap()[..] else { panic!() };
    assert_eq!((listed.records, listed.damaged), (2, 0));
    assert_eq!(listed.bytes, HEADER + 2 * entry_len(Level::Info, "one"));

    let mut reader = Reader::default();
    let batch = take(&spool, &mut reader, 2);
    let all: Vec<_> = batch.iter().map(|of| of.record().message.as_str()).collect();
    assert_eq!(all, ["one", "two"]);
    assert_eq!(len(&spare), HEADER + 2 * entry_len(Level::Info, "one"), "the rest is cut off");
    settle(&spool, &mut reader, &batch);
    push(&spool, Level::Info, "three").unwrap();
    assert_eq!(messages(&spool), ["three"]);
    spool.help();
    assert_eq!(len(&only_segment(&spool)), HEADER, "a few records are no burst");
}

#[test]
fn threads_that_share_a_filled_file_do_not_overwrite_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, spare) = filled_spool(&dir, 64 << 20);
    thread::scope(|scope| {
        for thread in 0..8 {
            let spool = &spool;
            scope.spawn(move || {
                for number in 0..100 {
                    // With different lengths, and beyond the filled part.
                    push(spool, Level::Info, &format!("{thread}-{number} ").repeat(1 + number))
                        .unwrap();
                }
            });
        }
    });
    assert!(len(&spare) > 100 << 10);
    spool.seal_all(&mut spool.lock());
    assert_eq!(Arc::strong_count(&spool.lock().filled), 1, "nothing of it is left");
    let mut all = messages(&spool);
    all.dedup();
    assert_eq!(all.len(), 800);
    assert_eq!(spool.take_damage(), (0, Damage::default()));
}

/// The unused part of filled files is not counted, so the number of such files is limited.
#[test]
fn filled_files_stay_within_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let max_bytes = 4 << 20;
    let (spool, _) = filled_spool(&dir, max_bytes);
    let long = "long ".repeat(100);
    for _ in 0..20 {
        for level in Level::ALL {
            for _ in 0..100 {
                push(&spool, level, &long).unwrap();
                assert!(bytes_on_disk(&dir) <= max_bytes);
            }
            spool.help();
            assert!(Arc::strong_count(&spool.lock().filled) <= 1 + FILLED);
            assert!(bytes_on_disk(&dir) <= max_bytes);
        }
    }
}
