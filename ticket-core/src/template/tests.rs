use proptest::prelude::*;

use super::{LENGTH, REACH, template};

/// Messages as programs write them, and their templates.
const TABLE: &[(&str, &str)] = &[
    (
        "2026/11/21 10:47:20 [error] 1234#5678: *99 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1",
        "<time> [error] <n>#<n>: *<n> connect() failed (<n>: Connection refused) while connecting to upstream, client: <ip>",
    ),
    (
        r#"FATAL: password authentication failed for user "bob""#,
        "FATAL: password authentication failed for user <str>",
    ),
    (
        r#"duplicate key value violates unique constraint "users_email_key" DETAIL: Key (email)=(jo@example.com) already exists."#,
        "duplicate key value violates unique constraint <str> DETAIL: Key (email)=(<email>) already exists.",
    ),
    (
        r#"E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: "a@b.c" }"#,
        "E11000 duplicate key error collection: shop.users index: email_<n> dup key: { email: <str> }",
    ),
    (
        "Process 123 waits for ShareLock on transaction 456; blocked by process 789.",
        "Process <n> waits for ShareLock on transaction <n>; blocked by process <n>.",
    ),
    (
        r#"called `Result::unwrap()` on an `Err` value: Os { code: 2, kind: NotFound, message: "No such file or directory" }"#,
        "called `Result::unwrap()` on an `Err` value: Os { code: 2, kind: NotFound, message: <str> }",
    ),
    (
        "HTTP status client error (404 Not Found) for url (https://api.example.com/v1)",
        "HTTP status client error (404 Not Found) for url (<url>)",
    ),
    (
        "SQLSTATE[42S02]: Base table or view not found: 1146 Table 'shop.x' doesn't exist",
        "SQLSTATE[42S02]: Base table or view not found: <n> Table <str> doesn't exist",
    ),
    (
        "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)",
        "ERROR 1045 (<n>): Access denied for user <str>@<str> (using password: YES)",
    ),
    ("attempt to subtract with overflow", "attempt to subtract with overflow"),
    ("attempt to divide by zero", "attempt to divide by zero"),
    (
        "range end index 10 out of range for slice of length 4",
        "range end index <n> out of range for slice of length <n>",
    ),
    (
        "byte index 3 is not a char boundary; it is inside 'é' (bytes 2..4) of `café au lait`",
        "byte index <n> is not a char boundary; it is inside <str> (bytes <n>..<n>) of <str>",
    ),
    ("called `Option::unwrap()` on a `None` value", "called `Option::unwrap()` on a `None` value"),
    ("already borrowed: BorrowMutError", "already borrowed: BorrowMutError"),
    (
        r#"assertion `left == right` failed: sizes\n  left: 3\n right: 7"#,
        r#"assertion `left == right` failed: sizes\n left: <n>\n right: <n>"#,
    ),
    (
        "thread 'tokio-runtime-worker' panicked at src/pool.rs:118:9:",
        "thread <str> panicked at src/pool.rs:<n>:<n>:",
    ),
    ("invalid digit found in string", "invalid digit found in string"),
    (
        "unknown variant `gold`, expected one of `free`, `paid` at line 1 column 23",
        "unknown variant <str>, expected one of `free`, `paid` at line <n> column <n>",
    ),
    (
        "missing field `customer_id` at line 12 column 3",
        "missing field `customer_id` at line <n> column <n>",
    ),
    (
        "error sending request for url (https://api.example.com/v1/orders/8812?expand=1)",
        "error sending request for url (<url>)",
    ),
    (
        "error trying to connect: tcp connect error: Connection refused (os error 111)",
        "error trying to connect: tcp connect error: Connection refused (os error 111)",
    ),
    ("deadline has elapsed after 5.000213s", "deadline has elapsed after <n>s"),
    (r#"JoinError::Panic(Id(42), "boom", ...)"#, "JoinError::Panic(Id(<n>), <str>, ...)"),
    ("PoolTimedOut { waited: 30.0021s, size: 10 }", "PoolTimedOut { waited: <n>s, size: <n> }"),
    (
        "canceling statement due to statement timeout",
        "canceling statement due to statement timeout",
    ),
    (
        "could not serialize access due to concurrent update",
        "could not serialize access due to concurrent update",
    ),
    ("deadlock detected", "deadlock detected"),
    (
        r#"new row for relation "orders" violates check constraint "orders_total_check""#,
        "new row for relation <str> violates check constraint <str>",
    ),
    (
        r#"null value in column "email" of relation "users" violates not-null constraint"#,
        "null value in column <str> of relation <str> violates not-null constraint",
    ),
    (
        r#"invalid input syntax for type integer: "12x""#,
        "invalid input syntax for type integer: <str>",
    ),
    (
        r#"syntax error at or near "FORM" at character 42"#,
        "syntax error at or near <str> at character <n>",
    ),
    (
        "server closed the connection unexpectedly: SQLSTATE 57P01",
        "server closed the connection unexpectedly: SQLSTATE 57P01",
    ),
    (
        "remaining connection slots are reserved (SQLSTATE: 53300)",
        "remaining connection slots are reserved (SQLSTATE: 53300)",
    ),
    (
        "Error in connection establishment: SSL handshake with 192.168.4.20:27017 failed",
        "Error in connection establishment: SSL handshake with <ip> failed",
    ),
    (
        r#"Slow query: {"ns":"shop.orders","planSummary":"COLLSCAN","durationMillis":1203,"code":26}"#,
        r#"Slow query: {"ns":<str>,"planSummary":<str>,"durationMillis":<n>,"code":26}"#,
    ),
    (
        "Plan executor error during findAndModify: code 112 WriteConflict",
        "Plan executor error during findAndModify: code <n> WriteConflict",
    ),
    (
        "upstream timed out (110: Connection timed out) while reading response header from upstream",
        "upstream timed out (<n>: Connection timed out) while reading response header from upstream",
    ),
    (
        "client intended to send too large body: 10485761 bytes",
        "client intended to send too large body: <n> bytes",
    ),
    (
        r#"open() "/usr/share/nginx/html/favicon.ico" failed (2: No such file or directory)"#,
        "open() <str> failed (<n>: No such file or directory)",
    ),
    ("worker process 31337 exited on signal 11", "worker process <n> exited on signal 11"),
    (
        "SSL_do_handshake() failed (SSL: error:14094416:SSL routines:ssl3_read_bytes) while SSL handshaking",
        "SSL_do_handshake() failed (SSL: error:<n>:SSL routines:ssl3_read_bytes) while SSL handshaking",
    ),
    ("POST /api/orders/17/items?dry=1 answered HTTP/1.1 503", "POST <path> answered HTTP/1.1 503"),
    (
        "request failed with status code 429 Too Many Requests",
        "request failed with status code 429 Too Many Requests",
    ),
    (
        "status=404 path=/users/17 took=12.7ms bytes=1.5kB",
        "status=404 path=<path> took=<n>s bytes=<n>B",
    ),
    ("Process finished with exit code -1", "Process finished with exit code -1"),
    ("java.lang.OutOfMemoryError: Java heap space", "java.lang.OutOfMemoryError: Java heap space"),
    (
        r#"Exception in thread "http-nio-8080-exec-3" java.lang.NullPointerException: Cannot invoke "String.length()""#,
        "Exception in thread <str> java.lang.NullPointerException: Cannot invoke <str>",
    ),
    (
        r#"Traceback: File "/srv/app/main.py", line 17, in handler"#,
        "Traceback: File <str>, line <n>, in handler",
    ),
    ("KeyError: 'user_id'", "KeyError: <str>"),
    ("[Errno 13] Permission denied: '/var/log/app.log'", "[Errno 13] Permission denied: <str>"),
    ("ORA-12541: TNS:no listener", "ORA-12541: TNS:no listener"),
    (
        "MySQL error 1213: Deadlock found when trying to get lock; try restarting transaction",
        "MySQL error 1213: Deadlock found when trying to get lock; try restarting transaction",
    ),
    (
        "Pod web-5d4f8c7b9-k2x8z in namespace shop was OOMKilled (exit code 137)",
        "Pod web-<hex>-<id> in namespace shop was OOMKilled (exit code 137)",
    ),
    (
        "lease 0192f3a1-7b2c-7def-8a90-1234567890ab expired at 2026-11-21T10:47:20.123456Z",
        "lease <id> expired at <time>",
    ),
    (
        "cert SHA1 AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD expired Nov 21 10:47:20 2026 GMT",
        "cert SHA1 <hex> expired <time>",
    ),
    (r#"ETag "33a64df5" mismatch for s3://bucket/key/17.bin"#, "ETag <str> mismatch for <url>"),
    (
        "object 507f1f77bcf86cd799439011 not found in shard 12",
        "object <hex> not found in shard <n>",
    ),
    (
        "build b2ff753 of v1.2.3-rc1 is older than 1.3.0",
        "build <hex> of v<n>-rc1 is older than <n>",
    ),
    (
        "cannot resolve ip-10-0-3-17.ec2.internal: NXDOMAIN",
        "cannot resolve ip-<n>-<n>-<n>-<n>.ec2.internal: NXDOMAIN",
    ),
    ("bind [::]:8080: address in use", "bind [::]:<n>: address in use"),
    ("no route to fe80::1%eth0 from 2001:db8::17/64", "no route to <ip> from <ip>"),
    (
        "mail to jo.doe+x@example.com bounced: 550 5.1.1 unknown user",
        "mail to <email> bounced: <n> unknown user",
    ),
    (r#"unknown fields "a", "b" and 'c'"#, "unknown fields <str> and <str>"),
    ("could not parse “12,5” as a number", "could not parse <str> as a number"),
    (
        "utf8mb4 collation differs from x86_64 build of sha256 for http2",
        "utf8mb4 collation differs from x86_64 build of sha256 for http2",
    ),
    ("temperature -5.5 is below -3", "temperature <n> is below <n>"),
    ("ids 4, 8, 15, 16, 23, 42 are gone", "ids <n> are gone"),
    (r#"cannot write C:\Program\app\17.log to \\nas\share"#, "cannot write <path> to <path>"),
    (
        "~/.config/app.toml is not readable, don't run as root",
        "<path> is not readable, don't run as root",
    ),
    ("$1.50 is 95% of the 3rd price", "$<n> is <n>% of the <n>th price"),
    ("Größe 17 überschritten für Nutzer „x“", "Größe <n> überschritten für Nutzer <str>"),
    ("注文 17 が見つかりません", "注文 <n> が見つかりません"),
    (
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJVadQssw5c rejected",
        "token <id>.<id>.<id> rejected",
    ),
    (
        "charge pi_3MtwBwLkdIwHu7ix28a3tqPC of cus_NffrFeUfNV2Hib failed",
        "charge pi_<id> of cus_<id> failed",
    ),
    ("cannot load profile: <error>", "cannot load profile: <error>"),
    (
        "worker-3: job_17 #99 retried (attempt 3 of 5)",
        "worker-<n>: job_<n> #<n> retried (attempt <n> of <n>)",
    ),
    ("0x7ffd1234abcd: invalid page state 0xdead", "<hex>: invalid page state <hex>"),
    ("HRESULT 0x80070005: access denied", "HRESULT 0x80070005: access denied"),
    ("allocation of 1.5 MiB failed after 250 ms", "allocation of <n> B failed after <n> s"),
    ("screen 1920x1080, 5xx answers, 64bit, 3DES", "screen <n>x<n>, <n>xx answers, <n>bit, <n>DES"),
    (
        "std::f64::consts::PI is not a::b or face::b64",
        "std::f64::consts::PI is not a::b or face::b64",
    ),
    (
        r#"10.0.0.1 - - [21/Nov/2026:10:47:20 +0000] "GET /x" failed"#,
        "<ip> - - [<time>] <str> failed",
    ),
    (
        "Sat, 21 Nov 2026 10:47:20 +0000 and 2026-11-21 10:47:20,123 and 20261121T104720Z",
        "<time> and <time> and <time>",
    ),
    ("either/or, I/O, n/a, 5/10", "either/or, I/O, n/a, <n>/<n>"),
];

#[test]
fn real_messages_become_what_is_written_here() {
    for (message, expected) in TABLE {
        assert_eq!(template(message), *expected, "of {message:?}");
        assert_eq!(template(expected), *expected, "again, of {message:?}");
    }
}

/// What varies between occurrences of one problem does not tell them apart.
#[test]
fn these_are_the_same_problem() {
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
    ];
    for (one, other) in pairs {
        assert_eq!(template(one), template(other), "{one:?} and {other:?}");
    }
}

/// What names the problem does.
#[test]
fn these_are_different_problems() {
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
    ];
    for (one, other) in pairs {
        assert_ne!(template(one), template(other), "{one:?} and {other:?}");
    }
}

#[test]
fn a_long_message_is_cut_with_a_mark() {
    let prose = "the quick brown fox ".repeat(100);
    let cut = template(&prose);
    assert!(cut.len() <= LENGTH && cut.len() > LENGTH - 24 && cut.ends_with('…'), "{cut}");
    assert_eq!(template(&cut), cut);

    let word = "é".repeat(LENGTH);
    assert_eq!(template(&word), format!("{}…", "é".repeat((LENGTH - 3) / 2)));
}

/// A value's length must not decide how much of the text behind it counts.
#[test]
fn a_long_value_leaves_room_for_the_text_behind_it() {
    let one = format!("cannot parse '{}' as a name", "x".repeat(17));
    let other = format!("cannot parse '{}' as a name", "y".repeat(REACH - 100));
    assert_eq!(template(&one), template(&other));
}

#[test]
fn only_the_start_of_a_message_is_looked_at() {
    let start = "1 ".repeat(REACH / 2);
    assert_eq!(template(&format!("{start}one")), template(&format!("{start}other")));
    assert_eq!(template(&format!("{start}one")), "<n> …");
}

/// Looking ahead must not make long messages cost more than their length: these take minutes if it
/// is quadratic without a bound.
#[test]
fn what_could_cost_much_does_not() {
    for piece in
        ["1a-", "a.", "a@", "'a ", "ab:", "aB1-", "`", "\\\\", "/", "::", "<n>", "fe80:", "0x_"]
    {
        let message = piece.repeat(1_000_000 / piece.len());
        for _ in 0..20 {
            assert!(template(&message).len() <= LENGTH);
        }
    }
}

/// Pieces that mean something to the scanner, in any order, with and without space between.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "<n>",
        "<hex>",
        "<id>",
        "<time>",
        "<ip>",
        "<path>",
        "<url>",
        "<email>",
        "<str>",
        "<error>",
        "<",
        ">",
        "n",
        "1",
        "23",
        "404",
        "12345",
        "1234567",
        "0x",
        "0x1f",
        "deadbeef",
        "ab12",
        "fe80",
        "::",
        ":",
        "::1",
        "2001:db8",
        "a",
        "Z",
        "aB1cD2",
        "x9Y8z7",
        "-",
        "_",
        "+",
        "/",
        "\\",
        "\\\\",
        "C:\\",
        "'",
        "\"",
        "`",
        "“",
        "”",
        "‘",
        "’",
        "„",
        "«",
        "»",
        "…",
        " ",
        " ",
        " ",
        "\n",
        "\0",
        "\u{a0}",
        ".",
        ",",
        ";",
        "=",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "@",
        "foo@bar.com",
        "@b.c",
        "http://",
        "HTTP",
        "HTTP/1.1",
        "status",
        "error",
        "code",
        "exit",
        "SQLSTATE",
        "42P01",
        "unknown",
        "variant",
        "Nov",
        "Sat",
        "21",
        "2026",
        "2026-11-21",
        "T",
        "10:47",
        "10:47:20",
        ".123",
        "+0200",
        " UTC",
        "10.0.0.1",
        "8080",
        "é",
        "日本",
        "µs",
        "ms",
        "s",
        "m",
        "KiB",
        "B",
        "d",
        "th",
        "x86_64",
        "utf8",
        "v1",
        "E11000",
        "e",
        "e5",
        "x",
        "#",
        "$",
        "%",
        "~/",
        "?",
        "!",
        "*",
        "|",
        "{\"",
        "\"a\":",
        "\u{301}",
        "🦀",
        "٣",
        "550e8400-e29b-41d4-a716-446655440000",
        "aaaa-",
        "00:1b:",
        "aa:bb:cc:dd:ee:ff",
        "Http2ConnectionError",
        "3MtwBwLkdIwHu7ix",
        "thequickbrownfoxjumps",
    ];
    prop_oneof![
        9 => prop::collection::vec(prop::sample::select(PIECES), 1..16),
        1 => prop::collection::vec(prop::sample::select(PIECES), 300..1500),
    ]
    .prop_map(|pieces| pieces.concat())
}

