//! The spool by itself, without a worker: in memory and on disk alike.

use std::fs;
use std::thread;

use tempfile::TempDir;
use ticket_core::Record;
use ticket_direct::HandlerOptions;

use super::*;

fn occurrence(level: Level, message: &str) -> NewOccurrence {
    let options = HandlerOptions::new("app").with_level(Level::Trace);
    options.prepare(Record::new(level, "spool", message)).unwrap()
}

pub(super) fn entry_len(level: Level, message: &str) -> u64 {
    entry::encoded(&occurrence(level, message), false, |bytes| bytes.len() as u64).unwrap()
}

pub(super) fn spool_with(dir: Option<&TempDir>, max_bytes: u64, when_full: WhenFull) -> Spool {
    let dir = dir.map(|dir| dir.path().to_owned());
    Spool::new(Config { dir, max_bytes, sync: false, when_full }).unwrap()
}

/// Calls `test` with a spool of so many bytes in memory, and with one on disk.
fn both(max_bytes: u64, test: impl Fn(&Spool)) {
    test(&Spool::in_memory(max_bytes));
    let dir = tempfile::tempdir().unwrap();
    test(&spool_with(Some(&dir), max_bytes, WhenFull::CountOnly));
    assert!(bytes_on_disk(&dir) <= max_bytes);
}

pub(super) fn bytes_on_disk(dir: &TempDir) -> u64 {
    let folders = folder::folders(dir.path()).unwrap();
    let segments = folders.iter().flat_map(|folder| folder::segments(folder).unwrap());
    segments.map(|segment| fs::metadata(segment.path).unwrap().len()).sum()
}

pub(super) fn push(spool: &Spool, level: Level, message: &str) -> Result<usize, Refused> {
    spool.push(&occurrence(level, message), false, true)
}

pub(super) fn take(spool: &Spool, reader: &mut Reader, max_len: usize) -> Vec<NewOccurrence> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    spool.hurried.fetch_add(1, Relaxed);
    let take = runtime.block_on(spool.take(reader, max_len, until));
    spool.hurried.fetch_sub(1, Relaxed);
    match take {
        Take::Batch(batch) => batch,
        Take::Nothing | Take::Closed => Vec::new(),
    }
}

pub(super) fn settle(spool: &Spool, reader: &mut Reader, batch: &[NewOccurrence]) {
    spool.settle(batch.iter().map(|of| of.repeats() as usize).sum());
    spool.finish(reader);
}

/// Everything that waits, sorted.
pub(super) fn messages(spool: &Spool) -> Vec<String> {
    let mut reader = Reader::default();
    let mut messages = Vec::new();
    while spool.load().0 > 0 {
        let batch = take(spool, &mut reader, BATCH);
        messages.extend(batch.iter().map(|of| of.record().message.to_string()));
        settle(spool, &mut reader, &batch);
    }
    assert_eq!(spool.load(), (0, 0));
    messages.sort();
    messages
}

/// Room for so many entries, each in a segment of its own.
fn room_for(entries: u64) -> u64 {
    // The names of levels differ in length.
    let one = entry_len(Level::Critical, "0") + 8 + HEADER;
    let room = entries * one;
    room + room / (SEGMENTS - 1) + 1
}

#[test]
fn the_least_severe_and_oldest_make_room() {
    both(room_for(3), |spool| {
        assert_eq!(push(spool, Level::Error, "1"), Ok(0));
        assert_eq!(push(spool, Level::Info, "2"), Ok(0));
        assert_eq!(push(spool, Level::Info, "3"), Ok(0));
        assert_eq!(push(spool, Level::Error, "4"), Ok(1));
        assert_eq!(push(spool, Level::Error, "5"), Ok(1));
        assert_eq!(push(spool, Level::Error, "6"), Ok(1));
        assert_eq!(push(spool, Level::Info, "7"), Err(Refused::Full));
        assert_eq!(messages(spool), ["4", "5", "6"]);
    });
}

#[test]
fn a_first_occurrence_is_never_dropped_and_may_displace_more_severe_ones() {
    both(room_for(3), |spool| {
        let first = |level, message| spool.push(&occurrence(level, message), true, true);
        assert_eq!(first(Level::Info, "1"), Ok(0));
        assert_eq!(push(spool, Level::Error, "2"), Ok(0));
        assert_eq!(push(spool, Level::Error, "3"), Ok(0));
        assert_eq!(push(spool, Level::Critical, "4"), Ok(1));
        assert_eq!(first(Level::Info, "5"), Ok(1));
        assert_eq!(first(Level::Info, "6"), Ok(1));
        assert_eq!(push(spool, Level::Critical, "7"), Err(Refused::Full));
        assert_eq!(first(Level::Info, "8"), Err(Refused::Full));
        assert_eq!(messages(spool), ["1", "5", "6"]);
    });
}

