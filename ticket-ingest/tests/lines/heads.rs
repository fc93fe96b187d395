//! Heads of plain lines.

use super::{check, record};

#[test]
fn loggers_of_many_languages() {
    check(&[
        // Java
        ("[main] ERROR com.shop.Cart - x", false, "error", "com.shop.Cart", "x"),
        ("2026-11-21 10:47:20.123 ERROR 1 --- [main] c.s.Cart : x", true, "error", "c.s.Cart", "x"),
        (
            "2026-11-21T10:47:20.123+01:00 ERROR 1 --- [shop] [nio-8080-exec-1] c.s.Cart  : x",
            true,
            "error",
            "c.s.Cart",
            "x",
        ),
        (
            "21-Nov-2026 10:47:20.123 SEVERE [main] org.apache.catalina.core.StandardService.startInternal x y",
            true,
            "error",
            "org.apache.catalina.core.StandardService",
            "x y",
        ),
        (
            "10:47:20,123 ERROR [org.jboss.as] (MSC service thread 1-1) x",
            false,
            "error",
            "org.jboss.as",
            "x",
        ),
        (
            "[2026-11-21 10:47:20,123] ERROR x (kafka.server.Log)",
            true,
            "error",
            "kafka.server.Log",
            "x",
        ),
        (
            "2026-11-21 10:47:20,123 [myid:1] - WARN  [main:QuorumPeer@123] - x",
            true,
            "warning",
            "",
            "x",
        ),
        (
            "[2026-11-21T10:47:20,123][ERROR][o.e.b.Elasticsearch    ] [node1] x",
            true,
            "error",
            "o.e.b.Elasticsearch",
            "x",
        ),
        ("ERROR [main] 2026-11-21 10:47:20,123 Cassandra.java:12 - x", true, "error", "", "x"),
        ("26/11/21 10:47:20 ERROR Executor: x", true, "error", "Executor", "x"),
        (
            "2026-11-21 10:47:20,123 ERROR org.apache.hadoop.hdfs.DataNode: x",
            true,
            "error",
            "org.apache.hadoop.hdfs.DataNode",
            "x",
        ),
        ("ERROR [2026-11-21 10:47:20,123] com.shop.Cart: x", true, "error", "com.shop.Cart", "x"),
        (
            "2026-11-21 10:47:20.123:WARN:oejs.Server:main: x",
            true,
            "warning",
            "oejs.Server",
            "main: x",
        ),
        (
            "[11/21/26 10:47:20:123 UTC] 00000001 SystemOut     O x",
            true,
            "info",
            "",
            "00000001 SystemOut     O x",
        ),
        (
            "2026-11-21 10:47:20,123 [http-nio-8080-exec-1] ERROR c.s.Cart - x",
            true,
            "error",
            "c.s.Cart",
            "x",
        ),
        (
            "Nov 21, 2026 10:47:20 AM com.shop.Cart pay\nSEVERE: x",
            true,
            "error",
            "com.shop.Cart",
            "x",
        ),
        // .NET
        ("fail: Shop.Cart[1]\n      text", false, "error", "Shop.Cart", "text"),
        (
            "info: Microsoft.Hosting.Lifetime[14]\n      Now listening",
            false,
            "info",
            "Microsoft.Hosting.Lifetime",
            "Now listening",
        ),
        ("2026-11-21 10:47:20.1234|ERROR|Shop.Cart|x", true, "error", "Shop.Cart", "x"),
        ("[10:47:20 ERR] x", false, "error", "", "x"),
        ("2026-11-21 10:47:20.123 +01:00 [ERR] x", true, "error", "", "x"),
        (
            "2026-11-21 10:47:20,123 [5] ERROR Shop.Cart [(null)] - x",
            true,
            "error",
            "Shop.Cart",
            "x",
        ),
        ("2026-11-21T10:47:20.123 [Error] x", true, "error", "", "x"),
        // Python
        (
            "2026-11-21 10:47:20,123 ERROR (MainThread) [shop.cart] x",
            true,
            "error",
            "shop.cart",
            "x",
        ),
        ("[2026-11-21 10:47:20,123: ERROR/MainProcess] x", true, "error", "", "x"),
        ("[E 261121 10:47:20 web:1871] x", true, "error", "", "x"),
        ("[E 2026-11-21 10:47:20.123 ServerApp] x", true, "error", "ServerApp", "x"),
        ("ERROR 2026-11-21 10:47:20,123 cart 12 139 x", true, "error", "", "cart 12 139 x"),
        (
            "[21/Nov/2026 10:47:20] ERROR [django.request:241] x",
            true,
            "error",
            "django.request",
            "x",
        ),
        ("ERROR:    x", false, "error", "", "x"),
        ("2026-11-21 10:47:20,123 - root - ERROR - x", true, "error", "root", "x"),
        ("2026-11-21 10:47:20 | ERROR | shop.cart | x", true, "error", "shop.cart", "x"),
        ("2026-11-21 10:47:20 | ERROR | pool-1 | shop.cart | x", true, "error", "shop.cart", "x"),
        (
            "2026-11-21 10:47:20.123 12345 ERROR nova.api.openstack [req-1 - - - - -] x",
            true,
            "error",
            "nova.api.openstack",
            "x",
        ),
        (
            "2026-11-21 10:47:20 [error    ] x                              [shop.cart] order=17",
            true,
            "error",
            "shop.cart",
            "x",
        ),
        ("2026-11-21 10:47:20,123 [ERROR] shop.cart:28: x", true, "error", "shop.cart", "x"),
        (
            "2026-11-21 10:47:20.123 | ERROR    | __main__:<module>:25 - x",
            true,
            "error",
            "__main__",
            "x",
        ),
        ("[2026-11-21 10:47:20,123] ERROR in app: x [GET]", true, "error", "app", "x [GET]"),
        (
            "2026-11-21T10:47:20.123456Z ERROR request:pay: shop::cart: x a=1",
            true,
            "error",
            "shop::cart",
            "x a=1",
        ),
        // JavaScript
        ("2026-11-21 10:47:20 error: x", true, "error", "", "x"),
        ("[10:47:20.123] ERROR (1234): x", false, "error", "", "x"),
        ("npm ERR! x", false, "error", "npm", "x"),
        // PHP and Ruby
        (
            "[2026-11-21 10:47:20] local.ERROR: x {\"exception\":\"y\"} []",
            true,
            "error",
            "local",
            "x",
        ),
        (
            "[2026-11-21T10:47:20.123456+00:00] app.CRITICAL: x [] []",
            true,
            "critical",
            "app",
            "x [] []",
        ),
        (
            "[21-Nov-2026 10:47:20 UTC] PHP Warning:  x in /srv/a.php on line 12",
            true,
            "warning",
            "php",
            "x",
        ),
        (
            "[21-Nov-2026 10:47:20] WARNING: [pool www] child 12 said x",
            true,
            "warning",
            "",
            "child 12 said x",
        ),
        ("F, [2026-11-21T10:47:20.123456 #7] FATAL -- shop: x", true, "critical", "shop", "x"),
        (
            "2026-11-21T10:47:20.123Z pid=1 tid=abc class=Pay jid=17 ERROR: x",
            true,
            "error",
            "",
            "x",
        ),
        // Elixir and Erlang
        ("10:47:20.123 [error] x", false, "error", "", "x"),
        ("10:47:20.123 request_id=17 [error] x", false, "error", "", "x"),
        ("2026-11-21 10:47:20.123456+01:00 [error] <0.123.0> x", true, "error", "", "x"),
        ("=ERROR REPORT==== 21-Nov-2026::10:47:20.123456 ===\n** x", true, "error", "", "** x"),
        // Go
        ("12:00PM ERR x", false, "error", "", "x"),
        ("12:00PM ERR cart.go:42 > x", false, "error", "", "x"),
        (
            "2026-11-21T10:47:20.123Z\terror\tshop\tcart/pay.go:42\tx\t{\"user\": 7}",
            true,
            "error",
            "shop",
            "x",
        ),
        ("EROR[11-21|10:47:20.123] x", true, "error", "", "x"),
        ("WARN [11-21|10:47:20.123] x", true, "warning", "", "x"),
        ("2026-11-21T10:47:20.123Z [ERROR] agent.server: x", true, "error", "agent.server", "x"),
        ("2026/11/21 10:47:20 cart.go:42: x", true, "info", "", "x"),
        ("I20261121 10:47:20.123456 1234 cart.cc:12] x", true, "info", "", "x"),
        // Rust, C and C++
        (
            "2026-11-21T10:47:20.123456Z ERROR request{id=1}:pay{card=\"v a\"}: shop::cart: x",
            true,
            "error",
            "shop::cart",
            "x",
        ),
        (
            "2026-11-21T10:47:20.123456Z ERROR shop::cart: src/cart.rs:51: x",
            true,
            "error",
            "shop::cart",
            "x",
        ),
        ("[2026-11-21][10:47:20][shop::cart][ERROR] x", true, "error", "shop::cart", "x"),
        ("[2026-11-21 10:47:20.123 +01:00] ERROR [src/main.rs:12] x", true, "error", "", "x"),
        ("[2026-11-21 10:47:20.123] [shop] [error] x", true, "error", "", "x"),
        (
            "[2026-11-21 10:47:20.123][1][error][config] [source/a.cc:12] x",
            true,
            "error",
            "config",
            "x",
        ),
        ("[2026-11-21 10:47:20.123456] [0x0000] [error] x", true, "error", "", "x"),
        // Android
        ("11-21 10:47:20.173  2626  2643 W Tag: x", true, "warning", "Tag", "x"),
        ("2026-11-21 10:47:20.173  2626  2643 E Tag    : x", true, "error", "Tag", "x"),
        ("W/Tag( 2626): x", false, "warning", "Tag", "x"),
    ]);
}

