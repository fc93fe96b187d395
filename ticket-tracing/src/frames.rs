//! The backtrace of a panic, as structured frames.

use std::env;
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Instant;

use backtrace::Symbol;
use ticket_core::limits;
use ticket_core::record::Frame;

use crate::inside::become_panic_thread;

/// How many frames are captured: those that are stored, and the panic's own machinery.
const CAPTURED: usize = limits::FRAMES + 32;

/// Captures the frames of this thread as addresses, which is fast; the innermost first.
pub(crate) fn capture() -> Vec<backtrace::Frame> {
    let mut frames = Vec::with_capacity(64);
    backtrace::trace(|frame| {
        frames.push(frame.clone());
        frames.len() < CAPTURED
    });
    frames
}

/// Resolves captured frames to names and places, as far as that succeeds by the deadline. The panic's own machinery and
/// the start of the thread are left out.
///
/// The first frame has all debug information of the program read, which takes seconds in a large program whose
/// dependencies are not optimised. That cannot be interrupted, so a thread of its own does it, and is left behind at
/// the deadline: a record without frames is worth more than none.
pub(crate) fn resolve(captured: Vec<backtrace::Frame>, deadline: Instant) -> Vec<Frame> {
    trim(collect(deadline, move |sender| {
        for frame in &captured {
            let mut frames = Vec::new();
            backtrace::resolve_frame(frame, |symbol| frames.extend(of_symbol(symbol)));
            if sender.send(frames).is_err() {
                return;
            }
        }
    }))
}

/// Runs a function on a thread of its own, and returns what it has sent by the deadline.
fn collect<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce(&mpsc::Sender<Vec<T>>) + Send + 'static,
) -> Vec<T> {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new().name("ticket-frames".to_owned());
    let work = move || {
        become_panic_thread();
        work(&sender);
    };
    if thread.spawn(work).is_err() {
        return Vec::new();
    }
    let mut all = Vec::new();
    while let Ok(some) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        all.extend(some);
    }
    all
}

fn of_symbol(symbol: &Symbol) -> Option<Frame> {
    // The alternate form omits the hash, which differs from build to build.
    let mut frame = Frame::new(format!("{:#}", symbol.name()?));
    frame.file = symbol.filename().map(|file| file.to_string_lossy().into());
    frame.line = symbol.lineno();
    frame.in_app = is_in_app(&frame.function, frame.file.as_deref());
    Some(frame)
}

/// Returns `true` for the application's own code, which is neither in the standard library nor in a dependency. If the file
/// is unknown, as in a program without debug information, only the crate with the program's name counts as its own.
pub(crate) fn is_in_app(function: &str, file: Option<&str>) -> bool {
    const LIBRARIES: [&str; 3] = ["std::", "core::", "alloc::"];
    const FOLDERS: [&str; 6] = [
        "/rustc/",
        "/registry/src/",
        "/git/checkouts/",
        "/library/std/",
        "/library/core/",
        "/library/alloc/",
    ];
    let name = function.trim_start_matches(['<', '&']);
    let Some(file) = file else { return is_of(name, PROGRAM.as_deref()) };
    let file = file.replace('\\', "/");
    !LIBRARIES.iter().any(|library| name.starts_with(library))
        && !FOLDERS.iter().any(|folder| file.contains(folder))
}

/// The crate of this program, by the name of its file.
static PROGRAM: LazyLock<Option<String>> =
    LazyLock::new(|| Some(env::current_exe().ok()?.file_stem()?.to_str()?.replace('-', "_")));

fn is_of(name: &str, program: Option<&str>) -> bool {
    name.split_once("::").is_some_and(|(of, _)| Some(of) == program)
}