#[test]
fn of_a_segment_that_goes_the_first_occurrences_stay() {
    let max_bytes = 256 << 10;
    both(max_bytes, |spool| {
        let mut dropped = 0;
        for number in 0..5_000 {
            let message = format!("{number:04}");
            let first = number % 100 == 0;
            dropped += spool.push(&occurrence(Level::Error, &message), first, true).unwrap();
            assert!(spool.load().1 <= max_bytes);
        }
        assert!(dropped > 1_000, "{dropped}");
        let left = messages(spool);
        assert_eq!(left.len() + dropped, 5_000);
        let firsts = left.iter().filter(|message| message.ends_with("00")).count();
        assert_eq!(firsts, 50);
        // Of the others the newest.
        assert!(left.contains(&"4999".to_owned()) && !left.contains(&"0001".to_owned()));
    });
}

#[test]
fn a_record_that_does_not_fit_drives_nothing_out() {
    both(room_for(3), |spool| {
        assert_eq!(push(spool, Level::Info, "1"), Ok(0));
        let huge = "x".repeat(8_000);
        assert_eq!(push(spool, Level::Error, &huge), Err(Refused::Full));
        assert_eq!(messages(spool), ["1"]);
    });
}

#[test]
fn the_bound_holds_and_what_is_on_its_way_counts() {
    both(100_000, |spool| {
        for _ in 0..1_000 {
            let _ = push(spool, Level::Error, "again");
            assert!(spool.load().1 <= 100_000);
        }
        let mut reader = Reader::default();
        let (len, _) = spool.load();
        let batch = take(spool, &mut reader, BATCH);
        let (_, bytes) = spool.load();
        assert!(batch.len() < len && spool.load().0 == len);
        spool.settle(batch.len() - 1);
        assert_eq!(spool.load(), (len - batch.len() + 1, bytes));
        settle(spool, &mut reader, &batch[..1]);
        assert!(spool.load().1 < bytes);
    });
}

#[test]
fn a_record_that_stands_for_others_counts_as_many() {
    both(100_000, |spool| {
        let storm = occurrence(Level::Error, "storm").with_repeats(1_000);
        spool.push(&storm, false, true).unwrap();
        assert_eq!(spool.load().0, 1_000);
        assert_eq!(messages(spool), ["storm"]);
    });
}

#[test]
fn flush_waits_for_what_came_before_and_for_nothing_else() {
    both(100_000, |spool| {
        push(spool, Level::Info, "1").unwrap();
        push(spool, Level::Error, "2").unwrap();
        assert_eq!(spool.flush(Duration::ZERO), Err(2));
        let mut reader = Reader::default();
        let batch = take(spool, &mut reader, 1);
        thread::scope(|scope| {
            let flush = scope.spawn(|| spool.flush(Duration::from_secs(20)));
            while spool.hurried.load(Relaxed) == 0 {
                thread::yield_now();
            }
            push(spool, Level::Error, "3").unwrap();
            settle(spool, &mut reader, &batch);
            let batch = take(spool, &mut reader, 1);
            settle(spool, &mut reader, &batch);
            assert_eq!(flush.join().unwrap(), Ok(()));
        });
        assert_eq!(messages(spool), ["3"]);
    });
}

#[test]
fn a_batch_is_ripe_by_number_by_bytes_and_by_age() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let take = |spool: &Spool, reader: &mut Reader| {
        let start = Instant::now();
        let until = start + Duration::from_secs(60);
        match runtime.block_on(spool.take(reader, BATCH, until)) {
            Take::Batch(batch) => {
                settle(spool, reader, &batch);
                (batch.len(), start.elapsed() >= AGE)
            }
            other => panic!("{other:?}"),
        }
    };
    both(8 << 20, |spool| {
        let mut reader = Reader::default();
        for _ in 0..=BATCH {
            push(spool, Level::Error, "again").unwrap();
        }
        assert_eq!(take(spool, &mut reader), (BATCH, false));
        assert_eq!(take(spool, &mut reader), (1, true));
    });
    both(64 << 10, |spool| {
        let mut reader = Reader::default();
        while spool.load().1 < 20 << 10 {
            push(spool, Level::Error, "again").unwrap();
        }
        let (len, waited) = take(spool, &mut reader);
        assert!(len > 1 && len < BATCH && !waited, "{len}");
    });
}

#[test]
fn a_closed_spool_takes_nothing_and_what_is_in_memory_is_lost() {
    let spool = Spool::in_memory(100_000);
    push(&spool, Level::Info, "1").unwrap();
    spool.close();
    assert_eq!(push(&spool, Level::Info, "2"), Err(Refused::Closed));
    assert_eq!(spool.abandon(&mut Reader::default()), 1);
    assert_eq!(spool.flush(Duration::ZERO), Ok(()));
}

