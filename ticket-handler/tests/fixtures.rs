//! Spools that earlier versions left behind are read in full.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Fault, Faulty};
use futures::executor::block_on;
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Span};
use ticket_core::{ErrorKind, EventQuery, EventStore, Level, Location, Record, Timestamp, Value};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, spool};

/// The fixtures of version 1: one that names the fields, and one that numbers them.
/// The folders, and the ticket that the program which wrote each made of [`full`].
const FIXTURES: [(&str, &str); 2] = [
    ("spool-1", "46a34dda0fa0bd5c781c614a187fc2ac"),
    ("spool-1-numbers", "46a34dda0fa0bd5c781c614a187fc2ac"),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A record with every field of version 1.
fn full() -> Record {
    let time: Timestamp = "2026-11-21T10:47:20.123456Z".parse().unwrap();
    let mut record = Record::new(Level::Critical, "shop::checkout", "payment of 17 € refused")
        .with_time(time)
        .with_key("fixture")
        .with_location(
            Location::new().with_file("src/pay.rs").with_line(42).with_module("shop::pay"),
        )
        .with_trait("text", "naïve 😀")
        .with_trait("int", i64::MIN)
        .with_trait("float", -0.0)
        .with_trait("bool", true)
        .with_trait("time", Timestamp::MAX)
        .with_release("1.4.0")
        .with_environment("production");
    record.location.function = Some("pay".into());
    record.error = vec![ErrorCause::new(Some("Refused".into()), "no"), ErrorCause::new(None, "x")];
    let mut frame = Frame::new("shop::pay::pay");
    (frame.file, frame.line, frame.in_app) = (Some("src/pay.rs".into()), Some(42), true);
    record.backtrace.push(frame);
    record.breadcrumbs.push(Breadcrumb::new(time, Level::Info, "shop", "cart is full"));
    let mut span = Span::new("request");
    span.target = "shop::http".into();
    span.traits.insert("id".into(), Value::from(7));
    record.spans.push(span);
    let mut request = ticket_core::record::Request::default();
    (request.method, request.status) = (Some("POST".into()), Some(502));
    record.request = Some(request);
    record.host = Some("web-1".into());
    record.process = Some(4_711);
    record.thread = Some("main".into());
    record.trace_id = Some("0af7651916cd43dd8448eb211c80319c".into());
    record.span_id = Some("b7ad6b7169203331".into());
    record
}

fn options() -> HandlerOptions {
    HandlerOptions::new("shop").with_level(Level::Trace).with_salt("pepper")
}

/// Writes the fixture of the current version if it is missing and the environment asks for it.
fn write_fixture(to: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let handler =
        BackgroundHandler::builder(options()).with_spool(dir.path()).backend(backend).unwrap();
    handler.emit(full()).unwrap();
    let _ = handler.blocking_flush(Duration::ZERO);
    for level in [Level::Info, Level::Error] {
        for word in ["ant", "bee", "cat"] {
            handler.emit(Record::new(level, "zoo", format!("no {word} here"))).unwrap();
        }
    }
    let process = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let process_to = to.join("4711-00c0ffee");
    fs::create_dir_all(&process_to).unwrap();
    for entry in fs::read_dir(process).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|extension| extension == "segment") {
            fs::copy(entry.path(), process_to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn spools_of_version_1_are_read() {
    for (name, ticket) in FIXTURES {
        assert_read(&folder(name), ticket, 0);
        assert_read(&folder(name), ticket, 16 << 10);
    }
}

/// Reads a fixture, with zeros appended to each segment as in preallocated files.
fn assert_read(fixture: &Path, ticket: &str, zeros: usize) {
    if std::env::var_os("TICKET_WRITE_FIXTURES").is_some()
        && !fixture.join("4711-00c0ffee").exists()
    {
        write_fixture(fixture);
    }
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("4711-00c0ffee");
    fs::create_dir(&copy).unwrap();
    let mut len = 0;
    for entry in fs::read_dir(fixture.join("4711-00c0ffee")).unwrap().map(Result::unwrap) {
        let mut bytes = fs::read(entry.path()).unwrap();
        len += bytes.len() as u64;
        bytes.resize(bytes.len() + zeros, 0);
        fs::write(copy.join(entry.file_name()), bytes).unwrap();
    }
    let listed = spool::list(dir.path()).unwrap();
    assert_eq!((listed[0].records, listed[0].damaged, listed[0].foreign), (7, 0, 0));
    assert_eq!(listed[0].bytes, len);

    let backend = Faulty::default();
    let drained = block_on(spool::drain(dir.path(), &backend)).unwrap();
    assert_eq!((drained.recorded, drained.damaged, drained.torn), (7, 0, 0));
    assert_eq!(backend.stored().len(), 7);
    let events = block_on(backend.get_events(&EventQuery::new().with_limit(100))).unwrap().items;
    let of_full = events.iter().find(|event| event.record.id == full().id).unwrap();
    // A spool keeps the ticket of each record, however records are grouped by now.
    assert_eq!(of_full.ticket_id.to_string(), ticket);
    assert_eq!(&of_full.record, options().prepare(full()).unwrap().record());
}
