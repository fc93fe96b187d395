//! Logs with stack traces, and the tickets that they give.

#![allow(clippy::unwrap_used, reason = "a test program")]

mod jvm;
mod kernel;
mod rust;

use std::collections::BTreeMap;

use ticket_core::Record;
use ticket_grouping::Grouping;
use ticket_ingest::{Format, Item, Reader};

fn records(log: &str) -> Vec<Record> {
    let entries = Reader::new(log.as_bytes(), Format::Auto).map(|item| match item.unwrap() {
        Item::Entry(entry) => entry.record,
        other => panic!("{other:?}"),
    });
    entries.collect()
}

/// Returns how many records each ticket has, the largest first.
fn tickets(log: &str) -> Vec<usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for record in records(log) {
        let id = Grouping::Stable.fingerprint(&record, b"").id();
        *counts.entry(id.to_string()).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

fn types(record: &Record) -> Vec<&str> {
    record.error.iter().map(|cause| cause.type_name.as_deref().unwrap_or("-")).collect()
}

/// The errors of a record, `type: text`.
fn chain(record: &Record) -> Vec<String> {
    let show = |cause: &ticket_core::record::ErrorCause| match &cause.type_name {
        Some(name) => format!("{name}: {}", cause.message),
        None => cause.message.to_string(),
    };
    record.error.iter().map(show).collect()
}

fn go_panic(text: &str, function: &str, line: u32) -> String {
    format!(
        "panic: runtime error: {text}\n\ngoroutine 1 [running]:\nmain.{function}(...)\n\t/srv/main.go:{line} +0x1d\nmain.main()\n\t/srv/main.go:3\n\ngoroutine 7 [sleep]:\ntime.Sleep(0x3)\n\t/usr/local/go/src/runtime/time.go:195 +0x135\nexit status 2\n"
    )
}

#[test]
fn panics_of_go_are_told_apart_by_text_and_place() {
    let nil = "invalid memory address or nil pointer dereference";
    let range = "index out of range [5] with length 3";
    let log = [
        go_panic(nil, "pay", 8),
        go_panic(range, "pay", 9),
        go_panic(nil, "ship", 12),
        go_panic(nil, "pay", 80),
        go_panic("index out of range [7] with length 4", "pay", 9),
    ];
    assert_eq!(tickets(&log.concat()), [2, 2, 1]);
}

fn django(path: &str, file: &str, function: &str, line: u32, key: &str) -> String {
    format!(
        "2026-11-21 10:47:20,123 ERROR django.request: Internal Server Error: {path}\nTraceback (most recent call last):\n  File \"/venv/lib/python3.12/site-packages/django/core/handlers/exception.py\", line 55, in inner\n    response = get_response(request)\n  File \"/srv/shop/{file}\", line {line}, in {function}\n    return cards[key]\nKeyError: '{key}'\n"
    )
}

#[test]
fn errors_that_one_handler_logs_are_told_apart_by_their_place() {
    let log = [
        django("/pay", "pay.py", "pay", 7, "visa"),
        django("/profile", "profile.py", "show", 12, "name"),
        django("/pay", "pay.py", "pay", 9, "amex"),
    ];
    assert_eq!(tickets(&log.concat()), [2, 1]);
    let record = &records(&log[0])[0];
    assert_eq!(record.message, "Internal Server Error: /pay");
    assert_eq!(record.location.file.as_deref(), Some("/srv/shop/pay.py"));
    assert_eq!(record.location.function.as_deref(), Some("pay"));
    assert_eq!(types(record), ["KeyError"]);
}

#[test]
fn where_an_error_was_logged_is_kept() {
    let log = "2026-11-21 10:47:20.123 | ERROR    | shop.cart:handle:12 - cannot pay\nTraceback (most recent call last):\n\n> File \"/srv/cart.py\", line 12, in handle\n    pay()\n\n  File \"/srv/cart.py\", line 3, in pay\n    return {}[card]\n              └ 'visa'\n\nKeyError: 'visa'\n";
    let record = &records(log)[0];
    assert_eq!(record.location.function.as_deref(), Some("pay"));
    assert_eq!(record.traits["logged_at.function"], "handle".into());
    assert_eq!(record.traits["logged_at.line"], 12.into());
}

#[test]
fn lines_behind_a_record_that_are_no_trace_do_not_change_its_ticket() {
    let log = "2026-11-21 10:47:20,123 ERROR shop.cart: cannot pay\nGET /cart 200 12ms\n2026-11-21 10:47:21,123 ERROR shop.cart: cannot pay\nCache warm\n2026-11-21 10:47:22,123 ERROR shop.cart: cannot pay\n";
    assert_eq!(tickets(log), [3]);
    let record = &records(log)[0];
    assert_eq!(record.message, "cannot pay");
    assert_eq!(record.traits["more_lines"], "GET /cart 200 12ms".into());
}

#[test]
fn each_line_of_a_trace_may_have_the_prefix_of_a_platform() {
    let log = "2026-11-21T10:47:20.12+0000 [APP/PROC/WEB/0] ERR TypeError: cart is undefined\n2026-11-21T10:47:20.12+0000 [APP/PROC/WEB/0] ERR     at pay (/srv/cart.js:3:14)\n2026-11-21T10:47:20.12+0000 [APP/PROC/WEB/0] ERR     at /srv/index.js:9:1\n2026-11-21T10:47:21.12+0000 [APP/PROC/WEB/0] OUT ready\n";
    let records = records(log);
    assert_eq!(records.len(), 2, "{records:#?}");
    assert_eq!(types(&records[0]), ["TypeError"]);
    assert_eq!(records[0].backtrace.len(), 2);
}

#[test]
fn each_line_of_a_trace_may_have_a_head_of_its_own() {
    let log = "11-21 10:47:20.123  2626  2643 E AndroidRuntime: FATAL EXCEPTION: main\n11-21 10:47:20.123  2626  2643 E AndroidRuntime: Process: com.shop, PID: 2626\n11-21 10:47:20.123  2626  2643 E AndroidRuntime: java.lang.IllegalStateException: no card\n11-21 10:47:20.123  2626  2643 E AndroidRuntime: \tat com.shop.Cart.pay(Cart.java:12)\n11-21 10:47:20.124  2626  2643 E AndroidRuntime: Caused by: java.io.IOException: reset\n11-21 10:47:20.124  2626  2643 E AndroidRuntime: \tat com.shop.Db.open(Db.java:3)\n11-21 10:47:20.125  2626  2643 E AndroidRuntime: \t... 1 more\n11-21 10:47:21.123  2626  2643 E ShopCart: closed\n";
    let records = records(log);
    assert_eq!(records.len(), 2, "{records:#?}");
    assert_eq!(types(&records[0]), ["java.lang.IllegalStateException", "java.io.IOException"]);
    assert_eq!(records[0].location.function.as_deref(), Some("com.shop.Db.open"));
    let log = "2026-11-21 10:47:20,123 ERROR shop: Traceback (most recent call last):\n2026-11-21 10:47:20,123 ERROR shop:   File \"/srv/a.py\", line 3, in pay\n2026-11-21 10:47:20,123 ERROR shop:     return {}[card]\n2026-11-21 10:47:20,123 ERROR shop: KeyError: 'visa'\n2026-11-21 10:47:20,123 ERROR shop: next\n";
    let records = self::records(log);
    assert_eq!(records.len(), 2, "{records:#?}");
    assert_eq!(
        (types(&records[0]), records[0].message.as_str()),
        (vec!["KeyError"], "KeyError: 'visa'")
    );
}

#[test]
fn the_exceptions_of_rails_are_one_record_each() {
    let head = "F, [2026-11-21T10:47:20.123456 #7] FATAL -- : ";
    let [blank, error, first, second] = [
        "  ",
        "NoMethodError (undefined method 'pay' for nil):",
        "app/models/cart.rb:12:in 'Cart#pay'",
        "app/controllers/carts_controller.rb:3:in 'create'",
    ];
    let tag = "[6f1c9a2b-0000] ";
    for log in [
        format!("{head}{blank}\n{head}{error}\n{head}{blank}\n{head}{first}\n{second}\n"),
        format!("{head}{tag}{blank}\n{tag}{error}\n{tag}{blank}\n{tag}{first}\n{tag}{second}\n"),
        format!("{head}{error}\n{first}\n{second}\n"),
    ] {
        let records = records(&log);
        assert_eq!(records.len(), 1, "{log}\n{records:#?}");
        assert_eq!(types(&records[0]), ["NoMethodError"], "{log}");
        assert_eq!(records[0].backtrace.len(), 2, "{log}");
        assert_eq!(records[0].location.file.as_deref(), Some("app/models/cart.rb"), "{log}");
    }
}

#[test]
fn traces_of_two_programs_may_be_mixed() {
    let log = "web-1     | Traceback (most recent call last):\nworker-1  | panic: no card\nweb-1     |   File \"/srv/a.py\", line 3, in pay\nworker-1  | \nworker-1  | goroutine 1 [running]:\nweb-1     |     return {}[card]\nworker-1  | main.pay()\nworker-1  | \t/srv/main.go:3 +0x1d\nweb-1     | KeyError: 'visa'\n";
    let mut records = records(log);
    records.sort_by_key(|record| record.message.clone());
    assert_eq!(records.len(), 2, "{records:#?}");
    assert_eq!((types(&records[0]), records[0].backtrace.len()), (vec!["KeyError"], 1));
    assert_eq!((types(&records[1]), records[1].backtrace.len()), (vec!["panic"], 1));
}

#[test]
fn the_type_is_known_in_every_language() {
    for (log, expected) in [
        (
            "PHP Fatal error:  Uncaught TypeError: no card in /srv/a.php:3\nStack trace:\n#0 /srv/a.php(5): pay()\n#1 {main}\n  thrown in /srv/a.php on line 3\n",
            "TypeError",
        ),
        (
            "[Sat Nov 21 10:47:20.123456 2026] [php:error] [pid 7:tid 8] [client 10.0.0.1:3] PHP Fatal error:  Uncaught TypeError: no card in /srv/a.php:3\nStack trace:\n#0 /srv/a.php(5): pay()\n#1 {main}\n  thrown in /srv/a.php on line 3\n",
            "TypeError",
        ),
        (
            "  + Exception Group Traceback (most recent call last):\n  |   File \"/srv/a.py\", line 3, in pay\n  | ExceptionGroup: many (1 sub-exception)\n  +-+---------------- 1 ----------------\n    | ValueError: a\n    +------------------------------------\n",
            "ExceptionGroup ValueError",
        ),
        (
            "Error: cannot pay\n    at pay (/srv/a.js:3:1) {\n  [cause]: RangeError: row\n      at db (/srv/db.js:1:1)\n}\n\nNode.js v20.20.2\n",
            "Error RangeError",
        ),
        (
            "fail: Shop.Cart[0]\n      cannot pay\n      System.IO.IOException: reset\n         at A.B(C x) in D.cs:line 9\n",
            "System.IO.IOException",
        ),
    ] {
        let records = records(log);
        assert_eq!(records.len(), 1, "{records:#?}");
        assert_eq!(types(&records[0]).join(" "), expected);
        assert!(records[0].backtrace.iter().any(|frame| frame.in_app), "{records:#?}");
    }
}

#[test]
fn reports_that_announce_their_trace() {
    let one = |log: &str| {
        let mut records = records(log);
        assert_eq!(records.len(), 1, "{log}\n{records:#?}");
        records.remove(0)
    };
    // The traceback of another process
    let remote = one(
        "2026-11-21 10:47:20,123 ERROR shop: failed\nbilliard.einfo.RemoteTraceback:\n\"\"\"\nTraceback (most recent call last):\n  File \"/srv/a.py\", line 7, in pay\nKeyError: 1\n\"\"\"\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/srv/b.py\", line 3, in run\nValueError: no card\n",
    );
    assert_eq!(
        (remote.message.as_str(), types(&remote)),
        ("failed", vec!["ValueError", "KeyError"])
    );
    // asyncio
    let future = one(
        "ERROR:asyncio:Task exception was never retrieved\nfuture: <Task finished coro=<pay()>>\nTraceback (most recent call last):\n  File \"/srv/a.py\", line 7, in pay\nKeyError: 1\n",
    );
    assert_eq!(types(&future), ["KeyError"]);
    let thread = one(
        "Exception in thread Thread-1 (pay):\nTraceback (most recent call last):\n  File \"/srv/a.py\", line 7, in pay\nKeyError: 1\n",
    );
    assert_eq!(
        (types(&thread), thread.thread.as_deref()),
        (vec!["KeyError"], Some("Thread-1 (pay)"))
    );
    // color-eyre
    let report = one(
        "The application panicked (crashed).\nMessage:  no card\nLocation: src/cart.rs:7\n\nBacktrace omitted. Run with RUST_BACKTRACE=1 environment variable to display it.\nRun with RUST_BACKTRACE=full to include source snippets.\n",
    );
    assert_eq!((report.error[0].message.as_str(), report.location.line), ("no card", Some(7)));
    // The race detector of Go
    let race = one(
        "WARNING: DATA RACE\nWrite at 0x00c0001 by goroutine 9:\n  shop/cart.Pay()\n      /srv/cart.go:24 +0x4b\n\nPrevious write at 0x00c0001 by goroutine 12:\n  shop/cart.Other()\n      /srv/cart.go:30 +0x4b\n\nGoroutine 9 (running) created at:\n  main.main()\n      /srv/main.go:3 +0x1d\n==================\n",
    );
    assert_eq!((race.level.as_str(), types(&race)), ("warning", vec!["DATA RACE"]));
    let functions: Vec<_> = race.backtrace.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(functions, ["shop/cart.Pay"]);
    // Objective-C
    let app = one(
        "2026-11-21 10:47:20.290 Shop[14492:90b] *** Terminating app due to uncaught exception 'NSRangeException', reason: 'no card'\n*** First throw call stack:\n(\n\t0   CoreFoundation   0x00000001103a334b __exceptionPreprocess + 171\n\t1   Shop   0x0000000100bbd5f3 -[Cart pay:] + 131\n)\nlibc++abi: terminating with uncaught exception of type NSException\n",
    );
    assert_eq!((app.level.as_str(), types(&app)), ("critical", vec!["NSRangeException"]));
    assert_eq!(app.location.function.as_deref(), Some("-[Cart pay:]"));
    // Unity
    let unity = one(
        "NullReferenceException: no card\nShop.Hud:Draw () (at Assets/Hud.cs:42)\nShop.Main:Update () (at Assets/Main.cs:7)\n",
    );
    assert_eq!(
        (unity.location.file.as_deref(), unity.location.line),
        (Some("Assets/Hud.cs"), Some(42))
    );
    // The stack repeats what the logger of Node wrote.
    let node =
        one("2026-11-21 10:47:20 ERROR no card\nError: no card\n    at pay (/srv/cart.js:7:3)\n");
    assert_eq!((node.message.as_str(), types(&node)), ("no card", vec!["Error"]));
    // fluentd indents the frames before their heads.
    let fluentd = one(
        "2026-11-21 10:47:20 +0000 [error]: #0 failed error_class=A::B error=\"no card\"\n  2026-11-21 10:47:20 +0000 [error]: #0 /srv/cart.rb:7:in `pay'\n  2026-11-21 10:47:20 +0000 [error]: #0 /srv/main.rb:3:in `run'\n",
    );
    assert_eq!((fluentd.message.as_str(), types(&fluentd)[0]), ("failed", "A::B"));
    assert_eq!(fluentd.backtrace.len(), 2);
}

#[test]
fn the_panic_of_a_microcontroller_is_no_part_of_the_line_before() {
    let log = "I (2732) wifi: connected\nGuru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.\nCore 0 register dump:\nPC      : 0x40173f84  PS      : 0x00060830\nBacktrace: 0x40173f84:0x3ffe4fc0\nRebooting...\nI (28) boot: x\n";
    let records = records(log);
    assert_eq!(records.len(), 3, "{records:#?}");
    assert_eq!(
        (records[1].level.as_str(), types(&records[1])),
        ("critical", vec!["LoadProhibited"])
    );
}

#[test]
fn what_a_runtime_prints_is_no_part_of_the_warning_before() {
    let log = "WARNING:root:slow\nException in thread Thread-1 (pay):\nTraceback (most recent call last):\n  File \"/srv/a.py\", line 7, in pay\nKeyError: 1\n(node:7) [DEP0005] DeprecationWarning: old\n(node:7) UnhandledPromiseRejectionWarning: Error: no card\n    at pay (/srv/cart.js:7:3)\n";
    let records = records(log);
    let types: Vec<_> = records.iter().map(types).collect();
    assert_eq!(types, [vec![], vec!["KeyError"], vec![], vec!["Error"]]);
}
