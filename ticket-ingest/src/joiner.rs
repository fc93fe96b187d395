//! [`Joiner`]: which lines of a log form one record.

use ticket_core::Timestamp;

use crate::draft::Draft;
use crate::entry::{Entry, Item, Malformed};
use crate::format::{self, Format, Parsed};
use crate::head::{self, Head};
use crate::level::Numbers;
use crate::lines::{Line, MAX_LINE};
use crate::peel::{self, Origin};
use crate::plain::{self, Lines};
use crate::position::Mark;
use crate::trace;

/// The number of lines, and of bytes, of a JSON object that is written over many lines.
const OBJECT_LINES: usize = 10_000;
const OBJECT_BYTES: usize = 1024 * 1024;

/// Joins the lines of one log.
#[derive(Debug)]
pub(crate) struct Joiner {
    format: Format,
    /// The record that waits for more lines.
    open: Option<Open>,
    /// The lines of the last record that was flushed. A line that comes late still belongs to it.
    late: Option<(Origin, Lines, Mark)>,
    /// A text that a container runtime has cut into several lines, up to now.
    part: Option<Bare>,
    /// The lines of a JSON object that is not complete yet.
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

/// A record that waits for more lines.
#[derive(Debug)]
struct Open {
    origin: Origin,
    lines: Lines,
    number: u64,
    offset: u64,
    line: String,
}

/// The lines of a JSON object that is written over many lines.
#[derive(Debug)]
struct Object {
    lines: Vec<Bare>,
    bytes: usize,
    /// The number of braces and brackets that are open.
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
            open: None,
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
    pub(crate) const fn has_pending(&self) -> bool {
        self.open.is_some() || self.part.is_some() || self.object.is_some()
    }

