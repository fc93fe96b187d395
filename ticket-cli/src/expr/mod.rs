//! The expressions of `ticket find`: `type=checkout and user_id>=42 and path="/api"`.
//!
//! ```text
//! expression = [ comparison { "and" comparison } ]
//! comparison = name operator value
//! name       = word | quoted          a quoted name is always a trait's
//! operator   = "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
//! value      = word | quoted          a quoted value is always text
//! ```
//!
//! The words `type` and `id` are the event's type and id. A word as a value is a number, `true` or
//! `false`, a time in RFC 3339, or text that begins with neither a digit nor a sign.

mod lexer;

use ticket_core::{Comparison, EventFilter, Operator, Timestamp, Value};

use self::lexer::{Lexer, Token, is_word};
use crate::output::sanitize;

/// Reads an expression into a filter.
pub(crate) fn parse(text: &str) -> Result<EventFilter, ExprError> {
    let mut lexer = Lexer::new(text);
    let mut filter = EventFilter::new();
    if lexer.is_at_end() {
        return Ok(filter);
    }
    loop {
        filter = comparison(&mut lexer, filter)?;
        if lexer.is_at_end() {
            return Ok(filter);
        }
        lexer.and()?;
    }
}

/// Whether a trait's name needs no quotes.
pub(crate) fn is_trait_name(name: &str) -> bool {
    is_word(name) && !KEYWORDS.contains(&name) && !KEYS.contains(&name)
}

/// Words that are no names.
const KEYWORDS: [&str; 3] = ["and", "or", "not"];

/// Words that name something of every event.
const KEYS: [&str; 2] = ["type", "id"];

/// What is wrong with an expression, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ExprError {
    /// A byte of the expression, or its end.
    position: usize,
    message: String,
}

impl ExprError {
    fn new(position: usize, message: impl Into<String>) -> Self {
        Self { position, message: message.into() }
    }

    /// The message, with the expression and a mark under the place.
    pub(crate) fn explain(&self, text: &str) -> String {
        let before = sanitize::line(&text[..self.position]);
        let indent = " ".repeat(unicode_width::UnicodeWidthStr::width(before.as_str()));
        format!("{}\n  {}\n  {indent}^", self.message, sanitize::line(text))
    }
}

fn comparison(lexer: &mut Lexer<'_>, filter: EventFilter) -> Result<EventFilter, ExprError> {
    let name = lexer.token("a name: write a comparison such as user_id>=42")?;
    if !name.quoted && KEYWORDS.contains(&name.text.as_str()) {
        let message = format!(
            "{} is no name: comparisons are joined by `and`, one between two; write a trait of this \
             name in quotes",
            name.text
        );
        return Err(ExprError::new(name.position, message));
    }
    let (op_position, op) = lexer.op()?;
    let value = lexer.token("a value: a number, true, false, a time, or text in quotes")?;
    match (name.quoted, name.text.as_str()) {
        (false, key @ ("type" | "id")) => {
            if op != Operator::Eq {
                let message = format!("{key} can only be compared with =; {QUOTE_THE_NAME}");
                return Err(ExprError::new(op_position, message));
            }
            let taken = if key == "type" {
                filter.event_type.is_some()
            } else {
                filter.occurrence_id.is_some()
            };
            if taken {
                let message =
                    format!("{key} is given twice, and an event has one; {QUOTE_THE_NAME}");
                return Err(ExprError::new(name.position, message));
            }
            if key == "type" {
                return Ok(filter.with_event_type(value.text));
            }
            let id = value.text.parse().map_err(|error: ticket_core::Error| {
                ExprError::new(value.position, format!("{}; {QUOTE_THE_NAME}", error.message()))
            })?;
            Ok(filter.with_occurrence_id(id))
        }
        _ => Ok(filter.with_comparison(of_trait(name.text, op, value)?)),
    }
}

const QUOTE_THE_NAME: &str = "for a trait of this name, write the name in quotes";

fn of_trait(name: String, op: Operator, value: Token) -> Result<Comparison, ExprError> {
    let Token { text, quoted, position } = value;
    if quoted {
        return Ok(Comparison::new(name, op, text));
    }
    if let Ok(yes) = text.parse::<bool>() {
        return Ok(Comparison::new(name, op, yes));
    }
    let looks_like_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.contains(|c: char| c.is_ascii_digit());
    if !looks_like_number {
        return Ok(Comparison::new(name, op, text));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Comparison::new(name, op, time));
    }
    number(&text).and_then(|number| Comparison::number(name, op, number).ok()).ok_or_else(|| {
        let message = format!(
            "{} is neither a number nor a time such as 2026-11-21T10:47:20Z: write text in quotes",
            sanitize::line(&text)
        );
        ExprError::new(position, message)
    })
}

/// An integer, or else a finite float.
fn number(text: &str) -> Option<Value> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(Value::Int(number));
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float)
}

#[cfg(test)]
mod tests;
