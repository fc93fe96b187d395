//! The rules for words and numbers: which parts are names, and which are values.
//!
//! This is the second half of [`Scanner`]; the documentation of the module `template` says why.

use super::mark::Mark;
use super::scan::{self, DIGIT, Word, count, ends_word, is, peek};
use super::scanner::{Before, Scanner};
use super::time;
use super::token::{self, Quantity};

/// Words that announce a code, which identifies the problem and is therefore kept.
const CODES: [&str; 13] = [
    "errno",
    "status",
    "signal",
    "http",
    "sqlstate",
    "rc",
    "hresult",
    "ntstatus",
    "errcode",
    "retcode",
    "exitcode",
    "errorcode",
    "statuscode",
];

/// Words after which `code` announces a code even if only a space follows: `exit code 1`.
const CODES_OF: [&str; 6] = ["exit", "error", "status", "response", "return", "with"];

impl Scanner<'_> {
    /// Handles a token that begins with a letter, or the rest of a word after a mark.
    ///
    /// The order of the rules matters: values with a form of their own come first, then units, then names.
    pub(super) fn word(&mut self) {
        let (text, at) = (self.text, self.at);
        let word = Word::at(text, at);
        if self.before == Before::Mark {
            return self.rest_of_word(word.end);
        }
        if let Some((mark, end)) = self.token_with_letter(&word) {
            return self.mark(mark, end);
        }
        let name = &text[at..word.end];
        if let Some(unit) = self.separate_unit(&word) {
            return self.unit(unit, word.end);
        }
        if peek(text, word.end) == b'/' && name.eq_ignore_ascii_case("http") {
            let version = Quantity::at(text, word.end + 1).number;
            if (2..=4).contains(&(version - word.end)) && ends_word(text, version) {
                return self.name(version);
            }
        }
        if !word.digits {
            return self.letters(word.end);
        }
        if name == "x86" && text[word.end..].starts_with("_64") && ends_word(text, word.end + 3) {
            return self.name(word.end + 3);
        }
        if is_version(name) && peek(text, word.end) == b'.' && is(peek(text, word.end + 1), DIGIT) {
            self.letters(at + 1);
            let number = Quantity::at(text, at + 1).number;
            self.mark(Mark::Number, number);
            return self.rest_of_word(Word::at(text, number).end);
        }
        if self.expects_code() && is_state(name) {
            return self.name(word.end);
        }
        match token::varying_digits(name) {
            None => self.name(word.end),
            Some((start, end)) => {
                self.name(at + start);
                self.mark(Mark::Number, at + end);
                self.rest_of_word(word.end);
            }
        }
    }

    /// Returns the replacement for this word if it is the unit of the number before it: `250 ms`.
    fn separate_unit(&self, word: &Word) -> Option<&'static str> {
        if word.end - self.at > 3
            || !self.output.is_behind_number()
            || !ends_word(self.text, word.end)
        {
            return None;
        }
        token::separate_unit(&self.text[self.at..word.end])
    }

    /// Finds a value that begins with a letter; the byte after the word tells which kinds are possible.
    fn token_with_letter(&mut self, word: &Word) -> Option<(Mark, usize)> {
        let (text, at, end) = (self.text, self.at, word.end);
        if !word.ascii {
            return None;
        }
        if let Some(end) = self.mail_at(at) {
            return Some((Mark::Email, end));
        }
        let length = end - at;
        let found = match peek(text, end) {
            b':' if length == 1 && matches!(peek(text, end + 1), b'\\' | b'/') => {
                let path = scan::windows_path(text, end + 1)
                    .filter(|_| peek(text, end + 1) == b'\\' || peek(text, end + 2) != b'/');
                path.map(|end| (Mark::Path, end))
            }
            b':' if peek(text, end + 1) == b'/' => scan::url(text, end).map(|end| (Mark::Url, end)),
            b':' if length == 2 => scan::hex_pairs(text, at).map(|end| (Mark::Hex, end)),
            b':' if length == 4 => scan::ip6(text, at).map(|end| (Mark::Ip, end)),
            b'-' if length == 8 => scan::uuid(text, at).map(|end| (Mark::Id, end)),
            b' ' | b',' if length >= 3 => {
                time::from_letter(text, at, end).map(|end| (Mark::Time, end))
            }
            _ => None,
        };
        if found.is_some() || !word.digits {
            return found;
        }
        if self.expects_code() && is_state(&text[at..end]) {
            return None;
        }
        self.mixed(word)
    }

    /// Finds a hexadecimal number or an id that begins with this word of letters and digits.
    fn mixed(&self, word: &Word) -> Option<(Mark, usize)> {
        if !ends_word(self.text, word.end) {
            return None;
        }
        if token::is_hex(&self.text[self.at..word.end]) {
            return Some((Mark::Hex, word.end));
        }
        token::id(self.text, self.at, word).map(|end| (Mark::Id, end))
    }

    /// Handles a token that begins with a digit; `sign` is the position of the sign before it, if there is one.
    ///
    /// The sign belongs to a number (`-5` is `<n>`) and to a code (`exit code -1`). Before any other value it is
    /// punctuation.
    pub(super) fn digits(&mut self, sign: Option<usize>) {
        let (text, at) = (self.text, self.at);
        if self.before == Before::Mark {
            return self.rest_of_word(Word::at(text, at).end);
        }
        let word = Word::at(text, at);
        let mut found = self.token_with_digit(&word);
        if found.is_none() {
            let quantity = Quantity::at(text, at);
            if let Some(end) = self.code(&word, &quantity) {
                self.at = sign.unwrap_or(at);
                return self.name(end);
            }
            found = self.mixed_with_digit(&word, &quantity);
            if found.is_none() {
                return self.quantity(&quantity);
            }
        }
        if let Some((mark, end)) = found {
            if let Some(sign) = sign {
                self.at = sign;
                self.punctuation(1);
            }
            self.mark(mark, end);
        }
    }

    /// Writes a number and its unit.
    fn quantity(&mut self, quantity: &Quantity) {
        self.mark(Mark::Number, quantity.number);
        match quantity.unit {
            Some((unit, end)) => self.unit(unit, end),
            None => self.rest_of_word(Word::at(self.text, quantity.number).end),
        }
    }

    /// Writes the replacement of a unit that ends at `end`.
    fn unit(&mut self, unit: &str, end: usize) {
        self.output.letters(unit);
        self.before = Before::Word;
        self.at = end;
    }

    /// Finds a value that begins with a digit and whose separators tell what it is.
    fn token_with_digit(&mut self, word: &Word) -> Option<(Mark, usize)> {
        let (text, at, end) = (self.text, self.at, word.end);
        if let Some(end) = self.mail_at(at) {
            return Some((Mark::Email, end));
        }
        let ip4 = || scan::ip4(text, at).map(|end| (Mark::Ip, end));
        let ip6 = || scan::ip6(text, at).map(|end| (Mark::Ip, end));
        let hex = || scan::hex_pairs(text, at).map(|end| (Mark::Hex, end));
        let uuid = || scan::uuid(text, at).map(|end| (Mark::Id, end));
        let time = || {
            let digits = at + count(text, at, DIGIT);
            let behind_colon = self.before == Before::Punctuation(b':');
            time::from_digit(text, at, digits, behind_colon).map(|end| (Mark::Time, end))
        };
        match peek(text, end) {
            b':' => hex().or_else(time).or_else(ip6),
            b'-' => uuid().or_else(time),
            b'.' => ip4().or_else(time),
            b'/' => time(),
            b' ' if end - at <= 2 => time(),
            _ if word.letters => time(),
            _ => None,
        }
    }

    /// Finds a hexadecimal number or an id that begins with a digit and is not a quantity.
    fn mixed_with_digit(&self, word: &Word, quantity: &Quantity) -> Option<(Mark, usize)> {
        if let Some((end, _)) = scan::prefixed_hex(self.text, self.at) {
            return Some((Mark::Hex, end));
        }
        let number = !word.ascii
            || !word.letters
            || quantity.unit.is_some()
            || quantity.number == word.end
            || token::is_size(&self.text[self.at..word.end]);
        if number { None } else { self.mixed(word) }
    }

    /// Returns the end of a code that identifies a problem: `status 404`, `os error 2`, `SQLSTATE 42P01`.
    fn code(&self, word: &Word, quantity: &Quantity) -> Option<usize> {
        let (text, at) = (self.text, self.at);
        let number = quantity.whole && quantity.number == word.end && word.end - at <= 5;
        if !(number || word.letters) || !self.expects_code() {
            return None;
        }
        if let Some((end, digits)) = scan::prefixed_hex(text, at) {
            return (digits <= 8).then_some(end);
        }
        (number || is_state(&text[at..word.end])).then_some(word.end)
    }

    /// Returns `true` if the text that was written last announces a code.
    fn expects_code(&self) -> bool {
        let (gap, space) = self.output.since_last_word();
        if gap.len() > 3 || !gap.bytes().all(|byte| b" :=([#-_\"'".contains(&byte)) {
            return false;
        }
        let [prior, word] = self.output.last_words();
        let one_of =
            |word: &str, names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        if one_of(word, &["error", "err", "ora"]) {
            // In `error: 5 rows are missing`, the number is a value.
            return !gap.contains(':');
        }
        if one_of(word, &["code"]) {
            // In `verification code 12345`, the number is a value.
            return (gap, space) != ("", true) || one_of(prior, &CODES_OF);
        }
        one_of(word, &CODES) || word.starts_with("HTTP/")
    }

    /// Handles the text up to `end`, which is glued to a mark: all of its digits are values, its letters are kept.
    fn rest_of_word(&mut self, end: usize) {
        while self.at < end {
            let digits = count(self.text, self.at, DIGIT);
            if digits > 0 {
                self.mark(Mark::Number, self.at + digits);
            } else {
                let rest = &self.text.as_bytes()[self.at..end];
                let letters = rest.iter().take_while(|byte| !is(**byte, DIGIT)).count();
                self.letters(self.at + letters);
            }
        }
    }
}

/// Returns `true` if a word has the form of an SQLSTATE: five digits or capitals, at least one of them a digit.
fn is_state(word: &str) -> bool {
    word.len() == 5
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Returns `true` for the first part of a version such as `v1.2.3`.
fn is_version(word: &str) -> bool {
    word.strip_prefix(['v', 'V'])
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| is(byte, DIGIT)))
}
