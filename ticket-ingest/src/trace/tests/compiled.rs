//! Java, .NET, Go and Rust.

use super::*;

#[test]
fn java_causes_and_suppressed_errors() {
    let trace = read(include_str!("java_suppressed.txt"));
    assert_eq!(
        errors(&trace),
        [
            "com.shop.Cart$NoCard: no card 1",
            "java.lang.NullPointerException: Cannot invoke \"Object.toString()\" because \"<local2>\" is null",
            "java.io.IOException: close failed",
        ]
    );
    assert_eq!(
        frames(&trace),
        [
            "*com.shop.Cart.db Cart.java:5",
            "*com.shop.Cart.pay Cart.java:6",
            "*com.shop.Cart.res Cart.java:7",
            "*com.shop.Cart.main Cart.java:10",
        ]
    );
    assert_eq!(trace.other, "");
}

#[test]
fn java_threads_and_modules() {
    let trace = read(include_str!("java_thread.txt"));
    assert_eq!(trace.thread.as_deref(), Some("pool-1-thread-2"));
    assert_eq!(trace.causes.len(), 2);
    assert_eq!(frames(&trace)[3], "java.lang.Thread.run Thread.java:840");
    let trace = read(
        "com.shop.NoCard: none\n\tat app//com.shop.Cart.pay(Cart.java:12) ~[shop.jar:1.0]\n\tat com.shop.Cart$$Lambda$14/0x0000000800c03000.run(Unknown Source)\n\tat jdk.internal.misc.Unsafe.park(Native Method)\n\t... 3 common frames omitted\n",
    );
    assert_eq!(own(&trace), ["com.shop.Cart.pay Cart.java:12"]);
    assert_eq!(frames(&trace).len(), 3);
}

#[test]
fn android_crashes() {
    let trace = read(
        "FATAL EXCEPTION: main\nProcess: com.shop, PID: 7\njava.lang.RuntimeException: x\n\tat com.shop.Main.onCreate(Main.kt:12)\n",
    );
    assert_eq!(
        (errors(&trace), own(&trace)),
        (
            vec!["java.lang.RuntimeException: x".into()],
            vec!["com.shop.Main.onCreate Main.kt:12".into()]
        )
    );
    assert_eq!(trace.thread.as_deref(), Some("main"));
}

#[test]
fn dotnet_inner_exceptions() {
    let trace = read(
        "Unhandled exception. System.InvalidOperationException: cannot pay\n ---> System.ArgumentNullException: Value cannot be null. (Parameter 'card')\n   at Shop.Db.Query(String sql, Int32[] ids) in /src/Db.cs:line 9\n   --- End of inner exception stack trace ---\n   at Shop.Cart.Pay(Int32 id) in C:\\src\\Cart.cs:line 12\n--- End of stack trace from previous location ---\n   at System.Threading.Tasks.Task.Wait()\n   at Shop.Program.Main()\n",
    );
    assert_eq!(
        errors(&trace),
        [
            "System.InvalidOperationException: cannot pay",
            "System.ArgumentNullException: Value cannot be null. (Parameter 'card')",
        ]
    );
    assert_eq!(
        frames(&trace),
        [
            "*Shop.Db.Query /src/Db.cs:9",
            "*Shop.Cart.Pay C:\\src\\Cart.cs:12",
            "System.Threading.Tasks.Task.Wait",
            "*Shop.Program.Main",
        ]
    );
}

#[test]
fn dotnet_framework_mono_and_groups() {
    let trace = read(
        "System.Exception: outer ---> System.IO.IOException: inner\n   at A.B.C(String x) in /d.cs:line 9\n",
    );
    assert_eq!(errors(&trace), ["System.Exception: outer", "System.IO.IOException: inner"]);
    assert_eq!(own(&trace), ["A.B.C /d.cs:9"]);
    let trace =
        read("System.Exception: x\n  at Shop.Cart.Pay (System.Int32 id) [0x0000a] in <3f2a>:0 \n");
    assert_eq!(own(&trace), ["Shop.Cart.Pay"]);
    let trace = read(
        "System.AggregateException: One or more errors occurred. (a) (b)\n ---> System.Exception: a\n   at A.B()\n   --- End of inner exception stack trace ---\n   at A.C()\n ---> (Inner Exception #0) System.Exception: a\n   at A.B()<---\n\n ---> (Inner Exception #1) System.Exception: b\n   at A.D()<---\n",
    );
    assert_eq!(errors(&trace).len(), 3, "{trace:?}");
    assert_eq!(own(&trace), ["A.B", "A.C"]);
}

