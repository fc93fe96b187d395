//! Backtraces that were captured when a record was emitted, and that the worker resolves.
//!
//! What was captured are addresses, which mean nothing to another process. So they wait here and not in the spool.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;
use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::record::Frame;
use ticket_core::{Location, OccurrenceId, Record, SmolStr};

use crate::panics;
use crate::shared::Shared;
use crate::sync::{Instant, Mutex, MutexGuard};

/// How many backtraces wait for the worker.
const WAITING: usize = 1_024;
/// How long the worker resolves the backtraces of one batch.
const PATIENCE: Duration = Duration::from_secs(1);
/// For how many places in the source the function is remembered.
const PLACES: usize = 4_096;

/// Resolves a backtrace within the time that it is given.
pub(crate) type Resolve = Box<dyn FnOnce(Duration) -> Vec<Frame> + Send>;

/// The backtraces that wait for the worker.
#[derive(Default)]
pub(crate) struct Traces {
    /// Ordered by id, which also orders them by time.
    waiting: Mutex<BTreeMap<OccurrenceId, Resolve>>,
}

impl Traces {
    /// Adds the backtrace of a record that is about to be pushed to the spool.
    ///
    /// Beyond the limit the oldest is forgotten: its record may have been dropped long ago, which nobody reports.
    pub(crate) fn add(&self, id: OccurrenceId, resolve: Resolve) {
        let mut waiting = self.lock();
        let forgotten = if waiting.len() >= WAITING { waiting.pop_first() } else { None };
        waiting.insert(id, resolve);
        drop(waiting);
        drop(forgotten);
    }

    /// Takes the backtraces of these occurrences. The list is empty if none waits at all.
    fn take(&self, occurrences: &[NewOccurrence]) -> Vec<Option<Resolve>> {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            return Vec::new();
        }
        occurrences.iter().map(|occurrence| waiting.remove(&occurrence.record().id)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OccurrenceId, Resolve>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Completes records by their backtraces.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    /// The functions by file and line. Without them only the traced records of a ticket would have one, and the
    /// ticket's own would come and go.
    functions: HashMap<(SmolStr, u32), SmolStr>,
}

impl Completion {
    /// Adds the backtraces of a batch and, `with_function`, the functions that they name. The tickets stay.
    pub(crate) fn complete(
        &mut self,
        shared: &Shared,
        occurrences: Vec<NewOccurrence>,
        with_function: bool,
    ) -> Vec<NewOccurrence> {
        let mut resolves = shared.traces.take(&occurrences);
        resolves.resize_with(occurrences.len(), || None);
        let start = Instant::now();
        let complete = |(occurrence, resolve): (NewOccurrence, Option<Resolve>)| {
            let frames = resolve.and_then(|resolve| {
                let left = PATIENCE.saturating_sub(start.elapsed());
                panics::catch(|| resolve(left)).ok().filter(|frames| !frames.is_empty())
            });
            let function =
                with_function.then(|| self.function(occurrence.record(), frames.as_deref()));
            let function = function.flatten();
            if frames.is_none() && function.is_none() {
                return occurrence;
            }
            let (fingerprint, repeats) = (occurrence.fingerprint().clone(), occurrence.repeats());
            let mut record = occurrence.into_occurrence().record;
            if let Some(frames) = frames {
                record.backtrace = frames;
            }
            if function.is_some() {
                record.location.function = function;
            }
            record.prepare(shared.pipeline.options().redaction());
            NewOccurrence::from_normalized(record, fingerprint).with_repeats(repeats)
        };
        occurrences.into_iter().zip(resolves).map(complete).collect()
    }

