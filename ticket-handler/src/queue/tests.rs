//! The queue by itself, without a worker.

use ticket_core::{HandlerOptions, Record};

use super::*;

fn occurrence(level: Level, message: &str) -> NewOccurrence {
    let options = HandlerOptions::new("app").with_level(Level::Trace);
    options.prepare(Record::new(level, "queue", message)).unwrap()
}

fn queue_for(records: usize) -> Queue {
    let one = size::of(&occurrence(Level::Error, "0")) + size_of::<Entry>();
    // A level's name is part of the fingerprint's ingredients: some bytes of play.
    Queue::new(records * (one + 8))
}

fn messages(queue: &Queue) -> Vec<String> {
    let batch = queue.lock().take(usize::MAX, usize::MAX);
    batch.into_iter().map(|occurrence| occurrence.record().message.clone()).collect()
}

#[test]
fn the_least_severe_and_oldest_make_room() {
    let queue = queue_for(3);
    assert_eq!(queue.push(occurrence(Level::Error, "1")), Ok(0));
    assert_eq!(queue.push(occurrence(Level::Info, "2")), Ok(0));
    assert_eq!(queue.push(occurrence(Level::Info, "3")), Ok(0));
    assert_eq!(queue.push(occurrence(Level::Error, "4")), Ok(1));
    assert_eq!(queue.push(occurrence(Level::Error, "5")), Ok(1));
    assert_eq!(queue.push(occurrence(Level::Error, "6")), Ok(1));
    assert_eq!(queue.push(occurrence(Level::Info, "7")), Err(Refused::Full));
    assert_eq!(messages(&queue), ["4", "5", "6"]);
}

#[test]
fn a_record_that_does_not_fit_drives_nothing_out() {
    let queue = queue_for(3);
    assert_eq!(queue.push(occurrence(Level::Info, "1")), Ok(0));
    let huge = "x".repeat(8_000);
    assert_eq!(queue.push(occurrence(Level::Error, &huge)), Err(Refused::Full));
    assert_eq!(messages(&queue), ["1"]);
}

#[test]
fn memory_stays_within_its_bound_and_what_is_on_its_way_counts() {
    let queue = Queue::new(100_000);
    for _ in 0..1_000 {
        let _ = queue.push(occurrence(Level::Error, "again"));
        assert!(queue.load().1 <= 100_000);
    }
    let (len, bytes) = queue.load();
    let batch = queue.lock().take(BATCH, 25_000);
    assert!(batch.len() < len && queue.load() == (len, bytes));
    queue.settle(batch.len() - 1);
    assert_eq!(queue.load(), (len - batch.len() + 1, bytes));
    queue.settle(1);
    assert!(queue.load().1 < bytes);
}

#[test]
fn flush_waits_for_what_came_before_and_for_nothing_else() {
    let queue = Queue::new(100_000);
    queue.push(occurrence(Level::Info, "1")).unwrap();
    queue.push(occurrence(Level::Error, "2")).unwrap();
    let batch = queue.lock().take(1, usize::MAX);
    assert_eq!(queue.flush(Duration::ZERO), Err(2));
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| queue.flush(Duration::from_secs(20)));
        while queue.lock().flushing == 0 {
            std::thread::yield_now();
        }
        queue.push(occurrence(Level::Error, "3")).unwrap();
        queue.settle(batch.len());
        let batch = queue.lock().take(1, usize::MAX);
        queue.settle(batch.len());
        assert_eq!(flush.join().unwrap(), Ok(()));
    });
    assert_eq!(queue.load().0, 1);
    assert_eq!(queue.lock().flushing, 0);
}

#[test]
fn a_batch_is_ripe_by_number_by_bytes_and_by_age() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let take = |queue: &Queue| {
        let start = Instant::now();
        let batch = runtime.block_on(queue.take(BATCH, || Duration::from_secs(60))).unwrap();
        (batch.len(), start.elapsed() >= AGE)
    };
    let (wide, narrow) = (Queue::new(8 << 20), Queue::new(64 << 10));
    for _ in 0..=BATCH {
        wide.push(occurrence(Level::Error, "again")).unwrap();
    }
    assert_eq!(take(&wide), (BATCH, false));
    wide.settle(BATCH);
    assert_eq!(take(&wide), (1, true));
    while narrow.load().1 < 20 << 10 {
        narrow.push(occurrence(Level::Error, "again")).unwrap();
    }
    let (len, waited) = take(&narrow);
    assert!(len > 1 && len < BATCH && !waited, "{len}");
}

#[test]
fn a_closed_queue_takes_nothing() {
    let queue = Queue::new(100_000);
    queue.push(occurrence(Level::Info, "1")).unwrap();
    queue.close();
    assert_eq!(queue.push(occurrence(Level::Info, "2")), Err(Refused::Closed));
    assert_eq!(queue.abandon(), 1);
    assert_eq!(queue.flush(Duration::ZERO), Ok(()));
}
