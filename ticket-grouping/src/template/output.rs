//! [`Output`]: the template as far as it is written.

use super::mark::{LENGTH, Mark, separator};

/// The end of a template that was cut.
const CUT: &str = "…";

/// The minimum number of bytes that are kept of a word that is cut.
///
/// A shorter piece could be read as something else when the template is scanned again: `<n> msgs` cut after
/// `ms` is a duration.
const PIECE: usize = 16;

/// The template as far as it is written, with the positions that the next token needs to know.
///
/// ```text
/// unknown user <n>,
/// ^       ^    ^   ^safe: a cut here does not change how the text before it is read
/// |       |    |mark: if `<n>` is next, it continues a list and is dropped
/// |       |words[1]
/// |words[0]
/// ```
pub(super) struct Output {
    text: String,
    /// Whether white space was read since the last token. It is written only when another token follows.
    gap: bool,
    /// The last mark, its end, and the value of `safe` before it was written. When a list is reduced, the text is
    /// truncated to the mark, and `safe` has to go back as well.
    mark: Option<(Mark, usize, usize)>,
    /// The positions of the last two words.
    words: [(usize, usize); 2],
    /// The last position at which the text may be cut so that scanning it again yields the same tokens.
    safe: usize,
    /// Whether a token did not fit. Nothing is written after that.
    full: bool,
}

impl Output {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            text: String::with_capacity(capacity),
            gap: false,
            mark: None,
            words: [(0, 0); 2],
            safe: 0,
            full: false,
        }
    }

    /// Returns `true` if a token did not fit.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Notes white space. A run becomes one space, and leading or trailing white space is dropped.
    pub(super) fn space(&mut self) {
        self.gap = !self.text.is_empty();
    }

    /// Writes a mark, unless it repeats the last one in a list.
    ///
    /// `whole` states that nothing is glued to the end of the mark. Otherwise it is part of a longer word, such as
    /// `<n>xx`, and no item of a list.
    pub(super) fn mark(&mut self, mark: Mark, whole: bool) {
        if whole
            && let Some((last, end, safe)) = self.mark
            && last == mark
            && self.is_list_gap(end)
        {
            self.text.truncate(end);
            self.safe = safe;
            self.gap = false;
            return;
        }
        let safe = self.safe;
        if self.push(mark.as_str()) {
            self.mark = Some((mark, self.text.len(), safe));
        }
    }

    /// Writes a character that is not part of a word.
    pub(super) fn punctuation(&mut self, text: &str) {
        // A cut after a quote is not safe. A quote closes another one only if nothing is glued to it, and the cut
        // may remove what was.
        let safe = match text.as_bytes() {
            [b',' | b';'] => true,
            [0xe2, 0x80, 0x98..=0x9e] | [0xc2, 0xab | 0xbb] => false,
            bytes => bytes[0] >= 0x80,
        };
        if self.push(text) && safe {
            self.now_safe();
        }
    }

    /// Writes a word of letters, the only kind of token that may be cut.
    pub(super) fn letters(&mut self, text: &str) {
        if text.len() > PIECE && self.text.len() + 1 + text.len() > LENGTH - CUT.len() {
            self.long_letters(text);
        } else {
            self.name(text, (0, text.len()));
        }
    }

    /// Writes a text unchanged. Its part from `word.0` to `word.1` becomes the last word.
    pub(super) fn name(&mut self, text: &str, word: (usize, usize)) {
        if self.push(text) {
            let start = self.text.len() - text.len();
            self.words = [self.words[1], (start + word.0, start + word.1)];
        }
    }

    /// Returns the word before the last one, and the last one.
    pub(super) fn last_words(&self) -> [&str; 2] {
        self.words.map(|(start, end)| &self.text[start..end])
    }

    /// Returns the text after the last word, and whether white space follows it.
    pub(super) fn since_last_word(&self) -> (&str, bool) {
        (&self.text[self.words[1].1..], self.gap)
    }

    /// Returns `true` if the template ends in a number, followed by white space.
    pub(super) fn is_behind_number(&self) -> bool {
        self.gap
            && self
                .mark
                .is_some_and(|(mark, end, _)| mark == Mark::Number && end == self.text.len())
    }

    /// Returns the last byte that was written.
    pub(super) fn last_byte(&self) -> Option<u8> {
        self.text.as_bytes().last().copied()
    }

    /// Returns the finished template.
    pub(super) fn finish(mut self) -> String {
        if self.full {
            self.text.truncate(self.safe);
            self.text.push_str(CUT);
        }
        self.text
    }

    /// Returns `true` if only the separator of a list follows this position.
    fn is_list_gap(&self, end: usize) -> bool {
        separator(&self.text.as_bytes()[end..], self.gap)
    }

    /// Writes the pending space and the text, or neither if they do not fit.
    fn push(&mut self, text: &str) -> bool {
        if self.full || self.text.len() + usize::from(self.gap) + text.len() > LENGTH {
            self.full = true;
            return false;
        }
        if self.gap {
            self.text.push(' ');
            self.gap = false;
            self.now_safe();
        }
        self.text.push_str(text);
        true
    }

    /// Writes as much of a long word as fits, if that is enough not to be misread.
    fn long_letters(&mut self, text: &str) {
        let room = (LENGTH - CUT.len()).saturating_sub(self.text.len() + usize::from(self.gap));
        let mut end = room.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if end == text.len() {
            self.name(text, (0, end));
        } else if end >= PIECE && self.push(&text[..end]) {
            self.now_safe();
            self.full = true;
        } else {
            self.full = true;
        }
    }

    /// Marks the end of the text as safe for a cut, if there is room for `…` after it.
    fn now_safe(&mut self) {
        if self.text.len() + CUT.len() <= LENGTH {
            self.safe = self.text.len();
        }
    }
}