#[test]
fn servers_and_daemons() {
    check(&[
        ("1255:M 14 Oct 03:00:46.069 # x", true, "warning", "", "x"),
        ("1255:M 14 Oct 2026 03:00:46.069 * x", true, "notice", "", "x"),
        ("2026-11-21T10:47:20.123456Z 0 [ERROR] [MY-010119] [Server] x", true, "error", "", "x"),
        ("2026-11-21 10:47:20 0 [ERROR] InnoDB: x", true, "error", "InnoDB", "x"),
        ("2026-11-21 10:47:20 139 [Warning] x", true, "warning", "", "x"),
        ("261121 10:47:20 [ERROR] x", true, "error", "", "x"),
        ("2026-11-21T10:47:20.123+0000 I NETWORK  [conn1] x", true, "info", "NETWORK", "x"),
        ("21-Nov-2026 10:47:20.123 general: error: x", true, "error", "general", "x"),
        ("Nov 21 10:47:20 imap-login: Error: x", true, "error", "imap-login", "x"),
        ("E [21/Nov/2026:10:47:20 +0100] x", true, "error", "", "x"),
        ("E: x", false, "error", "", "x"),
        ("2026/11/21 10:47:20| ERROR: x", true, "error", "", "x"),
        ("2026/11/21 10:47:20 kid1| WARNING: x", true, "warning", "", "x"),
        ("1795258040: Error: x", true, "error", "", "x"),
        (
            "2026-11-21 10:47:20,123 fail2ban.actions        [123]: ERROR   x",
            true,
            "error",
            "fail2ban.actions",
            "x",
        ),
        ("[ALERT]    (123) : x", false, "critical", "", "x"),
        ("[ERROR] plugin/errors: 2 x", false, "error", "", "plugin/errors: 2 x"),
        ("2026-11-21 10:47:20, Error                 CBS    x", true, "error", "", "CBS    x"),
        ("mysqld: [ERROR] x", false, "error", "mysqld", "x"),
        ("psql: FATAL:  x", false, "critical", "psql", "x"),
        (
            "[ERROR]\t2026-11-21T10:47:20.123Z\t6f1c9a2b-0000-4000-8000-123456789abc\tx",
            true,
            "error",
            "",
            "x",
        ),
        (
            "2026-11-21T10:47:20.123Z\t6f1c9a2b-0000-4000-8000-123456789abc\tERROR\tx",
            true,
            "error",
            "",
            "x",
        ),
    ]);
}

