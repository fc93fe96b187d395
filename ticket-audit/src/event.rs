//! [`Event`], and what handlers get to see of one.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ticket_core::{SmolStr, Timestamp, Traits, Value};

use crate::outcome::Outcome;

/// Something that happens while a request is served, from a start to an end.
///
/// [`LlmEvent`](crate::LlmEvent), [`SimilarityEvent`](crate::SimilarityEvent) and
/// [`FallbackEvent`](crate::FallbackEvent) come with this crate. An application adds its own:
///
/// ```
/// use ticket_audit::Event;
/// use ticket_core::{Traits, Value};
///
/// #[derive(Clone, Debug)]
/// struct QueryEvent {
///     sql: String,
///     rows: Option<u64>,
/// }
///
/// impl Event for QueryEvent {
///     fn name(&self) -> &str {
///         "query"
///     }
///
///     fn attributes(&self) -> Traits {
///         self.rows.map(|rows| ("rows".into(), rows.into())).into_iter().collect()
///     }
///
///     fn input(&self) -> Option<Value> {
///         Some(self.sql.as_str().into())
///     }
/// }
/// ```
///
/// A handler that knows the type gets it with `event.downcast_ref::<QueryEvent>()`; one that does not still has the
/// event's name and values. The methods are called on the threads of handlers, never by the request.
pub trait Event: Any + fmt::Debug + Send + Sync {
    /// Returns the type of the event, in one word: `llm`, `query`.
    fn name(&self) -> &str;

    /// Returns what describes the event, without its input and output.
    fn attributes(&self) -> Traits;

    /// Returns what went in, such as the prompt. Handlers may be told to leave it out.
    fn input(&self) -> Option<Value> {
        None
    }

    /// Returns what came out, such as the response. Handlers may be told to leave it out.
    fn output(&self) -> Option<Value> {
        None
    }
}

impl dyn Event {
    /// Returns the event as its type, if it is of this type.
    #[must_use]
    pub fn downcast_ref<E: Event>(&self) -> Option<&E> {
        (self as &dyn Any).downcast_ref()
    }

    /// Returns all values of the event: its attributes, and its input and output under those names.
    #[must_use]
    pub fn traits(&self) -> Traits {
        let mut traits = self.attributes();
        for (name, value) in [("input", self.input()), ("output", self.output())] {
            if let Some(value) = value {
                traits.insert(SmolStr::new_static(name), value);
            }
        }
        traits
    }
}

/// An event that has started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventStart {
    /// The number of the event within its request.
    pub id: u64,
    /// The number of the event in which it is nested, if it was started by
    /// [`EventSpan::event`](crate::EventSpan::event).
    pub parent: Option<u64>,
    /// The time at which it started.
    pub time: Timestamp,
    /// The event as it was then.
    pub event: Arc<dyn Event>,
}

/// An event that has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventEnd {
    /// The number of the event within its request.
    pub id: u64,
    /// The event as it is now, with its response filled in.
    pub event: Arc<dyn Event>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub duration: Duration,
}
