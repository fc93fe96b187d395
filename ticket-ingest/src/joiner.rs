//! [`Joiner`]: which lines of a log form one record.

use std::collections::VecDeque;
use std::mem;

use ticket_core::Timestamp;

use crate::draft::Draft;
use crate::entry::{Entry, Item, Malformed};
use crate::format::{self, Format, Open, Parsed};
use crate::head::{self, Head};
use crate::level::Numbers;
use crate::lines::{Line, MAX_LINE};
use crate::peel::{self, Origin};
use crate::plain::{self, Lines};
use crate::position::Mark;
use crate::trace;

/// The number of lines, and of bytes, of an object or a row that is written over many lines.
const OBJECT_LINES: usize = 10_000;
const OBJECT_BYTES: usize = 1024 * 1024;

/// The number of lines of others after which a record ends.
const ALTERNATING: u32 = 100;
/// The number of records that wait for one before them.
const WAITING: usize = 1_000;

/// Joins the lines of one log.
#[derive(Debug)]
pub(crate) struct Joiner {
    format: Format,
    /// The records that were begun and not given yet, in the order of their first lines. Lines of several containers
    /// or processes alternate, so a record may wait for its lines while those after it are complete. They are given in
    /// order, so that one position says how far the log was read.
    waiting: VecDeque<Waiting>,
    /// The lines of the last record that was flushed. A line that comes late still belongs to it.
    late: Option<(Origin, Lines, Mark)>,
    /// A text that a container runtime has cut into several lines, up to now.
    part: Option<Bare>,
    /// The lines of a JSON object or a row of CSV that is not complete yet.
    object: Option<Object>,
    /// The number of lines that are blank or belong to the record of another line.
    joined: u64,
    last_time: Option<Timestamp>,
    numbers: Numbers,
    /// The last line of the entry that was given last, and the beginning of the entry.
    given: Option<(u64, Mark)>,
}

/// A line without its wrappers.
#[derive(Clone, Debug)]
struct Bare {
    number: u64,
    offset: u64,
    /// The line as it was read.
    line: String,
    cut: u64,
    origin: Origin,
    text: String,
}

/// A record that waits for more lines, or for a record before it.
#[derive(Debug)]
struct Waiting {
    bare: Bare,
    state: State,
}

#[derive(Debug)]
enum State {
    /// More lines may follow. So many lines of others have come since the last one.
    Open(Box<Lines>, u32),
    /// No more lines follow.
    Ended(Box<Lines>),
    /// The record of an object, and the byte at which its last line begins.
    Complete(Box<Draft>, u64),
    /// The same of an object that holds several records, each with its text.
    Batch(Vec<(Draft, String)>, u64),
    Malformed(String),
}

/// The lines of a JSON object or a row of CSV that is written over many lines.
#[derive(Debug)]
struct Object {
    lines: Vec<Bare>,
    bytes: usize,
    kind: Open,
    /// The number of braces, brackets or quotes that are open.
    depth: i64,
}

/// What another line does to an [`Object`].
enum Step {
    Open,
    Complete,
    /// The lines are no object.
    Broken,
}

impl Joiner {
    pub(crate) fn new(format: Format, last_time: Option<Timestamp>) -> Self {
        Self {
            format,
            waiting: VecDeque::new(),
            late: None,
            part: None,
            object: None,
            joined: 0,
            last_time,
            numbers: Numbers::default(),
            given: None,
        }
    }

    /// Learns what the numbers of levels mean from the beginning of the log.
    pub(crate) fn learn(&mut self, sample: &[u8]) {
        format::note_numbers(&String::from_utf8_lossy(sample), &mut self.numbers);
    }

    pub(crate) const fn joined(&self) -> u64 {
        self.joined
    }

    pub(crate) const fn set_joined(&mut self, joined: u64) {
        self.joined = joined;
    }

    pub(crate) const fn last_time(&self) -> Option<Timestamp> {
        self.last_time
    }

    /// Returns `true` if a record waits for more lines.
    pub(crate) fn has_pending(&self) -> bool {
        !self.waiting.is_empty() || self.part.is_some() || self.object.is_some()
    }

    /// Returns the beginning of the lines that wait.
    pub(crate) fn pending(&self) -> Option<Mark> {
        let waiting = self.waiting.front().map(|waiting| &waiting.bare);
        let object = || self.object.as_ref().and_then(|object| object.lines.first());
        let Bare { offset, number, .. } = waiting.or_else(object).or(self.part.as_ref())?;
        let (offset, number) = (*offset, *number);
        Some(Mark { offset, lines: number - 1, time: self.last_time })
    }

