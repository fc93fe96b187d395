//! The walk over a message: white space, punctuation, quotes.

use super::mark::{LENGTH, Mark};
use super::output::Output;
use super::scan::{self, DIGIT, LETTER, Mail, SPACE, ends_word, is, peek};
use super::token;

/// What the last token was.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Before {
    /// White space, or nothing at all.
    Edge,
    /// A character that is no part of a word; 0 if it is not ASCII.
    Punctuation(u8),
    /// A word that was kept.
    Word,
    /// A mark: what is glued to it is the rest of what varied.
    Mark,
}

/// Opening and closing quotes; those that are not ASCII are in [`Output::punctuation`] as well.
const QUOTES: [(char, char); 7] =
    [('\'', '\''), ('"', '"'), ('`', '`'), ('‘', '’'), ('“', '”'), ('„', '“'), ('«', '»')];

/// One pass over a message.
///
/// What makes templates stable (the template of a template is that template): a token is decided by
/// its own text, by what has been *written* before it, and by nothing behind it that could become
/// a mark. So each function that needs a token to end takes a mark for more of the same word.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) before: Before,
    pub(super) output: Output,
    mail: Mail,
    /// For each kind of quote, the next place that can close one; searched for when it is passed.
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

    fn space(&mut self, length: usize) {
        self.output.space();
        self.before = Before::Edge;
        self.at += length;
    }

    pub(super) fn mark(&mut self, mark: Mark, end: usize) {
        self.output.mark(mark, ends_word(self.text, end));
        self.before = Before::Mark;
        self.at = end;
    }

    pub(super) fn punctuation(&mut self, length: usize) {
        self.output.punctuation(&self.text[self.at..self.at + length]);
        let byte = peek(self.text, self.at);
        self.before = Before::Punctuation(if byte < 0x80 { byte } else { 0 });
        self.at += length;
    }

    pub(super) fn name(&mut self, end: usize) {
        let text = &self.text[self.at..end];
        self.output.name(text, (0, text.len()));
        self.before = Before::Word;
        self.at = end;
    }

    pub(super) fn letters(&mut self, end: usize) {
        self.output.letters(&self.text[self.at..end]);
        self.before = Before::Word;
        self.at = end;
    }

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

    /// Whether a path or an address can begin here.
    fn is_boundary(&self) -> bool {
        match self.before {
            Before::Edge => true,
            Before::Punctuation(byte) => b"([{=,;:|\"'`<>&!#@^?".contains(&byte),
            Before::Word | Before::Mark => false,
        }
    }

    /// Whether a hyphen here is a sign.
    fn takes_sign(&self) -> bool {
        match self.before {
            Before::Edge => true,
            Before::Punctuation(byte) => b"([{=,;:|<>".contains(&byte),
            Before::Word | Before::Mark => false,
        }
    }

    /// Quoted text, if a quote opens here.
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

    /// Whether text in double or single quotes up to here stands where a key does.
    fn is_key(&self, end: usize) -> bool {
        peek(self.text, end) == b':' && matches!(self.output.last_byte(), Some(b'{' | b','))
    }

    /// serde quotes what it was given as it quotes names.
    fn is_unknown_variant(&self) -> bool {
        matches!(self.output.last_words(), ["unknown", "variant" | "field"])
            && self.output.since_last_word() == ("", true)
    }

    /// The end of the address of electronic mail that covers a position.
    pub(super) fn mail_at(&mut self, at: usize) -> Option<usize> {
        if self.mail.sign < at {
            self.mail = Mail::after(self.text, at);
        }
        (self.mail.start <= at).then_some(self.mail.end)
    }
}

/// The next quote that can close one: not escaped, and nothing glued to it that goes on.
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
