//! The rules for words: which are names, which are values, and where a value begins within a word.
//!
//! This is the second half of [`Scanner`]; the documentation of the module `template` says why.

use super::mark::{
    self, DIGIT, HEX, JOINER, LABELS, LETTER, MARK, SPACE, STOP, URL, WORD, are, is, is_mark,
    is_space, peek, run, run_classes, trim_end,
};
use super::names;
use super::scanner::{Before, Scanner};

/// The maximum length of a word that is kept.
const NAME: usize = 256;

/// The maximum length of a key or function with digits: `r24=`, but not Base64 with its padding.
const KEY: usize = 16;

/// A word: letters, digits and marks, and what joins them.
#[derive(Clone, Copy)]
struct Word {
    /// The end, without the characters that end a sentence.
    end: usize,
    /// The classes of its bytes. A mark counts as a digit, since it may have replaced one.
    classes: u8,
}

impl Word {
    #[inline]
    fn at(text: &str, at: usize) -> Self {
        let (end, classes) = mark::word(text, at);
        if peek(text, end) == b'<' && is_mark(text, end) {
            return Self::with_marks(text, at, end, classes);
        }
        // Almost always a word has no such character.
        let end = if classes & STOP == 0 { end } else { without_stops(text, at, end) };
        Self { end, classes }
    }

    /// Reads on from the first mark of a word.
    #[cold]
    fn with_marks(text: &str, at: usize, mut end: usize, mut classes: u8) -> Self {
        classes |= DIGIT;
        while is_mark(text, end) {
            let (stop, seen) = mark::word(text, end + MARK.len());
            classes |= seen;
            end = stop;
        }
        Self { end: without_stops(text, at, end), classes }
    }

    /// Returns `true` if the word contains a digit or a mark.
    fn varies(self) -> bool {
        self.classes & DIGIT != 0
    }
}

