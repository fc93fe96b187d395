//! What happened before: the last lesser events of a scope, kept for its next record.

use std::cell::RefCell;
use std::collections::VecDeque;

use ticket_core::record::Breadcrumb;
use tracing::Subscriber;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// How many layers may keep breadcrumbs on one thread, outside of all spans, at the same time. A
/// program has one; tests have many, one after the other.
const LAYERS: usize = 8;

/// The trails of one scope: one for each layer, by its number.
#[derive(Debug, Default)]
struct Trails(VecDeque<(u64, VecDeque<Breadcrumb>)>);

thread_local! {
    /// The scope of what happens outside of all spans.
    static THREAD: RefCell<Trails> = const { RefCell::new(Trails(VecDeque::new())) };
}

impl Trails {
    fn of(&mut self, layer: u64) -> &mut VecDeque<Breadcrumb> {
        let index = self.0.iter().position(|(of, _)| *of == layer).unwrap_or_else(|| {
            if self.0.len() == LAYERS {
                self.0.pop_front();
            }
            self.0.push_back((layer, VecDeque::new()));
            self.0.len() - 1
        });
        &mut self.0[index].1
    }
}

/// Keeps a breadcrumb in the scope of the outermost span, or of the thread if there is none.
pub(crate) fn push<S>(root: Option<&SpanRef<'_, S>>, layer: u64, crumb: Breadcrumb, max: usize)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    trail(root, layer, max, |trail| {
        if trail.len() >= max {
            trail.pop_front();
        }
        trail.push_back(crumb);
    });
}

/// Takes the breadcrumbs of a scope, the oldest first, as each goes with one record; and keeps the first of the next ones.
pub(crate) fn replace<S>(
    root: Option<&SpanRef<'_, S>>,
    layer: u64,
    crumb: Breadcrumb,
    max: usize,
) -> Vec<Breadcrumb>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    trail(root, layer, max, |trail| {
        // The room stays for the next ones.
        let all = trail.drain(..).collect();
        trail.push_back(crumb);
        all
    })
}

/// Calls `with` with the trail of a scope, if there is to be one.
fn trail<S, T: Default>(
    root: Option<&SpanRef<'_, S>>,
    layer: u64,
    max: usize,
    with: impl FnOnce(&mut VecDeque<Breadcrumb>) -> T,
) -> T
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if max == 0 {
        return T::default();
    }
    let Some(root) = root else {
        // Nothing, if the thread is just ending.
        return THREAD.try_with(|trails| with(trails.borrow_mut().of(layer))).unwrap_or_default();
    };
    let mut extensions = root.extensions_mut();
    if let Some(trails) = extensions.get_mut::<Trails>() {
        return with(trails.of(layer));
    }
    let mut trails = Trails::default();
    let result = with(trails.of(layer));
    extensions.insert(trails);
    result
}
