//! Logs with stack traces, and the tickets that they give.

#![allow(clippy::unwrap_used, reason = "a test program")]

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

/// The errors of a record, `type: text`.
fn chain(record: &Record) -> Vec<String> {
    let show = |cause: &ticket_core::record::ErrorCause| match &cause.type_name {
        Some(name) => format!("{name}: {}", cause.message),
        None => cause.message.to_string(),
    };
    record.error.iter().map(show).collect()
}

#[test]
fn the_error_libraries_of_rust_write_reports() {
    let errors = ["cannot pay", "cannot read card", "no card"];
    let color_eyre = "Error: \n   0: \u{1b}[91mcannot pay\u{1b}[0m\n   1: cannot read card\n   2: no card\n\nLocation:\n   \u{1b}[35msrc/main.rs\u{1b}[0m:\u{1b}[35m9\u{1b}[0m\n\n";
    let spans = "  ━━━━━━━━ SPANTRACE ━━━━━━━━\n\n   0: shop::read with path=\"card\"\n      at src/main.rs:3\n\n";
    let frames = "  ━━━━━━━━ BACKTRACE ━━━━━━━━\n                               ⋮ 1 frame hidden ⋮                               \n   2: {closure#0}<unknown>\n      at /root/.cargo/registry/src/index/color-eyre-0.6.5/src/config.rs:1068\n   7: shop::pay::hd4788a5f4aff8a3d\n      at /srv/shop/src/main.rs:9\n         8 │ fn pay() {\n    >    9 │     read()?;\n   8: main<unknown>\n      at /srv/shop/src/main.rs:17\n\n";
    let helps = "Suggestion: use another card\nNote: cards expire\n\n";
    let end = "Run with COLORBT_SHOW_HIDDEN=1 environment variable to disable frame filtering.\nRun with RUST_BACKTRACE=full to include source snippets.\n";
    let omitted = "Backtrace omitted. Run with RUST_BACKTRACE=1 environment variable to display it.\nRun with RUST_BACKTRACE=full to include source snippets.\n";
    for log in [
        [color_eyre, omitted].concat(),
        [color_eyre, helps, omitted].concat(),
        [color_eyre, spans, frames, end].concat(),
        [color_eyre, frames, helps, end].concat(),
        format!("2026-11-21T10:47:20Z ERROR shop: {}", &color_eyre["Error: ".len()..]) + frames,
    ] {
        // Another line follows, which is no part of it.
        let records = records(&(log.clone() + "2026-11-21T10:47:20Z  INFO shop: next\n"));
        assert_eq!(records.len(), 2, "{log}\n{records:#?}");
        let record = &records[0];
        assert_eq!((record.level.as_str(), &*record.message), ("error", "cannot pay"), "{log}");
        assert_eq!(chain(record), errors, "{log}");
        assert_eq!(record.location.line, Some(9), "{log}");
        assert!(record.traits.get("more_lines").is_none(), "{log}\n{record:#?}");
        if log.contains("BACKTRACE ━") {
            assert_eq!(record.location.function.as_deref(), Some("shop::pay"), "{log}");
            assert_eq!(record.backtrace.last().unwrap().function, "main");
        }
    }

    let miette = records(
        "Error: shop::pay\n\n  × cannot pay\n  ├─▶ cannot read card\n  ╰─▶ no card\n   ╭─[card.txt:2:3]\n 1 │ card\n   · ──\n   ╰────\n  help: try again\n",
    );
    assert_eq!(miette.len(), 1, "{miette:#?}");
    assert_eq!(chain(&miette[0]), ["shop::pay: cannot pay", errors[1], errors[2]]);
    let miette = records("Error:   × cannot pay\n  ╰─▶ no card\n");
    assert_eq!((miette.len(), chain(&miette[0])), (1, vec![errors[0].into(), errors[2].into()]));

    let stack = "├╴at src/main.rs:13:142\n│\n╰─▶ no card\n    ├╴at src/main.rs:13:93\n    ├╴backtrace (1)\n    ╰╴card 7\n\n━━━━━━━━━━━━\n\nbacktrace no. 1\n   0: new<std::io::Error>\n             at /root/.cargo/registry/src/index/error-stack-0.6.0/src/report.rs:294:9\n   1: shop::pay\n             at ./src/main.rs:13:93\n\n";
    for head in ["Error: cannot pay\n", "2026-11-21T10:47:20Z ERROR shop: cannot pay\n"] {
        let stack = records(&[head, stack].concat());
        assert_eq!(stack.len(), 1, "{stack:#?}");
        assert_eq!(chain(&stack[0]).last().unwrap(), "no card");
        assert!(stack[0].message.ends_with("cannot pay"), "{}", stack[0].message);
        assert_eq!(stack[0].location.function.as_deref(), Some("shop::pay"));
    }

    let snafu = records(
        "Error: cannot pay\n\nCaused by these errors (recent errors listed first):\n  1: cannot read card\n  2: no card\n",
    );
    assert_eq!(snafu.len(), 1);
    assert_eq!(chain(&snafu[0]), ["Error: cannot pay", errors[1], errors[2]]);
}

