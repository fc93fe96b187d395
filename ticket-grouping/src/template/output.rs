//! [`Output`]: the template as far as it is written.

use std::ops::Range;

use super::mark::{DIGIT, JOINER, LENGTH, LETTER, MARK, is, trim_end};
use super::names;

/// The end of a template that was cut.
const CUT: &str = "…";

/// How many words are remembered. A repetition compares twice [`PERIOD`] of them.
const WORDS: usize = 16;

/// The longest group of words whose repetition is dropped.
const PERIOD: usize = 4;

/// For each arrangement of marks among the last words, the periods with which it repeats, one bit for each.
const PERIODS: [u8; 1 << (2 * PERIOD)] = {
    let mut periods = [0; 1 << (2 * PERIOD)];
    let mut marks = 0;
    while marks < periods.len() {
        let mut period = 1;
        while period <= PERIOD {
            let group = (1 << period) - 1;
            if marks & group != 0 && (marks ^ marks >> period) & group == 0 {
                periods[marks] |= 1 << period;
            }
            period += 1;
        }
        marks += 1;
    }
    periods
};

/// A word of the template: what stands between white space, brackets, commas and the like.
#[derive(Clone, Copy, Default)]
struct Word {
    start: usize,
    end: usize,
}

/// The template as far as it is written, with the positions that the next word needs to know.
///
/// ```text
/// cannot lock shard-<*>,
/// ^      ^    ^        ^safe: a cut here does not change how the text before it is read
/// |      |    |last word: if `shard-<*>` is next, it is dropped
/// ```
pub(super) struct Output {
    text: String,
    /// Whether white space was read since the last word. It is written only when something follows.
    gap: bool,
    /// The last words; the word number `n` is at `n % WORDS`.
    words: [Word; WORDS],
    count: usize,
    /// How many of the last words are in `words`.
    known: usize,
    /// Which of the last words are marks, one bit for each; the lowest bit is the last word.
    marks: u16,
    /// The last position at which the text may be cut.
    safe: usize,
}

