//! Each line is counted once, however often it is read.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::place::Place;

const DATED: &str = "2026-11-21T10:47:20Z ERROR shop::cart: cannot pay\n";

fn json(number: usize) -> String {
    format!(
        "{{\"timestamp\":\"2026-11-21T10:47:{:02}Z\",\"level\":\"error\",\"message\":\"order {number} is lost\"}}\n",
        number % 60
    )
}

#[test]
fn a_file_that_is_read_again_counts_only_what_was_appended() {
    let place = Place::new();
    place.write("app.log", (0..10).map(json).collect::<String>());
    assert_eq!(place.counts(&["app.log"]), (10, 0));
    assert_eq!(place.counts(&["app.log"]), (0, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 10));
    place.append("app.log", &json(10));
    assert_eq!(place.counts(&["app.log"]), (1, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 11));
    assert_eq!(place.tickets(), [("order 10 is lost".into(), 11)]);
}

#[test]
fn a_file_is_the_same_by_every_path_and_after_a_rotation() {
    let place = Place::new();
    place.write("app.log", DATED);
    assert_eq!(place.counts(&["app.log"]), (1, 0));
    let again = |name: &str| {
        assert_eq!(place.counts(&[name]), (0, 0), "{name}");
        assert_eq!(place.counts(&["--again", name]), (0, 1), "{name}");
    };
    again("./app.log");
    again(place.path("app.log").to_str().unwrap());
    std::os::unix::fs::symlink(place.path("app.log"), place.path("link.log")).unwrap();
    again("link.log");
    fs::rename(place.path("app.log"), place.path("app.log.1")).unwrap();
    again("app.log.1");
    place.write("other.log", DATED);
    assert_eq!(place.counts(&["other.log", "app.log.1"]), (1, 0));
}

#[test]
fn equal_lines_at_different_places_are_counted_separately() {
    let place = Place::new();
    place.write("app.log", DATED.repeat(3));
    assert_eq!(place.counts(&["app.log"]), (3, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 3));
}

/// A trace waits for more lines, and so may one of another program that alternates with it.
#[test]
fn all_records_that_wait_at_the_end_are_counted() {
    let place = Place::new();
    let log = "a-1  | panic: no card\nb-1  | panic: no cart\nc-1  | panic: no cash\n\
               a-1  | goroutine 1 [running]:\nb-1  | goroutine 1 [running]:\n";
    place.write("app.log", log);
    assert_eq!(place.counts(&["app.log"]), (3, 0));
    assert_eq!(place.counts(&["app.log"]), (0, 0));
}

#[test]
fn applications_are_counted_separately() {
    let place = Place::new();
    place.write("app.log", DATED);
    assert_eq!(place.counts(&["--app", "a", "app.log"]), (1, 0));
    assert_eq!(place.counts(&["--app", "b", "app.log"]), (1, 0));
    assert_eq!(place.counts(&["--app", "a", "app.log"]), (0, 0));
    assert_eq!(place.counts(&["--app", "a", "--again", "app.log"]), (0, 1));
}

const TRACE: &str = "2026-11-21 10:47:20,123 - shop - ERROR - cannot pay\nTraceback (most recent call last):\n  File \"/srv/shop.py\", line 7, in pay\n    charge()\nValueError: no card\n";

#[test]
fn a_stack_trace_that_the_end_of_the_file_cuts_is_counted_once() {
    // Cut after some lines and in the middle of others.
    for end in (1..TRACE.len()).step_by(23).chain([TRACE.len() - 1]) {
        let place = Place::new();
        place.write("app.log", format!("{DATED}{}", &TRACE[..end]));
        place.ingest(&["app.log"]);
        place.append("app.log", &TRACE[end..]);
        place.append("app.log", DATED);
        place.ingest(&["app.log"]);
        let (recorded, _) = place.counts(&["--again", "app.log"]);
        let total: u64 = place.tickets().iter().map(|(_, count)| count).sum();
        assert_eq!((recorded, total), (0, 3), "cut at {end}: {:?}", place.tickets());
    }
}

#[test]
fn lines_of_a_rotated_file_and_its_successor_at_the_same_offsets_are_told_apart() {
    let place = Place::new();
    place.write("app.log", DATED);
    place.ingest(&["app.log"]);
    fs::rename(place.path("app.log"), place.path("app.log.1")).unwrap();
    place.write("app.log", DATED.replace(":20Z", ":21Z"));
    assert_eq!(place.counts(&["app.log", "app.log.1"]), (1, 0));
    assert_eq!(place.counts(&["--again", "app.log", "app.log.1"]), (0, 2));
}

#[test]
fn a_line_without_a_time_is_counted_once_per_file() {
    let place = Place::new();
    place.write("app.log", "ERROR first\nERROR second\n");
    let modified = |seconds| {
        let file = fs::OpenOptions::new().append(true).open(place.path("app.log")).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    };
    modified(1_795_258_040);
    assert_eq!(place.counts(&["app.log"]), (2, 0));
    let times: Vec<_> = place.occurrences().iter().map(|one| one["time"].clone()).collect();
    assert_eq!(times, ["2026-11-21T10:47:20.000000Z"], "the modification time of the file");
    place.append("app.log", "ERROR third\n");
    modified(1_795_344_440);
    assert_eq!(place.counts(&["app.log"]), (1, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 3));
    place.append("app.log", &DATED.repeat(2));
    place.append("app.log", "ERROR after a line with a time\n");
    modified(1_795_430_840);
    assert_eq!(place.counts(&["app.log"]), (3, 0));
    assert_eq!(place.counts(&["--again", "app.log"]), (0, 6));
}

#[test]
fn a_piped_line_is_counted_once_if_it_has_a_time_and_on_every_run_otherwise() {
    let place = Place::new();
    let text = format!("{}{}", DATED.repeat(2), json(1));
    assert_eq!(place.pipe(&text), (3, 0));
    assert_eq!(place.pipe(&text), (0, 3));
    assert_eq!(place.pipe(&format!("{text}{DATED}")), (1, 3));
    assert_eq!(place.pipe("ERROR a\nERROR a\n"), (2, 0));
    assert_eq!(place.pipe("ERROR a\nERROR a\n"), (2, 0));
}
