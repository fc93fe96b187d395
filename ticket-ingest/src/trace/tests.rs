//! Traces as the runtimes print them. The files are what the programs wrote.

use proptest::prelude::*;

use super::*;

/// Returns the errors, `type: text`.
fn errors(trace: &Trace) -> Vec<String> {
    let show = |cause: &ErrorCause| match &cause.type_name {
        Some(name) => format!("{name}: {}", cause.message),
        None => cause.message.to_string(),
    };
    trace.causes.iter().map(show).collect()
}

/// Returns the frames, those of the application with a star.
fn frames(trace: &Trace) -> Vec<String> {
    let show = |frame: &Frame| {
        let own = if frame.in_app { "*" } else { "" };
        match (&frame.file, frame.line) {
            (Some(file), Some(line)) => format!("{own}{} {file}:{line}", frame.function),
            (Some(file), None) => format!("{own}{} {file}", frame.function),
            (None, _) => format!("{own}{}", frame.function),
        }
    };
    trace.frames.iter().map(show).collect()
}

/// Returns the frames of the application.
fn own(trace: &Trace) -> Vec<String> {
    let frames = frames(trace).into_iter();
    frames.filter_map(|frame| frame.strip_prefix('*').map(str::to_owned)).collect()
}

mod compiled;
mod python;
mod scripts;

#[test]
fn ordinary_text_is_not_a_trace() {
    for text in [
        "",
        "connection refused",
        "error: x",
        "at noon",
        "HTTP: 500",
        "Done. Next",
        "  indented",
        "met at /srv/a.js",
        "see: http://a.b:80",
        "x (y)",
    ] {
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

/// A line that belongs to no trace is not lost.
#[test]
fn other_lines_are_kept_apart() {
    let trace = read(
        "cannot pay\ncom.shop.NoCard: none\n\tat com.shop.Cart.pay(Cart.java:12)\nGET /cart 200\n\tat com.shop.Main.main(Main.java:3)\n",
    );
    assert_eq!(trace.message.as_deref(), Some("cannot pay"));
    assert_eq!(errors(&trace), ["com.shop.NoCard: none"]);
    assert_eq!(own(&trace).len(), 2);
    assert_eq!(trace.other, "GET /cart 200");
}

#[test]
fn the_message_may_stand_in_the_line_of_the_error() {
    let trace = read("failed: Error: no card\n    at pay (/srv/cart.js:3:14)\n");
    assert_eq!(trace.message.as_deref(), Some("failed"));
    assert_eq!(errors(&trace), ["Error: no card"]);
    let trace = read("cannot pay\n    at pay (/srv/cart.js:3:14)\n");
    assert_eq!(trace.message.as_deref(), Some("cannot pay"));
    assert_eq!((errors(&trace).len(), frames(&trace)), (0, vec!["*pay /srv/cart.js:3".to_owned()]));
}

#[test]
fn where_no_frame_is_the_applications_the_libraries_are() {
    let trace = read(
        "java.io.IOException: reset\n\tat java.base/java.net.Socket.read(Socket.java:1)\n\tat org.apache.kafka.Selector.poll(Selector.java:2)\n",
    );
    assert_eq!(own(&trace), ["org.apache.kafka.Selector.poll Selector.java:2"]);
}

/// Lines of every language, from which the test below makes traces that nobody has thought of.
const LINES: [&str; 40] = [
    "Traceback (most recent call last):",
    "  File \"a.py\", line 1, in f",
    "  | KeyError: 'a'",
    "  +-+---- 1 ----",
    "During handling of the above exception, another exception occurred:",
    "ValueError: x",
    "  + Exception Group Traceback (most recent call last):",
    "Exception in thread \"a\" a.B: c",
    "\tat a.B.c(B.java:1)",
    "Caused by: a.B: c",
    "Caused by:",
    "\tSuppressed: a.B",
    "... 3 more",
    "/srv/a.js:1",
    "^",
    "    at f (/a.js:1:2) {",
    "  [cause]: Error: x",
    "  [errors]: [",
    "}",
    "f@https://a/b.js:1:2",
    "panic: x [recovered]",
    "goroutine 1 [running]:",
    "main.f(...)",
    "\t/srv/a.go:1 +0x1",
    "created by main.f in goroutine 1",
    "Unhandled exception. A.B: c ---> D.E: f",
    " ---> (Inner Exception #1) A.B: c",
    "   at A.B(C x) in /d.cs:line 9",
    "PHP Fatal error:  Uncaught A\\B: c in /a.php:3",
    "#0 /a.php(5): f()",
    "#1 {main}",
    "Next A: b in /a.php:1",
    "x {\"exception\":\"[object] (A(code: 0): é at /a.php:3)",
    "a.rb:3:in `f': x (A::B)",
    "\tfrom a.rb:3:in 'f'",
    "** (A) b",
    "    (a 1.0) a.ex:1: A.f/1",
    "thread 'é' panicked at a.rs:1:1:",
    "stack backtrace:",
    "   0: a::b::h0123456789abcdef",
];

proptest! {
    /// A trace may be cut, mixed and broken at will.
    #[test]
    fn no_parser_panics_or_loses_a_line(
        picks in proptest::collection::vec((0..LINES.len(), any::<Option<u8>>(), "[ -~é\\t]{0,6}"), 0..30),
    ) {
        let lines: Vec<String> = picks.into_iter().map(|(line, cut, more)| {
            let line = LINES[line];
            let at = cut.map_or(line.len(), |cut| usize::from(cut) % (line.len() + 1));
            let at = (0..=at).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
            format!("{}{more}", &line[..at])
        }).collect();
        let mut follower: Option<Follower> = None;
        for line in &lines {
            begins(line);
            match &mut follower {
                Some(follower) => {
                    follower.part(line, line.len() % 2 == 0);
                    follower.push(line);
                }
                None => follower = Some(Follower::new(line, None)),
            }
        }
        let trace = read(&lines.join("\n"));
        prop_assert!(trace.causes.len() <= ticket_core::limits::ERRORS);
        prop_assert!(trace.frames.len() <= ticket_core::limits::FRAMES);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        read(&text);
    }
}