#[test]
fn go_panics_with_many_goroutines() {
    let trace = read(include_str!("go_many.txt"));
    assert_eq!(errors(&trace), ["panic: runtime error: index out of range [9] with length 3"]);
    assert_eq!(
        frames(&trace),
        [
            "*main.(*Cart).pick /srv/shop/main.go:4",
            "*main.main.func4 /srv/shop/main.go:18",
            "*main.main /srv/shop/main.go:18",
        ]
    );
    assert_eq!(trace.other, "");
    assert_eq!(trace.level, Some(ticket_core::Level::Critical));
}

#[test]
fn go_panics_that_a_server_survives() {
    let text = include_str!("go_http.txt");
    let trace = read(text.split_once(" http: ").map_or("", |(_, text)| text));
    assert_eq!(trace.message.as_deref(), Some("panic serving 127.0.0.1:56118"));
    assert_eq!(errors(&trace), ["panic: runtime error: index out of range [7] with length 3"]);
    assert_eq!(own(&trace)[0], "main.(*Cart).pick /srv/shop/main.go:4");
}

#[test]
fn go_panics_again_and_with_values() {
    let trace = read(include_str!("go_re.txt"));
    assert_eq!(errors(&trace), ["panic: again first", "panic: first"]);
    let trace = read(include_str!("go_struct.txt"));
    assert_eq!(errors(&trace), ["main.E: (main.E) 0x898298"]);
    assert_eq!(own(&trace), ["main.main /srv/shop/main.go:12"]);
}

#[test]
fn go_stacks_of_loggers() {
    let trace = read(
        "cannot pay\ngithub.com/acme/shop.(*Cart).Pay\n\t/srv/shop/cart.go:8\nmain.main\n\t/srv/shop/main.go:14\nruntime.main\n\t/usr/local/go/src/runtime/proc.go:250\n",
    );
    assert_eq!(trace.message.as_deref(), Some("cannot pay"));
    assert_eq!(
        frames(&trace),
        [
            "*github.com/acme/shop.(*Cart).Pay /srv/shop/cart.go:8",
            "*main.main /srv/shop/main.go:14",
            "runtime.main /usr/local/go/src/runtime/proc.go:250",
        ]
    );
}

#[test]
fn rust_panics_before_and_since_1_73() {
    let trace = read(
        "thread 'worker' (4711) panicked at src/main.rs:4:5:\nindex out of bounds: the len is 3\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/abc/library/std/src/panicking.rs:697:5\n   1: shop::main::h0123456789abcdef\n             at ./src/main.rs:4:5\n",
    );
    assert_eq!(errors(&trace), ["panic: index out of bounds: the len is 3"]);
    assert_eq!(trace.raised_at, Some(("src/main.rs".into(), Some(4))));
    assert_eq!(trace.thread.as_deref(), Some("worker"));
    assert_eq!(
        frames(&trace),
        [
            "rust_begin_unwind /rustc/abc/library/std/src/panicking.rs:697",
            "*shop::main src/main.rs:4"
        ]
    );
    let trace = read("thread 'main' panicked at 'it's gone', src/lib.rs:9:1");
    assert_eq!(errors(&trace), ["panic: it's gone"]);
    assert_eq!(trace.raised_at, Some(("src/lib.rs".into(), Some(9))));
}

#[test]
fn rust_error_chains() {
    let trace = read(
        "Error: cannot start\n\nCaused by:\n    0: cannot read the config\n    1: No such file or directory (os error 2)\n\nStack backtrace:\n   0: anyhow::error::new\n   1: shop::start\n             at ./src/start.rs:7:3\n",
    );
    assert_eq!(
        errors(&trace),
        ["Error: cannot start", "cannot read the config", "No such file or directory (os error 2)"]
    );
    assert_eq!(own(&trace), ["shop::start src/start.rs:7"]);
    let trace = read("Error: x\n\nCaused by:\n    y\n\nLocation:\n    src/main.rs:10:5\n");
    assert_eq!(errors(&trace), ["Error: x", "y"]);
    assert_eq!(trace.raised_at, Some(("src/main.rs".into(), Some(10))));
}
