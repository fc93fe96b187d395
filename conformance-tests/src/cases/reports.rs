//! Rule 33: reports of processes, and what a store knows about itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ticket_core::{
    Capability, Expiry, MAX_LIMIT, ProcessReport, ReportQuery, ReportedError, ReportedRetention,
    Store, Timestamp, limits,
};

use crate::context::Context;
use crate::process::{Crew, PROCESSES, Step, run_all};
use crate::support::{APP, at, id_of, just_after, new, put, solve, together};

/// Returns the report of a process of the application [`APP`], `seconds` after noon, which has stored as many records.
fn report(process: &str, seconds: i64) -> ProcessReport {
    let mut report = ProcessReport::new(process, APP, at(seconds));
    report.stored = seconds.unsigned_abs();
    report
}

fn of_app(process: &str, app_id: &str) -> ProcessReport {
    ProcessReport::new(process, app_id, at(0))
}

async fn send(store: &Arc<dyn Store>, report: &ProcessReport) {
    store.report_process(report.clone()).await.expect("report_process succeeds");
}

async fn reports(store: &Arc<dyn Store>) -> Vec<ProcessReport> {
    store.get_reports(&ReportQuery::new()).await.expect("get_reports succeeds")
}

fn processes(reports: &[ProcessReport]) -> Vec<&str> {
    reports.iter().map(|report| report.process.as_str()).collect()
}

pub(super) async fn rule_33_a_report_is_returned_whole(cx: Context) {
    let store = cx.store().await;
    assert_eq!(reports(&store).await, [], "nobody has reported yet");
    let mut full = report("web-1 4711", 60);
    full.started = Timestamp::MIN;
    full.until = Timestamp::MAX;
    full.ended = true;
    full.host = Some("web-1 \"quoted\" \u{1F980}".into());
    full.pid = Some(u32::MAX);
    full.release = Some(String::new());
    full.environment = Some("$production.x".into());
    full.version = Some("0.1.0".into());
    (full.accepted, full.stored, full.waiting) = (u64::MAX, u64::MAX - 1, 3);
    (full.spooled, full.spooled_bytes, full.on_disk) = (4, 1 << 53 | 1, true);
    full.lost = [("full", 1), ("a.b", u64::MAX), ("$c", 0), ("", 7)]
        .map(|(reason, count)| (reason.to_owned(), count))
        .into();
    let time = Timestamp::from_micros(-1);
    full.last_error = Some(ReportedError { time, text: "a\nb 'c' \\ {d}".into() });
    full.retention = ReportedRetention {
        max_age: Some(Duration::new(u64::MAX, 999_999_999)),
        max_per_ticket: Some(u32::MAX),
        max_total: Some(u64::MAX),
    };
    let empty = report("", 0);
    for one in [&full, &empty] {
        send(&store, one).await;
    }
    assert_eq!(reports(&store).await, [full, empty]);
}

pub(super) async fn rule_33_a_report_replaces_the_one_before(cx: Context) {
    let store = cx.store().await;
    let mut first = report("one", 0);
    first.lost.insert("full".into(), 1);
    first.host = Some("web-1".into());
    send(&store, &first).await;
    for other in ["two", "ONE", "one "] {
        send(&store, &report(other, -1)).await;
    }
    // The same time may be that of a clock that stands still, and the call that comes later is the newer one.
    let mut again = of_app("one", "depot");
    again.stored = 5;
    send(&store, &again).await;
    let stored = reports(&store).await;
    assert_eq!(processes(&stored), ["one", "ONE", "one ", "two"], "each has one report");
    assert_eq!(stored[0], again, "nothing of the earlier report is left");
    let later = report("one", 30);
    send(&store, &later).await;
    assert_eq!(reports(&store).await[0], later);
    assert_eq!(reports(&store).await.len(), 4);
}

pub(super) async fn rule_33_an_earlier_report_changes_nothing(cx: Context) {
    let store = cx.store().await;
    let newest = report("one", 30);
    send(&store, &newest).await;
    for seconds in [29, 0, -90_000_000] {
        send(&store, &report("one", seconds)).await;
        assert_eq!(reports(&store).await, std::slice::from_ref(&newest), "it is of a later time");
    }
    let mut earlier = report("one", 0);
    earlier.time = Timestamp::from_micros(newest.time.as_micros() - 1);
    send(&store, &earlier).await;
    assert_eq!(reports(&store).await, [newest], "times are exact to the microsecond");
}

