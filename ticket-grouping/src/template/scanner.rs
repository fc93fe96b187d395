//! [`Scanner`]: the walk over a message, with the rules for white space, punctuation, keys and quotes.

use super::mark::{
    DIGIT, HEX, JOINER, LENGTH, LETTER, SPACE, WORD, classes, is, is_mark, is_space, peek, run,
    trim_end,
};
use super::names;
use super::output::Output;
use super::words::{behind_space, ends_name, is_colon_groups};

/// The kind of the last token.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Before {
    /// White space, or the start of the message.
    Edge,
    /// A character that is not part of a word; 0 if it is not ASCII.
    Punctuation(u8),
    /// A word that was kept.
    Word,
    /// A mark. What is glued to it is the rest of the value.
    Mark,
}

/// The opening and closing quotes.
const QUOTES: [(char, char); 7] =
    [('\'', '\''), ('"', '"'), ('`', '`'), ('‘', '’'), ('“', '”'), ('„', '“'), ('«', '»')];

/// The maximum length of a quoted key, and of code in backquotes.
const QUOTED_NAME: usize = 64;

/// One pass over a message.
///
/// ```text
/// message    user 4711: '/srv/a' timed out
///                       ^at
/// output     user <*>:
///                     ^before = Edge, since a space precedes the quote
/// closing              the next `'` that can close this quote; one position for each kind of quote
/// ```
///
/// **Idempotence.** The template of a template must be that template, so a mark has to be read like the value
/// that it replaced. A word therefore depends only on its own text, on what was already *written* before it, and
/// on nothing after it that could become a mark.
///
/// **Linear time.** A closing quote may be far away, and looking for it from each opening one would take quadratic
/// time. It is looked for once and remembered until `at` has passed it.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) before: Before,
    pub(super) output: Output,
    /// Whether the next word is the value of a key: `user=root`.
    pub(super) is_valued: bool,
    /// Whether the line of a request was read, as in an access log.
    pub(super) has_request: bool,
    /// The next position that can close each kind of quote, or `usize::MAX`. Once passed, it is looked for again.
    closing: [usize; QUOTES.len()],
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            before: Before::Edge,
            output: Output::new((text.len() + 16).min(LENGTH + 16)),
            is_valued: false,
            has_request: false,
            closing: [0; QUOTES.len()],
        }
    }

    /// Scans the message and returns its template.
    pub(super) fn run(mut self) -> String {
        while self.at < self.text.len() && !self.output.is_full() {
            let byte = peek(self.text, self.at);
            let class = classes(byte);
            if class & WORD != 0 {
                self.word();
                // Almost always a space follows, which need not be classified.
                if peek(self.text, self.at) == b' ' && !self.output.is_full() {
                    self.space(1);
                }
            } else if class & SPACE != 0 {
                self.space(1);
            } else if byte < 0x80 {
                self.ascii_punctuation(byte);
            } else {
                self.beyond_ascii();
            }
        }
        self.output.finish()
    }

    /// Skips white space of `length` bytes.
    #[inline]
    fn space(&mut self, length: usize) {
        if self.is_empty_name() {
            self.output.space();
            self.value(self.at);
        }
        self.output.space();
        self.before = Before::Edge;
        self.at += length;
    }

    /// Returns `true` between two spaces that enclose the empty name of a user: `invalid user  from 10.0.0.1`.
    #[inline]
    fn is_empty_name(&self) -> bool {
        // Almost always a single space stands between two words.
        peek(self.text, self.at + 1) == b' ' && self.before == Before::Word && self.omits_name()
    }

    /// Returns `true` if the last words announce a name, and what is behind the next white space follows names.
    #[cold]
    fn omits_name(&self) -> bool {
        ends_name(&self.text[self.at + 1..])
            && names::announces_name(|| self.output.last_word(1), self.output.last_word(0))
    }

    /// Replaces the text up to `end` by a mark.
    pub(super) fn value(&mut self, end: usize) {
        self.output.value();
        self.before = Before::Mark;
        self.is_valued = false;
        self.at = end;
    }

    /// Keeps characters that are not part of a word, up to `end`.
    pub(super) fn punctuation(&mut self, end: usize) {
        self.output.punctuation(&self.text[self.at..end]);
        self.behind_punctuation(peek(self.text, end - 1), end);
    }

    /// Keeps an ASCII character that is not part of a word.
    fn ascii(&mut self, byte: u8) {
        self.output.ascii(byte);
        self.behind_punctuation(byte, self.at + 1);
    }

    /// Goes on behind punctuation, of which this is the last byte.
    #[inline]
    fn behind_punctuation(&mut self, last: u8, end: usize) {
        self.is_valued = false;
        self.at = end;
        self.before = match last {
            // The bracket has become a part of the value.
            b')' | b']' | b'}' | b'>' if self.output.ends_in_mark() => {
                self.at = self.behind_value(end);
                Before::Mark
            }
            0x80.. => Before::Punctuation(0),
            byte => Before::Punctuation(byte),
        };
    }

    /// Keeps the word that is next in the text.
    #[inline]
    pub(super) fn name(&mut self, name: &str) {
        self.output.word(name);
        self.before = Before::Word;
        self.is_valued = false;
        self.at += name.len();
    }

    /// Handles a character beyond ASCII: white space, a quote, or text that is kept.
    fn beyond_ascii(&mut self) {
        let Some(next) = self.text[self.at..].chars().next() else { return };
        if next.is_whitespace() || next.is_control() {
            self.space(next.len_utf8());
        } else if !self.quote(next) {
            self.punctuation(self.at + next.len_utf8());
            if next.is_alphanumeric() {
                self.output.now_safe();
                self.before = Before::Word;
            }
        }
    }

    /// Handles an ASCII character that is not part of a word.
    fn ascii_punctuation(&mut self, byte: u8) {
        let at = self.at;
        match byte {
            b'<' if is_mark(self.text, at) => self.word(),
            b'"' | b'\'' | b'`' if self.quote(char::from(byte)) => {}
            b'=' => self.equals(),
            b':' | b'(' if self.is_behind_command(byte) => self.command(byte),
            b'(' if self.output.last_byte().is_none() && is_owner(&self.text[at..]) => {
                self.punctuation(at + 1);
                self.value(run(self.text, at + 1, WORD));
            }
            b':' if matches!(
                self.before,
                Before::Edge | Before::Punctuation(b'(' | b'[' | b'=' | b',')
            ) && peek(self.text, at + 1) == b':'
                && is_colon_groups(self.text, at) =>
            {
                self.value(self.behind_value(at + 2));
            }
            b'(' | b'[' if self.peer() => {}
            b'(' | b'[' | b'{' if self.is_empty_pair(byte) => {
                self.punctuation(at + 1);
                self.value(self.at);
            }
            _ => self.ascii(byte),
        }
    }

    /// Returns `true` if a bracket and the one that closes it enclose nothing, where a value can be: `from ()`, but
    /// not `open()`.
    fn is_empty_pair(&self, byte: u8) -> bool {
        let close = match byte {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        };
        let at_edge = match self.before {
            Before::Edge => true,
            Before::Punctuation(before) => matches!(before, b'=' | b':' | b'(' | b'[' | b','),
            Before::Word | Before::Mark => false,
        };
        at_edge && peek(self.text, self.at + 1) == close
    }

    /// Takes the name before an address in brackets as a part of it: `from mail [10.0.0.1]`, `for mail(10.0.0.1)`. Returns
    /// `false` if there is no such name.
    fn peer(&mut self) -> bool {
        let Some(end) = address_in_brackets(self.text, self.at) else { return false };
        let (gap, _) = self.output.since_last_word();
        let is_peer = matches!(self.before, Before::Word | Before::Edge)
            && matches!(gap, b"" | b")")
            && names::is_before_peer(self.output.last_word(1));
        if is_peer {
            self.output.replace_word();
            self.before = Before::Mark;
            self.at = self.behind_value(end);
        }
        is_peer
    }

    /// Returns `true` if a command follows: `CMD (`, `command line: `.
    fn is_behind_command(&self, byte: u8) -> bool {
        let word = self.output.last_word(0);
        let is_command = match byte {
            b'(' => names::is_command(word) || names::is_job_action(word),
            _ => {
                word == b"line"
                    && names::is_command(self.output.last_word(1))
                    && is_space(self.text, self.at + 1)
            }
        };
        is_command && self.output.since_last_word() == (b"", byte == b'(')
    }

    /// Handles a command and its arguments, up to a bracket or the end.
    fn command(&mut self, byte: u8) {
        self.punctuation(self.at + 1);
        let rest = &self.text[self.at..];
        let end = if byte == b'(' { rest.rfind(')') } else { None };
        self.space(usize::from(byte == b':'));
        self.value(end.map_or(self.text.len(), |end| self.at + end));
    }

    /// Handles `=`, and finds out whether a value follows.
    fn equals(&mut self) {
        let next = peek(self.text, self.at + 1);
        let (gap, spaced) = self.output.since_last_word();
        let behind_key = gap.is_empty() && self.before != Before::Mark;
        let key = self.output.last_word(0);
        let key = &key[trim_end(key, |last| !b"_-.".contains(&last)).len()..];
        let is_key = behind_key
            && key.first().is_some_and(|byte| is(*byte, LETTER))
            && !matches!(next, b'=' | b'>' | b'~')
            && !names::is_describing(key);
        // The command of a line of `sudo`, up to its end.
        let is_command = behind_key && key == b"COMMAND";
        self.ascii(b'=');
        if is_command {
            return self.value(self.text.len());
        }
        if !is_key {
            return;
        }
        if next == b'<' && !is_mark(self.text, self.at) {
            let inner = &self.text.as_bytes()[self.at + 1..];
            let end = inner.iter().take(QUOTED_NAME).position(|byte| b"<> =".contains(byte));
            if let Some(end) = end.filter(|end| inner[*end] == b'>') {
                return self.value(self.behind_value(self.at + end + 2));
            }
        }
        if spaced {
            let end = run(self.text, self.at, SPACE);
            if end > self.at {
                self.space(end - self.at);
            }
        } else if matches!(next, b',' | b';' | b')' | b']' | b'}') || is_space(self.text, self.at) {
            return self.value(self.at);
        }
        self.is_valued = true;
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
            '`' if self.ends_clause(end) && is_code(inner) && !self.is_unknown_variant() => {
                self.name(&self.text[self.at..end])
            }
            '"' | '\'' if self.is_key(end) && is_key(inner) => {
                let word = inner.rfind(['_', '-', '.', '$', '@']).map_or(0, |at| at + 1);
                self.output.quoted_word(&self.text[self.at..=end], 1 + word..1 + inner.len());
                self.before = Before::Punctuation(b':');
                self.at = end + 1;
            }
            '"' if names::method(inner.as_bytes()).is_some() && self.ends_clause(end) => {
                // The line of a request; its method is no value.
                let method = start + names::method(inner.as_bytes()).unwrap_or_default();
                self.punctuation(start);
                self.name(&self.text[start..method]);
                self.space(1);
                self.value(close);
                self.punctuation(end);
                self.has_request = true;
            }
            _ => self.value(self.behind_value(end)),
        }
        true
    }

    /// Returns `true` if no word can be glued to what ends here.
    fn ends_clause(&self, end: usize) -> bool {
        match peek(self.text, end) {
            b'.' => is_space(self.text, end + 1),
            next => {
                b",;:)]}|!?".contains(&next)
                    || is_space(self.text, end)
                    // Where a template was cut, white space may have followed.
                    || self.text[end..].starts_with('…')
            }
        }
    }

    /// Returns `true` if quoted text that ends here is in the place of a key: `{"key":`.
    fn is_key(&self, end: usize) -> bool {
        peek(self.text, end) == b':' && matches!(self.output.last_byte(), Some(b'{' | b','))
    }

    /// Returns `true` after `unknown variant` or `unknown field`. There serde puts the value that it was given in
    /// backquotes, as it does with names.
    fn is_unknown_variant(&self) -> bool {
        self.output.last_word(1) == b"unknown"
            && matches!(self.output.last_word(0), b"variant" | b"field")
            && self.output.since_last_word() == (b"", true)
    }
}