#[test]
fn what_is_on_disk_when_the_worker_gives_up_is_there_for_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool_with(Some(&dir), 1 << 20, WhenFull::CountOnly);
    push(&spool, Level::Info, "1").unwrap();
    push(&spool, Level::Error, "2").unwrap();
    let mut reader = Reader::default();
    assert_eq!(take(&spool, &mut reader, 1).len(), 1);
    spool.close();
    assert_eq!(spool.abandon(&mut reader), 0);
    assert_eq!(spool.load().0, 2);
    let mut orphans = Orphans::new(Some(dir.path().to_owned()));
    assert_eq!(orphans.batch(None, BATCH).len(), 2);
}

#[test]
fn to_wait_for_room_ends_when_there_is_some_or_at_the_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let long = WhenFull::Block(Duration::from_secs(60));
    for dir in [None, Some(&dir)] {
        let spool = spool_with(dir, room_for(2), long);
        push(&spool, Level::Error, "1").unwrap();
        push(&spool, Level::Error, "2").unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| push(&spool, Level::Error, "3"));
            let mut reader = Reader::default();
            let batch = take(&spool, &mut reader, BATCH);
            settle(&spool, &mut reader, &batch);
            assert_eq!(waiting.join().unwrap(), Ok(0));
        });
        // A batch of so small a spool is one record.
        assert_eq!(messages(&spool), ["2", "3"]);
    }
    let deadline = Duration::from_millis(50);
    let spool = spool_with(None, room_for(1), WhenFull::Block(deadline));
    push(&spool, Level::Error, "1").unwrap();
    let start = Instant::now();
    assert_eq!(push(&spool, Level::Error, "2"), Ok(1));
    assert!(start.elapsed() >= deadline);
    let start = Instant::now();
    assert_eq!(spool.push(&occurrence(Level::Error, "3"), false, false), Ok(1));
    assert!(start.elapsed() < deadline, "who must not wait does not");
}

#[test]
fn what_had_to_make_room_goes_by_the_hand_of_the_worker() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool_with(Some(&dir), 64 << 10, WhenFull::CountOnly);
    while push(&spool, Level::Info, "one of many").unwrap() == 0 {}
    let dropped = spool.lock().dropped.as_ref().map(|segment| segment.number).unwrap();
    let is_there = || {
        let folder = spool.folder().unwrap();
        folder::segments(&folder).unwrap().iter().any(|segment| segment.number == dropped)
    };
    assert!(is_there());
    assert_eq!(take(&spool, &mut Reader::default(), 1).len(), 1);
    assert!(!is_there() && spool.lock().dropped.is_none());
}

/// The worker is slow at times: a segment that was made since its spare one would be taken for the newer one.
#[test]
fn a_spare_segment_is_the_next_one_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool_with(Some(&dir), 1 << 20, WhenFull::CountOnly);
    let numbers = || {
        let segments = folder::segments(&spool.folder().unwrap()).unwrap();
        segments.iter().map(|segment| segment.number).collect::<Vec<_>>()
    };
    let mut reader = Reader::default();
    let batch = |reader: &mut Reader| {
        push(&spool, Level::Info, "one").unwrap();
        let batch = take(&spool, reader, 1);
        settle(&spool, reader, &batch);
    };
    batch(&mut reader);
    assert_eq!(numbers(), [1], "a spare one");
    batch(&mut reader);
    assert_eq!(numbers(), [2], "it was used, and there is another");
    assert_eq!(disk::take_number(&mut spool.lock().next_number), 3);
    push(&spool, Level::Info, "one").unwrap();
    assert_eq!(numbers(), [4]);
}

#[test]
fn buffers_of_segments_in_memory_are_used_again_while_records_wait() {
    // A segment has room for a few of them.
    let spool = Spool::in_memory(64 << 10);
    let kept = || spool.lock().buffers.len();
    let push = |records: usize| (0..records).for_each(|_| assert_eq!(push_one(&spool), Ok(0)));
    push(40);
    assert_eq!(kept(), 0);
    let mut reader = Reader::default();
    let batch = take(&spool, &mut reader, 20);
    settle(&spool, &mut reader, &batch);
    let free = kept();
    assert!(free > 1, "what was read is free again");
    push(10);
    assert!(kept() < free);
    let batch = take(&spool, &mut reader, 30);
    assert_eq!(batch.len(), 30);
    settle(&spool, &mut reader, &batch);
    spool.help();
    assert_eq!(kept(), 0, "nobody keeps them for later");
}

fn push_one(spool: &Spool) -> Result<usize, Refused> {
    push(spool, Level::Info, "one of many")
}
