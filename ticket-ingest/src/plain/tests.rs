use crate::{Entry, Format, Item, Reader};

/// Reads one line.
fn entry(line: &str) -> Entry {
    let mut items = Reader::new(line.as_bytes(), Format::Auto);
    match items.next() {
        Some(Ok(Item::Entry(entry))) => *entry,
        other => panic!("{line}: {other:?}"),
    }
}

/// Reads one plain line: whether it has a time, the level, the channel and the message.
fn plain(line: &str) -> (bool, &'static str, String, String) {
    let entry = entry(line);
    let record = entry.record;
    (entry.time.is_some(), record.level.as_str(), record.channel.into(), record.message.into())
}

#[test]
fn plain_lines_of_many_loggers() {
    for (line, timed, level, channel, message) in [
        (
            "2026-11-21T10:47:20.123456Z ERROR shop::cart: cannot pay user=17",
            true,
            "error",
            "shop::cart",
            "cannot pay user=17",
        ),
        (
            "\u{1b}[2m2026-11-21T10:47:20.123456Z\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m \u{1b}[2mshop\u{1b}[0m: cannot pay",
            true,
            "error",
            "shop",
            "cannot pay",
        ),
        (
            "[2026-11-21T10:47:20Z ERROR shop::cart] cannot pay",
            true,
            "error",
            "shop::cart",
            "cannot pay",
        ),
        (
            "2026-11-21 10:47:20,123 - shop.cart - ERROR - cannot pay",
            true,
            "error",
            "shop.cart",
            "cannot pay",
        ),
        (
            "2026-11-21 10:47:20,123 ERROR shop.cart: cannot pay",
            true,
            "error",
            "shop.cart",
            "cannot pay",
        ),
        ("ERROR:root:cannot pay", false, "error", "root", "cannot pay"),
        (
            "2026-11-21 10:47:20.123 | ERROR    | shop.cart:pay:12 - cannot pay",
            true,
            "error",
            "shop.cart",
            "cannot pay",
        ),
        (
            "2026-11-21 10:47:20,123 ERROR [main] com.shop.Cart - cannot pay",
            true,
            "error",
            "com.shop.Cart",
            "cannot pay",
        ),
        (
            "10:47:20.123 [main] ERROR com.shop.Cart - cannot pay",
            false,
            "error",
            "com.shop.Cart",
            "cannot pay",
        ),
        (
            "2026-11-21T10:47:20.123Z ERROR 1234 --- [  main] com.shop.Cart    : cannot pay",
            true,
            "error",
            "com.shop.Cart",
            "cannot pay",
        ),
        (
            "2026/11/21 10:47:20 [error] 12#34: *5 connect() failed (111: refused)",
            true,
            "error",
            "",
            "connect() failed (111: refused)",
        ),
        (
            "[Sat Nov 21 10:47:20.123456 2026] [core:error] [pid 7:tid 8] AH00126: bad",
            true,
            "error",
            "core",
            "AH00126: bad",
        ),
        (
            "[2026-11-21 10:47:20 +0000] [7] [ERROR] Worker failed",
            true,
            "error",
            "",
            "Worker failed",
        ),
        (
            "E, [2026-11-21T10:47:20.123456 #7] ERROR -- : cannot pay",
            true,
            "error",
            "",
            "cannot pay",
        ),
        ("E1121 10:47:20.123456   77 cart.go:42] cannot pay", true, "error", "", "cannot pay"),
        ("Nov 21 10:47:20 web1 shopd[77]: error: cannot pay", true, "error", "shopd", "cannot pay"),
        (
            "2026-11-21T10:47:20.123456+00:00 web1 sshd[77]: error: cannot pay",
            true,
            "error",
            "sshd",
            "cannot pay",
        ),
        ("<11>Nov 21 10:47:20 web1 shopd[77]: cannot pay", true, "error", "shopd", "cannot pay"),
        (
            "<11>1 2026-11-21T10:47:20Z web1 shopd 77 - - cannot pay",
            true,
            "error",
            "shopd",
            "cannot pay",
        ),
        (
            "2026-11-21 10:47:20.123 UTC [7] shop@shop ERROR:  no table",
            true,
            "error",
            "",
            "no table",
        ),
        (
            "2026-11-21T10:47:20.123Z\terror\tcart/pay.go:42\tcannot pay",
            true,
            "error",
            "",
            "cannot pay",
        ),
        ("ERROR: cannot pay", false, "error", "", "cannot pay"),
        ("[ERROR] cannot pay", false, "error", "", "cannot pay"),
        ("warning: unused", false, "warning", "", "unused"),
        ("2026-11-21 10:47:20 server started", true, "info", "", "server started"),
        ("2026/11/21 10:47:20 dial tcp: refused", true, "info", "", "dial tcp: refused"),
        ("all is well", false, "info", "", "all is well"),
        ("Errors are fine here", false, "info", "", "Errors are fine here"),
    ] {
        let expected = (timed, level, channel.to_owned(), message.to_owned());
        assert_eq!(plain(line), expected, "{line:?}");
    }
}

#[test]
fn host_process_thread_and_place_of_plain_lines() {
    let record = |line: &str| entry(line).record;
    let syslog = record("Nov 21 10:47:20 web1 shopd[77]: x");
    assert_eq!((syslog.host.as_deref(), syslog.process), (Some("web1"), Some(77)));
    let klog = record("E1121 10:47:20.123456   77 cart.go:42] x");
    assert_eq!((klog.location.file.as_deref(), klog.location.line), (Some("cart.go"), Some(42)));
    let loguru = record("2026-11-21 10:47:20.123 | ERROR    | shop.cart:pay:12 - x");
    assert_eq!(
        (loguru.location.function.as_deref(), loguru.location.line),
        (Some("pay"), Some(12))
    );
    let java = record("2026-11-21 10:47:20,123 ERROR [main] com.shop.Cart - x");
    assert_eq!(java.thread.as_deref(), Some("main"));
    let postgres = record("2026-11-21 10:47:20.123 UTC [7] shop@shop ERROR:  x");
    assert_eq!((postgres.process, &postgres.traits["context"]), (Some(7), &"shop@shop".into()));
}
