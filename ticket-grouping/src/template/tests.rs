mod messages;
mod properties;
mod statements;

use super::mark::{LENGTH, REACH};
use super::template;

/// Values that vary between occurrences do not distinguish problems.
#[test]
fn messages_that_differ_in_values_have_one_template() {
    let pairs = [
        ("user 17 is gone", "user 4711 is gone"),
        ("user -1 is gone", "user 3.5e-7 is gone"),
        ("took 999.8ms", "took 1.2s"),
        ("took 35µs", "took 1h3m2.5s"),
        ("allocated 980 KiB", "allocated 1.1 MiB"),
        ("the 1st try failed", "the 22nd try failed"),
        ("ids [1]", "ids [1, 2, 3]"),
        ("unknown names 'a', 'b'", "unknown names 'c'"),
        ("file '/a b' is gone", "file '' is gone"),
        ("cannot read /etc/passwd", "cannot read ~/.profile"),
        ("cannot read /etc/passwd", r"cannot read C:\Users\x\y.txt"),
        ("GET /users/17?x=1 failed", "GET /orders failed"),
        ("job 550e8400-e29b-41d4-a716-446655440000 died", "job V1StGXR8_Z5jdHi6B-myT died"),
        ("commit b2ff753", "commit dcb5c7f1a2"),
        ("at 2026-11-21 10:47:20,123", "at 21/Nov/2026:10:47:20 +0000"),
        ("at 2026-11-21T10:47:20.123456Z", "at Sat Nov  7 10:47:20 2026"),
        ("pod web-5d4f8c7b9-k2x8z", "pod web-7d9f8b6c5-x2q4z"),
        ("worker-3 of pool_7", "worker-12 of pool_88"),
        ("src/main.rs:4:17", "src/main.rs:142:7"),
        ("unknown variant `a`, expected `b`", "unknown variant `x y`, expected `b`"),
        ("a\tb\r\nc", " a  b c "),
        ("{\"user\":\"ann\",\"n\":1}", "{\"user\":\"bob\",\"n\":22}"),
        ("lost blk_17", "lost blk_-17"),
        ("a.example.com:443 refused", "b.example.org:443 refused"),
        ("denied: user=root tty=ssh", "denied: user=ftp tty="),
        ("Failed password for root from 10.0.0.1", "Failed password for bob from 10.0.0.2"),
        ("Failed password for invalid user bob", "Failed password for invalid user eve"),
        ("node [node_A8] is down", "node [node_B4] is down"),
        ("node [node_A8] is down", "node [node_E5] is down"),
        ("node [node_A8] is down", "node [node_B2] is down"),
        ("no route to a.example.com.mx", "no route to dyn.example.vn"),
        ("lost an14 an15 an16", "lost an142"),
        ("set mask=ffffffff", "set mask=0"),
        ("from 10.0.0.1 (host.example.net) at noon", "from 10.0.0.1 () at noon"),
        ("holds ids=[]", "holds ids=[17, 18]"),
        ("from source=Source{17}", "from source=null"),
        ("took <1 sec", "took 00:02"),
        ("sent 512 bytes in all", "sent 1293 bytes (1.26 KB) in all"),
        ("size 512 B (free 1.5 KiB)", "size 3.1 GiB (free 7 MB)"),
        ("node-1 17 <ok> is up", "node-1 17 <ok> node-2 18 <ok> is up"),
        ("cannot load app.toml", "cannot load users.csv"),
        ("no class com.shop.Cart", "no class org.shop.api.Order"),
        ("\"GET /cart HTTP/1.1\" status: 200", "\"GET /pay HTTP/1.1\" status: 404"),
    ];
    for (one, other) in pairs {
        assert_eq!(template(one), template(other), "{one:?} and {other:?}");
    }
}

