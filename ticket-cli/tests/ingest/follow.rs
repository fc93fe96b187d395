//! `--follow`: appended lines, rotation, truncation, and the end.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::Place;

/// A command that follows a file. It is killed if the test fails.
struct Follower(Option<Child>);

impl Follower {
    fn start(place: &Place, file: &str) -> Self {
        let mut command = place.command(&["--json", "ingest", "--follow", file]);
        Self(Some(command.stdout(Stdio::piped()).spawn().unwrap()))
    }

    /// Ends the command with a signal and returns its summary.
    fn stop(mut self, signal: &str) -> Value {
        let child = self.0.take().unwrap();
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
        }
    }
}

/// Waits until the store has this many occurrences.
fn wait_for(place: &Place, count: u64) {
    let start = Instant::now();
    loop {
        let output = place.run(&["--json", "list", "--status", "all", "--limit", "1000"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let tickets = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let now: u64 = tickets.map(|ticket| ticket["occurrence_count"].as_u64().unwrap()).sum();
        if now == count {
            return;
        }
        assert!(now < count, "{now} instead of {count}");
        assert!(start.elapsed() < Duration::from_secs(30), "{now} of {count} after 30 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_file_is_followed_through_appends_rotation_and_truncation() {
    let place = Place::new();
    place.write("app.log", "2026-11-21T10:00:00Z ERROR zero\n");
    let follower = Follower::start(&place, "app.log");
    wait_for(&place, 1);

    // An unfinished line is not recorded until the rest of it arrives.
    place.append("app.log", "2026-11-21T10:00:01Z ERROR o");
    std::thread::sleep(Duration::from_millis(800));
    wait_for(&place, 1);
    place.append(
        "app.log",
        "ne\n{\"time\":\"2026-11-21T10:00:02Z\",\"level\":\"error\",\"msg\":\"two\"}\n",
    );
    wait_for(&place, 3);

    // Rotation: the rest of the old file is read, and the new file from its beginning.
    place.append("app.log", "2026-11-21T10:00:03Z ERROR three\n");
    fs::rename(place.path("app.log"), place.path("app.log.1")).unwrap();
    place.append("app.log.1", "2026-11-21T10:00:04Z ERROR four\n");
    std::thread::sleep(Duration::from_millis(500));
    place.append("app.log", "2026-11-21T10:00:05Z ERROR five\n");
    wait_for(&place, 6);

    // Truncation, as by logrotate's `copytruncate`.
    place.write("app.log", "");
    std::thread::sleep(Duration::from_millis(500));
    place.append("app.log", "2026-11-21T10:00:06Z ERROR six\n");
    wait_for(&place, 7);

    // The last line is recorded although no other line follows it.
    place.append("app.log", "2026-11-21T10:00:07Z ERROR seven\n");
    let summary = follower.stop("TERM");
    assert_eq!(summary["recorded"], 8);
    wait_for(&place, 8);

    // A later run without --follow knows the lines that were followed.
    assert_eq!(place.counts(&["app.log", "app.log.1"]), (0, 0));
    assert_eq!(place.counts(&["--again", "app.log", "app.log.1"]).0, 0);
}

#[test]
fn a_stack_trace_that_arrives_in_pieces_is_counted_once() {
    let place = Place::new();
    place.write("app.log", "");
    let follower = Follower::start(&place, "app.log");
    place.append(
        "app.log",
        "2026-11-21 10:00:00 ERROR failed\nTraceback (most recent call last):\n",
    );
    wait_for(&place, 1);
    place.append(
        "app.log",
        "  File \"a.py\", line 1, in a\nValueError: x\n2026-11-21 10:00:01 ERROR next\n",
    );
    wait_for(&place, 2);
    let summary = follower.stop("INT");
    assert_eq!((&summary["recorded"], &summary["joined"]), (&2.into(), &3.into()));
    assert_eq!(place.counts(&["app.log"]), (0, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 2));
}

#[test]
fn a_line_without_a_time_is_recorded_once_while_following_and_afterwards() {
    let place = Place::new();
    place.write("app.log", "");
    let follower = Follower::start(&place, "app.log");
    std::thread::sleep(Duration::from_millis(500));
    place.append("app.log", "ERROR now\n");
    wait_for(&place, 1);
    follower.stop("TERM");
    assert_eq!(place.counts(&["app.log"]), (0, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 1));
}
