//! The command is killed at any moment and run again.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::place::Place;

const LINES: usize = 20_000;

/// Creates a log with errors in JSON, stack traces, and lines without a time.
fn log() -> String {
    let mut log = String::from("ERROR before any time\nplain\n");
    for number in 0..LINES {
        let (minute, second) = (number / 60 % 60, number % 60);
        let time = format!("2026-11-21T10:{minute:02}:{second:02}.{:06}Z", number % 7);
        match number % 5 {
            0 => writeln!(log, "{{\"time\":\"{time}\",\"level\":\"info\",\"msg\":\"served {number}\"}}"),
            1 => writeln!(log, "{time} WARN shop::db: slow query {number}"),
            2 => writeln!(
                log,
                "{time} ERROR shop: failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in a\nValueError: {number}"
            ),
            3 => writeln!(log, "ERROR without a time"),
            _ => writeln!(
                log,
                "{{\"time\":\"{time}\",\"level\":\"error\",\"msg\":\"order {number} lost\",\"logger\":\"shop.{}\"}}",
                number % 30
            ),
        }
        .unwrap();
    }
    log
}

#[test]
fn a_command_that_is_killed_and_repeated_counts_each_line_once() {
    let log = log();
    let whole = Place::new();
    whole.write("app.log", &log);
    let started = Instant::now();
    let (recorded, known) = whole.counts(&["app.log"]);
    let mut longest = started.elapsed();
    assert_eq!((recorded, known), (LINES as u64 / 5 * 4 + 1, 0));
    let expected = whole.tickets();

    let mut broken = Place::new();
    broken.write("app.log", &log);
    let mut killed = 0;
    let mut seed = u64::from(std::process::id());
    for _ in 0..12 {
        let mut ingest = broken
            .command(&["ingest", "app.log"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A linear congruential generator is random enough for this.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = longest.mul_f64((seed >> 40) as f64 / f64::from(1 << 24));
        std::thread::sleep(moment.max(Duration::from_millis(5)));
        ingest.kill().unwrap();
        if !ingest.wait().unwrap().success() {
            killed += 1;
        } else if killed == 0 {
            // The machine was slower when it was timed. Nothing is left to interrupt, so it starts over.
            longest /= 2;
            broken = Place::new();
            broken.write("app.log", &log);
        }
    }
    assert!(killed > 0, "no process was killed while it was working");
    let (_, known) = broken.counts(&["app.log"]);
    assert_eq!(known, 0, "the last run continues exactly where the others were");
    assert_eq!(broken.tickets(), expected);
    assert_eq!(broken.counts(&["app.log"]), (0, 0));
    assert_eq!(broken.counts(&["--again", "app.log"]), (0, recorded));
}