impl Scanner<'_> {
    /// Handles a word, or characters that join words but stand alone.
    pub(super) fn word(&mut self) {
        let (text, at) = (self.text, self.at);
        if self.before == Before::Mark {
            let end = self.behind_value(at);
            if end > at {
                self.at = end;
                return;
            }
        }
        let word = Word::at(text, at);
        if word.classes & (LETTER | DIGIT) == 0 {
            // Such as `-`, `...` or `->`.
            let end = run(text, at, JOINER);
            return if self.is_valued && end == at + 1 && is_space(text, end) {
                self.value(end)
            } else {
                self.punctuation(end)
            };
        }
        if word.end - at > NAME {
            return self.value(self.behind_value(word.end));
        }
        let next = peek(text, word.end);
        if self.is_valued {
            // A structure, such as `Rect(1, 2)`, may contain more keys.
            let is_structure =
                matches!(next, b'(' | b'{' | b'[') && peek(text, at).is_ascii_uppercase();
            if !is_structure {
                return self.value(self.behind_value(word.end));
            }
        }
        if matches!(next, b'=' | b'(') {
            if next == b'('
                && self.before == Before::Edge
                && text.as_bytes()[word.end + 1..].starts_with(b"uid=")
            {
                // A user with the number of its account, `root(uid=0)`.
                return self.value(word.end);
            }
            if is(peek(text, at), LETTER)
                && (!word.varies()
                    || word.end - at <= KEY && !text.as_bytes()[at..word.end].contains(&b'<'))
            {
                return self.name(&text[at..word.end]);
            }
        }
        if let Some(end) = self.token(word, next) {
            return self.value(self.behind_value(end));
        }
        if word.varies() {
            return self.varying_word(word);
        }
        self.plain_word(word, next);
    }

    /// Finds a value that has a form of its own, and returns its end.
    fn token(&self, word: Word, next: u8) -> Option<usize> {
        let (text, at, end) = (self.text, self.at, word.end);
        let bytes = text.as_bytes();
        if next == b':' && word.classes & LETTER != 0 {
            if bytes[end..].starts_with(b"://") && is(peek(text, end + 3), URL) {
                return Some(without_stops(text, end + 3, run(text, end + 3, URL)));
            }
            if end == at + 1 && matches!(peek(text, end + 1), b'\\') {
                let path = end + 1;
                return Some(without_stops(text, path, run(text, path, WORD)));
            }
            if end == at + 2
                && is(bytes[at], HEX)
                && is(bytes[at + 1], HEX)
                && let Some(end) = hex_pairs(text, at)
            {
                return Some(end);
            }
            if end <= at + 4 && is(bytes[at], HEX) && is_colon_groups(text, at) {
                return Some(end);
            }
        }
        if word.classes & JOINER == 0 {
            return None;
        }
        let first = bytes[at];
        let is_path = match first {
            b'/' | b'\\' => end > at + 1,
            b'~' => bytes.get(at + 1) == Some(&b'/'),
            b'.' => bytes[at..end].starts_with(b"./") || bytes[at..end].starts_with(b"../"),
            _ => false,
        };
        if is_path && (first != b'\\' || bytes.get(at + 1) == Some(&b'\\')) && self.is_boundary() {
            let end = run(text, at, WORD);
            let end = if peek(text, end) == b'?' { run(text, end, URL) } else { end };
            return Some(without_stops(text, at + 1, end));
        }
        if word.classes & LABELS == 0 {
            return None;
        }
        let word = &bytes[at..end];
        if let Some(sign) = word[1..].iter().position(|byte| *byte == b'@') {
            // `java.lang.Object@1b28cdfa` begins with a name.
            let host = &word[sign + 2..];
            if !host.is_empty() && !are(host, HEX) {
                return Some(end);
            }
        }
        let port = if next == b':' { &bytes[end + 1..run(text, end + 1, DIGIT)] } else { b"" };
        names::is_dotted_value(word, port).then_some(end)
    }

    /// Returns `true` if a path can begin here.
    fn is_boundary(&self) -> bool {
        match self.before {
            Before::Edge | Before::Punctuation(_) => true,
            Before::Word | Before::Mark => false,
        }
    }

    /// Handles a word without digits.
    fn plain_word(&mut self, word: Word, next: u8) {
        let name = &self.text.as_bytes()[self.at..word.end];
        let mut is_value = false;
        if self.before == Before::Edge && next != b'=' {
            if self.output.ends_in_mark() && names::is_part_of_value(name) {
                self.output.join();
                self.at = self.behind_value(word.end);
                self.before = Before::Mark;
                return;
            }
            let last = self.output.last_word(0);
            let announced = matches!(last.len(), 3 | 4 | 8)
                && next != b'('
                && names::announces_name(|| self.output.last_word(1), last)
                && self.output.since_last_word() == (b"", true);
            if announced {
                is_value = !names::is_no_name(name) || ends_name(&self.text[word.end..]);
            } else if last.is_empty() {
                is_value = self.output.last_byte().is_none() && is_subject(&self.text[word.end..]);
            } else if word.classes & JOINER != 0 {
                is_value = name.contains(&b'_')
                    && names::is_entity(last)
                    && self.output.since_last_word() == (b"", true);
            } else if next == b':' {
                // `user bob: login failed`.
                is_value = last.eq_ignore_ascii_case(b"user") && !names::is_no_name(name);
            }
        } else if matches!(next, b')' | b']')
            && matches!(self.before, Before::Punctuation(b'(' | b'['))
        {
            // `for user (root)`.
            is_value = matches!(self.output.since_last_word(), (b" (" | b" [", _))
                && names::announces_name(|| self.output.last_word(1), self.output.last_word(0));
        }
        let is_value = is_value
            || word.classes & JOINER == 0 && (names::is_hex(name) || names::is_device(name))
            || name == b"localhost"
            || name == b"unknown" && next == b'[';
        if is_value {
            self.value(self.behind_value(word.end));
        } else {
            self.name(&self.text[self.at..word.end]);
        }
    }

    /// Handles a word with digits or marks. It is a value, unless all its digits are in names and codes.
    fn varying_word(&mut self, word: Word) {
        let text = self.text;
        let mut kept = self.at;
        while kept < word.end {
            let start = run(text, kept, JOINER);
            let (end, seen) = run_classes(text, start, LETTER | DIGIT);
            let name = &text.as_bytes()[start..end];
            let varies = end == start || seen & DIGIT != 0;
            if varies
                && start < word.end
                && !names::is_name(name, start > self.at)
                && !self.is_code(kept, start, end, seen)
            {
                return self.value(self.behind_value(word.end));
            }
            kept = match name {
                b"x86" if text.as_bytes()[end..].starts_with(b"_64") => end + 3,
                _ if name.eq_ignore_ascii_case(b"http") => http_version(text, end).unwrap_or(end),
                _ => end.max(start + 1),
            };
        }
        self.name(&text[self.at..word.end]);
    }

    /// Returns `true` if a part of a word is a code that identifies the problem: `status 404`, `ORA-00942`. `classes` are
    /// those of its bytes.
    fn is_code(&self, kept: usize, start: usize, end: usize, classes: u8) -> bool {
        let (text, at) = (self.text.as_bytes(), self.at);
        let code = &text[start..end];
        let digits = classes & LETTER == 0;
        let hex = matches!(code, [b'0', b'x' | b'X', rest @ ..]
            if (1..=8).contains(&rest.len()) && are(rest, HEX));
        let form = digits && code.len() <= 5 || hex || names::is_sqlstate(code);
        // `1.5` is no code, and the 1 of `status 1.5` neither.
        if !form || peek(self.text, end) == b'.' && is(peek(self.text, end + 1), DIGIT) {
            return false;
        }
        let announced = if kept > at {
            let (prior, word) = last_part(&text[at..kept], b"");
            start == kept + 1 && names::announces_code(prior, word, &text[kept..start], false)
        } else {
            let (gap, space) = self.output.since_last_word();
            let (prior, word) = last_word(self.output.last_word(0), self.output.last_word(1));
            matches!(&text[at..start], b"" | b"-" | b"+" | b"#")
                && names::announces_code(prior, word, gap, space)
        };
        announced && !(self.has_request && digits && code.len() == 3 && code < b"500")
    }

    /// Returns the end of a value, given the end of its first part: what is glued to it belongs to it, except for
    /// what ends a sentence, and for words after a colon.
    #[inline]
    pub(super) fn behind_value(&self, at: usize) -> usize {
        // Almost always white space follows.
        if is(peek(self.text, at), SPACE) { at } else { self.behind_glued(at) }
    }

    #[inline(never)]
    fn behind_glued(&self, at: usize) -> usize {
        let text = self.text;
        let bytes = text.as_bytes();
        let (mut next, mut colons) = (at, 0);
        loop {
            let stop = run(text, next, WORD);
            let end = without_stops(text, next, stop);
            next = stop;
            let byte = peek(text, next);
            if byte == b'<' && is_mark(text, next) {
                next += MARK.len();
            } else if byte == b':' {
                let doubled = bytes.get(next + 1) == Some(&b':');
                let start = next + 1 + usize::from(doubled);
                let stop = run(text, start, LETTER | DIGIT);
                let part = &bytes[start..stop];
                colons += 1;
                let group = (1..=4).contains(&part.len()) && are(part, HEX);
                let goes_on = part.iter().any(|byte| is(*byte, DIGIT))
                    || is_mark(text, start)
                    || group
                        && (doubled
                            || colons >= 2
                            || peek(text, stop) == b':' && is(peek(text, stop + 1), HEX));
                if !goes_on {
                    return end;
                }
                next = start;
            } else if byte == b'=' {
                // The padding of Base64.
                let stop = next + 1 + usize::from(bytes.get(next + 1) == Some(&b'='));
                if end < next || is(peek(text, stop), WORD) || peek(text, stop) == b'<' {
                    return end;
                }
                next = stop;
            } else if matches!(
                bytes.get(next..next + 3),
                Some([0xc2, 0xb5, b's'] | [0xce, 0xbc, b's'])
            ) {
                next += 3;
            } else {
                return end;
            }
        }
    }
}

