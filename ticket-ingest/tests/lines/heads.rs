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
        ("[11/21/26 10:47:20:123 UTC] 00000001 SystemOut     O x", true, "info", "SystemOut", "x"),
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
        ("[2026-11-21 10:47:20.123] [shop] [error] x", true, "error", "shop", "x"),
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
        (
            "2026-11-21T10:47:20.123456Z 0 [ERROR] [MY-010119] [Server] x",
            true,
            "error",
            "Server",
            "x",
        ),
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

#[test]
fn levels_as_letters_and_signs() {
    check(&[
        // A letter before a bar, and the letter of a notice
        ("2026-11-21 10:47:20.123456 W | shop/cart: x", true, "warning", "shop/cart", "x"),
        ("2026-11-21 10:47:20.123456 N | shop: x", true, "notice", "shop", "x"),
        ("* 2026-11-21 10:47:20.123456 E | shop: x", true, "error", "shop", "x"),
        // A letter with a mark of exclamation
        ("2026-11-21T10:47:20Z E! [outputs.shop] x", true, "error", "outputs.shop", "x"),
        ("2026-11-21T10:47:20Z W! x y", true, "warning", "", "x y"),
        // Four letters
        ("2026-11-21 10:47:20.123456+01:00 [noti] <0.44.0> x", true, "notice", "", "x"),
        ("2026-11-21 10:47:20.123456+01:00 [debg] <0.44.0> x", true, "debug", "", "x"),
        // A title is no logger
        (
            "2026-11-21 10:47:20.123456+01:00 [error] <0.44.0>   crasher:",
            true,
            "error",
            "",
            "crasher:",
        ),
        // Signs
        ("⨯ x", false, "error", "", "x"),
        (" ⚠ x", false, "warning", "", "x"),
        // Microcontrollers
        ("E (2041) shop: x", false, "error", "shop", "x"),
        ("W (10:47:20.123) shop: x", false, "warning", "shop", "x"),
        ("10:47:20.123 -> E (2041) wifi:x", false, "error", "wifi", "x"),
    ]);
    // A sign begins a record, and so does a level that is filled with a space.
    assert_eq!(super::entries(" ⨯ first\n ⚠ second\n").len(), 2);
    assert_eq!(super::entries("ERROR a::b > first\n WARN a::b > second\n").len(), 2);
}

#[test]
fn levels_with_what_is_written_in_one_word_with_them() {
    check(&[
        ("[10:47:20] [Server thread/ERROR]: x", false, "error", "", "x"),
        ("[10:47:20] [Render thread/WARN] [shop/]: x", false, "warning", "shop/", "x"),
        ("log4j:WARN x", false, "warning", "log4j", "x"),
        ("10:47:20,123 |-ERROR in com.shop.Cart@3:16 - x", false, "error", "com.shop.Cart", "x"),
        ("shop 10:47:20.12 ERROR ==> x", false, "error", "shop", "x"),
        ("[ALERT] 324/104720 (1234) : x", false, "critical", "", "x"),
    ]);
    // Without a level, the name and the time of day are words of a text.
    assert_eq!(record("Meet 10:47:20 and go").message, "Meet 10:47:20 and go");
}

#[test]
fn words_before_a_level_that_is_a_word_are_not_lost() {
    for (line, message) in [
        ("2026-11-21 10:47:20 Socket error on x", "Socket error on x"),
        (
            "[Sat Nov 21 10:47:20 2026] EXT4-fs error (device sda1): x",
            "EXT4-fs error (device sda1): x",
        ),
    ] {
        let record = record(line);
        assert_eq!((record.level.as_str(), record.message.as_str()), ("error", message), "{line}");
    }
}