pub(super) async fn rule_33_the_newest_reports_come_first(cx: Context) {
    let store = cx.store().await;
    // "é" is greater than "z" by code point, and "Z" is less than "a".
    for process in ["z", "a", "é", "Z", "🦀", "aa", "\u{ffff}"] {
        send(&store, &report(process, 0)).await;
    }
    for (process, seconds) in [("0", -1), ("last", -80_000), ("first", 7), ("b", 1)] {
        send(&store, &report(process, seconds)).await;
    }
    let expected = ["first", "b", "Z", "a", "aa", "z", "é", "\u{ffff}", "🦀", "0", "last"];
    assert_eq!(processes(&reports(&store).await), expected);
}

pub(super) async fn rule_33_reports_are_found_by_their_application(cx: Context) {
    let store = cx.store().await;
    let apps = ["shop", "SHOP", "sh%", "", "depot", "$shop"];
    for app_id in apps {
        for process in ["one", "two"] {
            send(&store, &of_app(&format!("{process} of {app_id}"), app_id)).await;
        }
    }
    for app_id in apps {
        let query = ReportQuery::new().with_app_id(app_id);
        let found = store.get_reports(&query).await.expect("get_reports succeeds");
        assert_eq!(found.len(), 2, "{app_id:?}: {found:?}");
        assert!(found.iter().all(|report| report.app_id == app_id), "{app_id:?}: {found:?}");
    }
    let query = ReportQuery::new().with_app_id("nobody");
    assert_eq!(store.get_reports(&query).await.expect("get_reports succeeds"), []);
    assert_eq!(reports(&store).await.len(), 2 * apps.len());
    let (other, query) = (cx.second_store().await, ReportQuery::new());
    let found = other.get_reports(&query).await.expect("get_reports succeeds");
    assert_eq!(found, [], "another store has none of them");
}

pub(super) async fn rule_33_at_most_a_thousand_reports_are_returned(cx: Context) {
    const WRITERS: i64 = 8;
    let store = cx.store().await;
    let most = i64::from(MAX_LIMIT);
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            for number in (0..=most).filter(|number| number % WRITERS == writer) {
                send(&store, &report(&format!("process {number}"), number)).await;
            }
        }
    });
    together(writers).await;
    for query in [ReportQuery::new(), ReportQuery::new().with_app_id(APP)] {
        let found = store.get_reports(&query).await.expect("get_reports succeeds");
        assert_eq!(found.len(), MAX_LIMIT as usize);
        let (first, last) = (format!("process {most}"), "process 1");
        assert_eq!(
            (&*found[0].process, &*found[999].process),
            (&*first, last),
            "the oldest is left out"
        );
    }
}

pub(super) async fn rule_33_reports_older_than_a_week_are_deleted(cx: Context) {
    let store = cx.store().await;
    let (start, week) = (at(0), ProcessReport::LIFETIME);
    let at_time = |process: &str, time| ProcessReport::new(process, APP, time);
    for (process, time) in [
        ("older", start),
        ("as old", just_after(start)),
        ("renewed", start),
        ("newer", start.saturating_add(Duration::from_secs(60))),
    ] {
        send(&store, &at_time(process, time)).await;
    }
    send(&store, &at_time("renewed", start.saturating_add(week))).await;
    assert_eq!(processes(&reports(&store).await), ["renewed", "newer", "as old", "older"]);
    // A process whose clock is far behind deletes nothing, and is deleted with the next report of another one.
    send(&store, &at_time("behind", at(-90_000_000))).await;
    assert_eq!(reports(&store).await.len(), 5, "it reports like any other");
    // A report that is not stored deletes nothing either.
    send(&store, &at_time("renewed", just_after(start))).await;
    assert_eq!(reports(&store).await.len(), 5);
    let later = just_after(start).saturating_add(week);
    send(&store, &of_other_app("last", later)).await;
    let expected = ["last", "renewed", "newer", "as old"];
    assert_eq!(processes(&reports(&store).await), expected, "whatever their applications");
}

fn of_other_app(process: &str, time: Timestamp) -> ProcessReport {
    ProcessReport::new(process, "depot", time)
}

pub(super) async fn rule_33_reports_outlive_tickets(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0), new("other", 0)]).await;
    let sent = report("one", 30);
    send(&store, &sent).await;
    assert_eq!(reports(&store).await, std::slice::from_ref(&sent));
    solve(&store, id_of("it"), 10).await;
    put(&store, &[new("it", 90_000_000)]).await;
    store.delete_ticket(id_of("it")).await.expect("delete_ticket succeeds");
    store.delete_ticket(id_of("other")).await.expect("delete_ticket succeeds");
    assert_eq!(reports(&store).await, [sent]);
}

pub(super) async fn rule_33_reports_outlive_expiry(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let sent = report("one", 30);
    send(&store, &sent).await;
    store.clear_expired(&Expiry::before(Timestamp::MAX)).await.expect("clear_expired succeeds");
    assert_eq!(reports(&store).await, [sent]);
}