/// Returns `true` if text follows the name of a user or a host: `password for bob from 10.0.0.1`.
pub(super) fn ends_name(text: &str) -> bool {
    behind_space(text).is_some_and(|rest| {
        rest.starts_with('[')
            || ["from", "by", "port"]
                .iter()
                .any(|word| rest.strip_prefix(word).is_some_and(|rest| is_space(rest, 0)))
    })
}

/// Returns `true` if text continues a line of `sudo`, which begins with the name of a user: `bob : TTY=pts/0 ; …`.
fn is_subject(text: &str) -> bool {
    // Almost always another word follows a space.
    if text.as_bytes().get(1).is_some_and(|byte| byte.is_ascii_graphic() && *byte != b':') {
        return false;
    }
    let rest = behind_space(text).and_then(|rest| rest.strip_prefix(':'));
    rest.is_some_and(|rest| is_space(rest, 0) && rest.contains("TTY="))
}

/// Returns text without the white space with which it begins, or `None` if it begins otherwise.
pub(super) fn behind_space(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|next: char| next.is_whitespace() || next.is_control());
    (rest.len() < text.len()).then_some(rest)
}

/// Returns the end of a value without the characters that end a sentence.
fn without_stops(text: &str, start: usize, end: usize) -> usize {
    start + trim_end(&text.as_bytes()[start..end], |last| is(last, STOP)).len()
}

