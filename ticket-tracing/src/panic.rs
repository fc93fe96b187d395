//! The panic hook.

use std::cell::Cell;
use std::panic::{self, PanicHookInfo};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ticket_core::{Level, Location, Record};
use ticket_handler::BackgroundHandler;

use crate::frames;
use crate::inside::Inside;
use crate::origin::thread_name;

/// How long a panic waits for its record at most.
const LONGEST: Duration = Duration::from_secs(2);
/// The part of that for names and places of the frames.
const RESOLVING: Duration = Duration::from_secs(1);

thread_local! {
    /// Whether this thread makes the record of a panic.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// Makes a record of every panic from now on, and then calls the hook that was there before, once.
///
/// | the record's … | is |
/// |---|---|
/// | level and channel | [`Critical`](Level::Critical), `panic` |
/// | message | the panic's text |
/// | `location` | file and line of the panic |
/// | `backtrace` | the frames from the panic outwards, the application's own marked, whatever `RUST_BACKTRACE` says |
/// | `thread`, `process` | as in other records |
///
/// The record is made and given to the handler on a thread of its own: neither a filter that panics nor a lock
/// that the panicking thread holds can turn the panic into an abort or a standstill. The panicking thread waits
/// for that, and, if it is the main thread, if panics abort, or if the store is there, for the record to be
/// stored too; for two seconds at most in all. Where a panic's end is the end of the process this is what saves
/// its record; with a spool folder it is saved as soon as it was taken.
///
/// Panics of the handler's own worker are no records; `stats()` counts them. A panic for which the operating
/// system has no thread is none either, and the previous hook is called all the same. Two calls make two
/// records of each panic. The hook holds the handler for as long as it is installed, so keep a
/// [`guard`](BackgroundHandler::guard) in `main` for what is waiting at the end.
///
/// On a thread that panics this does nothing.
///
/// ```
/// use ticket_memory::MemoryBackend;
/// use ticket_tracing::{BackgroundHandler, HandlerOptions, install_panic_hook};
///
/// # fn main() -> ticket_core::Result<()> {
/// let handler = BackgroundHandler::builder(HandlerOptions::new("shop")).backend(MemoryBackend::new())?;
/// let _guard = handler.guard();
/// install_panic_hook(&handler);
///
/// let thread = std::thread::spawn(|| panic!("no such order"));
/// assert!(thread.join().is_err());
/// handler.blocking_flush(std::time::Duration::from_secs(60))?;
/// assert_eq!(handler.stats().recorded, 1);
/// # Ok(())
/// # }
/// ```
pub fn install_panic_hook(handler: &BackgroundHandler) {
    if thread::panicking() {
        return;
    }
    let handler = handler.clone();
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        report(&handler, info);
        previous(info);
    }));
}

/// Gives the panic to the handler. Runs inside of a hook, where a panic aborts the process: no code of the
/// application's may run here, and nothing that can panic.
fn report(handler: &BackgroundHandler, info: &PanicHookInfo<'_>) {
    let start = Instant::now();
    // Also where thread-locals are gone already.
    if ticket_handler::in_worker() || AT_WORK.try_with(Cell::get).unwrap_or(false) {
        return;
    }
    let captured = frames::capture();
    let mut record = Record::new(Level::Critical, "panic", text(info));
    record.process = Some(std::process::id());
    record.thread = Some(thread_name());
    if let Some(place) = info.location() {
        record.location = Location::new().with_file(place.file()).with_line(place.line());
    }
    let is_last = cfg!(panic = "abort") || thread::current().name() == Some("main");

    let (done, waits) = mpsc::sync_channel(1);
    let handler = handler.clone();
    let work = move || {
        AT_WORK.set(true);
        let _inside = Inside::enter();
        record.backtrace = frames::resolve(&captured, start + RESOLVING);
        // The handler counts and reports what it could not take.
        let _ = handler.emit(record);
        if is_last || handler.stats().available {
            let _ = handler.blocking_flush(LONGEST.saturating_sub(start.elapsed()));
        }
        let _ = done.send(());
    };
    if thread::Builder::new().name("ticket-panic".to_owned()).spawn(work).is_ok() {
        let _ = waits.recv_timeout(LONGEST.saturating_sub(start.elapsed()));
    }
}

fn text(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}