pub(super) async fn rule_33_clear_deletes_reports_of_this_store(cx: Context) {
    let (store, other) = (cx.store().await, cx.second_store().await);
    for store in [&store, &other] {
        send(store, &report("one", 30)).await;
    }
    store.clear().await.expect("clear succeeds");
    assert_eq!(reports(&store).await, []);
    assert_eq!(processes(&reports(&other).await), ["one"], "another store");
    send(&store, &report("one", 0)).await;
    assert_eq!(processes(&reports(&store).await), ["one"], "it may report again");
}

pub(super) async fn rule_33_of_eight_writers_the_latest_report_stays(cx: Context) {
    const ROUNDS: i64 = 10;
    let store = cx.store().await;
    for round in 0..ROUNDS {
        let writers = (0..8_i64).map(|writer| {
            let store = Arc::clone(&store);
            // The latest one comes first, in the middle or at the end.
            let seconds = 8 * round + (writer + round) % 8;
            async move { send(&store, &report("one", seconds)).await }
        });
        together(writers).await;
        assert_eq!(reports(&store).await, [report("one", 8 * round + 7)], "in round {round}");
    }
}

pub(super) async fn rule_33_of_eight_processes_the_latest_report_stays(cx: Context) {
    const ROUNDS: i64 = 10;
    const REPORTS: i64 = 6;
    let store = cx.store().await;
    let mut crew = Crew::start(cx.case()).await;
    let count = i64::try_from(PROCESSES).expect("there are eight");
    for round in 0..ROUNDS {
        let steps = (0..count).map(|process| {
            let seconds = |number| (round * REPORTS + number) * count + process;
            (0..REPORTS).map(|number| Step::report(report("shared", seconds(number)))).collect()
        });
        crew.run(steps).await;
        let latest = (round + 1) * REPORTS * count - 1;
        assert_eq!(reports(&store).await, [report("shared", latest)], "in round {round}");
    }
}

pub(super) async fn rule_33_no_report_of_eight_processes_is_lost(cx: Context) {
    let store = cx.store().await;
    let name = |process| format!("process {process}");
    let steps = (0..PROCESSES).map(|process| {
        (0..10).map(|seconds| Step::report(report(&name(process), seconds))).collect()
    });
    run_all(cx.case(), steps).await;
    let expected: Vec<ProcessReport> =
        (0..PROCESSES).map(|process| report(&name(process), 9)).collect();
    assert_eq!(reports(&store).await, expected);
}

pub(super) async fn rule_33_two_handles_share_reports(cx: Context) {
    let (one, two) = (cx.store().await, cx.store().await);
    send(&one, &report("one", 0)).await;
    assert_eq!(reports(&two).await, [report("one", 0)]);
    send(&two, &report("one", 5)).await;
    send(&one, &report("one", 4)).await;
    assert_eq!(reports(&one).await, [report("one", 5)]);
}

pub(super) async fn rule_33_reports_take_texts_changed_by_the_limits(cx: Context) {
    let store = cx.store().await;
    let (name, app_id) = (format!("a\0{}", "é".repeat(limits::NAME)), "b\0".repeat(limits::NAME));
    let mut sent = ProcessReport::new(&*name, &*app_id, at(0));
    sent.host = Some("h".repeat(9_000));
    sent.lost = (0..100).map(|number| (format!("reason {number}"), 1)).collect();
    let text = "e\0".repeat(9_000);
    sent.last_error = Some(ReportedError { time: at(0), text });
    let sent = sent.within_limits();
    send(&store, &sent).await;
    let query = ReportQuery::new().with_app_id(app_id);
    let found = store.get_reports(&query).await.expect("get_reports succeeds");
    assert_eq!(found, std::slice::from_ref(&sent), "it is found by the name as it was given");
    assert_eq!(found[0].total_lost(), 100);
    send(&store, &ProcessReport::new(name, "other", at(1))).await;
    assert_eq!(reports(&store).await.len(), 1, "the process is the same");
}

pub(super) async fn rule_33_a_store_knows_its_schema_version_and_its_size(cx: Context) {
    let store = cx.store().await;
    let info = store.store_info().await.expect("every backend answers store_info");
    let has_versions = !cx.lacks(Capability::SchemaVersions);
    assert!(
        info.schema_version.is_some_and(|version| version > 0) || !has_versions,
        "a store with versions knows its own: {info:?}"
    );
    let names: BTreeSet<&str> = info.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names.len(), info.parts.len(), "each part has a name of its own: {info:?}");
    assert!(!names.contains(""), "each part has a name: {info:?}");
    put(&store, &[new("it", 0)]).await;
    let again = store.store_info().await.expect("store_info succeeds");
    assert_eq!(again.schema_version, info.schema_version);
    assert_eq!(again.parts.len(), info.parts.len(), "the parts do not depend on the content");
}
