//! Splits an expression into names, operators and values.

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
    c.is_whitespace() || "\"'`=!<>()&|,;\\".contains(c)
}

/// Returns `true` if a text is one name or value without quotes.
pub(crate) fn is_word(text: &str) -> bool {
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

    /// Reads a word or a text in quotes.
    pub(super) fn token(&mut self, expected: &str) -> Result<Token, ExprError> {
        let rest = self.rest();
        let position = self.position;
        if let Some(quote) = rest.chars().next().filter(|c| ['"', '\''].contains(c)) {
            let text = self.quoted(quote)?;
            return Ok(Token { text, quoted: true, position });
        }
        let end = rest.find(is_special).unwrap_or(rest.len());
        if end == 0 {
            return Err(ExprError::new(position, format!("expected {expected}")));
        }
        self.position += end;
        Ok(Token { text: rest[..end].to_owned(), quoted: false, position })
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

    /// Reads the word `and`.
    pub(super) fn and(&mut self) -> Result<(), ExprError> {
        let rest = self.rest();
        let end = rest.find(is_special).unwrap_or(rest.len());
        if !rest[..end].eq_ignore_ascii_case("and") {
            let message = "expected `and` and another comparison, or the end: there is no `or`, and a \
                           text with spaces or signs needs quotes";
            return Err(ExprError::new(self.position, message));
        }
        self.position += end;
        Ok(())
    }
}