    /// Returns the beginning of the lines that wait.
    pub(crate) fn pending(&self) -> Option<Mark> {
        let (offset, number) = match (&self.open, &self.object, &self.part) {
            (Some(open), ..) => (open.offset, open.number),
            (None, Some(object), _) => {
                object.lines.first().map(|line| (line.offset, line.number))?
            }
            (None, None, Some(part)) => (part.offset, part.number),
            (None, None, None) => return None,
        };
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
                self.whole(part, out);
            }
        }
        if is_part {
            self.part = Some(bare);
        } else {
            self.whole(bare, out);
        }
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
        match format::parse(self.format, &bare.text, false) {
            Parsed::Draft(draft) => self.give(*draft, bare, None, out),
            Parsed::Malformed(reason) => out(malformed(&bare, reason)),
            Parsed::Text => {}
        }
    }

    /// Takes a whole line, which may be one of many of a JSON object.
    fn whole(&mut self, bare: Bare, out: &mut impl FnMut(Item)) {
        if let Some(mut object) = self.object.take() {
            let offset = bare.offset;
            match object.add(bare) {
                Step::Open => self.object = Some(object),
                Step::Complete => self.complete(object, offset, out),
                Step::Broken => self.replay(object, out),
            }
            return;
        }
        let is_after = self.is_after(&bare);
        let begins = matches!(self.format, Format::Auto | Format::Json)
            && format::begins_object(&bare.text, is_after);
        match begins.then(|| Object::begin(&bare)).flatten() {
            Some(object) => self.object = Some(object),
            None => self.line(bare, out),
        }
    }

    /// Returns `true` if a plain record of the same origin waits for more lines.
    fn is_after(&self, bare: &Bare) -> bool {
        self.open.as_ref().is_some_and(|open| open.origin.is_same(&bare.origin))
    }

    /// Gives the record of an object whose last line begins at `through`.
    fn complete(&mut self, object: Object, through: u64, out: &mut impl FnMut(Item)) {
        let text =
            object.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
        match format::parse(Format::Json, &text, false) {
            Parsed::Draft(draft) => {
                self.end_open(false, out);
                self.joined += object.lines.len() as u64 - 1;
                if let Some(first) = object.lines.into_iter().next() {
                    self.give(*draft, Bare { text, ..first }, Some(through), out);
                }
            }
            Parsed::Text | Parsed::Malformed(_) => self.replay(object, out),
        }
    }

    /// Reads the lines of what turned out to be no object, each on its own.
    fn replay(&mut self, object: Object, out: &mut impl FnMut(Item)) {
        let last = object.lines.len() - 1;
        for (index, bare) in object.lines.into_iter().enumerate() {
            // The last line may begin an object of its own.
            if index > 0 && index == last {
                self.whole(bare, out);
            } else {
                self.line(bare, out);
            }
        }
    }

    /// Takes a line that is not one of many of a JSON object.
    fn line(&mut self, bare: Bare, out: &mut impl FnMut(Item)) {
        if bare.text.trim().is_empty() {
            self.joined += 1;
            return;
        }
        let (first, rest) = bare.text.split_once('\n').unwrap_or((&bare.text, ""));
        let is_after = self.is_after(&bare);
        // An indented line belongs to the record before it whatever it looks like, such as a piece of JSON that a
        // message quotes, unless it has a time and a level.
        if plain::is_indented(first) {
            let head = head::read(first.trim_start());
            if !head.begins_record() && self.continues(first, rest, &head, &bare.origin) {
                self.joined += 1;
                return;
            }
        }
        match format::parse(self.format, &bare.text, is_after) {
            Parsed::Text => {
                let head = head::read(first.trim_start());
                if self.continues(first, rest, &head, &bare.origin) {
                    self.joined += 1;
                    return;
                }
                let mut lines = Lines::new(first, head, bare.origin.level);
                rest.lines().for_each(|line| lines.add(line));
                self.end_open(false, out);
                let Bare { number, offset, line, origin, .. } = bare;
                self.open = Some(Open { origin, lines, number, offset, line });
            }
            Parsed::Draft(draft) => {
                self.end_open(false, out);
                self.give(*draft, bare, None, out);
            }
            Parsed::Malformed(reason) => {
                self.end_open(false, out);
                out(malformed(&bare, reason));
            }
        }
    }

    /// Gives what waits for more lines at the end of the input.
    pub(crate) fn end(&mut self, is_incomplete: bool, out: &mut impl FnMut(Item)) {
        if let Some(part) = self.part.take() {
            self.whole(part, out);
        }
        while let Some(object) = self.object.take() {
            self.replay_whole(object, out);
        }
        // A record that was given already still waits for its lines.
        if self.open.is_some() || !is_incomplete {
            self.end_open(is_incomplete, out);
        }
    }

    fn replay_whole(&mut self, object: Object, out: &mut impl FnMut(Item)) {
        for bare in object.lines {
            self.line(bare, out);
        }
    }

    /// Gives the record that waits for more lines.
    fn end_open(&mut self, is_incomplete: bool, out: &mut impl FnMut(Item)) {
        self.late = None;
        let Some(Open { origin, lines, number, offset, line }) = self.open.take() else { return };
        if is_incomplete {
            let mark = Mark { offset, lines: number - 1, time: self.last_time };
            self.late = Some((origin.clone(), lines.clone(), mark));
        }
        let mut draft = lines.finish();
        origin.complete(&mut draft);
        out(self.entry(draft, number, offset, line, is_incomplete));
    }

    /// Gives lines to the record before them if they belong to it, and returns whether they do.
    fn continues(&mut self, first: &str, rest: &str, head: &Head<'_>, from: &Origin) -> bool {
        let (origin, lines) = match (&mut self.open, &mut self.late) {
            (Some(open), _) => (&open.origin, &mut open.lines),
            (None, Some((origin, late, _))) => (&*origin, late),
            (None, None) => return false,
        };
        let continues = origin.is_same(from) && lines.take(first, head);
        if continues {
            rest.lines().for_each(|line| lines.add(line));
        }
        continues
    }

    /// Gives the record of one line, or of an object of many.
    fn give(
        &mut self,
        mut draft: Draft,
        bare: Bare,
        through: Option<u64>,
        out: &mut impl FnMut(Item),
    ) {
        if self.format != Format::Panko {
            read_message(&mut draft);
            bare.origin.complete(&mut draft);
            if draft.record.message.is_empty() {
                draft.record.message = bare.text.trim().into();
            }
        }
        let entry = self.entry(draft, bare.number, bare.offset, bare.line, false);
        if let Some(through) = through
            && let Some((last, _)) = &mut self.given
        {
            *last = through;
        }
        out(entry);
    }

    fn entry(
        &mut self,
        draft: Draft,
        number: u64,
        offset: u64,
        text: String,
        incomplete: bool,
    ) -> Item {
        if let Some(number) = draft.number {
            self.numbers.note(number);
        }
        let level = draft.level(self.numbers.scale());
        let Draft { mut record, time, key, is_recognized, .. } = draft;
        let previous_time = self.last_time;
        record.level = level;
        if record.message.is_empty() {
            record.message = text.trim().into();
        }
        if let Some(time) = time.or(previous_time) {
            record = record.with_time(time);
        }
        self.last_time = time.or(previous_time);
        self.given = Some((offset, Mark { offset, lines: number - 1, time: previous_time }));
        Item::Entry(Box::new(Entry {
            record,
            time,
            previous_time,
            key,
            line: number,
            offset,
            text,
            incomplete,
            is_recognized,
        }))
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
            let mut lines = Lines::new(first, head, peeled.origin.level);
            rest.lines().for_each(|line| lines.add(line));
            let mut inner = lines.finish();
            peeled.origin.complete(&mut inner);
            draft.take_inner(inner);
            return;
        }
    }
    if draft.record.error.is_empty()
        && let Some((first, _)) = message.split_once('\n')
    {
        let trace = trace::read(&message);
        if !trace.is_empty() {
            trace.apply(draft);
            if trace::begins(first) {
                draft.record.message = Default::default();
                draft.message_from_error();
            } else {
                draft.record.message = first.trim_end().into();
            }
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
    /// Begins with a line that is no complete object. Returns `None` for a line that is one, or can be none.
    fn begin(bare: &Bare) -> Option<Self> {
        let depth = depth(&bare.text)?;
        let bytes = bare.text.len();
        (depth > 0 && bare.cut == 0).then(|| Self { lines: vec![bare.clone()], bytes, depth })
    }

    fn add(&mut self, bare: Bare) -> Step {
        let change = depth(&bare.text);
        self.bytes += bare.text.len();
        let is_same = self.lines[0].origin.is_same(&bare.origin);
        // Within an object that is written over many lines, only its end is not indented.
        let begins = bare.text.starts_with('{');
        let is_cut = bare.cut > 0;
        self.lines.push(bare);
        let Some(change) = change.filter(|_| is_same && !begins && !is_cut) else {
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

/// Returns by how much a line of JSON changes the depth. Returns `None` if it ends within a text, which no line of
/// JSON does.
fn depth(text: &str) -> Option<i64> {
    let (mut depth, mut is_quoted, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'{' | b'[' if !is_quoted => depth += 1,
            b'}' | b']' if !is_quoted => depth -= 1,
            _ => {}
        }
    }
    (!is_quoted).then_some(depth)
}