    /// Returns the function of a record that has none: from the frames that were captured for it, from the backtrace that
    /// it came with, or as it is remembered from another record of the same place.
    fn function(&mut self, record: &Record, captured: Option<&[Frame]>) -> Option<SmolStr> {
        let location = &record.location;
        if location.function.is_some() {
            return None;
        }
        let place = || location.file.clone().zip(location.line);
        let own = match captured {
            Some(frames) => frames.iter().find(|frame| is_of(frame, location)),
            // It may be from elsewhere, for instance from where the record's error arose.
            None => record.backtrace.iter().find(|frame| is_at(frame, location)),
        };
        if let Some(own) = own {
            let function = shown(&own.function, location.module.as_deref())?;
            if let Some(place) = place() {
                if self.functions.len() >= PLACES {
                    self.functions.clear();
                }
                self.functions.insert(place, function.clone());
            }
            return Some(function);
        }
        if let Some(known) = place().and_then(|place| self.functions.get(&place)) {
            return Some(known.clone());
        }
        // The application's function that called a dependency which logged. It is not remembered, because the next
        // caller may be another one.
        captured?.iter().find(|frame| frame.in_app).and_then(|frame| shown(&frame.function, None))
    }
}

/// Returns `true` if a frame is in the module of a location or, where the debug information does not tell the module, at
/// its line.
fn is_of(frame: &Frame, location: &Location) -> bool {
    // Such as `<shop::pay::Card as core::fmt::Debug>::fmt`.
    let name = frame.function.trim_start_matches(['<', '&']);
    let rest = location.module.as_deref().and_then(|module| name.strip_prefix(module));
    rest.is_some_and(|rest| rest.starts_with("::")) || is_at(frame, location)
}

/// Returns `true` if a frame is at the file and line of a location.
fn is_at(frame: &Frame, location: &Location) -> bool {
    match (&frame.file, &location.file) {
        // The compiler is told a relative path, and the debug information has an absolute one.
        (Some(file), Some(of)) => frame.line == location.line && file.ends_with(of.as_str()),
        _ => false,
    }
}

/// Returns the name of a function without its closures: an `async fn` is a closure in itself.
///
/// Line tables alone have a function that was inlined as `charge<u32>`, without its module, and a closure or an `async fn`
/// as `{async_fn#0}`, of which nobody knows whose it is.
fn shown(function: &SmolStr, module: Option<&str>) -> Option<SmolStr> {
    let mut name = function.as_str();
    while let Some(outer) = name.strip_suffix("::{{closure}}") {
        name = outer;
    }
    let bare = name.split_once('<').map_or(name, |(bare, _)| bare);
    match module {
        _ if bare.starts_with('{') => None,
        Some(module) if !bare.is_empty() && !bare.contains("::") => {
            Some(format!("{module}::{bare}").into())
        }
        _ if name.len() == function.len() => Some(function.clone()),
        _ => Some(name.into()),
    }
}

#[cfg(test)]
mod tests {
    use ticket_core::Level;
    use ticket_direct::HandlerOptions;

    use super::*;
    use crate::spool::Spool;
    use crate::storm::Storm;

    fn shared() -> Shared {
        let options = HandlerOptions::new("app");
        Shared::new(options, Spool::in_memory(1), Duration::from_secs(1), Storm::new(1, 1))
    }

    fn frame(function: &str, in_app: bool) -> Frame {
        let mut frame = Frame::new(function);
        frame.in_app = in_app;
        frame
    }

    fn record(line: u32) -> NewOccurrence {
        let location =
            Location::new().with_file("src/pay.rs").with_line(line).with_module("shop::pay");
        let record = Record::new(Level::Error, "shop", "refused").with_location(location);
        HandlerOptions::new("app").prepare(record).unwrap()
    }

    fn completed(
        completion: &mut Completion,
        shared: &Shared,
        occurrence: NewOccurrence,
        frames: Option<Vec<Frame>>,
        with_function: bool,
    ) -> Record {
        if let Some(frames) = frames {
            shared.traces.add(occurrence.record().id, Box::new(|_| frames));
        }
        let ticket = occurrence.fingerprint().clone();
        let mut all = completion.complete(shared, vec![occurrence], with_function);
        let completed = all.remove(0);
        assert_eq!(*completed.fingerprint(), ticket, "the ticket stays");
        completed.into_occurrence().record
    }

    #[test]
    fn a_place_has_its_function_with_and_without_a_backtrace() {
        let (shared, mut completion) = (shared(), Completion::default());
        let mut run =
            |line, frames| completed(&mut completion, &shared, record(line), frames, true);
        let frames = || {
            Some(vec![
                frame("log::log", false),
                frame("shop::payment::refund", true),
                frame("shop::pay::charge::{{closure}}::{{closure}}", true),
                frame("shop::main", true),
            ])
        };
        assert_eq!(run(7, None).location.function, None);
        let traced = run(7, frames());
        assert_eq!(traced.location.function.as_deref(), Some("shop::pay::charge"));
        assert_eq!(traced.backtrace.len(), 4);
        let untraced = run(7, None);
        assert_eq!(untraced.location.function.as_deref(), Some("shop::pay::charge"));
        assert!(untraced.backtrace.is_empty());
        assert_eq!(run(8, None).location.function, None);
        // Without a frame of the module it is the application's innermost one, and of this record alone.
        let foreign = run(9, Some(vec![frame("hyper::run", false), frame("shop::main", true)]));
        assert_eq!(foreign.location.function.as_deref(), Some("shop::main"));
        assert_eq!(run(9, None).location.function, None);
    }

