//! [`ConsoleHandler`]: requests as trees in the terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ticket_core::Traits;

use super::millis;
use crate::event::{EventEnd, EventStart};
use crate::handler::{BoxError, EventHandler};
use crate::outcome::Outcome;
use crate::request::{RequestEnd, RequestStart};

/// How many characters of a value are shown.
const WIDTH: usize = 60;

/// Writes each request as a tree of its events, with durations, when the request ends.
///
/// ```text
/// request "Who works in Berlin?" done in 132.4 ms: 3 rows
/// ├─ similarity done in 2.1 ms fetcher=cities input=Berlin output=Berlin store=cities
/// └─ llm done in 120.8 ms input=Write a filter for: Who works in Berlin? kind=iql
///    └─ retry failed in 20.0 ms
///       connection refused
/// ```
///
/// Requests that run at the same time do not get mixed up. The outcomes are coloured if the output is a terminal and
/// the variable `NO_COLOR` is not set.
#[derive(Clone)]
pub struct ConsoleHandler {
    out: Arc<Mutex<dyn Write + Send>>,
    has_color: bool,
}

impl ConsoleHandler {
    /// Creates a handler that writes to standard error.
    #[must_use]
    pub fn new() -> Self {
        let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let has_color = is_wanted && io::stderr().is_terminal();
        Self::to_writer(io::stderr()).with_color(has_color)
    }

    /// Creates a handler that writes to something else, without colours.
    #[must_use]
    pub fn to_writer(out: impl Write + Send + 'static) -> Self {
        Self { out: Arc::new(Mutex::new(out)), has_color: false }
    }

    /// Sets whether outcomes are coloured.
    #[must_use]
    pub const fn with_color(mut self, has_color: bool) -> Self {
        self.has_color = has_color;
        self
    }

    /// Formats an end: the name, the outcome in its colour, and the duration.
    fn end(&self, name: &str, outcome: &Outcome, duration_ms: f64) -> String {
        let color = match outcome {
            Outcome::Done => "32",
            Outcome::Dropped => "33",
            Outcome::Failed(_) | Outcome::Panicked => "31",
        };
        let word = outcome.as_str();
        if self.has_color {
            format!("{name} \u{1b}[{color}m{word}\u{1b}[0m in {duration_ms:.1} ms")
        } else {
            format!("{name} {word} in {duration_ms:.1} ms")
        }
    }
}

/// Returns [`ConsoleHandler::new`].
impl Default for ConsoleHandler {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for ConsoleHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleHandler").field("has_color", &self.has_color).finish_non_exhaustive()
    }
}

/// Returns a text on one line, without control characters, which would reach the terminal.
fn shown(text: &str) -> String {
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().map(one_line).take(WIDTH).collect();
    if text.chars().nth(WIDTH).is_some() {
        shown.push('…');
    }
    shown
}

fn shown_traits(traits: &Traits) -> String {
    let mut text = String::new();
    for (name, value) in traits {
        let _ = write!(text, " {}={}", shown(name), shown(&value.to_string()));
    }
    text
}

/// The tree of a request, as far as it has grown.
#[derive(Debug)]
pub struct Tree {
    user_request: String,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    id: u64,
    parent: Option<u64>,
    /// The line of the event, and below it the lines of its errors; empty while it is open.
    lines: Vec<String>,
}

impl Tree {
    /// Writes the events that are nested in another one, or in none, and what is nested in them.
    fn write(&self, parent: Option<u64>, indent: &str, text: &mut String) {
        let children: Vec<_> = self.nodes.iter().filter(|node| node.parent == parent).collect();
        for (index, node) in children.iter().enumerate() {
            let is_last = index + 1 == children.len();
            let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let below = format!("{indent}{below}");
            for (index, line) in node.lines.iter().enumerate() {
                let start = if index == 0 { format!("{indent}{branch}") } else { below.clone() };
                let _ = writeln!(text, "{start}{line}");
            }
            self.write(Some(node.id), &below, text);
        }
    }
}

/// The event's context is the index of its node.
#[async_trait]
impl EventHandler for ConsoleHandler {
    type RequestContext = Tree;
    type EventContext = usize;

    async fn request_start(&self, start: &RequestStart) -> Result<Tree, BoxError> {
        Ok(Tree { user_request: shown(&start.user_request), nodes: Vec::new() })
    }

    async fn event_start(&self, start: &EventStart, tree: &mut Tree) -> Result<usize, BoxError> {
        tree.nodes.push(Node { id: start.id, parent: start.parent, lines: Vec::new() });
        Ok(tree.nodes.len() - 1)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        tree: &mut Tree,
        node: usize,
    ) -> Result<(), BoxError> {
        let name = shown(end.event.name());
        let line = self.end(&name, &end.outcome, millis(end.duration));
        let lines = &mut tree.nodes[node].lines;
        lines.push(line + &shown_traits(&end.event.traits()));
        lines.extend(end.outcome.errors().iter().map(|error| shown(&error.message)));
        Ok(())
    }

    async fn request_end(&self, end: &RequestEnd, tree: Tree) -> Result<(), BoxError> {
        let name = format!("request {:?}", tree.user_request);
        let mut text = self.end(&name, &end.outcome, millis(end.duration));
        if let Some(output) = &end.output {
            let _ = write!(text, ": {}", shown(&output.to_string()));
        }
        text.push('\n');
        for error in end.outcome.errors() {
            let _ = writeln!(text, "{}", shown(&error.message));
        }
        tree.write(None, "", &mut text);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }
}
