//! Which lines form one record.

use super::{entries, record, told};

fn messages(log: &str) -> Vec<String> {
    entries(log).into_iter().map(|entry| entry.record.message.to_string()).collect()
}

#[test]
fn a_line_with_a_head_is_never_part_of_the_record_before() {
    for log in [
        "2024-01-31 12:00:00 ERROR first\n01/31/2024 12:00:01 ERROR second\n31.01.2024 12:00:02 ERROR third\n",
        "ERROR first\n  2024-01-31 12:00:01 ERROR second\n\t2024-01-31 12:00:02 ERROR third\n",
        "2024-01-31 12:00:00 ERROR first\n[ERROR] second\nerror: third\n",
        "=ERROR REPORT==== 31-Jan-2024::12:00:00 ===\nfirst\n=ERROR REPORT==== 31-Jan-2024::12:00:01 ===\nsecond\n=ERROR REPORT==== 31-Jan-2024::12:00:02 ===\nthird\n",
        "12:00:00 fail: Shop.Cart[1]\n      first\n12:00:01 fail: Shop.Cart[1]\n      second\n12:00:02 fail: Shop.Cart[1]\n      third\n",
        "2024-01-31 12:00:00 ERROR first\n2024.31.01-12h00m01 ERROR second\n12:00PM ERR third\n",
        "2024-01-31 12:00:00 ERROR first\nTraceback (most recent call last):\n  File \"a.py\", line 1, in a\nKeyError: 1\n2024-01-31 12:00:01 ERROR second\nlevel=error msg=third\n",
    ] {
        assert_eq!(messages(log), ["first", "second", "third"], "{log}");
    }
}

#[test]
fn the_pretty_format_of_tracing() {
    let log = "  2022-02-15T18:44:24.5Z ERROR a::b: x\n    at src/b.rs:51 on main\n    in a::pay with card: \"visa\", user: 7\n    in a::request\n\n  2022-02-15T18:44:24.6Z ERROR a::b: y\n    at src/b.rs:52\n\n";
    let entries = entries(log);
    assert_eq!(entries.len(), 2);
    let first = &entries[0].record;
    assert_eq!(told(first), ("error", "a::b", "x"));
    assert_eq!((first.location.file.as_deref(), first.location.line), (Some("src/b.rs"), Some(51)));
    let spans: Vec<_> = first.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(spans, ["request", "pay"]);
    assert_eq!(first.spans[1].traits["card"], "visa".into());
    assert_eq!(told(&entries[1].record), ("error", "a::b", "y"));
}

#[test]
fn the_lines_after_the_first_do_not_change_the_message() {
    let log = "2024-01-31 12:00:00 ERROR shop.cart: cannot pay\nGET /cart 200 12ms\nCache warm\n";
    let record = record(log);
    assert_eq!(told(&record), ("error", "shop.cart", "cannot pay"));
    assert_eq!(record.traits["more_lines"], "GET /cart 200 12ms\nCache warm".into());
}

#[test]
fn a_trace_may_have_the_head_of_its_record_in_each_line() {
    let head = "2024-01-31 12:00:00,000 ERROR c.s.Cart: ";
    let log = [
        "cannot pay",
        "java.lang.IllegalStateException: no card",
        "\tat c.s.Cart.pay(Cart.java:12)",
        "\tat c.s.Main.main(Main.java:3)",
    ]
    .map(|line| format!("{head}{line}\n"))
    .concat()
        + &format!("{head}next\n");
    let entries = entries(&log);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.record.message.as_str(), entry.record.backtrace.len()))
        .collect();
    assert_eq!(told.last(), Some(&("next", 0)));
    assert!(entries.len() <= 3, "{told:?}");
    assert!(entries.iter().any(|entry| entry.record.backtrace.len() == 2), "{told:?}");
}

#[test]
fn no_message_is_empty() {
    for line in [
        "ERROR",
        "[2024-01-31 12:00:00] ERROR:",
        "{}",
        "level=error",
        "{\"level\":\"error\",\"msg\":\"\"}",
        "2024-01-31 12:00:00",
        "<3>",
        "web-1 | ERROR",
        "{\"log\":\"\\n\",\"stream\":\"stdout\",\"x\":1}",
    ] {
        for entry in entries(line) {
            assert!(!entry.record.message.is_empty(), "{line}");
        }
    }
}

#[test]
fn a_time_in_a_line_of_its_own() {
    let log = "2026-11-21T10:47:20.123456+00:00\nERROR: first\n2026-11-21T10:47:21.123456+00:00\nsecond\nmore\n";
    let entries = entries(log);
    let told: Vec<_> = entries.iter().map(|entry| told(&entry.record)).collect();
    assert_eq!(told, [("error", "", "first"), ("info", "", "second")]);
}

#[test]
fn a_time_of_day_begins_a_record_without_a_level() {
    assert_eq!(messages("12:34:56 PM [shop] first\n12:34:57 PM [shop] second\n").len(), 2);
}
