//! Panics and goroutines of Go, and the stacks of its loggers.

use ticket_core::record::{ErrorCause, Frame};

use super::collect::Owner;
use super::errors::{file_and_line, slashes};
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// After the text of a panic.
    Panic,
    /// In the frames of the goroutine that failed, which is printed first.
    Frames,
    /// In the frames of the other goroutines, which are only running.
    Others,
    /// In the frames of an access that races with another one.
    Race,
    /// In the frames of the other access, and of what has started both goroutines.
    OtherRace,
}

pub(super) const FRAMES: State = State::Frames;

/// Begins with a panic, which may stand behind other text, or with a goroutine.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<(State, usize)> {
    let text = line.text;
    if is_goroutine(text) {
        return Some((State::Frames, 0));
    }
    for (title, kind) in [("panic: ", "panic"), ("fatal error: ", "fatal error")] {
        if let Some(message) = text.strip_prefix(title) {
            out(Piece::Error(panic(kind, message), Link::First));
            return Some((State::Panic, 0));
        }
    }
    if text == "DATA RACE" {
        out(Piece::Error(ErrorCause::new(Some("DATA RACE".into()), ""), Link::First));
        return Some((State::Race, 0));
    }
    if text.starts_with("unexpected fault address ")
        || text.starts_with("runtime: goroutine stack ")
    {
        return Some((State::Panic, 0));
    }
    // http: panic serving 127.0.0.1:56118: runtime error: index out of range
    let at = text.find("panic serving ")?;
    let end = at + text[at..].find(": ")?;
    out(Piece::Error(panic("panic", &text[end + 2..]), Link::First));
    Some((State::Panic, end))
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |state| Some((state, Belongs::Surely));
        if matches!(self, Self::Race | Self::OtherRace) {
            return self.in_race(line, out).map(|state| (state, Belongs::Surely));
        }
        if is_goroutine(text) {
            return surely(if self == Self::Panic { Self::Frames } else { Self::Others });
        }
        if text.starts_with("exit status ") || text.starts_with("[signal SIG") {
            return surely(self);
        }
        if self == Self::Panic {
            // A panic while another one was handled, and the error behind what the runtime says first.
            for (title, kind) in [("panic: ", "panic"), ("fatal error: ", "fatal error")] {
                if let Some(message) = text.strip_prefix(title) {
                    let link = if line.is_indented() { Link::Effect } else { Link::First };
                    out(Piece::Error(panic(kind, message), link));
                    return surely(self);
                }
            }
            if text.starts_with("runtime stack:") || text.starts_with("PC=") {
                return surely(Self::Panic);
            }
            if is_place(Some(line)) || is_call(text) {
                return surely(self);
            }
            out(Piece::Perhaps(line.whole));
            return Some((self, Belongs::Perhaps));
        }
        if line.is_indented() {
            if !is_place(Some(line)) {
                return text
                    .starts_with("goroutine running on other thread")
                    .then_some((self, Belongs::Surely));
            }
            if self == Self::Frames {
                let (file, number) = file_and_line(text.split(" +0x").next().unwrap_or(text));
                out(Piece::Place(file, number));
            }
            return surely(self);
        }
        let function = match text.strip_prefix("created by ") {
            Some(function) => function.split(" in goroutine ").next().unwrap_or(function),
            None if is_call(text) => &text[..text.rfind('(').unwrap_or(text.len())],
            None if is_function(text) => text,
            None if text.starts_with("...additional frames")
                || text == "runtime stack:"
                || is_register(text) =>
            {
                return surely(self);
            }
            None => return None,
        };
        if self == Self::Frames {
            out(Piece::Frame(Frame::new(function)));
        }
        surely(self)
    }

    /// Reads a line of the report of a race: what each goroutine did, and where.
    fn in_race(self, line: Line<'_>, out: Out<'_>) -> Option<Self> {
        let text = line.text;
        if !line.is_indented() {
            let is_other = text.starts_with("Previous ") || text.ends_with(" created at:");
            let is_first = text.ends_with(':') && text.contains(" by ");
            let is_end = text.len() > 9 && text.bytes().all(|byte| byte == b'=');
            return match (is_other, is_first || is_end) {
                (true, _) => Some(Self::OtherRace),
                (false, true) => Some(self),
                (false, false) => None,
            };
        }
        if self == Self::Race && is_place(Some(line)) {
            let (file, number) = file_and_line(text.split(" +0x").next().unwrap_or(text));
            out(Piece::Place(file, number));
        } else if self == Self::Race && text.ends_with(')') {
            out(Piece::Frame(Frame::new(&text[..text.rfind('(').unwrap_or(text.len())])));
        }
        Some(self)
    }
}

/// Returns the error of a panic. A value that is no text is printed as its type and its address.
fn panic(kind: &str, message: &str) -> ErrorCause {
    let message = message.strip_suffix(" [recovered]").unwrap_or(message);
    match message.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((name, rest)) if rest.starts_with(' ') && name.contains('.') => {
            ErrorCause::new(Some(name.trim_start_matches('*').into()), message)
        }
        _ => ErrorCause::new(Some(kind.into()), message),
    }
}

/// Recognises `goroutine 1 [running]:`.
fn is_goroutine(text: &str) -> bool {
    text.strip_prefix("goroutine ").is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('[') && rest.ends_with("]:")
    })
}

/// Recognises `main.(*Cart).pay(0x5, {0xc00, 0x3})`.
fn is_call(text: &str) -> bool {
    let Some(open) = text.rfind('(').filter(|_| text.ends_with(')')) else { return false };
    text == "panic(...)" || text.starts_with("panic(") || is_function(&text[..open])
}

/// Recognises `github.com/acme/shop.(*Cart).pay`.
pub(super) fn is_function(text: &str) -> bool {
    let name = text.rsplit_once('/').map_or(text, |(_, name)| name);
    name.split_once('.')
        .is_some_and(|(package, function)| !package.is_empty() && !function.is_empty())
        && !text.contains(' ')
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_./()*-[]{}%,".contains(&byte)
        })
}

/// Recognises the place below a function: `\t/srv/app/main.go:8 +0x1d`.
pub(super) fn is_place(line: Option<Line<'_>>) -> bool {
    line.is_some_and(|line| {
        let place = line.text.split(" +0x").next().unwrap_or(line.text);
        let (file, number) = file_and_line(place);
        line.is_indented()
            && number.is_some()
            && file.is_some_and(|file| {
                [".go", ".s", "_cgo_gotypes.go", "<autogenerated>"]
                    .iter()
                    .any(|end| file.ends_with(end))
            })
    })
}

/// Recognises the line of a register: `rax    0x0`.
fn is_register(text: &str) -> bool {
    text.split_once(' ')
        .is_some_and(|(name, value)| name.len() <= 6 && value.trim_start().starts_with("0x"))
}

/// The first folders of Go's own packages.
const STANDARD: [&str; 45] = [
    "archive",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "panic",
    "path",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "vendor",
];

pub(super) fn owner(frame: &Frame) -> Owner {
    let first = frame.function.split(['/', '.']).next().unwrap_or_default();
    if STANDARD.contains(&first) {
        return Owner::Runtime;
    }
    let file = slashes(frame.file.as_deref().unwrap_or_default());
    if file.contains("/pkg/mod/") || file.contains("/vendor/") || file.contains("@v") {
        Owner::Library
    } else {
        Owner::Application
    }
}