/// Returns the last part of the last word, and the part or word before it: of `exit_code` these are `exit` and `code`.
fn last_word<'a>(word: &'a [u8], prior: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    match last_part(word, prior) {
        // The version of `HTTP/1.1 404`.
        (_, last) if word.len() >= last.len() + 6 && word[..5].eq_ignore_ascii_case(b"http/") => {
            (prior, &word[..4])
        }
        parts => parts,
    }
}

/// Returns the letters and digits at the end of a word, and those before what they are joined to.
fn last_part<'a>(word: &'a [u8], prior: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let without_part = |word| trim_end(word, |last| is(last, LETTER | DIGIT));
    match without_part(word) {
        before @ [rest @ .., _] => (&rest[without_part(rest).len()..], &word[before.len()..]),
        [] => (prior, word),
    }
}

/// Returns the end of the version in `HTTP/1.1`, given the position of its slash.
fn http_version(text: &str, slash: usize) -> Option<usize> {
    let at = slash + 1;
    let major = run(text, at, DIGIT);
    let end = if peek(text, major) == b'.' { run(text, major + 1, DIGIT) } else { major };
    (peek(text, slash) == b'/'
        && major > at
        && end - at <= 3
        && !is(peek(text, end), LETTER | DIGIT))
    .then_some(end)
}

/// Returns `true` if an IPv6 address begins here, of which the first groups have no digits: `fe:dc::1`.
pub(super) fn is_colon_groups(text: &str, at: usize) -> bool {
    let (mut end, mut groups, mut digits) = (at, 0, false);
    loop {
        let stop = run(text, end, HEX);
        if stop - end > 4 {
            return false;
        }
        digits |= text.as_bytes()[end..stop].iter().any(|byte| is(*byte, DIGIT));
        groups += 1;
        if peek(text, stop) != b':' || groups > 8 {
            let least = if text.as_bytes()[at..].starts_with(b"::") { 3 } else { 4 };
            let goes_on = is(peek(text, stop), LETTER | DIGIT) || peek(text, stop) == b'<';
            return digits && groups >= least && !goes_on;
        }
        end = stop + 1;
    }
}

/// Reads at least six pairs of hexadecimal digits separated by colons: a MAC address, or the fingerprint of a
/// certificate.
fn hex_pairs(text: &str, at: usize) -> Option<usize> {
    let (mut end, mut pairs) = (at, 1);
    while is(peek(text, end), HEX) && is(peek(text, end + 1), HEX) && peek(text, end + 2) == b':' {
        pairs += 1;
        end += 3;
    }
    let last = run(text, end, LETTER | DIGIT);
    let is_pair = last == end + 2 && are(&text.as_bytes()[end..last], HEX);
    let end = if is_pair { last } else { end - 1 };
    (pairs - usize::from(!is_pair) >= 6).then_some(end)
}