impl Output {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            text: String::with_capacity(capacity),
            gap: false,
            words: [Word::default(); WORDS],
            count: 0,
            known: 0,
            marks: 0,
            safe: 0,
        }
    }

    /// Returns `true` if the template is longer than it may be.
    pub(super) fn is_full(&self) -> bool {
        self.text.len() > LENGTH
    }

    /// Notes white space. A run becomes one space, and leading or trailing white space is dropped.
    pub(super) fn space(&mut self) {
        self.gap = !self.text.is_empty();
    }

    /// Writes text that is no word.
    pub(super) fn punctuation(&mut self, text: &str) {
        if let [byte] = *text.as_bytes() {
            return self.ascii(byte);
        }
        self.flush_gap();
        self.text.push_str(text);
    }

    /// Writes an ASCII character that is no word.
    #[inline]
    pub(super) fn ascii(&mut self, byte: u8) {
        if byte == b'>' && self.drop_angles() {
            return;
        }
        self.flush_gap();
        // With the mask, the compiler knows that the character is one byte.
        self.text.push(char::from(byte & 0x7f));
        match byte {
            b')' | b']' | b'}' => self.drop_brackets(),
            b',' | b';' => self.now_safe(),
            _ => {}
        }
    }

    /// Writes a word that is kept.
    #[inline]
    pub(super) fn word(&mut self, text: &str) {
        self.quoted_word(text, 0..text.len());
    }

    /// Writes text that contains a word.
    #[inline]
    pub(super) fn quoted_word(&mut self, text: &str, word: Range<usize>) {
        self.flush_gap();
        let start = self.text.len();
        self.text.push_str(text);
        self.add(Word { start: start + word.start, end: start + word.end }, false);
    }

    /// Writes a mark.
    pub(super) fn value(&mut self) {
        while self.drop_part_of_value() {}
        if self.is_glued_to_mark() {
            return;
        }
        self.flush_gap();
        let start = self.text.len();
        self.text.push_str(MARK);
        self.add(Word { start, end: self.text.len() }, true);
    }

    /// Forgets white space, since what follows belongs to the last word.
    pub(super) fn join(&mut self) {
        self.gap = false;
    }

    /// Returns the last words, the newest first.
    pub(super) fn last_word(&self, back: usize) -> &[u8] {
        match self.word_at(back) {
            Some(word) => &self.text.as_bytes()[word.start..word.end],
            None => b"",
        }
    }

    /// Returns the text since the last word, and whether white space follows it.
    pub(super) fn since_last_word(&self) -> (&[u8], bool) {
        (&self.text.as_bytes()[self.word_at(0).map_or(0, |word| word.end)..], self.gap)
    }

    /// Returns `true` if the text ends in a mark, with or without white space after it.
    pub(super) fn ends_in_mark(&self) -> bool {
        self.text.ends_with(MARK)
    }

    /// Returns the last byte that was written.
    pub(super) fn last_byte(&self) -> Option<u8> {
        self.text.as_bytes().last().copied()
    }

    /// Returns the finished template.
    pub(super) fn finish(mut self) -> String {
        if self.is_full() {
            self.text.truncate(self.safe);
            self.text.push_str(CUT);
        }
        self.text
    }

    fn flush_gap(&mut self) {
        if self.gap {
            self.gap = false;
            self.now_safe();
            self.text.push(' ');
        }
    }

    /// Marks the end of the text as safe for a cut, if there is room for `…` after it.
    pub(super) fn now_safe(&mut self) {
        if self.text.len() + CUT.len() <= LENGTH {
            self.safe = self.text.len();
        }
    }

    /// Notes a word that was written.
    #[inline]
    fn add(&mut self, word: Word, is_mark: bool) {
        self.words[self.count % WORDS] = word;
        self.marks = self.marks << 1 | u16::from(is_mark);
        self.count += 1;
        self.known = (self.known + 1).min(WORDS);
        // Where the marks are tells almost always that there is no repetition.
        let mut periods = PERIODS[usize::from(self.marks) % PERIODS.len()];
        while periods != 0 {
            let period = periods.trailing_zeros() as usize;
            // So do the lengths of the last words.
            if self.has_lengths_of(period) && self.drop_repetition(period) {
                break;
            }
            periods &= periods - 1;
        }
    }

    /// Returns the last word (0), the one before it (1), and so on.
    fn word_at(&self, back: usize) -> Option<Word> {
        (back < self.known).then(|| self.words[self.count.wrapping_sub(back + 1) % WORDS])
    }

    /// Takes back the last words.
    fn forget(&mut self, count: usize) {
        self.count -= count;
        self.known -= count;
        self.marks >>= count;
    }

    /// Returns `true` if a mark that is written next would be part of the last one: `<*>-<*>`. What is between
    /// them is dropped.
    fn is_glued_to_mark(&mut self) -> bool {
        if self.gap
            || !self.last_byte().is_some_and(|last| is(last, JOINER) || b":>".contains(&last))
        {
            return false;
        }
        let end = trim_end(self.text.as_bytes(), |last| is(last, JOINER) || last == b':').len();
        let glued = self.text.as_bytes()[..end].ends_with(MARK.as_bytes());
        if glued {
            self.text.truncate(end);
        }
        glued
    }

    /// Drops what is a part of the value that is written next, and returns `true` if there was something.
    fn drop_part_of_value(&mut self) -> bool {
        if self.gap { self.drop_date_part() } else { self.drop_joined() }
    }

    /// Drops the name of a day or month before a number, with white space between them: `Nov 21`.
    fn drop_date_part(&mut self) -> bool {
        let Some(word) = self.word_at(0) else { return false };
        let text = self.text.as_bytes();
        let is_date = text[word.start].is_ascii_uppercase()
            && matches!(&text[word.end..], b"" | b",")
            && names::is_date_part(&text[word.start..word.end]);
        if is_date {
            self.truncate(word.start);
            self.forget(1);
        }
        is_date
    }

    /// Drops what a mark is joined to, or the sign of a bound: `$<*>`, `job-<*>`, `took < <*>`.
    fn drop_joined(&mut self) -> bool {
        let last = self.last_byte().unwrap_or_default();
        if is(last, JOINER) && !self.is_glued_to_mark() {
            let end = trim_end(self.text.as_bytes(), |last| is(last, JOINER)).len();
            let word = self.word_at(0).filter(|word| word.end >= end && word.start < end);
            self.truncate(word.map_or(end, |word| word.start));
            self.forget(usize::from(word.is_some()));
            return true;
        }
        let end = self.text.len().saturating_sub(1);
        let is_bound =
            matches!(last, b'<' | b'>') && matches!(self.text.as_bytes()[..end], [] | [.., b' ']);
        if is_bound {
            self.truncate(end);
        }
        is_bound
    }

    /// Takes back the text behind a position; white space before it may be followed by something else.
    fn truncate(&mut self, end: usize) {
        self.text.truncate(end);
        let before = trim_end(self.text.as_bytes(), |last| last == b' ').len();
        self.gap = before < end;
        self.text.truncate(before);
        self.safe = self.safe.min(before);
    }

    /// Drops the angles around a mark, of which the first may be gone already: `<bob@example.com>`.
    fn drop_angles(&mut self) -> bool {
        if self.gap || !self.ends_in_mark() {
            return false;
        }
        let before = &self.text.as_bytes()[..self.text.len() - MARK.len()];
        let Some(outside) = before.strip_suffix(b"<") else { return true };
        // A mark that is glued to a word is a part of it.
        let is_apart = matches!(outside, [] | [.., b' ' | b'=' | b':' | b'(' | b'[' | b',']);
        if is_apart {
            self.replace(outside.len());
        }
        is_apart
    }

    /// Replaces the last word by a mark, with the brackets around it.
    pub(super) fn replace_word(&mut self) {
        if let Some(word) = self.word_at(0) {
            let in_brackets =
                self.text.ends_with(')') && self.text.as_bytes()[..word.start].ends_with(b"(");
            self.replace(word.start - usize::from(in_brackets));
        }
    }

    /// Replaces all that was written from a position on by a mark.
    fn replace(&mut self, start: usize) {
        while self.word_at(0).is_some_and(|word| word.end > start) {
            self.forget(1);
        }
        self.truncate(start);
        self.value();
    }

    /// Drops a value in brackets behind another one, and reduces the value of a key that is a bracket or a structure
    /// around one mark: `<*> (<*>)`, `<*>[<*>]`, `source=Source{<*>}`.
    fn drop_brackets(&mut self) {
        let text = self.text.as_bytes();
        let Some(inside) = text[..text.len() - 1].strip_suffix(MARK.as_bytes()) else { return };
        let [before @ .., b'(' | b'[' | b'{'] = inside else { return };
        let value = before.strip_suffix(b" ").unwrap_or(before);
        if value.ends_with(MARK.as_bytes()) {
            // The same value in another form, which is often left out: `1293 bytes (1.26 KB)`, `a.example.com[10.0.0.1]`.
            let end = value.len();
            self.text.truncate(end);
            self.forget(1);
            self.safe = self.safe.min(end);
            return;
        }
        let is_name = |last| is(last, LETTER | DIGIT) || b"_.:".contains(&last);
        let name = trim_end(before, is_name).len();
        let [rest @ .., b'='] = &before[..name] else { return };
        let key = &rest[trim_end(rest, |last| is(last, LETTER | DIGIT)).len()..];
        if !key.is_empty() && !names::is_describing(key) {
            self.replace(name);
        }
    }

    /// Drops the last `period` words if they repeat those before them: the rest of a list of values.
    ///
    /// Rare, and therefore apart from [`Self::add`], which is inlined.
    #[cold]
    fn drop_repetition(&mut self, period: usize) -> bool {
        let repeats = self.repeats(period);
        if repeats {
            self.forget(period);
            let end = self.word_at(0).map_or(0, |word| word.end);
            self.text.truncate(end);
            self.safe = self.safe.min(end);
        }
        repeats
    }

    /// Returns `true` if the last `period` words are as long as those before them.
    fn has_lengths_of(&self, period: usize) -> bool {
        let [last, again, end, first] = self.groups(period);
        self.known >= 2 * period
            && last.end.wrapping_sub(again.start) == end.end.wrapping_sub(first.start)
    }

    /// Returns the end and the start of the last `period` words, and of as many before them.
    fn groups(&self, period: usize) -> [Word; 4] {
        [1, period, period + 1, 2 * period]
            .map(|back| self.words[self.count.wrapping_sub(back) % WORDS])
    }

    /// Returns `true` if the last `period` words repeat those before them.
    fn repeats(&self, period: usize) -> bool {
        let [last, again, end, first] = self.groups(period);
        let text = self.text.as_bytes();
        let gap = &text[end.end..again.start];
        let is_list = last.end - last.start == end.end - end.start
            && (1..=3).contains(&gap.len())
            && match period {
                1 => gap.iter().all(|byte| b" ,;|-".contains(byte)),
                _ => gap.iter().any(|byte| b" ,;|".contains(byte)),
            };
        is_list && text[first.start..end.end] == text[again.start..last.end]
    }
}