    #[test]
    fn without_its_module_a_function_is_found_by_its_line() {
        let (shared, mut completion) = (shared(), Completion::default());
        let mut run = |function: &str, line| {
            let mut inlined = frame(function, true);
            inlined.file = Some("/home/ann/shop/src/pay.rs".into());
            inlined.line = Some(line);
            let frames = vec![frame("{closure#0}", false), inlined, frame("shop::pay::all", true)];
            completed(&mut completion, &shared, record(line), Some(frames), true).location.function
        };
        assert_eq!(run("charge<u32>", 7).as_deref(), Some("shop::pay::charge"));
        // It is some `async fn`, and surely not its caller.
        assert_eq!(run("{async_fn#0}<u32>", 8), None);
    }

    #[test]
    fn the_backtrace_of_a_panic_names_its_function_and_that_of_an_error_does_not() {
        let (shared, mut completion) = (shared(), Completion::default());
        let prepare = |record: &Record| HandlerOptions::new("app").prepare(record.clone()).unwrap();
        let mut with_error = record(8).into_occurrence().record;
        with_error.backtrace = vec![frame("shop::pay::connect", true)];
        with_error.backtrace[0].file = Some("/home/ann/shop/src/pay.rs".into());
        with_error.backtrace[0].line = Some(7);
        let error = completed(&mut completion, &shared, prepare(&with_error), None, true);
        assert_eq!(
            (error.location.function, error.backtrace),
            (None, with_error.backtrace.clone())
        );

        let mut panic = Record::new(Level::Critical, "panic", "no such order");
        panic.location = Location::new().with_file("src/pay.rs").with_line(7);
        panic.backtrace = with_error.backtrace;
        let panic = completed(&mut completion, &shared, prepare(&panic), None, true);
        assert_eq!(panic.location.function.as_deref(), Some("shop::pay::connect"));
    }

    #[test]
    fn a_function_is_left_out_where_it_would_decide_the_ticket_anew() {
        let (shared, mut completion) = (shared(), Completion::default());
        let frames = vec![frame("shop::pay::charge", true)];
        let record = completed(&mut completion, &shared, record(7), Some(frames), false);
        assert_eq!((record.location.function, record.backtrace.len()), (None, 1));
    }

    #[test]
    fn a_known_function_stays_and_a_panic_costs_the_backtrace_alone() {
        let (shared, mut completion) = (shared(), Completion::default());
        let mut known = record(7).into_occurrence().record;
        known.location.function = Some("mine".into());
        let known = HandlerOptions::new("app").prepare(known).unwrap();
        let frames = vec![frame("shop::pay::charge", true)];
        let record_of = completed(&mut completion, &shared, known, Some(frames), true);
        assert_eq!(record_of.location.function.as_deref(), Some("mine"));

        let occurrence = record(8);
        shared.traces.add(occurrence.record().id, Box::new(|_| panic!("as the test asked")));
        let completed = completion.complete(&shared, vec![occurrence.clone()], true);
        assert_eq!(completed, [occurrence]);
    }

    #[test]
    fn the_texts_of_frames_are_redacted_and_a_batch_has_a_second() {
        let (shared, mut completion) = (shared(), Completion::default());
        let secret = Some(vec![frame("get::<token=abc>", false)]);
        let record_of = completed(&mut completion, &shared, record(7), secret, true);
        assert!(!record_of.backtrace[0].function.contains("abc"), "{record_of:?}");

        let (one, two) = (record(1), record(2));
        let slow = |left: Duration| {
            assert!(left > PATIENCE / 2);
            std::thread::sleep(left);
            Vec::new()
        };
        shared.traces.add(one.record().id, Box::new(slow));
        shared.traces.add(
            two.record().id,
            Box::new(|left| {
                vec![if left.is_zero() { Frame::new("in time") } else { Frame::new("late") }]
            }),
        );
        let all = completion.complete(&shared, vec![one, two], true);
        assert_eq!(all[1].record().backtrace[0].function, "in time");
    }

    #[test]
    fn the_oldest_backtraces_are_forgotten() {
        let shared = shared();
        let all: Vec<_> = (0..=WAITING).map(|_| record(7)).collect();
        for occurrence in &all {
            shared.traces.add(occurrence.record().id, Box::new(|_| Vec::new()));
        }
        let taken = shared.traces.take(&all);
        assert_eq!(taken.iter().filter(|resolve| resolve.is_some()).count(), WAITING);
        assert!(shared.traces.take(&all).is_empty());
    }
}