    /// Returns the beginning of the record that was flushed and may still grow.
    pub(crate) fn late(&self) -> Option<Mark> {
        self.late.as_ref().map(|(.., mark)| *mark)
    }

    /// Returns the beginning of the last entry if the line at `offset` is its last one.
    pub(crate) fn given_through(&self, offset: u64) -> Option<Mark> {
        self.given.filter(|(through, _)| *through == offset).map(|(_, mark)| mark)
    }

    /// Takes a line and gives the items that are complete with it: the record before it, and itself.
    pub(crate) fn push(&mut self, line: Line, out: &mut impl FnMut(Item)) {
        let Line { number, offset, text, cut, .. } = line;
        if self.format == Format::Panko {
            self.push_panko(number, offset, text, cut, out);
            return;
        }
        let plain = head::without_colours(&text);
        let peeled = peel::peel(&plain);
        let (origin, inner, is_part) = (peeled.origin, peeled.text.into_owned(), peeled.is_part);
        let mut bare = Bare { number, offset, line: text, cut, origin, text: inner };
        if let Some(mut part) = self.part.take() {
            if part.origin.is_same(&bare.origin) && part.text.len() < MAX_LINE {
                part.text.push_str(&bare.text);
                part.cut += cut;
                self.joined += 1;
                bare = part;
            } else {
                self.whole(part);
            }
        }
        if is_part {
            self.part = Some(bare);
        } else {
            self.whole(bare);
        }
        self.release(out);
    }

    fn push_panko(
        &mut self,
        number: u64,
        offset: u64,
        line: String,
        cut: u64,
        out: &mut impl FnMut(Item),
    ) {
        if line.trim().is_empty() {
            self.joined += 1;
            return;
        }
        let origin = Origin::default();
        let text = line.clone();
        let bare = Bare { number, offset, line, cut, origin, text };
        let state = match format::parse(self.format, &bare.text, false) {
            Parsed::Draft(draft) => State::Complete(draft, offset),
            Parsed::Malformed(reason) => State::Malformed(reason),
            Parsed::Text | Parsed::Drafts(_) => return,
        };
        self.wait(bare, state);
        self.release(out);
    }

    /// Takes a whole line, which may be one of many of an object or a row.
    fn whole(&mut self, bare: Bare) {
        if let Some(object) = self.object.take_if(|object| object.kind.ends_before(&bare.text)) {
            self.complete(object, bare.offset);
        }
        if let Some(mut object) = self.object.take() {
            let offset = bare.offset;
            match object.add(bare) {
                Step::Open => self.object = Some(object),
                Step::Complete => self.complete(object, offset),
                Step::Broken => self.replay(object),
            }
            return;
        }
        let is_after = self.open_lines(&bare.origin).is_some();
        let opens = format::opens(self.format, &bare.text, is_after);
        match opens.and_then(|kind| Object::begin(&bare, kind)) {
            Some(object) => self.object = Some(object),
            None => self.line(bare),
        }
    }

    /// Returns the lines of the record of an origin that waits for more.
    fn open_lines(&mut self, origin: &Origin) -> Option<&mut Lines> {
        self.waiting.iter_mut().rev().find_map(|waiting| match &mut waiting.state {
            State::Open(lines, idle) if waiting.bare.origin.is_same(origin) => {
                *idle = 0;
                Some(&mut **lines)
            }
            _ => None,
        })
    }

    /// Takes the record of an object whose last line begins at `through`.
    fn complete(&mut self, object: Object, through: u64) {
        let lines = object.lines.iter().map(|line| line.line.as_str());
        if let Some(json) = object.kind.to_json(lines, object.depth) {
            self.wrapped(object, &json);
            return;
        }
        let text =
            object.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
        let state = match format::parse(self.format, &text, false) {
            Parsed::Draft(draft) => State::Complete(draft, through),
            Parsed::Drafts(drafts) => State::Batch(drafts, through),
            Parsed::Text | Parsed::Malformed(_) => {
                self.replay(object);
                return;
            }
        };
        self.joined += object.lines.len() as u64 - 1;
        if let Some(first) = object.lines.into_iter().next() {
            self.wait(Bare { text, ..first }, state);
        }
    }

    /// Takes an object that may be a wrapper of its message, as an entry of the journal is.
    fn wrapped(&mut self, object: Object, json: &str) {
        self.joined += object.lines.len() as u64 - 1;
        let peeled = peel::peel(json);
        let (origin, text) = (peeled.origin, peeled.text.into_owned());
        if let Some(first) = object.lines.into_iter().next() {
            self.line(Bare { origin, text, ..first });
        }
    }

