use super::*;

fn types(trace: &Trace) -> Vec<&str> {
    trace.causes.iter().map(|cause| cause.type_name.as_deref().unwrap_or("-")).collect()
}

fn frames(trace: &Trace) -> Vec<String> {
    let show = |frame: &Frame| {
        let own = if frame.in_app { "*" } else { "" };
        let file = frame.file.as_deref().unwrap_or("-");
        format!("{own}{} {file}:{}", frame.function, frame.line.unwrap_or(0))
    };
    trace.frames.iter().map(show).collect()
}

#[test]
fn python_tracebacks() {
    let trace = read(
        "Traceback (most recent call last):\n  File \"/srv/app/db.py\", line 7, in load\n    return rows[0]\n           ~~~~^^^\nIndexError: list index out of range\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/usr/lib/python3.12/threading.py\", line 1, in run\n    go()\n  File \"/srv/app/main.py\", line 30, in main\n    load()\napp.errors.NoUser: user 7\nis gone\n",
    );
    assert_eq!(types(&trace), ["app.errors.NoUser", "IndexError"]);
    assert_eq!(trace.causes[0].message, "user 7\nis gone");
    assert_eq!(
        frames(&trace),
        ["*main /srv/app/main.py:30", "run /usr/lib/python3.12/threading.py:1"]
    );
}

#[test]
fn java_stack_traces() {
    let trace = read(
        "Exception in thread \"pool-1\" java.lang.IllegalStateException: no cart\n\tat com.shop.Cart.pay(Cart.java:12)\n\tat java.base/java.lang.Thread.run(Thread.java:829)\nCaused by: java.sql.SQLException: refused\n\tat com.shop.Db.open(Db.java:3)\n\t... 2 more\n",
    );
    assert_eq!(types(&trace), ["java.lang.IllegalStateException", "java.sql.SQLException"]);
    assert_eq!(trace.causes[1].message, "refused");
    assert_eq!(
        frames(&trace),
        ["*com.shop.Cart.pay Cart.java:12", "java.base/java.lang.Thread.run Thread.java:829"]
    );
    assert_eq!(trace.thread.as_deref(), Some("pool-1"));
}

#[test]
fn javascript_stacks() {
    let trace = read(
        "TypeError: cart is undefined\n    at pay (/srv/app/cart.js:3:14)\n    at /srv/app/index.js:9:1\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    );
    assert_eq!(types(&trace), ["TypeError"]);
    assert_eq!(
        frames(&trace),
        [
            "*pay /srv/app/cart.js:3",
            "* /srv/app/index.js:9",
            "process.processTicksAndRejections node:internal/process/task_queues:95"
        ]
    );
}

#[test]
fn rust_panics_before_and_since_1_73() {
    let trace = read(
        "thread 'worker' (4711) panicked at src/main.rs:4:5:\nindex out of bounds: the len is 3\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/abc/library/std/src/panicking.rs:697:5\n   1: shop::main\n             at ./src/main.rs:4:5\n",
    );
    assert_eq!(types(&trace), ["panic"]);
    assert_eq!(trace.causes[0].message, "index out of bounds: the len is 3");
    assert_eq!(trace.panicked_at, Some(("src/main.rs".into(), Some(4))));
    assert_eq!(
        frames(&trace),
        [
            "rust_begin_unwind /rustc/abc/library/std/src/panicking.rs:697",
            "*shop::main ./src/main.rs:4"
        ]
    );
    let trace = read("thread 'main' panicked at 'it's gone', src/lib.rs:9:1");
    assert_eq!(trace.causes[0].message, "it's gone");
    assert_eq!(trace.panicked_at, Some(("src/lib.rs".into(), Some(9))));
}

#[test]
fn rust_error_chain() {
    let trace = read(
        "Error: cannot start\n\nCaused by:\n    0: cannot read the config\n    1: No such file or directory (os error 2)\n",
    );
    assert_eq!(types(&trace), ["Error", "-", "-"]);
    assert_eq!(trace.causes[2].message, "No such file or directory (os error 2)");
}

#[test]
fn go_panics() {
    let trace = read(
        "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.pick(0x5, {0xc00, 0x3})\n\t/srv/app/main.go:8 +0x1d\nmain.main()\n\t/srv/app/main.go:14 +0x2a\nexit status 2\n",
    );
    assert_eq!(types(&trace), ["panic"]);
    assert_eq!(
        frames(&trace)[..2],
        ["*main.pick /srv/app/main.go:8", "*main.main /srv/app/main.go:14"]
    );
}

#[test]
fn ordinary_text_is_not_a_trace() {
    for text in
        ["", "connection refused", "error: x", "at noon", "HTTP: 500", "Done. Next", "  indented"]
    {
        let trace = read(text);
        assert!(trace.is_empty(), "{text:?} {trace:?}");
        assert!(!begins(text), "{text:?}");
    }
}

/// However long a message is, its mark says how much was cut.
#[test]
fn every_line_of_a_message_is_kept_until_it_is_cut_with_a_mark() {
    let lines = vec!["x".repeat(1_000); 40].join("\n");
    let python = format!("Traceback (most recent call last):\nValueError: first\n{lines}");
    let panic =
        format!("thread 'main' panicked at src/main.rs:4:5:\nfirst\n{lines}\nstack backtrace:\n");
    for text in [python, panic] {
        let trace = read(&text);
        assert_eq!(trace.causes.len(), 1);
        assert_eq!(trace.causes[0].message, format!("first\n{lines}"));
    }
}
