//! What `on_ticket` reports, and how often.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures::executor::block_on;
use ticket_conformance::{Fault, FaultyBackend, Method, script};
use ticket_core::{Author, BackendBase, BackendExt, ErrorKind, Level, Record, TicketQuery};
use ticket_direct::HandlerOptions;
use ticket_handler::TicketNews::{Created, Reached, Reopened};
use ticket_handler::{BackgroundHandler, Builder, TicketNews, in_worker};
use ticket_memory::MemoryBackend;

/// Longer than any step of these tests takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn builder() -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("app").with_release("1.4")).with_budget(u32::MAX)
}

fn error(message: &str) -> Record {
    Record::new(Level::Error, "test", message)
}

type Told = Arc<Mutex<Vec<(TicketNews, String, u64)>>>;

/// Returns a builder whose hook passes on what is reported to it.
fn telling(builder: Builder) -> (Builder, Told) {
    let told = Told::default();
    let notes = Arc::clone(&told);
    let builder = builder.on_ticket(move |event| {
        assert_eq!(event.record.app_id, "app");
        assert_eq!(event.record.release.as_deref(), Some("1.4"));
        let note = (event.news, event.record.message.to_string(), event.occurrence_count);
        notes.lock().unwrap().push(note);
    });
    (builder, told)
}

fn drain(told: &Told) -> Vec<(TicketNews, String, u64)> {
    std::mem::take(&mut told.lock().unwrap())
}

#[test]
fn a_ticket_is_reported_when_it_is_new_reopens_or_passes_a_power_of_ten() {
    let store = MemoryBackend::new();
    let (builder, told) = telling(builder());
    let handler = builder.backend(store.clone()).unwrap();
    let emit = |count: usize| {
        for _ in 0..count {
            handler.emit(error("it broke")).unwrap();
            handler.blocking_flush(LONG).unwrap();
        }
    };
    emit(9);
    assert_eq!(drain(&told), [(Created, "it broke".to_owned(), 1)]);
    emit(2);
    assert_eq!(drain(&told), [(Reached(10), "it broke".to_owned(), 10)]);
    let ticket = block_on(store.get_tickets(&TicketQuery::new())).unwrap().items.remove(0);
    block_on(store.solve_ticket(ticket.id, None, Author::unknown())).unwrap();
    emit(2);
    assert_eq!(drain(&told), [(Reopened, "it broke".to_owned(), 12)]);
    emit(187);
    assert_eq!(drain(&told), [(Reached(100), "it broke".to_owned(), 100)]);
}

#[test]
fn each_new_ticket_is_reported_once_to_each_hook() {
    let (builder, first) = telling(builder().with_new_tickets_per_hour(u32::MAX));
    let (builder, second) = telling(builder);
    let handler = builder.backend(MemoryBackend::new()).unwrap();
    for number in 0..500 {
        handler.emit(error("it broke").with_fingerprint(number.to_string())).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    for told in [drain(&first), drain(&second)] {
        assert_eq!(told.len(), 500);
        assert!(told.iter().all(|(news, _, count)| (*news, *count) == (Created, 1)));
    }
}

#[test]
fn a_failed_batch_is_reported_once_stored_and_a_lost_answer_reports_nothing() {
    let faults = [Fault::Error(ErrorKind::Unavailable), Fault::Error(ErrorKind::Unavailable)];
    let backend = FaultyBackend::new(MemoryBackend::new(), script(Method::RecordTickets, faults));
    let (builder, told) = telling(builder());
    let handler = builder.backend(backend).unwrap();
    handler.emit(error("it broke")).unwrap();
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(drain(&told), [(Created, "it broke".to_owned(), 1)]);

    // The store has the batch, and answers the second attempt that nothing in it is new. So an event is never
    // reported twice, and here it is not reported at all.
    let faults = [Fault::ErrorAfter(ErrorKind::Unavailable)];
    let backend = FaultyBackend::new(MemoryBackend::new(), script(Method::RecordTickets, faults));
    let (builder, told) = telling(self::builder());
    let handler = builder.backend(backend).unwrap();
    handler.emit(error("it broke")).unwrap();
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(handler.stats().duplicates, 1);
    assert_eq!(drain(&told), []);
}

#[test]
fn a_panicking_hook_is_counted_and_stops_neither_the_next_hook_nor_the_worker() {
    let (builder, told) = telling(builder().on_ticket(|_| panic!("on purpose")));
    let handler = builder.backend(MemoryBackend::new()).unwrap();
    for message in ["one", "two", "three"] {
        handler.emit(error(message)).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.hook_panics, stats.panics), (3, 3, 0));
    assert_eq!(drain(&told).len(), 3);
}

#[test]
fn a_slow_hook_delays_the_worker_but_not_emit_and_its_log_lines_are_ignored() {
    let (goes_on, waits) = mpsc::channel::<()>();
    let (is_in, told) = mpsc::channel();
    let waits = Mutex::new(waits);
    let handler = builder()
        .on_ticket(move |_| {
            is_in.send(in_worker()).unwrap();
            waits.lock().unwrap().recv().unwrap();
        })
        .backend(MemoryBackend::new())
        .unwrap();
    handler.emit(error("it broke")).unwrap();
    assert!(told.recv_timeout(LONG).unwrap(), "what the hook logs is not recorded");
    // The hook waits for this thread: if `emit` waited for the hook, the test would hang.
    for _ in 0..100 {
        handler.emit(error("it broke")).unwrap();
    }
    assert!(handler.blocking_flush(Duration::from_millis(50)).is_err());
    for _ in [Created, Reached(10), Reached(100)] {
        goes_on.send(()).unwrap();
    }
    drop(goes_on);
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(handler.stats().recorded, 101);
}
