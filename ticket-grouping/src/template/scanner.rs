//! [`Scanner`]: the walk over a message, with the rules for white space, punctuation and quotes.

use super::mark::{LENGTH, Mark};
use super::output::Output;
use super::scan::{self, DIGIT, LETTER, Mail, SPACE, ends_word, is, peek};
use super::token;

/// The kind of the last token.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Before {
    /// White space, or the start of the message.
    Edge,
    /// A character that is not part of a word; 0 if it is not ASCII.
    Punctuation(u8),
    /// A word that was kept.
    Word,
    /// A mark. Text that is glued to it is the rest of the value.
    Mark,
}

/// The opening and closing quotes. [`Output::punctuation`] lists those beyond ASCII as well.
const QUOTES: [(char, char); 7] =
    [('\'', '\''), ('"', '"'), ('`', '`'), ('‘', '’'), ('“', '”'), ('„', '“'), ('«', '»')];

/// One pass over a message.
///
/// ```text
/// message    user 4711: '/srv/a' timed out
///                       ^at
/// output     user <n>:
///                     ^before = Edge, since a space precedes the quote
/// closing              the next `'` that can close this quote; one position for each kind of quote
/// mail                 the next email address, here none
/// ```
///
/// **Idempotence.** The template of a template must be that template, so a mark has to be read like the value
/// that it replaced. A token therefore depends only on its own text, on what was already *written* before it, and
/// on nothing after it that could become a mark. For the same reason, [`ends_word`] treats a mark that follows
/// as more of the same word.
///
/// **Linear time.** A quote or an `@` may be far away, and looking for it from each token would take quadratic time.
/// Both are looked for once and remembered until `at` has passed them.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) before: Before,
    pub(super) output: Output,
    mail: Mail,
    /// The next position that can close each kind of quote, or `usize::MAX`. Once passed, it is looked for again.
    closing: [usize; QUOTES.len()],
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            before: Before::Edge,
            output: Output::new((text.len() + 16).min(LENGTH)),
            mail: Mail::after(text, 0),
            closing: [0; QUOTES.len()],
        }
    }

    /// Scans the message and returns its template.
    pub(super) fn run(mut self) -> String {
        while self.at < self.text.len() && !self.output.is_full() {
            let byte = peek(self.text, self.at);
            if is(byte, LETTER) {
                self.word();
            } else if is(byte, SPACE) {
                self.space(1);
            } else if is(byte, DIGIT) {
                self.digits(None);
            } else if byte < 0x80 {
                self.ascii_punctuation(byte);
            } else {
                self.beyond_ascii();
            }
        }
        self.output.finish()
    }

    /// Skips white space of `length` bytes.
    fn space(&mut self, length: usize) {
        self.output.space();
        self.before = Before::Edge;
        self.at += length;
    }

    /// Replaces the text up to `end` by a mark.
    pub(super) fn mark(&mut self, mark: Mark, end: usize) {
        self.output.mark(mark, ends_word(self.text, end));
        self.before = Before::Mark;
        self.at = end;
    }

    /// Keeps a character that is not part of a word, of `length` bytes.
    pub(super) fn punctuation(&mut self, length: usize) {
        self.output.punctuation(&self.text[self.at..self.at + length]);
        let byte = peek(self.text, self.at);
        self.before = Before::Punctuation(if byte < 0x80 { byte } else { 0 });
        self.at += length;
    }

    /// Keeps the text up to `end` as one word.
    pub(super) fn name(&mut self, end: usize) {
        let text = &self.text[self.at..end];
        self.output.name(text, (0, text.len()));
        self.before = Before::Word;
        self.at = end;
    }

    /// Keeps the letters up to `end`, which may be cut if the template gets too long.
    pub(super) fn letters(&mut self, end: usize) {
        self.output.letters(&self.text[self.at..end]);
        self.before = Before::Word;
        self.at = end;
    }

    /// Handles a character beyond ASCII.
    fn beyond_ascii(&mut self) {
        let Some(next) = self.text[self.at..].chars().next() else { return };
        if next.is_alphanumeric() {
            self.word();
        } else if next.is_whitespace() || next.is_control() {
            self.space(next.len_utf8());
        } else if !self.quote(next) {
            self.punctuation(next.len_utf8());
        }
    }

    /// Handles an ASCII character that is neither white space, a letter nor a digit: it begins a value, or it is kept.
    fn ascii_punctuation(&mut self, byte: u8) {
        let at = self.at;
        let found = match byte {
            b'<' => Mark::at(self.text, at).map(|mark| (mark, at + mark.as_str().len())),
            b'"' | b'\'' | b'`' if self.quote(char::from(byte)) => return,
            b'/' if self.is_boundary() => scan::path(self.text, at).map(|end| (Mark::Path, end)),
            b'~' if self.is_boundary() && peek(self.text, at + 1) == b'/' => {
                scan::path(self.text, at + 1).map(|end| (Mark::Path, end))
            }
            b'\\' if self.is_boundary() && peek(self.text, at + 1) == b'\\' => {
                let named = is(peek(self.text, at + 2), LETTER | DIGIT);
                let end = named.then(|| scan::windows_path(self.text, at + 1)).flatten();
                end.map(|end| (Mark::Path, end))
            }
            b':' if self.is_boundary() && self.before != Before::Punctuation(b':') => {
                let end = self.text[at..].starts_with("::").then(|| scan::ip6(self.text, at));
                end.flatten().map(|end| (Mark::Ip, end))
            }
            b'-' | b'+' if self.takes_sign() && is(peek(self.text, at + 1), DIGIT) => {
                self.at += 1;
                return self.digits(Some(at));
            }
            _ => None,
        };
        match found {
            Some((mark, end)) => self.mark(mark, end),
            None => self.punctuation(1),
        }
    }

    /// Returns `true` if a path or an address can begin here.
    fn is_boundary(&self) -> bool {
        match self.before {
            Before::Edge => true,
            Before::Punctuation(byte) => b"([{=,;:|\"'`<>&!#@^?".contains(&byte),
            Before::Word | Before::Mark => false,
        }
    }

    /// Returns `true` if a `-` or `+` here is the sign of a number.
    fn takes_sign(&self) -> bool {
        match self.before {
            Before::Edge => true,
            Before::Punctuation(byte) => b"([{=,;:|<>".contains(&byte),
            Before::Word | Before::Mark => false,
        }
    }

    /// Handles quoted text; returns `false` if the quote here does not open any.
    fn quote(&mut self, quote: char) -> bool {
        let Some(kind) = QUOTES.iter().position(|(open, _)| *open == quote) else { return false };
        if matches!(self.before, Before::Word | Before::Mark | Before::Punctuation(b'\\')) {
            return false;
        }
        let start = self.at + quote.len_utf8();
        if self.closing[kind] < start {
            self.closing[kind] = closing_quote(self.text, start, QUOTES[kind].1);
        }
        let close = self.closing[kind];
        if close == usize::MAX {
            return false;
        }
        let inner = &self.text[start..close];
        let end = close + QUOTES[kind].1.len_utf8();
        match quote {
            '`' if token::is_code(inner) && !self.is_unknown_variant() => self.name(end),
            '"' | '\'' if self.is_key(end) && token::is_key(inner) => {
                let word = inner.rfind(['_', '-', '.', '$', '@']).map_or(0, |at| at + 1);
                let text = &self.text[self.at..=end];
                self.output.name(text, (1 + word, 1 + inner.len()));
                self.before = Before::Punctuation(b':');
                self.at = end + 1;
            }
            _ => self.mark(Mark::Text, end),
        }
        true
    }

    /// Returns `true` if quoted text that ends here is in the place of a key: `{"key":`.
    fn is_key(&self, end: usize) -> bool {
        peek(self.text, end) == b':' && matches!(self.output.last_byte(), Some(b'{' | b','))
    }

    /// Returns `true` after `unknown variant` or `unknown field`. There serde puts the value that it was given in
    /// backquotes, as it does with names.
    fn is_unknown_variant(&self) -> bool {
        matches!(self.output.last_words(), ["unknown", "variant" | "field"])
            && self.output.since_last_word() == ("", true)
    }

    /// Returns the end of the email address that contains a position.
    pub(super) fn mail_at(&mut self, at: usize) -> Option<usize> {
        if self.mail.sign < at {
            self.mail = Mail::after(self.text, at);
        }
        (self.mail.start <= at).then_some(self.mail.end)
    }
}

/// Returns the next quote that can close quoted text: it is not escaped, and no text is glued to it. Returns
/// `usize::MAX` if there is none.
///
/// The second condition keeps apostrophes, as in `don't`, from closing text. A mark counts as glued text, since it
/// may have replaced some.
fn closing_quote(text: &str, from: usize, quote: char) -> usize {
    let mut search = from;
    while let Some(distance) = text[search..].find(quote) {
        let at = search + distance;
        let next = text[at + quote.len_utf8()..].chars().next();
        let goes_on =
            next.is_some_and(|next| next.is_alphanumeric() || next == '<' || next == quote);
        if !goes_on && text.as_bytes()[at - 1] != b'\\' {
            return at;
        }
        search = at + quote.len_utf8();
    }
    usize::MAX
}
