//! Backtraces as structured frames: of panics, and of events.

use std::collections::HashMap;
use std::env;
use std::sync::mpsc::{self, Sender, SyncSender};
use std::sync::{LazyLock, OnceLock};
use std::thread;
use std::time::Instant;

use backtrace::Symbol;
use ticket_core::limits;
use ticket_core::record::Frame;

use crate::inside::become_panic_thread;

/// How many frames are captured: those that are stored, and the machinery of a panic or an event.
const CAPTURED: usize = limits::FRAMES + 32;
/// How many backtraces wait for a resolver. Its first one may take seconds.
const JOBS: usize = 16;
/// How many addresses a resolver remembers.
const KNOWN: usize = 16_384;

/// Captures the frames of this thread as addresses, which is fast; the innermost first.
pub(crate) fn capture() -> Vec<backtrace::Frame> {
    let mut frames = Vec::with_capacity(64);
    backtrace::trace(|frame| {
        frames.push(frame.clone());
        frames.len() < CAPTURED
    });
    frames
}

/// Resolves captured frames to names and places on a thread of its own, which starts with the first ones and ends
/// with this.
///
/// The first frame has all debug information of the program read, which takes seconds in a large program whose
/// dependencies are not optimised. That cannot be interrupted, so whoever waits goes on at a deadline: a record without
/// frames is worth more than none.
#[derive(Debug, Default)]
pub(crate) struct Resolver(OnceLock<Option<SyncSender<Job>>>);

type Job = Box<dyn FnOnce(&mut Known) + Send>;

/// The frames of each address so far: several where functions were inlined.
type Known = HashMap<usize, Vec<Frame>>;

impl Resolver {
    /// Resolves the frames between a panic and the start of its thread, as far as that succeeds by the deadline.
    pub(crate) fn resolve_panic(
        &self,
        captured: Vec<backtrace::Frame>,
        deadline: Instant,
    ) -> Vec<Frame> {
        trim(self.resolve(captured, deadline), after_panic)
    }

    /// Resolves the frames between an event and the start of its thread, as far as that succeeds by the deadline.
    pub(crate) fn resolve_event(
        &self,
        captured: Vec<backtrace::Frame>,
        deadline: Instant,
    ) -> Vec<Frame> {
        trim(self.resolve(captured, deadline), after_event)
    }

    fn resolve(&self, captured: Vec<backtrace::Frame>, deadline: Instant) -> Vec<Frame> {
        self.run(deadline, move |known, sender| {
            for frame in &captured {
                // Also if nobody waits any more: the next backtrace has many of the same frames.
                let _ = sender.send(frames_at(frame, known));
            }
        })
    }

    /// Runs a function on the thread, and returns what it has sent by the deadline.
    fn run(
        &self,
        deadline: Instant,
        work: impl FnOnce(&mut Known, &Sender<Vec<Frame>>) + Send + 'static,
    ) -> Vec<Frame> {
        let left = || deadline.saturating_duration_since(Instant::now());
        let (sender, receiver) = mpsc::channel();
        let Some(jobs) = self.0.get_or_init(start) else { return Vec::new() };
        if left().is_zero() || jobs.try_send(Box::new(move |known| work(known, &sender))).is_err() {
            return Vec::new();
        }
        let mut all = Vec::new();
        while let Ok(some) = receiver.recv_timeout(left()) {
            all.extend(some);
        }
        all
    }
}

fn start() -> Option<SyncSender<Job>> {
    let (sender, jobs) = mpsc::sync_channel::<Job>(JOBS);
    let work = move || {
        become_panic_thread();
        let mut known = Known::new();
        for job in jobs {
            job(&mut known);
        }
    };
    let thread = thread::Builder::new().name("ticket-frames".to_owned()).spawn(work);
    thread.is_ok().then_some(sender)
}