#[test]
fn loggers_with_signs_in_their_names() {
    check(&[
        (
            "10:47:20,123 ERROR [org.apache.Base.[shop].[default-host].[/].[pay]] (http-1) x",
            false,
            "error",
            "org.apache.Base.[shop].[default-host].[/].[pay]",
            "x",
        ),
        (
            "2026-11-21 10:47:20.123 ERROR 1 --- [main] o.a.Base.[.[.[/].[pay]    : x",
            true,
            "error",
            "o.a.Base.[.[.[/].[pay]",
            "x",
        ),
        (
            "2026-11-21 10:47:20.123+0000 [id=29]\tSEVERE\tcom.shop.Cart#pay: x",
            true,
            "error",
            "com.shop.Cart",
            "x",
        ),
        ("2026.11.21 10:47:20.1 [ 1 ] {a} <Error> payCart: x", true, "error", "payCart", "x"),
        (
            "[2026-11-21 10:47:20,123] ERROR x (shop.cart.logger)",
            true,
            "error",
            "shop.cart.logger",
            "x",
        ),
        ("WARNING  shop.cart:cart.py:12 x", false, "warning", "shop.cart", "x"),
        ("10:47:20 [ERROR] (1) shop::cart: [src/cart.rs:12] x", false, "error", "shop::cart", "x"),
        (
            "2026-11-21T10:47:20Z\tERROR\t[shop_cart]\tcart/pay.go:12\tx",
            true,
            "error",
            "shop_cart",
            "x",
        ),
        (
            "[2026-11-21T10:47:20,123][ERROR][shop.cart][main][7f3a] x",
            true,
            "error",
            "shop.cart",
            "x",
        ),
        // A name in brackets is a thread if its name or another logger says so.
        ("2026-11-21T10:47:20Z ERROR ThreadId(02) shop::cart: x", true, "error", "shop::cart", "x"),
        (
            "2026-11-21T10:47:20Z ERROR worker-1 ThreadId(02) shop::cart: x",
            true,
            "error",
            "shop::cart",
            "x",
        ),
        ("1.7952580401234567e+09\tERROR\tshop.cart\tx", true, "error", "shop.cart", "x"),
        ("10:47:20 ERROR [console] x", false, "error", "console", "x"),
        ("10:47:20 ERROR [main] x", false, "error", "", "x"),
        ("10:47:20 ERROR [reaper] com.shop.Cart - x", false, "error", "com.shop.Cart", "x"),
        ("[Shop] 7  - 11/21/2026, 7:49:42 PM   ERROR [Cart] x", true, "error", "Cart", "x"),
    ]);
}

#[test]
fn fields_behind_a_message_that_hold_an_error() {
    for (line, message, kind, text) in [
        ("10:47AM ERR x error=\"no card\" order=17", "x", None, "no card"),
        ("2026/11/21 10:47:20 ERROR x order=17 err=\"no \\\"card\\\"\"", "x", None, "no \"card\""),
        (
            "2026-11-21 10:47:20 +0000 [error]: #0 x error_class=A::B error=\"no card\"",
            "x",
            Some("A::B"),
            "no card",
        ),
        (
            "E1121 10:47:20.123456    12 cart.go:7] \"x\" err=\"no card\" order=17",
            "x",
            None,
            "no card",
        ),
    ] {
        let record = record(line);
        let error = &record.error[0];
        assert_eq!(
            (record.message.as_str(), error.type_name.as_deref(), error.message.as_str()),
            (message, kind, text),
            "{line}"
        );
    }
    // Of many words, only those next to the fields are looked at.
    let long = format!("10:47AM ERR {}err=\"no card\"", "word ".repeat(3_000_000));
    assert_eq!(record(&long).error[0].message, "no card");
    let event = record("2026-11-21 10:47:20 WARN x: type=LOGIN_ERROR, user=7, error=no_card");
    assert_eq!(event.message, "type=LOGIN_ERROR, user=7, error=no_card");
}