    /// Reads the lines of what turned out to be no object, each on its own.
    fn replay(&mut self, mut object: Object) {
        let last = object.lines.pop();
        for bare in object.lines {
            self.line(bare);
        }
        // The last line may begin an object of its own.
        if let Some(last) = last {
            self.whole(last);
        }
    }

    /// Takes a line that is not one of many of an object or a row.
    fn line(&mut self, bare: Bare) {
        if bare.text.trim().is_empty() {
            self.joined += 1;
            return;
        }
        let (first, rest) = bare.text.split_once('\n').unwrap_or((&bare.text, ""));
        let is_after = self.open_lines(&bare.origin).is_some();
        // An indented line belongs to the record before it whatever it looks like, such as a piece of JSON that a
        // message quotes, unless it has a time and a level.
        if plain::is_indented(first) {
            let head = head::read(first.trim_start());
            if !head.begins_record() && self.continues(first, rest, &head, &bare.origin) {
                return;
            }
        }
        let state = match format::parse(self.format, &bare.text, is_after) {
            Parsed::Text => {
                let head = head::read(first.trim_start());
                if self.continues(first, rest, &head, &bare.origin) {
                    return;
                }
                let mut lines = Lines::new(first, head, &bare.origin);
                rest.lines().for_each(|line| lines.add(line));
                State::Open(Box::new(lines), 0)
            }
            Parsed::Draft(draft) => State::Complete(draft, bare.offset),
            Parsed::Drafts(drafts) => State::Batch(drafts, bare.offset),
            Parsed::Malformed(reason) => State::Malformed(reason),
        };
        self.wait(bare, state);
    }

    /// Gives lines to the record before them if they belong to it, and returns whether they do.
    fn continues(&mut self, first: &str, rest: &str, head: &Head<'_>, from: &Origin) -> bool {
        let mut late = self.late.take();
        let lines = match self.open_lines(from) {
            Some(lines) => Some(lines),
            None => {
                late.as_mut().filter(|(origin, ..)| origin.is_same(from)).map(|(_, lines, _)| lines)
            }
        };
        let continues = match lines {
            Some(lines) => {
                let continues = lines.take(first, head);
                if continues {
                    rest.lines().for_each(|line| lines.add(line));
                }
                continues
            }
            None => false,
        };
        self.late = late;
        self.joined += u64::from(continues);
        continues
    }

    /// Begins a record. The one before it of the same origin ends.
    fn wait(&mut self, bare: Bare, state: State) {
        self.late = None;
        for waiting in &mut self.waiting {
            let is_same = waiting.bare.origin.is_same(&bare.origin);
            if let State::Open(_, idle) = &mut waiting.state {
                *idle += 1;
                if is_same || *idle > ALTERNATING {
                    waiting.end();
                }
            }
        }
        self.waiting.push_back(Waiting { bare, state });
        if self.waiting.len() > WAITING
            && let Some(first) = self.waiting.front_mut()
        {
            first.end();
        }
    }

    /// Gives the records that wait for nothing any more.
    fn release(&mut self, out: &mut impl FnMut(Item)) {
        while let Some(Waiting { bare, state }) = self.waiting.pop_front() {
            match state {
                State::Open(..) => {
                    self.waiting.push_front(Waiting { bare, state });
                    return;
                }
                State::Ended(lines) => {
                    let through = bare.offset;
                    out(self.entry(lines.finish(), bare, through, false));
                }
                State::Complete(mut draft, through) => {
                    if self.format != Format::Panko {
                        read_message(&mut draft);
                    }
                    out(self.entry(*draft, bare, through, false));
                }
                State::Batch(drafts, through) => {
                    self.joined += u64::from(drafts.is_empty());
                    // The line itself may be long, and there is an entry for each of many records.
                    let bare = Bare { line: String::new(), text: String::new(), ..bare };
                    for (mut draft, line) in drafts {
                        read_message(&mut draft);
                        out(self.entry(draft, Bare { line, ..bare.clone() }, through, false));
                    }
                }
                State::Malformed(reason) => out(malformed(&bare, reason)),
            }
        }
    }