fn check(message: &str) -> Result<(), TestCaseError> {
    let once = template(message);
    prop_assert_eq!(template(&once), once.as_str(), "of {:?}", message);
    prop_assert!(once.len() <= LENGTH);
    prop_assert!(!once.contains("  ") && once.trim() == once, "{:?}", once);
    Ok(())
}

/// A message with a value in it, as most programs write one.
fn with(value: impl std::fmt::Display) -> String {
    template(&format!("loading {value} of the shop failed"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_template_is_its_own_template(message in pieces()) {
        check(&message)?;
    }

    #[test]
    fn no_text_makes_it_panic(message in any::<String>(), other in "[ -~é…“”<>0-9a-f:.'\"/\\\\-]*") {
        check(&message)?;
        check(&other)?;
    }

    #[test]
    fn numbers_do_not_count(integer in any::<i64>(), float in any::<f64>()) {
        prop_assert_eq!(with(integer), with(1));
        prop_assert_eq!(with(format!("#{}", integer.unsigned_abs())), with("#1"));
        if float.is_finite() {
            prop_assert_eq!(with(float), with(1));
            prop_assert_eq!(with(format!("{float:?}")), with(1));
        }
    }

    #[test]
    fn durations_do_not_count(nanos in any::<u64>(), shift in 0..64) {
        let duration = std::time::Duration::from_nanos(nanos >> shift);
        prop_assert_eq!(with(format!("{duration:?}")), with("1s"));
    }

    #[test]
    fn addresses_do_not_count(four in any::<[u8; 4]>(), six in any::<[u16; 7]>(), port in any::<u16>()) {
        let four = std::net::Ipv4Addr::from(four);
        prop_assert_eq!(with(four), with("10.0.0.1"));
        prop_assert_eq!(with(format!("{four}:{port}")), with("10.0.0.1"));
        let [b, c, d, e, f, g, h] = six;
        let six = std::net::Ipv6Addr::new(0x2001, b, c, d, e, f, g, h);
        prop_assert_eq!(with(six), with("10.0.0.1"));
    }

    #[test]
    fn ids_do_not_count(bytes in any::<[u8; 16]>(), micros in any::<i64>()) {
        prop_assert_eq!(with(uuid::Uuid::from_bytes(bytes)), with(uuid::Uuid::nil()));
        prop_assert_eq!(with(crate::Timestamp::from_micros(micros)), with(crate::Timestamp::MIN));
        prop_assert_eq!(with(format!("0x{:x}", u128::from_le_bytes(bytes))), with("0x1f"));
    }

    #[test]
    fn quoted_text_does_not_count(text in "[^'\\\\]*") {
        prop_assert_eq!(with(format!("'{text}'")), with("'x'"));
    }
}
