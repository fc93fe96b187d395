//! [`Collector`]: from the pieces of a trace to its errors and frames.

use ticket_core::record::{ErrorCause, Frame};
use ticket_core::{SmolStr, limits};

use super::Trace;
use super::grammar::{Link, Piece, State};
use super::php;

/// The number of frames that are kept of an error while a trace is read. More of them mean an endless recursion.
const FRAMES: usize = 4 * limits::FRAMES;

/// Whose code a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Application,
    Library,
    /// The standard library or the interpreter.
    Runtime,
}

/// An error with its frames, in the order in which they were printed.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) cause: ErrorCause,
    pub(super) frames: Vec<Frame>,
    link: Link,
}

impl Section {
    fn new(cause: ErrorCause, link: Link) -> Self {
        Self { cause, frames: Vec::new(), link }
    }
}

#[derive(Debug, Default)]
pub(super) struct Collector {
    sections: Vec<Section>,
    /// Lines that continue the text of the last error if a frame follows.
    perhaps: Vec<String>,
    /// The number of blank lines since the last line of a text.
    blank: usize,
    thread: Option<SmolStr>,
    raised_at: Option<(SmolStr, Option<u32>)>,
    /// The lines that belong to no trace.
    pub(super) other: String,
}

impl Collector {
    pub(super) fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Error(cause, link) => {
                self.drop_perhaps();
                if self.sections.len() < limits::ERRORS {
                    self.sections.push(Section::new(cause, link));
                }
            }
            Piece::Name(cause) => {
                let last = &mut self.last().cause;
                if *last == ErrorCause::default() {
                    *last = cause;
                }
            }
            Piece::Frame(frame) => {
                for line in std::mem::take(&mut self.perhaps) {
                    self.text(&line);
                }
                let frames = &mut self.last().frames;
                if frames.len() < FRAMES {
                    frames.push(frame);
                }
            }
            Piece::Place(file, line) => {
                if let Some(frame) = self.last().frames.last_mut() {
                    (frame.file, frame.line) = (file, line);
                }
            }
            Piece::Text(text) => self.text(text),
            Piece::Perhaps(text) => self.perhaps.push(text.to_owned()),
            Piece::Thread(name) => self.thread = Some(name.into()),
            Piece::RaisedAt(file, line) => {
                self.raised_at = self.raised_at.take().or(file.map(|file| (file, line)));
            }
        }
        self.blank = 0;
    }

    pub(super) fn blank(&mut self) {
        self.blank += 1;
    }

    pub(super) fn other(&mut self, line: &str) {
        if !self.other.is_empty() {
            self.other.push('\n');
        }
        self.other.push_str(line);
    }

    fn last(&mut self) -> &mut Section {
        if self.sections.is_empty() {
            self.sections.push(Section::new(ErrorCause::default(), Link::First));
        }
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    fn text(&mut self, text: &str) {
        let blank = std::mem::take(&mut self.blank);
        let message = &mut self.last().cause.message;
        if !message.is_empty() {
            *message = format!("{message}{}{text}", "\n".repeat(blank + 1)).into();
        } else {
            *message = text.into();
        }
    }

    fn drop_perhaps(&mut self) {
        for line in std::mem::take(&mut self.perhaps) {
            self.other(&line);
        }
    }

    /// Returns what the trace says. `state` is the one after its last line.
    pub(super) fn finish(mut self, state: State) -> Trace {
        self.drop_perhaps();
        if matches!(state, State::Php(_)) {
            self.sections.iter_mut().for_each(php::settle);
        }
        if matches!(state, State::Python(_)) {
            // Python prints the innermost frame last.
            self.sections.iter_mut().for_each(|section| section.frames.reverse());
        }
        let order = Order::new(&self.sections);
        let mut frames: Vec<Frame> = Vec::new();
        for &index in order.stack.iter().rev() {
            // A cause and its effect share their outer frames.
            let known = frames.len();
            for frame in &self.sections[index].frames {
                if !frames[..known].contains(frame) {
                    frames.push(frame.clone());
                }
            }
        }
        mark(&mut frames, |frame| state.owner(frame));
        frames.truncate(limits::FRAMES);
        let causes =
            order.causes.iter().map(|&index| std::mem::take(&mut self.sections[index].cause));
        Trace {
            causes: causes.filter(|cause| *cause != ErrorCause::default()).collect(),
            frames,
            raised_at: self.raised_at,
            thread: self.thread,
            message: None,
            level: None,
            other: self.other,
        }
    }
}

/// Marks the frames of the application. If there is none, the libraries may be the application, as in the log of a
/// server that is published as a library.
fn mark(frames: &mut [Frame], owner: impl Fn(&Frame) -> Owner) {
    let owners: Vec<Owner> = frames.iter().map(owner).collect();
    let own =
        if owners.contains(&Owner::Application) { Owner::Application } else { Owner::Library };
    for (frame, owner) in frames.iter_mut().zip(owners) {
        frame.in_app = owner == own;
    }
}

/// The order of errors, which languages print differently.
#[derive(Default)]
struct Order {
    /// The error and its causes, the outermost first, and then the members of groups.
    causes: Vec<usize>,
    /// Those of them whose frames are one stack, the outermost first.
    stack: Vec<usize>,
}

impl Order {
    fn new(sections: &[Section]) -> Self {
        let mut order = Self::default();
        let mut parts = Vec::new();
        for (index, section) in sections.iter().enumerate() {
            match section.link {
                Link::First | Link::Cause => {
                    order.causes.push(index);
                    order.stack.push(index);
                }
                Link::Effect => {
                    order.causes.insert(0, index);
                    order.stack.insert(0, index);
                }
                Link::During => {
                    order.causes.insert(0, index);
                    order.stack = vec![index];
                }
                Link::Part => parts.push(index),
            }
        }
        order.causes.extend(parts);
        order
    }
}