    /// Gives what waits for more lines at the end of the input. Of several records, the last one may be incomplete.
    pub(crate) fn end(&mut self, is_incomplete: bool, out: &mut impl FnMut(Item)) {
        if let Some(part) = self.part.take() {
            self.whole(part);
        }
        if let Some(object) = self.object.take() {
            let lines = object.lines.iter().map(|line| line.line.as_str());
            match object.kind.to_json(lines, object.depth) {
                Some(json) => self.wrapped(object, &json),
                None => object.lines.into_iter().for_each(|bare| self.line(bare)),
            }
        }
        let last = match self.waiting.pop_back() {
            Some(Waiting { bare, state: State::Open(lines, _) }) => Some((bare, lines)),
            Some(other) => {
                self.waiting.push_back(other);
                None
            }
            None => None,
        };
        self.waiting.iter_mut().for_each(Waiting::end);
        self.release(out);
        match last {
            Some((bare, lines)) => {
                let Bare { offset, number, .. } = bare;
                let mark = Mark { offset, lines: number - 1, time: self.last_time };
                self.late = is_incomplete.then(|| (bare.origin.clone(), (*lines).clone(), mark));
                out(self.entry(lines.finish(), bare, offset, is_incomplete));
            }
            // A record that was given already still waits for its lines.
            None if !is_incomplete => self.late = None,
            None => {}
        }
    }

    fn entry(&mut self, mut draft: Draft, bare: Bare, through: u64, incomplete: bool) -> Item {
        let Bare { number, offset, line, origin, text, .. } = bare;
        origin.complete(&mut draft);
        if let Some(number) = draft.number {
            self.numbers.note(number);
        }
        let level = draft.level(self.numbers.scale());
        let Draft { mut record, time, key, is_recognized, .. } = draft;
        let previous_time = self.last_time;
        record.level = level;
        trace::locate(&mut record);
        if record.message.is_empty() {
            let text = if text.trim().is_empty() { &line } else { &text };
            record.message = text.trim().into();
        }
        if let Some(time) = time.or(previous_time) {
            record = record.with_time(time);
        }
        self.last_time = time.or(previous_time);
        self.given = Some((through, Mark { offset, lines: number - 1, time: previous_time }));
        Item::Entry(Box::new(Entry {
            record,
            time,
            previous_time,
            key,
            line: number,
            offset,
            text: line,
            incomplete,
            is_recognized,
        }))
    }
}

impl Waiting {
    fn end(&mut self) {
        let state = mem::replace(&mut self.state, State::Malformed(String::new()));
        self.state = match state {
            State::Open(lines, _) => State::Ended(lines),
            other => other,
        };
    }
}

/// Reads the message of an object that does not state a level: it may be a line of a program that knows nothing of
/// the object. A trace in a message becomes the error of the record.
fn read_message(draft: &mut Draft) {
    let message = draft.record.message.clone();
    if draft.level.is_none() && draft.number.is_none() && draft.record.error.is_empty() {
        let plain = head::without_colours(&message);
        let peeled = peel::peel(&plain);
        let (first, rest) = peeled.text.split_once('\n').unwrap_or((&peeled.text, ""));
        let head = head::read(first.trim_start());
        let is_line = head.level.is_some() || peeled.origin.is_recognized();
        if is_line || trace::begins(first) {
            let mut lines = Lines::new(first, head, &peeled.origin);
            rest.lines().for_each(|line| lines.add(line));
            let mut inner = lines.finish();
            peeled.origin.complete(&mut inner);
            draft.take_inner(inner);
            return;
        }
    }
    if draft.record.error.is_empty() && message.contains('\n') {
        let mut trace = trace::read(&message);
        if !trace.is_empty() {
            draft.record.message = trace.message.take().unwrap_or_default();
            trace.apply(draft);
            draft.message_from_error();
            draft.keep("stack_trace", message);
        }
    }
}

fn malformed(bare: &Bare, reason: String) -> Item {
    // Of a line that was cut, what the parser says is about the cut.
    let reason =
        if bare.cut > 0 { format!("longer than {} MiB", MAX_LINE / (1024 * 1024)) } else { reason };
    Item::Malformed(Malformed { line: bare.number, offset: bare.offset, reason })
}

impl Object {
    /// Begins with a line that is incomplete. Returns `None` for a line that is complete, or can be no part of an object.
    fn begin(bare: &Bare, kind: Open) -> Option<Self> {
        let depth = kind.change(&bare.text, 0)?;
        let bytes = bare.text.len();
        (depth > 0 && bare.cut == 0).then(|| Self { lines: vec![bare.clone()], bytes, kind, depth })
    }

    fn add(&mut self, bare: Bare) -> Step {
        let change = self.kind.change(&bare.text, self.depth);
        self.bytes += bare.text.len();
        let is_same = self.lines[0].origin.is_same(&bare.origin);
        let is_cut = bare.cut > 0;
        self.lines.push(bare);
        let Some(change) = change.filter(|_| is_same && !is_cut) else {
            return Step::Broken;
        };
        self.depth += change;
        if self.depth < 0 || self.lines.len() > OBJECT_LINES || self.bytes > OBJECT_BYTES {
            Step::Broken
        } else if self.depth == 0 {
            Step::Complete
        } else {
            Step::Open
        }
    }
}
