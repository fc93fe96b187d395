//! Tests of reporting errors at the place where they are handled.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::error::Error;
use std::fmt;

use anyhow::Context as _;
use ticket_core::Level;
use ticket_direct::HandlerOptions;
use ticket_tracing::{Recorder, Report, ReportAnyhow, report_anyhow, report_error};

#[derive(Debug)]
struct NoPage(std::num::ParseIntError);

impl fmt::Display for NoPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such page")
    }
}

impl Error for NoPage {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn page(text: &str) -> Result<u32, NoPage> {
    text.parse().map_err(NoPage)
}

#[test]
fn the_error_of_a_result_has_its_whole_chain() {
    let recorder = Recorder::new();
    assert_eq!(page("7").report(recorder.handler()).unwrap(), 7);
    recorder.assert_none();

    let line = line!() + 1;
    assert!(page("x").report(recorder.handler()).is_err());
    let record = recorder.assert_one("no such page");
    assert_eq!((record.level, &*record.channel), (Level::Error, "error"));
    assert_eq!(record.location.file.as_deref(), Some(file!()));
    assert_eq!(record.location.line, Some(line));
    assert_eq!(record.thread.as_deref(), std::thread::current().name());
    let chain: Vec<_> = record
        .error
        .iter()
        .map(|cause| (cause.type_name.as_deref().unwrap(), &*cause.message))
        .collect();
    let expected =
        [("report::NoPage", "no such page"), ("ParseIntError", "invalid digit found in string")];
    assert_eq!(chain, expected);
}

#[test]
fn an_error_is_reported_even_if_its_display_panics() {
    #[derive(Debug)]
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("as the test asked")
        }
    }
    impl Error for Panics {}

    let recorder = Recorder::new();
    report_error(recorder.handler(), &std::io::Error::other("refused"));
    let record = recorder.assert_one("refused");
    assert_eq!(record.error_type(), Some("std::io::error::Error"));
    report_error(recorder.handler(), &Panics);
    let record = recorder.assert_one("<panicked while formatting>");
    assert!(record.error_type().unwrap().ends_with("Panics"));
}

#[test]
fn what_an_error_logs_while_it_is_reported_is_ignored() {
    #[derive(Debug)]
    struct Logs;
    impl fmt::Display for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::error!("from a Display form");
            f.write_str("it failed")
        }
    }
    impl Error for Logs {}

    let options = HandlerOptions::new("app").with_filter(|_| {
        tracing::error!("from a filter");
        true
    });
    let recorder = Recorder::with_options(options);
    report_error(recorder.handler(), &Logs);
    assert_eq!(recorder.records().len(), 1);
    recorder.assert_one("it failed");
}

#[test]
fn an_anyhow_error_has_its_contexts() {
    let recorder = Recorder::new();
    let failed = page("x").context("cannot show the list").context("request failed");
    let line = line!() + 1;
    assert!(failed.report(recorder.handler()).is_err());
    let record = recorder.assert_one("request failed");
    let chain: Vec<_> = record.error.iter().map(|cause| &*cause.message).collect();
    let expected =
        ["request failed", "cannot show the list", "no such page", "invalid digit found in string"];
    assert_eq!(chain, expected);
    assert_eq!(record.location.line, Some(line));
    assert!(record.backtrace.is_empty() || std::env::var_os("RUST_BACKTRACE").is_some());
    assert_eq!(anyhow::Ok(7).report(recorder.handler()).unwrap(), 7);
    report_anyhow(recorder.handler(), &anyhow::anyhow!("alone"));
    recorder.assert_one("alone");
    assert_eq!(recorder.records().len(), 2);
}
