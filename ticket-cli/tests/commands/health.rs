//! `ticket health`.

use std::time::Duration;

use serde_json::json;
use ticket_core::{ProcessReport, ReportedError, Timestamp};

use crate::store::{Place, ago, five};

/// Returns a report of so many seconds ago, the next of which is due within two minutes.
fn report(process: &str, app_id: &str, seconds_ago: u64) -> ProcessReport {
    let mut report = ProcessReport::new(process, app_id, ago(seconds_ago));
    report.until = report.time.saturating_add(Duration::from_secs(120));
    report
}

fn place() -> Place {
    let place = Place::with(five());
    let mut running = report("a", "shop", 20);
    (running.host, running.pid) = (Some("web-1".into()), Some(4711));
    (running.accepted, running.stored, running.waiting) = (1_000, 990, 7);
    running.lost = [("full".to_owned(), 2), ("forked".to_owned(), 1)].into();
    running.spooled_bytes = 3 << 20;
    running.last_error = Some(ReportedError { time: ago(60), text: "no \u{1b}[31mserver".into() });
    running.retention.max_per_ticket = Some(200);
    place.report(running);
    let mut stale = report("b", "shop", 600);
    stale.host = Some("web-2".into());
    place.report(stale);
    let mut ended = report("c", "post", 5);
    (ended.ended, ended.pid) = (true, Some(12));
    place.report(ended);
    place
}

#[test]
fn health_shows_the_store_and_its_processes() {
    let output = place().output(&["health"]);
    for expected in [
        "backend         sqlite\n",
        "schema version  6\n",
        "tables and indexes\n",
        "last 24 hours   6\n",
        "last 7 days     8\n",
        "web-1 4711: forked: 1, full: 2\n",
        "web-1 4711: 20",
        "no \\u{1b}[31mserver\n",
        "shop: keeps 200 per ticket\n",
        "shop: keeps everything\n",
        "post: keeps everything\n",
    ] {
        assert!(output.contains(expected), "{expected:?} in\n{output}");
    }
    // Without colour, the words say how each process is doing, and the stale one comes first.
    let rows: Vec<Vec<&str>> = output
        .lines()
        .skip_while(|line| !line.starts_with("PROCESSES"))
        .skip(1)
        .take(3)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0][..3], ["stale", "shop", "b"], "{output}");
    let running =
        ["running", "shop", "web-1", "4711", "20s", "ago", "1000", "990", "7", "3.0", "MiB", "3"];
    assert_eq!(rows[1].len(), running.len(), "{output}");
    assert_eq!((&rows[1][..4], &rows[1][6..]), (&running[..4], &running[6..]), "{output}");
    assert_eq!(rows[2][..3], ["ended", "post", "12"], "{output}");
}

#[test]
fn health_is_of_one_application_if_asked() {
    let place = place();
    let output = place.output(&["health", "--app", "post"]);
    assert!(output.contains("last 24 hours   0\n") && !output.contains("web-1"), "{output}");
    let [answer] = &place.json(&["health", "--app", "post"])[..] else { panic!("one object") };
    assert_eq!(answer["processes"].as_array().unwrap().len(), 1);
    assert_eq!(answer["processes"][0]["state"], "ended");
}

#[test]
fn health_is_one_object_for_programs() {
    let [answer] = &place().json(&["health"])[..] else { panic!("one object") };
    assert_eq!(
        (&answer["backend"], &answer["store"]["schema_version"]),
        (&json!("sqlite"), &json!(6))
    );
    let parts = answer["store"]["parts"].as_array().unwrap();
    let sum: u64 = parts.iter().map(|part| part["bytes"].as_u64().unwrap()).sum();
    assert!(sum > 0 && answer["store"]["bytes"] == sum, "{answer}");
    assert_eq!(
        answer["occurrences"],
        json!({ "this_hour": answer["occurrences"]["this_hour"], "last_24_hours": 6, "last_7_days": 8 })
    );
    let states: Vec<_> =
        answer["processes"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["ended", "running", "stale"], "the newest report comes first");
    let running = &answer["processes"][1];
    for (name, value) in [
        ("process", json!("a")),
        ("app_id", json!("shop")),
        ("host", json!("web-1")),
        ("pid", json!(4711)),
        ("release", json!(null)),
        ("accepted", json!(1_000)),
        ("stored", json!(990)),
        ("waiting", json!(7)),
        ("spooled", json!(0)),
        ("spooled_bytes", json!(3 << 20)),
        ("spool_on_disk", json!(false)),
        ("lost", json!({ "forked": 1, "full": 2 })),
        ("retention", json!({ "max_age_seconds": null, "max_per_ticket": 200, "max_total": null })),
    ] {
        assert_eq!(running[name], value, "{name}");
    }
    assert_eq!(running["last_error"]["text"], "no \u{1b}[31mserver");
    let (time, until) = (&running["time"], &running["expected_until"]);
    let time: Timestamp = time.as_str().unwrap().parse().unwrap();
    let until: Timestamp = until.as_str().unwrap().parse().unwrap();
    assert_eq!(until, time.saturating_add(Duration::from_secs(120)));
}

#[test]
fn health_of_a_store_without_reports_says_so() {
    let output = Place::with(five()).output(&["health"]);
    assert!(output.contains("no process has reported yet\n"), "{output}");
    let (code, said) = Place::empty().failure(&["health"]);
    assert_eq!(code, 1, "it could not be asked: {said}");
}
