//! What was read is remembered apart from what is stored.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use crate::place::Place;

fn line(number: usize) -> String {
    format!(
        "2026-11-21T10:{:02}:{:02}Z ERROR shop: order {number} is lost\n",
        number / 60,
        number % 60
    )
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(line).collect()
}

/// Deletes all occurrences.
fn expire(place: &Place) {
    assert!(place.run(&["expire", "--older-than", "2999-01-01"]).status.success());
    assert!(place.run(&["find", "--json"]).stdout.is_empty());
}

fn total(place: &Place) -> u64 {
    place.tickets().iter().map(|(_, count)| count).sum()
}

#[test]
fn expired_lines_are_not_counted_again() {
    let place = Place::new();
    place.write("app.log", lines(0..5));
    for night in 0..4 {
        let recorded = if night == 0 { 5 } else { 0 };
        let summary = place.ingest(&["app.log"]);
        assert_eq!(
            (&summary["recorded"], &summary["already_known"]),
            (&recorded.into(), &0.into())
        );
        assert_eq!(summary["read_before"], 5 - recorded);
        expire(&place);
        assert_eq!(total(&place), 5);
    }
    place.append("app.log", &line(5));
    assert_eq!(place.counts(&["app.log"]), (1, 0));
    let text = String::from_utf8(place.run(&["ingest", "app.log"]).stdout).unwrap();
    assert_eq!(
        text,
        "read 0 lines: 0 recorded, 0 below warning, 0 malformed\n\
         6 lines were read by earlier runs (--again reads from the start)\n"
    );
}

#[test]
fn a_deleted_ticket_does_not_come_back_unless_it_is_read_again() {
    let place = Place::new();
    place.write("app.log", lines(0..5));
    place.ingest(&["app.log"]);
    let ticket = place.occurrences()[0]["ticket_id"].as_str().unwrap().to_owned();
    assert!(place.run(&["delete", "--yes", &ticket]).status.success());
    assert_eq!(place.counts(&["app.log"]), (0, 0));
    assert!(place.tickets().is_empty());
    assert_eq!(place.counts(&["--again", "app.log"]), (5, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 5));
    assert_eq!(place.counts(&["app.log"]), (0, 0));
}

#[test]
fn clear_forgets_what_was_read() {
    let place = Place::new();
    place.write("app.log", lines(0..5));
    place.ingest(&["app.log"]);
    assert!(place.run(&["clear", "--yes"]).status.success());
    assert_eq!(place.counts(&["app.log"]), (5, 0));
}

#[test]
fn renamed_and_moved_files_are_recognised() {
    let place = Place::new();
    place.write("app.log", lines(0..5));
    place.ingest(&["app.log"]);
    expire(&place);
    fs::create_dir(place.path("archive")).unwrap();
    for name in ["app.log.1", "old", "archive/app-of-yesterday"] {
        let before = ["app.log", "app.log.1", "old"];
        let from = before.into_iter().rfind(|name| place.path(name).exists()).unwrap();
        fs::rename(place.path(from), place.path(name)).unwrap();
        assert_eq!(place.counts(&[name]), (0, 0), "{name}");
    }
    place.write("app.log", lines(5..8));
    assert_eq!(place.counts(&["app.log", "archive/app-of-yesterday"]), (3, 0));
    assert_eq!(total(&place), 8);
}

#[test]
fn a_file_that_rotation_copies_and_truncates_is_recognised() {
    for names in [["app.log", "app.log.1"], ["app.log.1", "app.log"]] {
        let place = Place::new();
        place.write("app.log", lines(0..5));
        place.ingest(&["app.log"]);
        expire(&place);
        // As by logrotate's `copytruncate`: the same inode has other lines now, fewer and then more.
        place.append("app.log", &line(5));
        fs::copy(place.path("app.log"), place.path("app.log.1")).unwrap();
        place.write("app.log", lines(6..8));
        assert_eq!(place.counts(&names), (3, 0), "{names:?}");
        expire(&place);
        place.append("app.log", &lines(8..20));
        assert_eq!(place.counts(&names), (12, 0), "{names:?}");
        assert_eq!(total(&place), 20);
    }
}

