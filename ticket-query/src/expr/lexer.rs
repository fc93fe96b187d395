//! Splits an expression into words, names, operators and values.

use ticket_core::Operator;

use super::error::ExprError;

/// A name or a value.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) position: usize,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

/// Returns `true` for characters that end a word.
fn is_special(c: char) -> bool {
    c.is_whitespace() || "\"'`=!<>~()&|,;\\".contains(c)
}

/// Returns `true` if a text is one name or value without quotes.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(is_special)
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// Returns `true` if only whitespace is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// Skips whitespace and returns what is left.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.position..];
        let trimmed = rest.trim_start();
        self.position += rest.len() - trimmed.len();
        trimmed
    }

    /// Returns the byte of the expression where the next token begins.
    pub(super) fn position(&mut self) -> usize {
        self.rest();
        self.position
    }

    /// Returns the word that comes next; empty if it is none.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(is_special).unwrap_or(rest.len())]
    }

    /// Reads a word, in any case, if it comes next. Returns its position.
    pub(super) fn keyword(&mut self, keyword: &str) -> Option<usize> {
        let word = self.word();
        let position = self.position;
        word.eq_ignore_ascii_case(keyword).then(|| {
            self.position += word.len();
            position
        })
    }

    /// Reads a word that stands before a name, if it comes next. Before an operator, it is itself a name.
    pub(super) fn prefix(&mut self, keyword: &str) -> bool {
        let start = self.position;
        if self.keyword(keyword).is_none() {
            return false;
        }
        let is_name = self.rest().starts_with(['=', '!', '<', '>', '~']);
        if is_name {
            self.position = start;
        }
        !is_name
    }

    /// Reads a sign if it comes next. Returns its position.
    pub(super) fn sign(&mut self, sign: &str) -> Option<usize> {
        let is_next = self.rest().starts_with(sign);
        let position = self.position;
        is_next.then(|| {
            self.position += sign.len();
            position
        })
    }

    /// Returns the error for what comes next, where `and`, `or` or something else should be.
    pub(super) fn unexpected(&mut self, end: &str) -> ExprError {
        let message = match self.rest().chars().next() {
            Some('&') => "write `and` between two conditions that must both hold".to_owned(),
            Some('|') => "write `or` between two alternatives".to_owned(),
            Some(')') => "there is no parenthesis that this one closes".to_owned(),
            _ => format!("expected `and`, `or` or {end}: a text with spaces or signs needs quotes"),
        };
        ExprError::new(self.position, message)
    }

    /// Reads a word or a text in quotes.
    pub(super) fn token(&mut self, expected: &str) -> Result<Token, ExprError> {
        let rest = self.rest();
        let position = self.position;
        if let Some(quote) = rest.chars().next().filter(|c| ['"', '\''].contains(c)) {
            let text = self.quoted(quote)?;
            return Ok(Token { text, quoted: true, position });
        }
        let word = self.word();
        if word.is_empty() {
            let hint = if rest.starts_with('!') { ", or `not` instead of !" } else { "" };
            return Err(ExprError::new(position, format!("expected {expected}{hint}")));
        }
        self.position += word.len();
        Ok(Token { text: word.to_owned(), quoted: false, position })
    }

    /// Reads a text up to the closing quote and replaces its escapes.
    fn quoted(&mut self, quote: char) -> Result<String, ExprError> {
        let start = self.position;
        self.position += quote.len_utf8();
        let mut text = String::new();
        loop {
            let position = self.position;
            match self.next_char() {
                Some(c) if c == quote => return Ok(text),
                Some('\\') => text.push(self.escaped().ok_or_else(|| {
                    let message = r#"unknown escape: write \\, \", \', \n, \r, \t or \u{1f600}"#;
                    ExprError::new(position, message)
                })?),
                Some(c) => text.push(c),
                None => {
                    let message = format!("the text that begins here has no closing {quote}");
                    return Err(ExprError::new(start, message));
                }
            }
        }
    }

    /// Reads an escape after its backslash and returns what it stands for.
    fn escaped(&mut self) -> Option<char> {
        match self.next_char()? {
            c @ ('"' | '\'' | '\\') => Some(c),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => {
                let (digits, _) = self.text[self.position..].strip_prefix('{')?.split_once('}')?;
                self.position += digits.len() + 2;
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
            }
            _ => None,
        }
    }

    fn next_char(&mut self) -> Option<char> {
        let c = self.text[self.position..].chars().next()?;
        self.position += c.len_utf8();
        Some(c)
    }

    /// Reads an operator and returns it with its position.
    pub(super) fn op(&mut self) -> Result<(usize, Operator), ExprError> {
        const SIGNS: [(&str, Operator); 7] = [
            ("==", Operator::Eq),
            ("!=", Operator::Ne),
            ("<=", Operator::Le),
            (">=", Operator::Ge),
            ("=", Operator::Eq),
            ("<", Operator::Lt),
            (">", Operator::Gt),
        ];
        let rest = self.rest();
        let position = self.position;
        let found = SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign));
        let (sign, op) = found.ok_or_else(|| {
            ExprError::new(position, "expected a comparison: one of = != < <= > >= and a value")
        })?;
        self.position += sign.len();
        Ok((position, op))
    }
}