/// Returns `true` if text begins with the user of a job, as the lines of `cron` do: `(root) CMD (…)`.
fn is_owner(text: &str) -> bool {
    let end = run(text, 1, WORD);
    let action = text[end..].strip_prefix(')').and_then(behind_space).unwrap_or_default();
    let length = action.bytes().take_while(u8::is_ascii_uppercase).count();
    end > 1 && length >= 3 && is_space(action, length)
}

/// Returns the end of brackets that contain an address: `[10.0.0.1]`.
fn address_in_brackets(text: &str, at: usize) -> Option<usize> {
    let close = if peek(text, at) == b'(' { b')' } else { b']' };
    let rest = &text.as_bytes()[at + 1..];
    let length =
        rest.iter().take(45).take_while(|byte| is(**byte, HEX) || b".:".contains(byte)).count();
    let separators = rest[..length].iter().filter(|byte| b".:".contains(byte)).count();
    (separators >= 2 && rest.get(length) == Some(&close)).then_some(at + length + 2)
}

/// Returns `true` if quoted text can be a key, as in `{"status": 404}`.
fn is_key(text: &str) -> bool {
    (1..=QUOTED_NAME).contains(&text.len())
        && is(text.as_bytes()[0], LETTER | JOINER)
        && text.bytes().all(|byte| {
            is(byte, LETTER | DIGIT) || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'@')
        })
        && text.bytes().filter(|byte| is(*byte, DIGIT)).count() <= 3
}

/// Returns `true` if backquoted text is code, which is a name, rather than a value.
fn is_code(text: &str) -> bool {
    let (mut digits, mut begins) = (0, true);
    (1..=QUOTED_NAME).contains(&text.len())
        && !text.starts_with('/')
        && !text.contains("://")
        // White space is reduced everywhere.
        && text.trim() == text
        && !text.contains("  ")
        && text.bytes().all(|byte| {
            let is_digit = is(byte, DIGIT);
            digits += usize::from(is_digit);
            let fits = if is_digit {
                !begins && digits <= 3
            } else {
                !matches!(byte, b'"' | b'\'' | b'\\' | b'@')
            };
            begins = !(is(byte, LETTER | DIGIT) || byte == b'_');
            fits && (byte.is_ascii_graphic() || byte == b' ')
        })
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