#[test]
fn numbers_that_are_times() {
    check(&[
        ("[1706702400] ERROR: x", true, "error", "", "x"),
        ("[1706702400.123] ERROR: x", true, "error", "", "x"),
        // Since the program or the kernel started
        ("   0.123456789s ERROR shop::cart: x", false, "error", "shop::cart", "x"),
        ("<3>[  123.456789] x", false, "error", "", "x"),
        ("[1.234] ERROR x", false, "error", "", "x"),
    ]);
    assert_eq!(record("[  123.456789] usb 1-1: reset").message, "usb 1-1: reset");
    assert_eq!(record("[12] done").message, "[12] done");
}

#[test]
fn levels_in_other_languages() {
    check(&[
        ("2026-11-21 10:47:20.123 UTC [7] FEHLER:  x", true, "error", "", "x"),
        ("2026-11-21 10:47:20.123 UTC [7] ОШИБКА:  x", true, "error", "", "x"),
        ("2026-11-21 10:47:20 ERREUR: x", true, "error", "", "x"),
        ("2026-11-21 10:47:20 警告: x", true, "warning", "", "x"),
        (
            "Nov 21, 2026 10:47:20 AM com.shop.Cart pay\nSCHWERWIEGEND: x",
            true,
            "error",
            "com.shop.Cart",
            "x",
        ),
    ]);
}