#[test]
fn a_truncated_file_with_the_same_first_line_is_read_from_its_start() {
    let place = Place::new();
    let head = "2026-11-21T09:00:00Z INFO shop: started\n";
    place.write("app.log", format!("{head}{}", lines(0..5)));
    assert_eq!(place.counts(&["app.log"]), (5, 0));
    let inode = fs::metadata(place.path("app.log")).unwrap().ino();
    // The file is as long as before, and longer.
    place.write("app.log", format!("{head}{}", lines(10..15)));
    assert_eq!(fs::metadata(place.path("app.log")).unwrap().ino(), inode);
    assert_eq!(place.counts(&["app.log"]), (5, 0));
    place.write("app.log", format!("{head}{}", lines(20..40)));
    assert_eq!(place.counts(&["app.log"]), (20, 0));
    // Shorter.
    place.write("app.log", format!("{head}{}", lines(40..41)));
    assert_eq!(place.counts(&["app.log"]), (1, 0));
    assert_eq!(total(&place), 31);
}

#[test]
fn a_new_file_under_the_same_path_is_read_from_its_start() {
    let place = Place::new();
    for round in 0..4 {
        // A file system likes to use the inode of a deleted file again.
        let _ = fs::remove_file(place.path("app.log"));
        place.write("app.log", lines(round * 10..round * 10 + 5));
        assert_eq!(place.counts(&["app.log"]), (5, 0), "round {round}");
    }
}

const TRACE: &str = "2026-11-21 10:47:20,123 - shop - ERROR - cannot pay\nTraceback (most recent call last):\n  File \"/srv/shop.py\", line 7, in pay\n    charge()\nValueError: no card\n";

#[test]
fn a_record_that_grows_is_counted_once_although_it_has_expired() {
    for end in (1..TRACE.len()).step_by(17).chain([TRACE.len() - 1]) {
        let place = Place::new();
        place.write("app.log", format!("{}{}", line(0), &TRACE[..end]));
        place.ingest(&["app.log"]);
        expire(&place);
        place.append("app.log", &TRACE[end..]);
        place.append("app.log", &line(1));
        place.ingest(&["app.log"]);
        expire(&place);
        assert_eq!(place.counts(&["app.log"]), (0, 0));
        assert_eq!(total(&place), 3, "cut at {end}: {:?}", place.tickets());
    }
}

#[test]
fn a_first_line_that_grows_is_counted_once() {
    let place = Place::new();
    place.write("app.log", "ERROR no");
    assert_eq!(place.counts(&["app.log"]), (1, 0));
    expire(&place);
    assert_eq!(place.counts(&["app.log"]), (0, 0));
    place.append("app.log", " such user\n  at shop.rs:7\nERROR next\n");
    assert_eq!(place.counts(&["app.log"]), (1, 0));
    assert_eq!(total(&place), 2);
}

