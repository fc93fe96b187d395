//! [`FaultyBackend`] does what its plan says, and nothing else.

#![allow(clippy::unwrap_used)] // Helpers too: what fails here fails the test.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::{FutureExt, poll};
use ticket_conformance::{
    Call, Case, Fault, FaultyBackend, Fixture, Method, Suite, chance, script,
};
use ticket_core::backend::NewOccurrence;
use ticket_core::{
    BackendBase, BackendExt, ErrorKind, EventQuery, EventStore, EventTypeQuery, Level, Record,
    TicketFilter,
};
use ticket_grouping::Grouping;
use ticket_memory::MemoryBackend;

fn occurrence() -> NewOccurrence {
    let record = Record::new(Level::Error, "test", "it broke");
    let fingerprint = Grouping::Stable.fingerprint(&record, &[]);
    NewOccurrence::new(record, fingerprint)
}

/// A backend whose first batch meets this fault.
fn with(fault: Fault) -> FaultyBackend<MemoryBackend> {
    FaultyBackend::new(MemoryBackend::new(), script(Method::RecordTickets, [fault]))
}

fn stored(backend: &FaultyBackend<MemoryBackend>) -> usize {
    block_on(backend.inner().get_events(&EventQuery::new().with_limit(1_000))).unwrap().items.len()
}

#[test]
fn an_error_before_the_work_leaves_nothing_and_one_after_it_leaves_the_batch() {
    let kinds = [
        ErrorKind::Unavailable,
        ErrorKind::Rejected,
        ErrorKind::Unsupported,
        ErrorKind::Config,
        ErrorKind::Corrupt,
    ];
    for kind in kinds {
        for (fault, left) in [(Fault::Error(kind), 0), (Fault::ErrorAfter(kind), 1)] {
            let backend = with(fault);
            let occurrence = occurrence();
            let error = block_on(backend.record_ticket(occurrence.clone())).unwrap_err();
            assert_eq!((error.kind(), error.backend()), (kind, "faulty"));
            assert_eq!(stored(&backend), left, "{fault:?}");
            let again = block_on(backend.record_ticket(occurrence)).unwrap();
            assert_eq!(again.occurrences, 1 - left as u64);
            assert_eq!((stored(&backend), backend.calls(Method::RecordTickets)), (1, 2));
        }
    }
}

#[test]
fn a_hanging_call_never_answers() {
    for (fault, left) in [(Fault::Hang, 0), (Fault::HangAfter, 1)] {
        let backend = with(fault);
        block_on(async {
            let mut call = backend.record_ticket(occurrence());
            for _ in 0..10 {
                assert!(poll!(&mut call).is_pending());
            }
        });
        assert_eq!(stored(&backend), left, "{fault:?}");
    }
}

#[test]
fn a_panicking_call_panics() {
    for (fault, left) in [(Fault::Panic, 0), (Fault::PanicAfter, 1)] {
        let backend = with(fault);
        let call = AssertUnwindSafe(backend.record_ticket(occurrence())).catch_unwind();
        assert!(block_on(call).is_err());
        assert_eq!(stored(&backend), left, "{fault:?}");
        block_on(backend.record_ticket(occurrence())).unwrap();
    }
}

#[test]
fn a_slow_call_takes_its_time_without_a_runtime() {
    let backend = with(Fault::Slow(Duration::from_millis(50)));
    let start = Instant::now();
    block_on(backend.record_ticket(occurrence())).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(stored(&backend), 1);
}

#[test]
fn a_plan_may_be_any_closure() {
    let is_away = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&is_away);
    let backend = FaultyBackend::new(MemoryBackend::new(), move |call| {
        let is_poisoned = call.batch.iter().any(|one| one.record().message == "poison");
        let away = switch.load(Relaxed).then_some(Fault::Error(ErrorKind::Unavailable));
        is_poisoned.then_some(Fault::Error(ErrorKind::Rejected)).or(away)
    });
    let count = || block_on(backend.count_tickets(&TicketFilter::new()));
    assert_eq!(count().unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(
        block_on(backend.event_types(&EventTypeQuery::new())).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    is_away.store(false, Relaxed);
    assert_eq!(count().unwrap(), 0);
    let record = Record::new(Level::Error, "test", "poison");
    let fingerprint = Grouping::Stable.fingerprint(&record, &[]);
    let rejected = block_on(backend.record_ticket(NewOccurrence::new(record, fingerprint)));
    assert_eq!(rejected.unwrap_err().kind(), ErrorKind::Rejected);
}

#[test]
fn chance_lets_some_calls_fail() {
    let plan = chance(7, 0.5, Fault::Error(ErrorKind::Unavailable));
    let backend = FaultyBackend::new(MemoryBackend::new(), plan);
    let answers: Vec<bool> =
        (0..100).map(|_| block_on(backend.record_ticket(occurrence())).is_ok()).collect();
    let recorded = answers.iter().filter(|ok| **ok).count();
    assert!((20..80).contains(&recorded), "{recorded}");
    assert_eq!(stored(&backend), recorded);
}

#[test]
fn without_a_fault_it_is_a_right_backend() {
    // The random sequences meet every method, and compare with the reference.
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let plan = Arc::clone(&seen);
    let suite = Suite::new("faulty", move |_: Case| {
        let seen = Arc::clone(&plan);
        let note = move |call: &Call<'_>| {
            seen.lock().unwrap().insert(call.method);
            None
        };
        async move { Ok(Fixture::new(FaultyBackend::new(MemoryBackend::new(), note))) }
    });
    suite.run_case("random_sequences_are_indistinguishable_from_the_reference").unwrap();
    assert_eq!(seen.lock().unwrap().len(), 22, "all but `lease`, which is nothing to compare");
}