#[test]
fn a_report_of_the_kernel_is_one_record() {
    const REPORTS: [&str; 4] = [
        "BUG: kernel NULL pointer dereference, address: 0000000000000040
#PF: supervisor read access in kernel mode
#PF: error_code(0x0000) - not-present page
PGD 0 P4D 0
Oops: Oops: 0000 [#1] SMP NOPTI
CPU: 21 UID: 0 PID: 818 Comm: kworker/u398:0 Not tainted 6.17.0-rc3+ #5 PREEMPT(voluntary)
Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2 04/01/2014
Workqueue: events shop_pay_work [shop]
RIP: 0010:shop_pay+0x15/0x40 [shop]
Code: 00 00 66 90 0f 1f 44 00 00 55 48 89 e5
RSP: 0018:ffffb8b8c0a3fe08 EFLAGS: 00010246
RAX: 0000000000000000 RBX: ffff9c5e41c3a000 RCX: 0000000000000000
FS:  0000000000000000(0000) GS:ffff9c5e7bc00000(0000) knlGS:0000000000000000
CR2: 0000000000000040 CR3: 0000000103e1e000 CR4: 00000000000006f0
Call Trace:
 <TASK>
 ? __die+0x24/0x70
 shop_pay_work+0x1e/0x30 [shop]
 process_one_work+0x18f/0x3d0
 </TASK>
Modules linked in: shop(O) nls_iso8859_1
---[ end trace 0000000000000000 ]---
note: kworker/u398:0[818] exited with irqs disabled",
        "------------[ cut here ]------------
WARNING: CPU: 1 PID: 1234 at net/core/dev.c:5678 shop_send+0x12/0x90 [shop]
Modules linked in: shop(O)
RIP: 0010:shop_send+0x12/0x90 [shop]
Call Trace:
 <IRQ>
 shop_tx+0x44/0x100 [shop]
 </IRQ>
---[ end trace 8c3b2f0000000000 ]---",
        "------------[ cut here ]------------
kernel BUG at mm/slub.c:4023!
invalid opcode: 0000 [#1] SMP PTI
RIP: 0010:kfree+0x1f2/0x220
Call Trace:
 shop_free+0x10/0x20 [shop]
Kernel panic - not syncing: Fatal exception
Kernel Offset: disabled",
        "INFO: task shopd:4711 blocked for more than 120 seconds.
      Tainted: G           O       5.15.0-91-generic #101-Ubuntu
\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.
task:shopd           state:D stack:    0 pid: 4711 ppid:     1 flags:0x00004002
Call Trace:
 __schedule+0x23d/0x590
 shop_wait+0x10/0x20 [shop]",
    ];
    for head in [
        "[    9.341152] ",
        "[    9.341152][  T818] ",
        "[Sat Nov 21 10:47:20 2026] ",
        "Nov 21 10:47:20 web1 kernel: ",
        "Nov 21 10:47:20 web1 kernel: [    9.341152] ",
    ] {
        let other = "md0: bad sectors near 7";
        let [oops, warning, bug, hung] = REPORTS;
        let lines = [other, oops, other, warning, other, bug, other, hung];
        let lines = lines.iter().flat_map(|text| text.lines());
        let log: String = lines.map(|line| format!("{head}{line}\n")).collect();
        let records = records(&log);
        let types: Vec<_> = records.iter().map(types).collect();
        assert_eq!(
            types,
            [
                vec![],
                vec!["BUG"],
                vec![],
                vec!["WARNING"],
                vec![],
                vec!["BUG"],
                vec![],
                vec!["hung task"]
            ],
            "{head} {records:#?}"
        );
        let functions = |record: &Record| {
            let frames = record.backtrace.iter().map(|frame| frame.function.to_string());
            frames.collect::<Vec<_>>()
        };
        let oops = &records[1];
        assert_eq!(
            (oops.level.as_str(), &*oops.error[0].message),
            ("critical", "kernel NULL pointer dereference, address: 0000000000000040")
        );
        assert_eq!(functions(oops), ["shop_pay", "shop_pay_work", "process_one_work"]);
        assert_eq!(oops.location.file.as_deref(), Some("shop"));
        assert!(oops.traits.get("more_lines").is_none(), "{head} {oops:#?}");
        assert_eq!(records[3].level.as_str(), "warning");
        assert_eq!(functions(&records[3]), ["shop_send", "shop_tx"]);
        assert_eq!(functions(&records[5]), ["kfree", "shop_free"]);
        let hung = &records[7];
        assert_eq!((hung.level.as_str(), functions(hung).len()), ("error", 2));
        assert_eq!(hung.location.function.as_deref(), Some("shop_wait"));
        let is_of_task = head.contains("T818");
        assert_eq!(hung.thread.as_deref(), is_of_task.then_some("T818"));
    }
}

#[test]
fn a_report_of_memory_has_the_frames_of_its_use() {
    let log = "[    1.1] BUG: KASAN: use-after-free in shop_pay+0x2a/0x40 [shop]
[    1.1] Read of size 8 at addr ffff88810c3a1040 by task shopd/818
[    1.1] CPU: 0 PID: 818 Comm: shopd Not tainted 6.1.0 #1
[    1.1] Call Trace:
[    1.1]  dump_stack_lvl+0x49/0x63
[    1.1]  shop_pay+0x2a/0x40 [shop]
[    1.1] Allocated by task 818:
[    1.1]  shop_open+0x1c/0x30 [shop]
[    1.1] Freed by task 818:
[    1.1]  shop_close+0x1c/0x30 [shop]
[    1.1] The buggy address belongs to the object at ffff88810c3a1000
[    1.1] Memory state around the buggy address:
[    1.1]  ffff88810c3a0f00: fc fc fc fc
[    1.1] >ffff88810c3a1000: fa fb fb fb
[    1.1]                     ^
[    1.1] ==================================================================
";
    let log = log.replace("1.1]", "1.123456]");
    let records = records(&log);
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(chain(&records[0]), ["KASAN: use-after-free in shop_pay+0x2a/0x40 [shop]"]);
    let functions: Vec<_> =
        records[0].backtrace.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(functions, ["dump_stack_lvl", "shop_pay"]);
}

#[test]
fn a_report_of_the_java_virtual_machine_is_one_record() {
    let printed = "#
# A fatal error has been detected by the Java Runtime Environment:
#
#  SIGSEGV (0xb) at pc=0x00007f6c5e3d1139, pid=4711, tid=4712
#
# JRE version: OpenJDK Runtime Environment (17.0.9+9) (build 17.0.9+9)
# Problematic frame:
# C  [libshop.so+0x1139]  Java_shop_Cart_pay+0x9
#
# No core dump will be written. Core dumps have been disabled.
#
";
    let file = "
---------------  S U M M A R Y ------------

Command Line: -Xmx64m shop.Cart

Time: Sat Nov 21 10:47:20 2026 UTC elapsed time: 0.056 seconds (0d 0h 0m 0s)

---------------  T H R E A D  ---------------

[error occurred during error reporting (printing native stack)]
END.
";
    for (log, count) in [
        ([printed, "2026-11-21 10:47:20 ERROR next\n"].concat(), 2),
        ([printed, file].concat(), 1),
        ([printed, file, "2026-11-21 10:47:20 ERROR next\n"].concat(), 2),
        (printed[2..].to_owned(), 1),
    ] {
        let records = records(&log);
        assert_eq!(records.len(), count, "{log}\n{records:#?}");
        let fatal = &records[0];
        assert_eq!(
            (fatal.level.as_str(), chain(fatal)),
            (
                "critical",
                vec!["SIGSEGV: (0xb) at pc=0x00007f6c5e3d1139, pid=4711, tid=4712".into()]
            )
        );
        assert_eq!(fatal.location.file.as_deref(), Some("libshop.so"));
        assert_eq!(fatal.location.function.as_deref(), Some("Java_shop_Cart_pay"));
    }
    // A comment is not the beginning of one.
    assert_eq!(records("#\n# ERROR x\n").len(), 2);
}

#[test]
fn reports_of_other_processors_and_versions_stay_whole() {
    let reports: [(&str, &str, &str, &[&str]); 9] = [
        (
            "critical",
            "Oops",
            "on arm64",
            &[
                "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010",
                "Mem abort info:",
                "  ESR = 0x0000000096000004",
                "user pgtable: 4k pages, 48-bit VAs, pgdp=0000000104a3c000",
                "[0000000000000010] pgd=0000000000000000, p4d=0000000000000000",
                "Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP",
                "pc : shop_pay+0x24/0xd0 [shop]",
                "lr : shop_pay+0x20/0xd0 [shop]",
                "x29: ffff80000b5fbab0 x28: ffff0001055c0000 x27: 0000000000000000",
                "Call trace:",
                " shop_run+0x24/0xd0 [shop]",
                "---[ end trace 0000000000000000 ]---",
            ],
        ),
        (
            "critical",
            "Oops",
            "on 32-bit arm",
            &[
                "Unable to handle kernel NULL pointer dereference at virtual address 00000024",
                "pgd = 9e1a4000",
                "[00000024] *pgd=2e1c8831, *pte=00000000",
                "Internal error: Oops: 17 [#1] PREEMPT SMP ARM",
                "PC is at shop_pay+0x80/0x1d8 [shop]",
                "Flags: nzCv  IRQs on  FIQs on  Mode SVC_32  ISA ARM  Segment user",
                "Process shopd (pid: 388, stack limit = 0x9e184238)",
                "Stack: (0x9e185e18 to 0x9e186000)",
                "5e00:                   00000000 9e0f4b40",
                "[<7f0123a4>] (shop_pay [shop]) from [<7f013b0c>] (shop_run+0x4a8/0x1178 [shop])",
                "Code: e3a03000 e58d3004 (e5932024)",
            ],
        ),
        (
            "critical",
            "Oops",
            "on RISC-V",
            &[
                "Unable to handle kernel access to user memory without uaccess routines at virtual address 0000000000000008",
                "Oops [#1]",
                "epc : shop_pay+0x1c/0x60",
                " ra : shop_run+0x18a/0x21e",
                "epc : ffffffff8056a1c8 ra : ffffffff80568b5e sp : ffffffd000c1bd10",
                "[<ffffffff80568b5e>] shop_run+0x18a/0x21e",
            ],
        ),
        (
            "critical",
            "BUG",
            "on POWER",
            &[
                "BUG: Kernel NULL pointer dereference on read at 0x00000010",
                "Faulting instruction address: 0xc0080000012a1b4c",
                "Oops: Kernel access of bad area, sig: 11 [#1]",
                "LE PAGE_SIZE=64K MMU=Radix SMP NR_CPUS=2048 NUMA pSeries",
                "REGS: c00000001b2b7560 TRAP: 0300   Not tainted  (6.4.0)",
                "NIP [c0080000012a1b4c] shop_pay+0x1ac/0x330 [shop]",
                "Call Trace:",
                "[c00000001b2b7890] [c000000000c1e4f8] shop_run+0x138/0x260",
                "Instruction dump:",
                "60000000 e93f0010 2c290000 41820150",
            ],
        ),
        (
            "critical",
            "BUG",
            "in a system call",
            &[
                "BUG: unable to handle page fault for address: ffffffffc0a3d000",
                "RIP: 0010:shop_pay+0x1c/0x60 [shop]",
                "Call Trace:",
                " shop_run+0x138/0x260",
                "RIP: 0033:0x7f2c3a91e5ad",
                "RSP: 002b:00007ffd5a3c1e28 EFLAGS: 00000246 ORIG_RAX: 0000000000000001",
                "RAX: ffffffffffffffda RBX: 0000000000000001 RCX: 00007f2c3a91e5ad",
                "Modules linked in: shop(O)",
            ],
        ),
        (
            "error",
            "oom-killer",
            "without memory",
            &[
                "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=984",
                "Call Trace:",
                " dump_stack+0x6b/0x83",
                " shop_pay+0x1c/0x60",
                " shop_run+0x138/0x260",
                "memory: usage 1048576kB, limit 1048576kB, failcnt 5021",
                "Memory cgroup stats for /kubepods/pod1:",
                "anon 1065992192",
                "Tasks state (memory values in pages):",
                "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
                "[   4120]  1000  4120   987654   260123  2506752        0           984 java",
                "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task=java,pid=4120,uid=1000",
                "Memory cgroup out of memory: Killed process 4120 (java) total-vm:3950616kB",
                "oom_reaper: reaped process 4120 (java), now anon-rss:0kB",
            ],
        ),
        (
            "error",
            "RCU stall",
            "a stall",
            &[
                "rcu: INFO: rcu_preempt self-detected stall on CPU",
                "rcu: \t3-....: (5249 ticks this GP) idle=1bc/1/0x4000000000000002 softirq=99011/99011 fqs=2429",
                "\t(t=5250 jiffies g=401233 q=1904)",
                "NMI backtrace for cpu 3",
                "RIP: 0010:shop_pay+0x1c/0x60",
                "Call Trace:",
                " shop_run+0x138/0x260",
            ],
        ),
        (
            "warning",
            "WARNING",
            "in the form since 6.18",
            &[
                "------------[ cut here ]------------",
                "shop: one card too many",
                "WARNING: drivers/shop/cart.c:1318 at shop_pay+0x8a/0xa0 [shop], CPU#4: kworker/u64:3/811",
                "RIP: 0010:shop_pay+0x8a/0xa0 [shop]",
                "Call Trace:",
                " <TASK>",
                " shop_run+0x138/0x260",
                " </TASK>",
                "---[ end trace 0000000000000000 ]---",
            ],
        ),
        (
            "critical",
            "Kernel panic - not syncing",
            "a panic",
            &[
                "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(179,2)",
                "CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.1.75 #1",
                "Call trace:",
                " panic+0x170/0x330",
                " shop_pay+0x1c/0x60",
                " shop_run+0x138/0x260",
                "SMP: stopping secondary CPUs",
                "Memory Limit: none",
                "---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(179,2) ]---",
            ],
        ),
    ];
    for head in [
        "[    9.341152] ",
        "kern  :alert : [    9.341152] ",
        "2026-11-21T10:47:20+0200 web1 kernel: ",
    ] {
        for (level, kind, what, lines) in &reports {
            let all = [&["usb 1-1: before"], *lines, &["eth0: link is up"]].concat();
            let log: String = all.iter().map(|line| format!("{head}{line}\n")).collect();
            let records = records(&log);
            assert_eq!(records.len(), 3, "{head}{what}: {records:#?}");
            let report = &records[1];
            assert_eq!((report.level.as_str(), types(report)), (*level, vec![*kind]), "{what}");
            let functions: Vec<_> =
                report.backtrace.iter().map(|frame| frame.function.as_str()).collect();
            assert!(functions.contains(&"shop_pay"), "{what}: {functions:?}");
            assert_eq!(
                functions.last(),
                Some(if *what == "on 32-bit arm" { &"shop_pay" } else { &"shop_run" }),
                "{what}"
            );
            assert_eq!(report.location.function.as_deref(), Some("shop_pay"), "{what}");
        }
    }
}

#[test]
fn a_report_ends_where_another_program_writes() {
    let kernel = "INFO: task shopd:4711 blocked for more than 120 seconds.\nCall Trace:\n shop_wait+0x10/0x20 [shop]\n";
    let stamped: String = kernel.lines().map(|line| format!("[    1.123456] {line}\n")).collect();
    // A message of the kernel that has several lines
    let several = stamped.clone() + "[    1.123456] anon 1069223936\n               file 135168\n";
    let jvm = "# A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGSEGV (0xb) at pc=0x00007f6c, pid=4711, tid=4712\n#\n\n---------------  S U M M A R Y ------------\n";
    for (report, next) in [
        (kernel, "2026-11-21 10:47:20 ERROR no card\n"),
        (&stamped, "2026-11-21 10:47:20 ERROR no card\n"),
        (&stamped, "ERROR no card\n"),
        (&several, "ERROR no card\n"),
        (jvm, "2026-11-21 10:47:20 ERROR no card\n"),
    ] {
        let records = records(&[report, next].concat());
        assert_eq!(records.len(), 2, "{report}{next}{records:#?}");
        assert_eq!((records[1].level.as_str(), &*records[1].message), ("error", "no card"));
    }
}

#[test]
fn what_only_begins_like_a_report_is_none() {
    for line in [
        "2026-11-21 10:47:20 DEBUG k - Unable to handle kernel parameter x",
        "2026-11-21 10:47:20 INFO k - watchdog: BUG: soft lockup detection is on",
        "2026-11-21 10:47:20 INFO sched - task backup blocked for more than 120 seconds",
        "2026-11-21 10:47:20 INFO sched - INFO: task backup:77 blocked for more than 120 seconds.",
        "Nov 21 10:47:20 web1 bash[991]: general protection fault, statistics: 0",
        "Nov 21 10:47:20 web1 bash[991]: BUG: 17 tests fail",
        "BUG: total is wrong",
        "  × adds an item",
    ] {
        let records = records(&format!("{line}\n{line}\n"));
        assert!(records.iter().all(|record| record.error.is_empty()), "{line}: {records:#?}");
    }
    // A runner of tests
    let log = "2026-11-21 10:47:20 INFO app - tests start\n  × adds an item\n  ✓ removes an item\n";
    assert!(records(log)[0].error.is_empty());
}
