//! The template under construction.

use super::mark::{LENGTH, Mark, separator};

/// What stands at the end of a template that was cut.
const CUT: &str = "…";

/// A word may be cut in its middle if at least so much of it stays: a shorter piece could be taken
/// for something else when the template is read again.
const PIECE: usize = 16;

/// What has been written so far, with what the next token has to know of it.
pub(super) struct Output {
    text: String,
    /// Whether white space was read since the last token.
    gap: bool,
    /// The last mark, where it ends, and what `safe` was before it.
    mark: Option<(Mark, usize, usize)>,
    /// Where the last two words are.
    words: [(usize, usize); 2],
    /// Where the text may be cut without changing how what is before reads.
    safe: usize,
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

    /// Whether nothing more fits.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// White space, of which a run is one space, and none at either end.
    pub(super) fn space(&mut self) {
        self.gap = !self.text.is_empty();
    }

    /// A mark. One that only repeats the last one in a list is left out, if it is `whole`: nothing is
    /// glued to it.
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

    /// A character that is no part of a word.
    pub(super) fn punctuation(&mut self, text: &str) {
        // Not behind a quote: what is cut off could have kept it from closing another one.
        let safe = match text.as_bytes() {
            [b',' | b';'] => true,
            [0xe2, 0x80, 0x98..=0x9e] | [0xc2, 0xab | 0xbb] => false,
            bytes => bytes[0] >= 0x80,
        };
        if self.push(text) && safe {
            self.now_safe();
        }
    }

    /// Letters only: the one token of which a part may be written.
    pub(super) fn letters(&mut self, text: &str) {
        if text.len() > PIECE && self.text.len() + 1 + text.len() > LENGTH - CUT.len() {
            self.long_letters(text);
        } else {
            self.name(text, (0, text.len()));
        }
    }

    /// A text that is kept as it is; its part from `word.0` to `word.1` counts as the last word.
    pub(super) fn name(&mut self, text: &str, word: (usize, usize)) {
        if self.push(text) {
            let start = self.text.len() - text.len();
            self.words = [self.words[1], (start + word.0, start + word.1)];
        }
    }

    /// The last word and the one before it.
    pub(super) fn last_words(&self) -> [&str; 2] {
        self.words.map(|(start, end)| &self.text[start..end])
    }

    /// What stands behind the last word, and whether white space follows.
    pub(super) fn since_last_word(&self) -> (&str, bool) {
        (&self.text[self.words[1].1..], self.gap)
    }

    /// Whether a number, and then a space, was the last that was written.
    pub(super) fn is_behind_number(&self) -> bool {
        self.gap
            && self
                .mark
                .is_some_and(|(mark, end, _)| mark == Mark::Number && end == self.text.len())
    }

    /// The last byte, if there is one.
    pub(super) fn last_byte(&self) -> Option<u8> {
        self.text.as_bytes().last().copied()
    }

    pub(super) fn finish(mut self) -> String {
        if self.full {
            self.text.truncate(self.safe);
            self.text.push_str(CUT);
        }
        self.text
    }

    /// Whether only the separator of a list stands behind this position.
    fn is_list_gap(&self, end: usize) -> bool {
        separator(&self.text.as_bytes()[end..], self.gap)
    }

    /// Writes the space that is due and the text, or neither.
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

    /// Remembers this position, unless there is no room for the mark of a cut behind it.
    fn now_safe(&mut self) {
        if self.text.len() + CUT.len() <= LENGTH {
            self.safe = self.text.len();
        }
    }
}