fn frames_at(frame: &backtrace::Frame, known: &mut Known) -> Vec<Frame> {
    let address = frame.ip() as usize;
    if let Some(frames) = known.get(&address) {
        return frames.clone();
    }
    let mut frames = Vec::new();
    backtrace::resolve_frame(frame, |symbol| frames.extend(of_symbol(symbol)));
    if known.len() >= KNOWN {
        known.clear();
    }
    known.insert(address, frames.clone());
    frames
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

/// Keeps the frames from an index on, up to the start of the thread.
pub(crate) fn trim(mut frames: Vec<Frame>, start: impl FnOnce(&[Frame]) -> usize) -> Vec<Frame> {
    if let Some(end) =
        frames.iter().position(|frame| frame.function.contains("__rust_begin_short_backtrace"))
    {
        frames.truncate(end);
    }
    frames.drain(..start(&frames));
    frames.truncate(limits::FRAMES);
    frames
}

/// Returns the index of the first frame behind a panic's own machinery.
fn after_panic(frames: &[Frame]) -> usize {
    let begins = |frame: &Frame| {
        let name = &frame.function;
        name.contains("rust_begin_unwind") || name.starts_with("std::panicking::begin_panic")
    };
    let Some(start) = frames.iter().rposition(begins) else {
        // The deadline passed among the frames of the hook, which tell nothing.
        return frames.iter().take_while(|frame| is_machinery(frame)).count();
    };
    let machinery = |frame: &&Frame| {
        let name = &frame.function;
        begins(frame)
            || name.starts_with("core::panicking::")
            || name.starts_with("core::")
                && (name.ends_with("unwrap_failed") || name.ends_with("expect_failed"))
    };
    start + frames[start..].iter().take_while(machinery).count()
}

/// Returns the index of the first frame behind the machinery of an event: the frame that logged.
fn after_event(frames: &[Frame]) -> usize {
    // Frames of other layers may lie between ours and the event's. Further out, `dispatch` belongs to another event.
    let start = frames.iter().position(dispatches).unwrap_or(0);
    start + frames[start..].iter().take_while(|frame| is_machinery(frame)).count()
}

/// Returns `true` for `Event::dispatch` and its siblings, even if they were inlined.
fn dispatches(frame: &Frame) -> bool {
    let is_closure = frame.function.contains("{closure") || frame.function.contains("{{closure}}");
    let is_named = frame.function.starts_with("tracing_core::event::Event::");
    let is_there = frame.file.as_ref().is_some_and(|file| {
        file.contains("tracing-core")
            && (file.ends_with("/event.rs") || file.ends_with("\\event.rs"))
    });
    !is_closure && (is_named || is_there)
}

/// Returns `true` for a function of the crates between an event's macro and the capture. An inlined function is known
/// only by its file.
fn is_machinery(frame: &Frame) -> bool {
    const NAMES: [&str; 10] = [
        "backtrace::",
        "ticket_tracing::",
        "ticket_handler::",
        "tracing_core::",
        "tracing_subscriber::",
        "tracing_log::",
        "log::",
        "std::",
        "core::",
        "alloc::",
    ];
    const FILES: [&str; 11] = [
        "/rustc/",
        "/backtrace-0.",
        "/ticket-tracing-",
        "/ticket-tracing/src/",
        "/ticket-handler-",
        "/ticket-handler/src/",
        "/tracing-0.",
        "/tracing-core-",
        "/tracing-subscriber-",
        "/tracing-log-",
        "/log-0.",
    ];
    let name = frame.function.trim_start_matches(['<', '&']);
    let file = || frame.file.as_ref().map(|file| file.replace('\\', "/")).unwrap_or_default();
    let is_of_file = |file: &str| FILES.iter().any(|of| file.contains(of));
    NAMES.iter().any(|of| name.starts_with(of))
        || name.starts_with("__rust_")
        || !name.contains("::") && is_of_file(&file())
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
        let panic = frames(&[
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
        ]);
        let trimmed = trim(panic, after_panic);
        let names: Vec<_> = trimmed.iter().map(|frame| frame.function.as_str()).collect();
        assert_eq!(
            names,
            ["core::result::Result<T,E>::unwrap", "shop::pay", "std::panicking::catch_unwind"]
        );
        assert_eq!(trim(frames(&["a", "b"]), after_panic).len(), 2);
        let cut_off =
            frames(&["backtrace::trace", "ticket_tracing::panic::report", "std::panicking::x"]);
        assert!(trim(cut_off, after_panic).is_empty());
    }

    #[test]
    fn the_machinery_of_an_event_is_left_out() {
        for (names, expected) in [
            (
                &[
                    "ticket_tracing::frames::capture",
                    "<ticket_tracing::layer::TicketLayer as tracing_subscriber::layer::Layer<S>>::on_event",
                    "<other::Layer as tracing_subscriber::layer::Layer<S>>::on_event",
                    "tracing_core::event::Event::dispatch::{{closure}}",
                    "std::thread::local::LocalKey<T>::try_with",
                    "tracing_core::event::Event::dispatch",
                    "shop::pay::{{closure}}",
                    "shop::pay",
                    "<tracing::instrument::Instrumented<T> as core::future::Future>::poll",
                    "tracing_core::event::Event::dispatch",
                    "shop::main",
                ][..],
                "shop::pay::{{closure}}",
            ),
            (
                &[
                    "ticket_tracing::frames::capture",
                    "tracing_core::event::Event::dispatch",
                    "tracing_log::dispatch_record",
                    "<tracing_log::log_tracer::LogTracer as log::Log>::log",
                    "log::__private_api::log",
                    "hyper::run",
                    "main",
                ],
                "hyper::run",
            ),
            // What was inlined has no frame without debug information.
            (
                &["ticket_tracing::frames::capture", "core::ops::call_once", "shop::pay"],
                "shop::pay",
            ),
            (&["shop::pay", "core::ops::call_once"], "shop::pay"),
        ] {
            let frames = names.iter().map(|name| Frame::new(*name)).collect();
            assert_eq!(trim(frames, after_event)[0].function, expected);
        }
        assert!(trim(Vec::new(), after_event).is_empty());

        // The debug information has inlined functions without their modules.
        let inlined = |name: &str, file: &str| {
            let mut frame = Frame::new(name);
            frame.file = Some(file.into());
            frame
        };
        let frames = vec![
            inlined("capture", "/c/registry/src/i-1/ticket-tracing-0.1.0/src/frames.rs"),
            inlined("dispatch", "/c/registry/src/i-1/tracing-core-0.1.36/src/event.rs"),
            inlined("{closure#0}", "/c/registry/src/i-1/tracing-0.1.44/src/macros.rs"),
            inlined("charge<u32>", "/home/ann/shop/src/pay.rs"),
            inlined("dispatch", "/c/registry/src/i-1/tracing-core-0.1.36/src/event.rs"),
        ];
        assert_eq!(trim(frames, after_event)[0].function, "charge<u32>");
    }

    #[test]
    fn frames_are_resolved_to_names_and_places() {
        let (captured, resolver) = (capture(), Resolver::default());
        assert!(!captured.is_empty());
        // The second time they are known.
        for _ in 0..2 {
            let deadline = Instant::now() + Duration::from_secs(60);
            let frames = resolver.resolve(captured.clone(), deadline);
            let own =
                frames.iter().find(|frame| frame.function.contains("frames_are_resolved_to_names"));
            assert!(own.is_some_and(|frame| frame.in_app && frame.line.is_some()), "{frames:?}");
        }
    }

    #[test]
    fn a_frame_that_takes_too_long_costs_neither_the_record_nor_the_frames_before_it() {
        let (stop, stopped) = mpsc::channel::<()>();
        let (start, resolver) = (Instant::now(), Resolver::default());
        let sent = resolver.run(start + Duration::from_millis(200), move |_, sender| {
            sender.send(vec![Frame::new("a"), Frame::new("b")]).unwrap();
            let _ = stopped.recv();
        });
        assert_eq!(sent.len(), 2);
        assert!(start.elapsed() >= Duration::from_millis(200));
        // Meanwhile the others wait no longer than they may, and none for ever.
        for _ in 0..2 * JOBS {
            assert!(
                resolver.resolve(capture(), Instant::now() + Duration::from_millis(1)).is_empty()
            );
        }
        drop(stop);
        let deadline = Instant::now() + Duration::from_secs(60);
        while resolver.resolve(capture(), deadline).is_empty() {
            assert!(Instant::now() < deadline, "the thread is gone");
        }
    }
}