#[test]
fn dates_of_many_countries() {
    check(&[
        ("01/31/2024 12:00:01 ERROR x", true, "error", "", "x"),
        ("31/01/2024 12:00:01 ERROR x", true, "error", "", "x"),
        ("31.01.2024 12:00:02 ERROR x", true, "error", "", "x"),
        ("1/31/2024 3:04:05 PM ERROR x", true, "error", "", "x"),
        ("2024-Jan-31 12:00:00 ERROR x", true, "error", "", "x"),
        ("31. Jan 2024 12:00:00 ERROR x", true, "error", "", "x"),
        ("Wed 2024-01-31 12:00:00 CET ERROR x", true, "error", "", "x"),
        ("20240131T120000Z ERROR x", true, "error", "", "x"),
        ("Mi 31. Jan 12:00:00 ERROR x", true, "error", "", "x"),
        // A form that is not known is still no message.
        ("2024.31.01-12h00m01 ERROR x", false, "error", "", "x"),
    ]);
}

#[test]
fn words_that_are_no_heads_stay_in_the_message() {
    for (line, level, message) in [
        (
            "2026-11-21 10:47:20 the server got an ERROR from the bank",
            "info",
            "the server got an ERROR from the bank",
        ),
        ("2026-11-21 10:47:20 two words ERROR x", "error", "two words ERROR x"),
        ("error handling is on", "info", "error handling is on"),
        ("Error opening the file", "info", "Error opening the file"),
        ("I am here", "info", "I am here"),
        (
            "http: TLS handshake error from 10.0.0.1: EOF",
            "info",
            "http: TLS handshake error from 10.0.0.1: EOF",
        ),
        ("disk 95% full", "info", "disk 95% full"),
        ("192.168.0.1 is away", "info", "192.168.0.1 is away"),
        ("ERROR cannot pay: [order 17] failed", "error", "cannot pay: [order 17] failed"),
        (
            "2026-11-21 10:47:20 ERROR com.shop.Cart - [order 17] failed",
            "error",
            "[order 17] failed",
        ),
        ("ERROR", "error", "ERROR"),
    ] {
        let record = record(line);
        assert_eq!((record.level.as_str(), record.message.as_str()), (level, message), "{line}");
    }
}

#[test]
fn threads_places_spans_and_processes_are_kept() {
    let spring = record("2026-11-21 10:47:20.134 ERROR 7 --- [main] c.s.Cart : x");
    assert_eq!((spring.process, spring.thread.as_deref()), (Some(7), Some("main")));
    let assistant = record("2026-11-21 10:47:20,123 ERROR (MainThread) [shop.cart] x");
    assert_eq!(assistant.thread.as_deref(), Some("MainThread"));
    let celery = record("[2026-11-21 10:47:20,123: ERROR/ForkPoolWorker-1] x");
    assert_eq!(celery.thread.as_deref(), Some("ForkPoolWorker-1"));
    let android = record("11-21 10:47:20.173  2626  2643 W Tag: x");
    assert_eq!((android.process, android.thread.as_deref()), (Some(2626), Some("2643")));
    for line in [
        "2026-11-21T10:47:20.123Z\terror\tcart/pay.go:42\tx",
        "12:00PM ERR cart/pay.go:42 > x",
        "2026/11/21 10:47:20 cart/pay.go:42: x",
        "2026-11-21T10:47:20.123456Z ERROR shop::cart: cart/pay.go:42: x",
        "ERROR [main] 2026-11-21 10:47:20,123 cart/pay.go:42 - x",
    ] {
        let location = record(line).location;
        assert_eq!(
            (location.file.as_deref(), location.line),
            (Some("cart/pay.go"), Some(42)),
            "{line}"
        );
    }
    let spans =
        record("2026-11-21T10:47:20Z ERROR request{id=1}:pay{card=\"v a\"}: shop::cart: x").spans;
    assert_eq!((spans[0].name.as_str(), spans[1].name.as_str()), ("request", "pay"));
    assert_eq!((&spans[0].traits["id"], &spans[1].traits["card"]), (&1.into(), &"v a".into()));
    let sidekiq = record("2026-11-21T10:47:20.123Z pid=1 tid=abc class=Pay jid=17 ERROR: x");
    assert_eq!((sidekiq.process, sidekiq.thread.as_deref()), (Some(1), Some("abc")));
    assert_eq!(sidekiq.traits["class"], "Pay".into());
    let zap = record("2026-11-21T10:47:20.123Z\terror\tx\t{\"user\": 7, \"error\": \"no card\"}");
    assert_eq!((&zap.traits["user"], zap.error[0].message.as_str()), (&7.into(), "no card"));
}
