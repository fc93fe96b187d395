//! The helper for the tests of applications.
#![allow(clippy::unwrap_used)] // Helpers too: what fails here fails the test.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ticket_core::Level;
use ticket_direct::HandlerOptions;
use ticket_tracing::Recorder;
use tracing::{error, info, warn};

/// What a failed assertion says.
fn failure(assert: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assert)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn what_is_right_passes() {
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
fn what_is_wrong_says_what_was_recorded() {
    let recorder = Recorder::new();
    assert_eq!(
        failure(|| drop(recorder.assert_one("payment refused"))),
        "exactly one ticket was to have the message \"payment refused\", 0 have; nothing was recorded"
    );
    let failed = "x".parse::<u32>().unwrap_err();
    error!(order = 17, user = "ann", error = &failed as &dyn std::error::Error, "payment refused");
    let listed = "recorded were 1:\n  error recorder: \"payment refused\" \
                  error=\"invalid digit found in string\" order=17 user=\"ann\"\n    \
                  caused by invalid digit found in string";
    for (text, expected) in [
        (failure(|| recorder.assert_none()), "nothing was to be recorded; "),
        (
            failure(|| drop(recorder.assert_one("payment"))),
            "exactly one ticket was to have the message \"payment\", 0 have; ",
        ),
        (
            failure(|| drop(recorder.assert_one_with("payment refused", [("order", "17")]))),
            "a record with the message \"payment refused\" was to have order=\"17\"; ",
        ),
        (
            failure(|| recorder.assert_count("payment refused", 2)),
            "2 records were to have the message \"payment refused\", 1 have; ",
        ),
    ] {
        assert_eq!(text, format!("{expected}{listed}"));
    }
}

#[test]
fn two_tickets_with_one_message_are_not_one() {
    let recorder = Recorder::new();
    error!("it failed");
    warn!("it failed");
    let text = failure(|| drop(recorder.assert_one("it failed")));
    assert!(text.starts_with("exactly one ticket was to have the message \"it failed\", 2 have;"));
}

#[test]
fn tests_do_not_see_each_other() {
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
fn options_are_the_applications() {
    let recorder = Recorder::with_options(HandlerOptions::new("shop").with_level(Level::Error));
    warn!("slow");
    error!("password=hunter2");
    let record = recorder.assert_one("password=<redacted>");
    assert_eq!(record.app_id, "shop");
    assert_eq!(recorder.records().len(), 1);
}