#[test]
fn heads_of_systems_and_engines() {
    check(&[
        ("[2026.11.21-10.47.20:123][  0]LogShop: Error: x", true, "error", "LogShop", "x"),
        ("[2026.11.21-10.47.20:123][ 12]LogShop: Display: x", true, "info", "LogShop", "x"),
        ("[ERROR] [1795258040.123456789]: x", true, "error", "", "x"),
        ("[ERROR] [1795258040.123456789, 0.816]: x", true, "error", "", "x"),
        (
            "[cart-1] [WARN] [1795258040.123456789] [shop.cart]: x",
            true,
            "warning",
            "shop.cart",
            "x",
        ),
        ("11-21 10:47:20.173: E/Cart(914): x", true, "error", "Cart", "x"),
        ("11-21 10:47:20.173 E/Cart    (  914): x", true, "error", "Cart", "x"),
        ("11-21 10:47:20.173  1000  2626  2643 W Cart: x", true, "warning", "Cart", "x"),
        ("2026-11-21 10:47:20.173 5432-5460/com.shop W/Cart: x", true, "warning", "Cart", "x"),
        (
            "2026-11-21 10:47:20.173  5432-5460  Cart      com.shop      I  x",
            true,
            "info",
            "Cart",
            "x",
        ),
        ("2026-11-21 10:47:20.290 Shop[14492:90b] x", true, "info", "Shop", "x"),
        (
            "2026-11-21 10:47:20.123456+0100 0x1a2b  Fault  0x0  512  0  shopd: (Lib) [com.shop:pay] x",
            true,
            "critical",
            "com.shop:pay",
            "x",
        ),
        (
            "2026-11-21 10:47:20.123 E  shopd[512:1a2b] [com.shop:pay] x",
            true,
            "error",
            "com.shop:pay",
            "x",
        ),
        ("type=AVC msg=audit(1795258040.123:45): x y=1", true, "info", "AVC", "x y=1"),
        ("E261121 10:47:20.123456 12 kv/cart.go:7 ⋮ [n1,s1] 45  x", true, "error", "", "x"),
        ("F261121 10:47:20.123456 12 kv/cart.go:7 ⋮ [T1,config]   x", true, "critical", "", "x"),
        (
            "####<Nov 21, 2026 10:47:20,123 AM UTC> <Error> <HTTP> <web> <srv> <t> <<u>> <> <> <1795258040123> <BEA-7> <x>",
            true,
            "error",
            "HTTP",
            "x",
        ),
        (
            "<Nov 21, 2026 10:47:20 AM UTC> <Warning> <Security> <BEA-7> <x>",
            true,
            "warning",
            "Security",
            "x",
        ),
        ("[11/21/26 10:47:20:123 UTC] 0000001f Cart          E   x", true, "error", "Cart", "x"),
        (
            "[2026-11-21T10:47:20.123Z] [Shop 5] [SEVERE] [SHOP-7] [com.shop.web] [tid: _ThreadID=30] [levelValue: 1000] [[\n  x]]",
            true,
            "error",
            "com.shop.web",
            "x",
        ),
        ("Error,11/21/2026 10:47:20 AM,Shop,1000,(100),\"x\"", true, "error", "Shop", "x"),
        ("Warning\t11/21/2026 10:47:20 AM\tShop\t1000\tNone\t\"x\"", true, "warning", "Shop", "x"),
        ("(node:7) [DEP0005] DeprecationWarning: x", false, "warning", "", "DeprecationWarning: x"),
        ("/srv/cart.py:7: UserWarning: x", false, "warning", "", "UserWarning: x"),
        ("NOTICE: PHP message: PHP Warning:  x in /a.php on line 9", false, "warning", "php", "x"),
    ]);
    let time = |line| super::entry(line).time.unwrap().to_string();
    assert!(
        time("[2026.11.21-10.47.20:123][  0]LogShop: Error: x")
            .starts_with("2026-11-21T10:47:20.123")
    );
    for line in ["21/11/2026, 3:13:54 p.m. ERROR x", "11/21/2026, 3:13:54\u{202f}PM ERROR x"] {
        assert!(time(line).starts_with("2026-11-21T15:13:54"), "{line}");
    }
}

#[test]
fn the_beginning_of_a_head_is_no_head() {
    for line in ["2026-11-21 10:47:20.173 5432-5460/com.shop W", "11-21 10:47:20.173 W/", "E ("] {
        assert!(!record(line).message.is_empty(), "{line}");
    }
}