#[test]
fn two_commands_at_once_count_each_line_once() {
    let place = Place::new();
    place.write("app.log", lines(0..3_000));
    let spawn = || {
        let mut command = place.command(&["--json", "ingest", "app.log"]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let running = [spawn(), spawn(), spawn()];
    let mut recorded = 0;
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        recorded += summary["recorded"].as_u64().unwrap();
    }
    assert_eq!((recorded, total(&place)), (3_000, 3_000));
    assert_eq!(place.counts(&["app.log"]), (0, 0));
}

#[test]
fn a_file_that_is_read_by_two_paths_is_counted_once() {
    let place = Place::new();
    place.write("app.log", lines(0..5));
    std::os::unix::fs::symlink(place.path("app.log"), place.path("link.log")).unwrap();
    assert_eq!(place.counts(&["app.log", "link.log", "app.log"]).0, 5);
    assert_eq!(total(&place), 5);
}

#[test]
fn a_wrong_format_does_not_use_up_a_file() {
    let place = Place::new();
    place.write("app.log", lines(0..5));
    let output = place.run(&["ingest", "--format", "json", "app.log"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(place.counts(&["app.log"]), (5, 0));
    // One malformed line behind good ones is no failure, however often it is met.
    place.append("app.log", "{\"level\":\n");
    for _ in 0..2 {
        assert!(place.run(&["ingest", "app.log"]).status.success());
    }
}

#[test]
fn lines_below_the_level_are_read_as_well() {
    let place = Place::new();
    place.write("app.log", "2026-11-21T10:00:00Z INFO a\n2026-11-21T10:00:01Z INFO b\n");
    assert_eq!(place.ingest(&["app.log"])["below_level"], 2);
    assert_eq!(place.ingest(&["app.log"])["read"], 1, "the last record may still grow");
    // The level of the last line was not written yet.
    place.append("app.log", "2026-11-21T10:00:02Z");
    place.ingest(&["app.log"]);
    place.append("app.log", " ERROR c\n");
    assert_eq!(place.counts(&["app.log"]), (1, 0));
}

#[test]
fn a_stream_has_no_position() {
    let place = Place::new();
    assert_eq!(place.pipe(&lines(0..3)), (3, 0));
    assert_eq!(place.pipe(&lines(0..3)), (0, 3));
    expire(&place);
    assert_eq!(place.pipe(&lines(0..3)), (3, 0));
}

#[test]
fn a_follower_and_later_runs_continue_each_other() {
    let place = Place::new();
    place.write("app.log", lines(0..3));
    place.ingest(&["app.log"]);
    expire(&place);
    let mut follower = place
        .command(&["ingest", "--follow", "app.log"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    place.append("app.log", &lines(3..6));
    let started = std::time::Instant::now();
    while total(&place) < 6 {
        assert!(started.elapsed().as_secs() < 30, "{:?}", place.tickets());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    // Killed, not stopped.
    follower.kill().unwrap();
    follower.wait().unwrap();
    expire(&place);
    place.append("app.log", &line(6));
    assert_eq!(place.counts(&["app.log"]), (1, 0));
    assert_eq!(total(&place), 7);
}

#[test]
fn events_of_panko_are_identified_by_their_message_id() {
    let place = Place::new();
    let event = |id: &str| {
        format!(
            "{{\"message_id\":\"{id}\",\"event_type\":\"compute.instance.create.end\",\"generated\":\"2026-11-21T10:47:20\",\"traits\":[{{\"name\":\"launched_at\",\"type\":\"datetime\",\"value\":\"2026-11-21T10:47:19\"}}]}}\n"
        )
    };
    place.write("events.json", event("a") + &event("b"));
    place.write("overlap.json", event("b") + &event("c"));
    assert_eq!(place.counts(&["--format", "panko", "events.json", "overlap.json"]), (3, 1));
    let output = place.run(&["find", "--json", "launched_at<2026-11-21T10:47:20", "--limit", "1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let event: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(event["channel"], "compute.instance.create.end");
    assert_eq!(event["trait_types"]["launched_at"], "time");
}

#[test]
fn rfc_3339_values_of_fields_are_times() {
    let place = Place::new();
    place.write(
        "app.log",
        "{\"level\":\"error\",\"msg\":\"a\",\"at\":\"2026-11-21T10:47:20Z\",\"day\":\"2026-11-21\"}\n",
    );
    place.ingest(&["app.log"]);
    for (expression, found) in
        [("at>2026-11-21T10:47:19Z", 1), ("at>2026-11-21T10:47:20Z", 0), ("day='2026-11-21'", 1)]
    {
        let output = place.run(&["find", "--json", expression]);
        let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines, found, "{expression}");
    }
    let mut file = fs::OpenOptions::new().append(true).open(place.path("app.log")).unwrap();
    writeln!(file, "level=error msg=b until=2026-11-22T10:47:20+01:00").unwrap();
    place.ingest(&["app.log"]);
    assert!(!place.run(&["find", "--json", "until=2026-11-22T09:47:20"]).stdout.is_empty());
}
