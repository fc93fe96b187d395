//! What happened before: the last lesser events of a scope, kept for its next record.

use std::cell::RefCell;
use std::collections::VecDeque;

use ticket_core::Breadcrumb;
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
    fn push(&mut self, layer: u64, crumb: Breadcrumb, max: usize) {
        let index = self.0.iter().position(|(of, _)| *of == layer).unwrap_or_else(|| {
            if self.0.len() == LAYERS {
                self.0.pop_front();
            }
            self.0.push_back((layer, VecDeque::new()));
            self.0.len() - 1
        });
        let trail = &mut self.0[index].1;
        if trail.len() >= max {
            trail.pop_front();
        }
        trail.push_back(crumb);
    }

    fn take(&mut self, layer: u64) -> Vec<Breadcrumb> {
        let trail = self.0.iter_mut().find(|(of, _)| *of == layer);
        // The room stays for the next ones.
        trail.map(|(_, trail)| trail.drain(..).collect()).unwrap_or_default()
    }
}

/// Keeps a breadcrumb in the scope of the outermost span, or of the thread if there is none.
pub(crate) fn push<S>(root: Option<&SpanRef<'_, S>>, layer: u64, crumb: Breadcrumb, max: usize)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if max == 0 {
        return;
    }
    let Some(root) = root else {
        // Nothing, if the thread is just ending.
        let _ = THREAD.try_with(|trails| trails.borrow_mut().push(layer, crumb, max));
        return;
    };
    let mut extensions = root.extensions_mut();
    if let Some(trails) = extensions.get_mut::<Trails>() {
        trails.push(layer, crumb, max);
    } else {
        let mut trails = Trails::default();
        trails.push(layer, crumb, max);
        extensions.insert(trails);
    }
}

/// Takes the breadcrumbs of a scope, the oldest first: each goes with one record.
pub(crate) fn take<S>(root: Option<&SpanRef<'_, S>>, layer: u64) -> Vec<Breadcrumb>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    match root {
        None => THREAD.try_with(|trails| trails.borrow_mut().take(layer)).unwrap_or_default(),
        Some(root) => {
            let mut extensions = root.extensions_mut();
            extensions.get_mut::<Trails>().map(|trails| trails.take(layer)).unwrap_or_default()
        }
    }
}
