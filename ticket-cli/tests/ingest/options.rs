//! Options, summaries, exit codes, and malformed input.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;

use crate::place::Place;

#[test]
fn malformed_lines_are_listed_and_do_not_stop_the_rest() {
    let place = Place::new();
    place.write(
        "app.log",
        "{\"level\":\"error\",\"msg\":\"a\"}\n{\"level\":\n{\"level\":\"error\",\"msg\":\"b\"}\n",
    );
    let summary = place.ingest(&["app.log"]);
    assert_eq!((&summary["read"], &summary["recorded"]), (&json!(3), &json!(2)));
    assert_eq!(summary["malformed"], 1);
    let line = &summary["malformed_lines"][0];
    assert_eq!((&line["file"], &line["line"]), (&json!("app.log"), &json!(2)));

    let output = place.run(&["ingest", "app.log", "--format", "json", "--again"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text.starts_with(
            "read 3 lines: 0 recorded, 0 below warning, 1 malformed, 2 already known\n"
        )
    );
    assert!(text.contains("malformed: app.log:2: not JSON: EOF"), "{text}");
}

#[test]
fn a_line_without_the_requested_format_is_malformed() {
    let place = Place::new();
    place.write(
        "app.log",
        "level=error msg=\"a b\"\nERROR plain\n{\"level\":\"error\",\"msg\":\"c\"}\n",
    );
    let counts = |format| {
        let summary =
            place.ingest(&["app.log", "--again", "--format", format, "--min-level", "trace"]);
        (summary["malformed"].clone(), summary["recorded"].clone())
    };
    assert_eq!(counts("json"), (json!(2), json!(1)));
    assert_eq!(counts("logfmt"), (json!(2), json!(1)));
    assert_eq!(counts("auto"), (json!(0), json!(1)));
    assert_eq!(counts("text"), (json!(0), json!(2)));
}

#[test]
fn a_file_with_malformed_lines_only_is_a_failure() {
    let place = Place::new();
    place.write("app.log", "plain\nlines\n");
    let output = place.run(&["ingest", "app.log", "--format", "json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.starts_with("read 2 lines: 0 recorded, 0 below warning, 2 malformed\n"), "{text}");
}

#[test]
fn a_file_in_which_nothing_is_recognized_is_a_failure_that_says_why() {
    let place = Place::new();
    place.write("app.log", "all is well\nit has password=hunter2\n");
    let output = place.run(&["ingest", "app.log"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let says = "not recognized: app.log:1: 0 of 2 lines had a time or level that is known; the first is: all is well\n";
    assert!(text.ends_with(says), "{text}");
    // Beside another file, it is said, and is no failure.
    let place = Place::new();
    place.write("app.log", "all is well\nit has password=hunter2\n");
    place.write("other.log", "ERROR a\n");
    let output = place.run(&["ingest", "app.log", "other.log"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("not recognized: app.log:1:"), "{text}");
    // Also if its lines are recorded, as was asked for.
    let place = Place::new();
    place.write("app.log", "all is well\n");
    let output = place.run(&["ingest", "app.log", "--min-level", "info"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("read 1 line: 1 recorded"), "{text}");
    assert!(text.contains("not recognized: app.log:1:"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn compressed_files_are_read_and_their_lines_keep_their_ids() {
    let place = Place::new();
    let log = "2026-11-21T10:00:00Z ERROR a\n2026-11-21T10:00:01Z ERROR b\n";
    place.write("app.log", log);
    assert_eq!(place.counts(&["app.log"]), (2, 0));
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |text: &str| {
        ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        )
    };
    let (first, second) = log.split_at(29);
    // A file may have several members or frames.
    place.write("app.log.1.gz", [gzip(first), gzip(second)].concat());
    place.write("app.log.2.zst", [zstd(first), zstd(second)].concat());
    for name in ["app.log.1.gz", "app.log.2.zst"] {
        assert_eq!(place.counts(&[name]), (0, 2), "{name}");
    }
    place.write("new.log.gz", gzip(log));
    assert_eq!(place.counts(&["new.log.gz"]), (2, 0));
    place.write("broken.log.gz", &gzip(log)[..20]);
    let output = place.run(&["ingest", "broken.log.gz"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot read broken.log.gz"), "{said}");
    let output = place.run(&["ingest", "--follow", "new.log.gz"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn utf_16_is_read_and_what_is_no_text_is_refused() {
    let place = Place::new();
    let text = "\u{feff}2026-11-21T10:00:00Z ERROR a\r\n2026-11-21T10:00:01Z ERROR b\r\n";
    place.write("app.log", text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    assert_eq!(place.counts(&["app.log"]), (2, 0));
    place.write("app", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0".repeat(10));
    place.write("app.log.xz", b"\xfd7zXZ\0\0\x04");
    for (name, says) in [("app", "it is not text: binary data (0x7f)"), ("app.log.xz", "xzcat")] {
        let output = place.run(&["ingest", name]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("cannot read {name}")) && said.contains(says), "{said}");
    }
}

#[test]
fn a_file_without_records_is_called_binary_data_or_by_its_encoding() {
    let place = Place::new();
    place.write("short", b"\x01\0\0\0ab\0");
    place.write("zeros", [0_u8; 5_000]);
    place.write("late", [&b"all is well\n".repeat(200)[..], b"a\0b\n"].concat());
    let text = "\u{feff}all is well\n";
    place.write("wide", text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    for (name, says) in [
        ("short", "it is not text: binary data (0x00) at byte 1;"),
        ("zeros", "it is not text: binary data (0x00) at byte 0;"),
        ("late", "it is not text: binary data (0x00) at byte 2401;"),
        (
            "wide",
            "0 of 1 line, read as UTF-16LE, had a time or level that is known; the first is: all is",
        ),
    ] {
        let output = place.run(&["ingest", name]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(&format!("not recognized: {name}:1: {says}")), "{said}");
    }
}

#[test]
fn options_fill_in_what_records_do_not_state() {
    let place = Place::new();
    place.write("app.log", "ERROR a\nINFO b\n");
    let ingest = |level: &str| {
        let mut arguments = vec!["--app", "shop", "--release", "1.2", "--environment", "test"];
        arguments.extend(["--channel", "plain", "--min-level", level, "app.log"]);
        place.ingest(&arguments)
    };
    assert_eq!(ingest("error")["below_level"], 1);
    let output = place.run(&["--json", "--app", "shop", "list"]);
    let ticket: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&ticket["app_id"], &ticket["channel"]), (&json!("shop"), &json!("plain")));
    assert_eq!((&ticket["first_release"], &ticket["level"]), (&json!("1.2"), &json!("error")));
    assert_eq!(ingest("info")["recorded"], 1, "the last line may still grow");
}

#[test]
fn invalid_utf8_huge_lines_and_a_missing_last_line_break_are_read() {
    let place = Place::new();
    let huge = "x".repeat(10 * 1024 * 1024);
    let mut log = b"ERROR a\xff\xfeb\0c\n\xff\xff\xff\n".to_vec();
    log.extend(format!("ERROR {huge}\n{{\"level\":\"error\",\"msg\":\"{huge}\"}}\n").bytes());
    log.extend(b"ERROR the end");
    place.write("app.log", log);
    assert_eq!(place.counts(&["app.log"]), (4, 0));
    assert_eq!(place.counts(&["app.log"]), (0, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 4));
    assert!(place.tickets().iter().all(|(message, _)| message.len() < 100_000));
}

#[test]
fn an_empty_file_is_read_and_standard_input_is_the_default() {
    let place = Place::new();
    place.write("app.log", "");
    assert_eq!(place.ingest(&["app.log"])["read"], 0);
    assert_eq!(place.ingest(&["--", "app.log", "app.log"])["read"], 0);
    let output = place.command(&["ingest"]).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "read 0 lines: 0 recorded, 0 below warning, 0 malformed\n");
}

#[test]
fn errors_say_what_is_wrong() {
    let place = Place::new();
    place.write("app.log", "");
    for (arguments, code, says) in [
        (&["ingest", "missing.log"][..], 1, "cannot read missing.log"),
        (&["ingest", "."], 1, "it is a folder"),
        (&["ingest", "--format", "xml", "app.log"], 2, "logfmt"),
        (&["ingest", "--min-level", "loud", "app.log"], 2, "warning"),
        (&["ingest", "--follow"], 2, "leave --follow out"),
        (&["--url", "foo:bar", "ingest", "app.log"], 2, "sqlite:"),
    ] {
        let output = place.command(arguments).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

#[test]
fn secrets_are_redacted_and_lines_keep_their_ids() {
    let place = Place::new();
    let log = "2026-11-21T10:00:00Z ERROR login with password=hunter2 failed\n\
               {\"time\":\"2026-11-21T10:00:01Z\",\"level\":\"error\",\"msg\":\"no answer\",\"api_key\":\"k-4711\"}\n\
               2026-11-21T10:00:02Z ERROR no answer from postgres://ann:hunter2@db/shop";
    place.write("app.log", log);
    assert_eq!(place.counts(&["app.log"]), (3, 0));
    let messages: Vec<_> = place.tickets().into_iter().map(|(message, _)| message).collect();
    let expected = [
        "login with password=<redacted> failed",
        "no answer",
        "no answer from postgres://ann:<redacted>@db/shop",
    ];
    assert_eq!(messages, expected);
    let stored = std::fs::read(place.path("tickets.db")).unwrap();
    let wal = std::fs::read(place.path("tickets.db-wal")).unwrap_or_default();
    for secret in ["hunter2", "k-4711"] {
        let found =
            |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found(&stored) && !found(&wal), "{secret}");
    }
    // This includes the last line, which has no line break yet.
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 3));

    // The id of a record follows from the line as it is in the log, not as it is stored.
    assert_eq!(place.counts(&["--url", "sqlite:kept.db", "--no-redact", "app.log"]), (3, 0));
    let found = |url: &str| {
        let output = place.run(&["--url", url, "--json", "find"]);
        let lines = String::from_utf8(output.stdout).unwrap();
        let events = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut events: Vec<_> = events
            .map(|event: serde_json::Value| {
                let part = |name: &str| event[name].as_str().unwrap().to_owned();
                (part("id"), part("message"))
            })
            .collect();
        events.sort();
        events
    };
    let (redacted, kept) = (found("sqlite:tickets.db"), found("sqlite:kept.db"));
    let ids =
        |events: &[(String, String)]| events.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!((kept.len(), ids(&redacted)), (3, ids(&kept)));
    assert!(kept[0].1.contains("hunter2") && kept[2].1.contains("hunter2"), "{kept:?}");

    place.append("app.log", "?sslmode=require\n");
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 3));
    let kept = ["--url", "sqlite:kept.db", "--no-redact", "--again", "app.log"];
    assert_eq!(place.counts(&kept), (0, 3));
}
