//! Messages that real programs print, and their templates.

use super::super::template;

const TABLE: &[(&str, &str)] = &[
    ("cannot parse `  ` here", "cannot parse <*> here"),
    (
        "2026/11/21 10:47:20 [error] 1234#5678: *99 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1",
        "<*> [error] <*>: <*> connect() failed (<*>: Connection refused) while connecting to upstream, client: <*>",
    ),
    (
        r#"FATAL: password authentication failed for user "bob""#,
        "FATAL: password authentication failed for user <*>",
    ),
    (
        r#"duplicate key value violates unique constraint "users_email_key" DETAIL: Key (email)=(jo@example.com) already exists."#,
        "duplicate key value violates unique constraint <*> DETAIL: Key (email)=(<*>) already exists.",
    ),
    (
        r#"E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: "a@b.c" }"#,
        "E11000 duplicate key error collection: shop.users index: <*> dup key: { email: <*> }",
    ),
    (
        "Process 123 waits for ShareLock on transaction 456; blocked by process 789.",
        "Process <*> waits for ShareLock on transaction <*>; blocked by process <*>.",
    ),
    (
        r#"called `Result::unwrap()` on an `Err` value: Os { code: 2, kind: NotFound, message: "No such file or directory" }"#,
        "called `Result::unwrap()` on an `Err` value: Os { code: 2, kind: NotFound, message: <*> }",
    ),
    (
        "HTTP status client error (404 Not Found) for url (https://api.example.com/v1)",
        "HTTP status client error (404 Not Found) for url (<*>)",
    ),
    (
        "SQLSTATE[42S02]: Base table or view not found: 1146 Table 'shop.x' doesn't exist",
        "SQLSTATE[42S02]: Base table or view not found: <*> Table <*> doesn't exist",
    ),
    (
        "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)",
        "ERROR 1045 (<*>): Access denied for user <*> (using password: YES)",
    ),
    ("attempt to subtract with overflow", "attempt to subtract with overflow"),
    ("attempt to divide by zero", "attempt to divide by zero"),
    (
        "range end index 10 out of range for slice of length 4",
        "range end index <*> out of range for slice of length <*>",
    ),
    (
        "byte index 3 is not a char boundary; it is inside 'é' (bytes 2..4) of `café au lait`",
        "byte index <*> is not a char boundary; it is inside <*> (bytes <*>) of <*>",
    ),
    ("called `Option::unwrap()` on a `None` value", "called `Option::unwrap()` on a `None` value"),
    ("already borrowed: BorrowMutError", "already borrowed: BorrowMutError"),
    (
        r#"assertion `left == right` failed: sizes\n  left: 3\n right: 7"#,
        r#"assertion `left == right` failed: sizes\n left: <*> right: <*>"#,
    ),
    (
        "thread 'tokio-runtime-worker' panicked at src/pool.rs:118:9:",
        "thread <*> panicked at src/pool.rs:<*>:",
    ),
    ("invalid digit found in string", "invalid digit found in string"),
    (
        "unknown variant `gold`, expected one of `free`, `paid` at line 1 column 23",
        "unknown variant <*>, expected one of `free`, `paid` at line <*> column <*>",
    ),
    (
        "missing field `customer_id` at line 12 column 3",
        "missing field `customer_id` at line <*> column <*>",
    ),
    (
        "error sending request for url (https://api.example.com/v1/orders/8812?expand=1)",
        "error sending request for url (<*>)",
    ),
    (
        "error trying to connect: tcp connect error: Connection refused (os error 111)",
        "error trying to connect: tcp connect error: Connection refused (os error 111)",
    ),
    ("deadline has elapsed after 5.000213s", "deadline has elapsed after <*>"),
    (r#"JoinError::Panic(Id(42), "boom", ...)"#, "JoinError::Panic(Id(<*>), <*>, ...)"),
    ("PoolTimedOut { waited: 30.0021s, size: 10 }", "PoolTimedOut { waited: <*>, size: <*> }"),
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
        "new row for relation <*> violates check constraint <*>",
    ),
    (
        r#"null value in column "email" of relation "users" violates not-null constraint"#,
        "null value in column <*> of relation <*> violates not-null constraint",
    ),
    (
        r#"invalid input syntax for type integer: "12x""#,
        "invalid input syntax for type integer: <*>",
    ),
    (
        r#"syntax error at or near "FORM" at character 42"#,
        "syntax error at or near <*> at character <*>",
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
        "Error in connection establishment: SSL handshake with <*> failed",
    ),
    (
        r#"Slow query: {"ns":"shop.orders","planSummary":"COLLSCAN","durationMillis":1203,"code":26}"#,
        r#"Slow query: {"ns":<*>,"planSummary":<*>,"durationMillis":<*>,"code":26}"#,
    ),
    (
        "Plan executor error during findAndModify: code 112 WriteConflict",
        "Plan executor error during findAndModify: code <*> WriteConflict",
    ),
    (
        "upstream timed out (110: Connection timed out) while reading response header from upstream",
        "upstream timed out (<*>: Connection timed out) while reading response header from upstream",
    ),
    (
        "client intended to send too large body: 10485761 bytes",
        "client intended to send too large body: <*>",
    ),
    (
        r#"open() "/usr/share/nginx/html/favicon.ico" failed (2: No such file or directory)"#,
        "open() <*> failed (<*>: No such file or directory)",
    ),
    ("worker process 31337 exited on signal 11", "worker process <*> exited on signal 11"),
    (
        "SSL_do_handshake() failed (SSL: error:14094416:SSL routines:ssl3_read_bytes) while SSL handshaking",
        "SSL_do_handshake() failed (SSL: error:<*>:SSL routines:ssl3_read_bytes) while SSL handshaking",
    ),
    ("POST /api/orders/17/items?dry=1 answered HTTP/1.1 503", "POST <*> answered HTTP/1.1 503"),
    (
        "request failed with status code 429 Too Many Requests",
        "request failed with status code 429 Too Many Requests",
    ),
    ("status=404 path=/users/17 took=12.7ms bytes=1.5kB", "status=404 path=<*> took=<*> bytes=<*>"),
    ("Process finished with exit code -1", "Process finished with exit code -1"),
    ("java.lang.OutOfMemoryError: Java heap space", "java.lang.OutOfMemoryError: Java heap space"),
    (
        r#"Exception in thread "http-nio-8080-exec-3" java.lang.NullPointerException: Cannot invoke "String.length()""#,
        "Exception in thread <*> java.lang.NullPointerException: Cannot invoke <*>",
    ),
    (
        r#"Traceback: File "/srv/app/main.py", line 17, in handler"#,
        "Traceback: File <*>, line <*>, in handler",
    ),
    ("KeyError: 'user_id'", "KeyError: <*>"),
    ("[Errno 13] Permission denied: '/var/log/app.log'", "[Errno 13] Permission denied: <*>"),
    ("ORA-12541: TNS:no listener", "ORA-12541: TNS:no listener"),
    (
        "MySQL error 1213: Deadlock found when trying to get lock; try restarting transaction",
        "MySQL error 1213: Deadlock found when trying to get lock; try restarting transaction",
    ),
    (
        "Pod web-5d4f8c7b9-k2x8z in namespace shop was OOMKilled (exit code 137)",
        "Pod <*> in namespace shop was OOMKilled (exit code 137)",
    ),
    (
        "lease 0192f3a1-7b2c-7def-8a90-1234567890ab expired at 2026-11-21T10:47:20.123456Z",
        "lease <*> expired at <*>",
    ),
    (
        "cert SHA1 AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD expired Nov 21 10:47:20 2026 GMT",
        "cert SHA1 <*> expired <*>",
    ),
    (r#"ETag "33a64df5" mismatch for s3://bucket/key/17.bin"#, "ETag <*> mismatch for <*>"),
    ("object 507f1f77bcf86cd799439011 not found in shard 12", "object <*> not found in shard <*>"),
    ("build b2ff753 of v1.2.3-rc1 is older than 1.3.0", "build <*> of <*> is older than <*>"),
    ("cannot resolve ip-10-0-3-17.ec2.internal: NXDOMAIN", "cannot resolve <*>: NXDOMAIN"),
    ("bind [::]:8080: address in use", "bind [::]:<*>: address in use"),
    ("no route to fe80::1%eth0 from 2001:db8::17/64", "no route to <*> from <*>"),
    (
        "mail to jo.doe+x@example.com bounced: 550 5.1.1 unknown user",
        "mail to <*> bounced: <*> unknown user",
    ),
    (r#"unknown fields "a", "b" and 'c'"#, "unknown fields <*> and <*>"),
    ("could not parse “12,5” as a number", "could not parse <*> as a number"),
    (
        "utf8mb4 collation differs from x86_64 build of sha256 for http2",
        "utf8mb4 collation differs from x86_64 build of sha256 for http2",
    ),
    ("temperature -5.5 is below -3", "temperature <*> is below <*>"),
    ("ids 4, 8, 15, 16, 23, 42 are gone", "ids <*> are gone"),
    (r#"cannot write C:\Program\app\17.log to \\nas\share"#, "cannot write <*> to <*>"),
    (
        "~/.config/app.toml is not readable, don't run as root",
        "<*> is not readable, don't run as root",
    ),
    ("$1.50 is 95% of the 3rd price", "<*> is <*> of the <*> price"),
    ("Größe 17 überschritten für Nutzer „x“", "Größe <*> überschritten für Nutzer <*>"),
    ("注文 17 が見つかりません", "注文 <*> が見つかりません"),
    (
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJVadQssw5c rejected",
        "token <*> rejected",
    ),
    ("charge pi_3MtwBwLkdIwHu7ix28a3tqPC of cus_NffrFeUfNV2Hib failed", "charge <*> of <*> failed"),
    ("cannot load profile: <error>", "cannot load profile: <error>"),
    ("worker-3: job_17 #99 retried (attempt 3 of 5)", "<*>: <*> retried (attempt <*> of <*>)"),
    ("0x7ffd1234abcd: invalid page state 0xdead", "<*>: invalid page state <*>"),
    ("HRESULT 0x80070005: access denied", "HRESULT 0x80070005: access denied"),
    ("allocation of 1.5 MiB failed after 250 ms", "allocation of <*> failed after <*>"),
    ("screen 1920x1080, 5xx answers, 64bit, 3DES", "screen <*> answers, <*>"),
    (
        "std::f64::consts::PI is not a::b or face::b64",
        "std::f64::consts::PI is not a::b or face::b64",
    ),
    (
        r#"10.0.0.1 - - [21/Nov/2026:10:47:20 +0000] "GET /x" failed"#,
        r#"<*> - - [<*>] "GET <*>" failed"#,
    ),
    (
        "Sat, 21 Nov 2026 10:47:20 +0000 and 2026-11-21 10:47:20,123 and 20261121T104720Z",
        "<*> and <*>",
    ),
    ("either/or, I/O, n/a, 5/10", "either/or, I/O, n/a, <*>"),
];

#[test]
fn real_messages_have_the_expected_templates() {
    for (message, expected) in TABLE {
        assert_eq!(template(message), *expected, "the message was {message:?}");
        assert_eq!(
            template(expected),
            *expected,
            "the template of {message:?} is not its own template"
        );
    }
}