/// Keeps the frames between the panic and the start of the thread.
fn trim(mut frames: Vec<Frame>) -> Vec<Frame> {
    if let Some(end) =
        frames.iter().position(|frame| frame.function.contains("__rust_begin_short_backtrace"))
    {
        frames.truncate(end);
    }
    let begins = |frame: &Frame| {
        let name = &frame.function;
        name.contains("rust_begin_unwind") || name.starts_with("std::panicking::begin_panic")
    };
    if let Some(start) = frames.iter().rposition(begins) {
        let machinery = |frame: &&Frame| {
            let name = &frame.function;
            begins(frame)
                || name.starts_with("core::panicking::")
                || name.starts_with("core::")
                    && (name.ends_with("unwrap_failed") || name.ends_with("expect_failed"))
        };
        let count = frames[start..].iter().take_while(machinery).count();
        frames.drain(..start + count);
    }
    frames.truncate(limits::FRAMES);
    frames
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_the_applications_own_code_is_in_app() {
        for (function, file, expected) in [
            ("shop::pay", Some("src/pay.rs"), true),
            ("shop::pay", Some("/home/ann/shop/src/pay.rs"), true),
            ("shop::pay", Some("C:\\shop\\src\\pay.rs"), true),
            ("<shop::Pay as core::fmt::Debug>::fmt", Some("src/pay.rs"), true),
            ("<core::option::Option<T> as core::fmt::Debug>::fmt", Some("src/pay.rs"), false),
            (
                "core::ops::function::FnOnce::call_once",
                Some("/rustc/1/library/core/src/ops.rs"),
                false,
            ),
            (
                "hyper::run",
                Some("/home/ann/.cargo/registry/src/index-1/hyper-1.0.0/src/run.rs"),
                false,
            ),
            ("hyper::run", Some("C:\\c\\registry\\src\\index-1\\hyper-1.0.0\\src\\run.rs"), false),
            ("main", None, false),
        ] {
            assert_eq!(is_in_app(function, file), expected, "{function} {file:?}");
        }
    }

    #[test]
    fn without_files_the_crate_with_the_programs_name_is_in_app() {
        assert!(is_of("shop::pay", Some("shop")));
        for name in ["shopping::pay", "shop", "main", "std::shop::pay", ""] {
            assert!(!is_of(name, Some("shop")), "{name}");
        }
        assert!(!is_of("shop::pay", None));
        // The test program is named after the crate, with a hash of cargo's behind it.
        let program = PROGRAM.as_deref().unwrap();
        assert!(program.starts_with(env!("CARGO_CRATE_NAME")), "{program}");
        assert!(is_in_app(&format!("<{program}::Pay as core::fmt::Debug>::fmt"), None));
    }

    #[test]
    fn the_machinery_of_a_panic_is_left_out() {
        let frames =
            |names: &[&str]| names.iter().map(|name| Frame::new(*name)).collect::<Vec<_>>();
        let trimmed = trim(frames(&[
            "ticket_tracing::panic::report",
            "std::panicking::panic_with_hook",
            "std::sys::backtrace::__rust_end_short_backtrace",
            "__rustc::rust_begin_unwind",
            "core::panicking::panic_fmt",
            "core::result::unwrap_failed",
            "core::result::Result<T,E>::unwrap",
            "shop::pay",
            "std::panicking::catch_unwind",
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "main",
        ]));
        let names: Vec<_> = trimmed.iter().map(|frame| frame.function.as_str()).collect();
        assert_eq!(
            names,
            ["core::result::Result<T,E>::unwrap", "shop::pay", "std::panicking::catch_unwind"]
        );
        assert_eq!(trim(frames(&["a", "b"])).len(), 2);
    }

    #[test]
    fn frames_are_resolved_to_names_and_places() {
        let captured = capture();
        assert!(!captured.is_empty());
        let frames = resolve(captured, Instant::now() + Duration::from_secs(60));
        let own =
            frames.iter().find(|frame| frame.function.contains("frames_are_resolved_to_names"));
        assert!(own.is_some_and(|frame| frame.in_app && frame.line.is_some()), "{frames:?}");
    }

    #[test]
    fn a_frame_that_takes_too_long_costs_neither_the_record_nor_the_frames_before_it() {
        let (stop, stopped) = mpsc::channel::<()>();
        let start = Instant::now();
        let sent = collect(start + Duration::from_millis(200), move |sender| {
            sender.send(vec![1, 2]).unwrap();
            let _ = stopped.recv();
        });
        assert_eq!(sent, [1, 2]);
        assert!(start.elapsed() >= Duration::from_millis(200));
        drop(stop);
    }
}
