//! Breadcrumbs: the last minor events of a scope, kept for its next record.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ticket_core::record::Breadcrumb;
use ticket_core::{Level, Record};
use ticket_handler::{BackgroundHandler, RequestContext};
use tracing::Subscriber;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::visit::short;

/// How many producers may keep breadcrumbs outside all spans of a thread. A program has one; tests create many, one
/// after the other on the same thread.
const PRODUCERS: usize = 8;

/// The trails of one scope, one for each producer by its number.
#[derive(Debug, Default)]
struct Trails(VecDeque<(u64, VecDeque<Breadcrumb>)>);

thread_local! {
    /// The scope of events outside all spans.
    static THREAD: RefCell<Trails> = const { RefCell::new(Trails(VecDeque::new())) };
}

impl Trails {
    fn of(&mut self, producer: u64) -> &mut VecDeque<Breadcrumb> {
        let index = self.0.iter().position(|(of, _)| *of == producer).unwrap_or_else(|| {
            if self.0.len() == PRODUCERS {
                self.0.pop_front();
            }
            self.0.push_back((producer, VecDeque::new()));
            self.0.len() - 1
        });
        &mut self.0[index].1
    }
}

/// The breadcrumbs of a producer, which is a layer or a logger.
///
/// They belong to the current request; outside all requests to the outermost span; outside all spans to the
/// thread. Those of a request are in the request, and the others here.
#[derive(Debug)]
pub(crate) struct Breadcrumbs {
    /// Distinguishes the producers of the process.
    number: u64,
    /// The lowest level of events that are kept.
    pub(crate) level: Level,
    /// How many of the newest ones are kept.
    pub(crate) max: usize,
}

/// The breadcrumb of a record that is about to be emitted in a request.
type OfRecord = Option<(RequestContext, Breadcrumb)>;

impl Breadcrumbs {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self { number: NUMBER.fetch_add(1, Relaxed), level: Level::Info, max: 20 }
    }

    /// Returns the lowest level of events that are used at all by a producer for this handler.
    pub(crate) fn lowest_level(&self, handler: &BackgroundHandler) -> Level {
        let level = handler.options().level();
        if self.max == 0 { level } else { level.min(self.level) }
    }

    /// Adds a breadcrumb to its scope.
    pub(crate) fn push<S>(
        &self,
        handler: &BackgroundHandler,
        root: Option<&SpanRef<'_, S>>,
        crumb: Breadcrumb,
    ) where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if self.max == 0 {
            return;
        }
        if let Some(request) = RequestContext::current() {
            handler.add_breadcrumb(&request, crumb, self.max);
            return;
        }
        self.trail(root, |trail| {
            if trail.len() >= self.max {
                trail.pop_front();
            }
            trail.push_back(crumb);
        });
    }

    /// Moves the breadcrumbs of its scope into a record, because each belongs to one record only, and begins
    /// the next trail with a breadcrumb of the record.
    ///
    /// In a request the handler does the former when the record is emitted, so the latter has to wait: pass what
    /// this returns to [`leave`](Self::leave) afterwards.
    pub(crate) fn attach<S>(
        &self,
        handler: &BackgroundHandler,
        root: Option<&SpanRef<'_, S>>,
        record: &mut Record,
    ) -> OfRecord
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if self.max == 0 {
            return None;
        }
        let message = short(record.message.clone(), handler.options().redaction());
        let crumb = Breadcrumb::new(record.time, record.level, record.channel.clone(), message);
        if let Some(request) = RequestContext::current() {
            return Some((request, crumb));
        }
        record.breadcrumbs = self.trail(root, |trail| {
            // `drain` keeps the capacity for the next trail.
            let all = trail.drain(..).collect();
            trail.push_back(crumb);
            all
        });
        None
    }

    /// Adds the breadcrumb of a record that was emitted in a request.
    pub(crate) fn leave(&self, handler: &BackgroundHandler, of_record: OfRecord) {
        if let Some((request, crumb)) = of_record {
            handler.add_breadcrumb(&request, crumb, self.max);
        }
    }

    /// Calls `with` with the trail of a scope outside all requests.
    fn trail<S, T: Default>(
        &self,
        root: Option<&SpanRef<'_, S>>,
        with: impl FnOnce(&mut VecDeque<Breadcrumb>) -> T,
    ) -> T
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(root) = root else {
            // The thread-local is gone already while its thread ends.
            return THREAD
                .try_with(|trails| with(trails.borrow_mut().of(self.number)))
                .unwrap_or_default();
        };
        let mut extensions = root.extensions_mut();
        if let Some(trails) = extensions.get_mut::<Trails>() {
            return with(trails.of(self.number));
        }
        let mut trails = Trails::default();
        let result = with(trails.of(self.number));
        extensions.insert(trails);
        result
    }
}