/// Names and codes do.
#[test]
fn messages_that_differ_in_names_or_codes_have_different_templates() {
    let pairs = [
        ("connect failed (os error 111)", "connect failed (os error 110)"),
        ("status 404", "status 500"),
        ("status: 404", "status: 500"),
        ("{\"status\":404}", "{\"status\":500}"),
        ("{\"status\":404}", "{\"size\":404}"),
        ("HTTP/1.1 404", "HTTP/1.1 500"),
        ("exit code 1", "exit code 137"),
        ("exit code: 0xc0000005", "exit code: 0xc0000409"),
        ("terminated by signal 9", "terminated by signal 11"),
        ("ORA-00942", "ORA-12541"),
        ("SQLSTATE[23505]", "SQLSTATE[42P01]"),
        ("E11000 duplicate key", "E11001 duplicate key"),
        ("Error42", "Error43"),
        ("not utf8", "not utf16"),
        ("http2 stream reset", "http3 stream reset"),
        ("called `Option::unwrap()`", "called `Result::unwrap()`"),
        ("missing field `a`", "missing field `b`"),
        ("reading src/a.rs:1", "reading src/b.rs:1"),
        ("don't stop", "don't start"),
        ("timeout", "refused"),
        ("Http2ConnectionError", "Http2ProtocolError"),
        ("std::f32::NAN", "std::f64::NAN"),
        ("x86_64 binary", "aarch64 binary"),
        ("SHA256Mismatch", "SHA512Mismatch"),
        ("log4j is old", "slf4j is old"),
        ("no k8s", "no p2p"),
        ("state=failed", "state=starting"),
        ("error=timeout", "error=refused"),
        ("com.shop.PayException", "com.shop.CartException"),
        ("\"GET /cart\" failed", "\"POST /cart\" failed"),
        ("\"GET /cart HTTP/1.1\" status: 500", "\"GET /cart HTTP/1.1\" status: 503"),
        ("r1=5", "r2=5"),
        ("jk2_init() failed", "jk3_init() failed"),
        ("no handler for user input", "no handler for user authentication"),
        ("waiting for reply from 10.0.0.1", "waiting for data from 10.0.0.1"),
        ("cannot get a connection from pool", "cannot get a connection from server"),
        ("app.models.views:17 failed", "app.py:17 failed"),
        ("E282 is set", "E283 is set"),
    ];
    for (one, other) in pairs {
        assert_ne!(template(one), template(other), "{one:?} and {other:?}");
    }
}

#[test]
fn a_long_template_is_cut_and_ends_in_an_ellipsis() {
    let prose = "the quick brown fox ".repeat(100);
    let cut = template(&prose);
    assert!(cut.len() <= LENGTH && cut.len() > LENGTH - 24 && cut.ends_with('…'), "{cut}");
    assert_eq!(template(&cut), cut);

    let word = "é".repeat(LENGTH);
    assert_eq!(template(&word), format!("{}…", "é".repeat((LENGTH - 3) / 2)));
}

#[test]
fn a_template_that_is_cut_behind_a_request_is_its_own_template() {
    for length in 900..LENGTH {
        let start = "ab ".repeat(length / 3) + &"t".repeat(length % 3);
        let cut = template(&format!("{start} \"GET /a\" {}", "t".repeat(200)));
        assert_eq!(template(&cut), cut);
    }
}

/// The length of a value must not affect how much of the text after it is compared.
#[test]
fn a_long_value_leaves_room_for_the_text_after_it() {
    let one = format!("cannot parse '{}' as a name", "x".repeat(17));
    let other = format!("cannot parse '{}' as a name", "y".repeat(REACH - 100));
    assert_eq!(template(&one), template(&other));
}

#[test]
fn only_the_start_of_a_long_message_is_read() {
    let start = "1 ".repeat(REACH / 2);
    assert_eq!(template(&format!("{start}one")), template(&format!("{start}other")));
    assert_eq!(template(&format!("{start}one")), "<*> …");
}

/// With an unbounded look-ahead, the time would be quadratic and this test would take minutes.
#[test]
fn repetitive_messages_take_bounded_time() {
    for piece in
        ["1a-", "a.", "a@", "'a ", "ab:", "aB1-", "`", "\\\\", "/", "::", "<n>", "fe80:", "0x_"]
    {
        let message = piece.repeat(1_000_000 / piece.len());
        for _ in 0..20 {
            assert!(template(&message).len() <= LENGTH);
        }
    }
}
