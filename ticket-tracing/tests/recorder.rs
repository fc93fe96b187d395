//! Tests of `Recorder`, the helper for tests of applications.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ticket_core::Level;
use ticket_direct::HandlerOptions;
use ticket_tracing::Recorder;
use tracing::{error, info, warn};

/// Returns the message of a failing assertion.
fn failure(assert: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assert)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn correct_assertions_pass() {
    let recorder = Recorder::new();
    recorder.assert_none();
    info!("nothing yet");
    recorder.assert_none();
    error!(order = 17, user = "ann", "payment refused");
    error!(order = 18, user = "bob", "payment refused");
    warn!("slow");
    let newest = recorder.assert_one("payment refused");
    assert_eq!(newest.traits["order"], 18.into());
    let one = recorder.assert_one_with("payment refused", [("order", 17)]);
    assert_eq!(one.traits["user"], "ann".into());
    recorder.assert_one_with("slow", [] as [(&str, i64); 0]);
    recorder.assert_count("payment refused", 2);
    recorder.assert_count("no such thing", 0);
    assert_eq!((recorder.tickets().len(), recorder.records().len()), (2, 3));
}

#[test]
fn failing_assertions_list_what_was_recorded() {
    let recorder = Recorder::new();
    assert_eq!(
        failure(|| drop(recorder.assert_one("payment refused"))),
        "expected one ticket with the message \"payment refused\", found 0; nothing was recorded"
    );
    let failed = "x".parse::<u32>().unwrap_err();
    error!(order = 17, user = "ann", error = &failed as &dyn std::error::Error, "payment refused");
    let listed = "1 were recorded:\n  error recorder: \"payment refused\" \
                  error=\"invalid digit found in string\" order=17 user=\"ann\"\n    \
                  caused by invalid digit found in string";
    for (text, expected) in [
        (failure(|| recorder.assert_none()), "expected no records; "),
        (
            failure(|| drop(recorder.assert_one("payment"))),
            "expected one ticket with the message \"payment\", found 0; ",
        ),
        (
            failure(|| drop(recorder.assert_one_with("payment refused", [("order", "17")]))),
            "expected a record with the message \"payment refused\" and order=\"17\"; ",
        ),
        (
            failure(|| recorder.assert_count("payment refused", 2)),
            "expected 2 records with the message \"payment refused\", found 1; ",
        ),
    ] {
        assert_eq!(text, format!("{expected}{listed}"));
    }
}

#[test]
fn two_tickets_with_the_same_message_are_not_one() {
    let recorder = Recorder::new();
    error!("it failed");
    warn!("it failed");
    let text = failure(|| drop(recorder.assert_one("it failed")));
    assert!(text.starts_with("expected one ticket with the message \"it failed\", found 2;"));
}

#[test]
fn parallel_tests_do_not_see_each_other() {
    let recorders: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                let recorder = Recorder::new();
                error!(number, "it failed");
                recorder.assert_one_with("it failed", [("number", number)]);
                assert_eq!(recorder.records().len(), 1);
            })
        })
        .collect();
    let recorder = Recorder::new();
    recorders.into_iter().for_each(|thread| thread.join().unwrap());
    recorder.assert_none();
    drop(recorder);
    error!("of nobody");
}

#[test]
fn the_applications_options_are_applied() {
    let recorder = Recorder::with_options(HandlerOptions::new("shop").with_level(Level::Error));
    warn!("slow");
    error!("password=hunter2");
    let record = recorder.assert_one("password=<redacted>");
    assert_eq!(record.app_id, "shop");
    assert_eq!(recorder.records().len(), 1);
}
