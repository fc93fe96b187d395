//! The panic hook.

use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ticket_core::{Level, Location, Record};
use ticket_handler::{BackgroundHandler, RequestContext, request};

use crate::frames::{self, Resolver};
use crate::inside::{Inside, become_panic_thread, is_panic_thread};
use crate::key;
use crate::origin::thread_name;

/// The longest time for which a panicking thread waits for its record.
const LONGEST: Duration = Duration::from_secs(2);

/// Installs a panic hook that records every panic and then calls the previous hook once.
///
/// | the record's … | is |
/// |---|---|
/// | level and channel | [`Critical`](Level::Critical), `panic` |
/// | message | the panic's message |
/// | `location` | the file and line of the panic |
/// | `backtrace` | the frames from the panic outwards, the application's own marked, independent of `RUST_BACKTRACE` |
/// | `thread`, `process` | as in other records |
/// | `request`, `breadcrumbs` | from the [current request](ticket_handler::RequestContext) of the panicking thread |
///
/// The record is made and emitted on a separate thread, so that neither a panicking filter nor a lock held by the
/// panicking thread can turn the panic into an abort or a deadlock. The panicking thread waits until the handler
/// has taken the record, as it does for any other record. The main thread, and every thread if panics abort, also waits
/// until the record is stored: the process may be about to end. Both waits together take two seconds at most.
/// No other thread waits for the store, so keep a [`guard`](BackgroundHandler::guard) in
/// `main`, or give the handler a [spool folder](ticket_handler::Builder::with_spool), which keeps the record whatever
/// happens to the process.
///
/// The handler's worker resolves the frames, within a second: in a large program without optimisation the first backtrace
/// can take longer, and its record then has fewer frames, or none.
///
/// Panics of the handler's own worker are not recorded but counted in its `stats()`. If the operating system cannot
/// start a thread, a panic is not recorded, and the previous hook is called all the same. Calling this
/// twice records each panic twice. The hook keeps the handler alive.
///
/// Called on a panicking thread, this does nothing.
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
    let resolver = Arc::<Resolver>::default();
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        report(&handler, &resolver, info);
        previous(info);
    }));
}

/// Reports a panic to the handler. This runs inside a hook, where a second panic aborts the process, so nothing
/// here may panic or call code of the application.
fn report(handler: &BackgroundHandler, resolver: &Arc<Resolver>, info: &PanicHookInfo<'_>) {
    let start = Instant::now();
    if ticket_handler::in_worker() || is_panic_thread() {
        return;
    }
    if let Some(request) = RequestContext::current() {
        // The record may be late, and the middleware of the request would make another one.
        request.note_recorded(Level::Critical);
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
    let (handler, resolver) = (handler.clone(), Arc::clone(resolver));
    let work = request::in_current_request(move || {
        become_panic_thread();
        let _inside = Inside::enter();
        let resolve = move |left: Duration| resolver.resolve_panic(captured, Instant::now() + left);
        // `None` in a storm: the panic is counted.
        if let Some(pending) = handler.begin(record.level, key::of_panic(&record)) {
            // The handler counts and reports what it could not take. Each record that is stored has its backtrace.
            let _ = pending.emit_traced(record, u32::MAX, || resolve);
        }
        if is_last {
            let _ = handler.blocking_flush(LONGEST.saturating_sub(start.elapsed()));
        }
        let _ = done.send(());
    });
    if thread::Builder::new().name("ticket-panic".to_owned()).spawn(work).is_ok() {
        let _ = waits.recv_timeout(LONGEST.saturating_sub(start.elapsed()));
    }
}

fn text(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
