//! The expressions of `ticket find`: `type=checkout and user_id>=42 and path="/api"`.
//!
//! ```text
//! expression = [ comparison { "and" comparison } ]
//! comparison = name operator value
//! name       = word | quoted          a quoted name is always that of a trait
//! operator   = "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
//! value      = word | quoted          a quoted value is always text
//! ```
//!
//! The names `type` and `id` mean the type and the id of the event: a UUID is the occurrence's id, and any other value, or
//! a UUID in quotes, is the external id. A value that is a word is a number, `true` or `false`, a time in RFC 3339 (in UTC
//! if it has no offset), a date, or a text that begins with neither a digit nor a sign.

mod error;
mod lexer;

use ticket_core::{Comparison, EventFilter, Operator, Value};

use self::error::ExprError;
use self::lexer::{Lexer, Token, is_word};
use crate::sanitize;

/// Parses an expression into a filter.
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

/// Returns `true` if the name of a trait needs no quotes.
pub(crate) fn is_trait_name(name: &str) -> bool {
    is_word(name) && !KEYWORDS.contains(&name) && !KEYS.contains(&name)
}

/// Words that cannot be names without quotes.
const KEYWORDS: [&str; 3] = ["and", "or", "not"];

/// Names of what every event has.
const KEYS: [&str; 2] = ["type", "id"];

fn comparison(lexer: &mut Lexer<'_>, filter: EventFilter) -> Result<EventFilter, ExprError> {
    let name = lexer.token("a name: write a comparison such as user_id>=42")?;
    if !name.quoted && KEYWORDS.contains(&name.text.as_str()) {
        let message = format!(
            "{} is not a name: write one `and` between two comparisons, and a trait of this name in \
             quotes",
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
                filter.occurrence_id.is_some() || filter.external_id.is_some()
            };
            if taken {
                let message =
                    format!("{key} is given twice, but an event has only one; {QUOTE_THE_NAME}");
                return Err(ExprError::new(name.position, message));
            }
            if key == "type" {
                return Ok(filter.with_event_type(value.text));
            }
            // In quotes, a UUID is the id that its producer gave the event.
            match value.text.parse() {
                Ok(id) if !value.quoted => Ok(filter.with_occurrence_id(id)),
                Ok(_) | Err(_) => Ok(filter.with_external_id(value.text)),
            }
        }
        _ => Ok(filter.with_comparison(of_trait(name.text, op, value)?)),
    }
}

const QUOTE_THE_NAME: &str = "if you mean a trait of this name, write the name in quotes";

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
    if let Some(time) = crate::time::time(&text) {
        return Ok(Comparison::new(name, op, time));
    }
    number(&text).and_then(|number| Comparison::number(name, op, number).ok()).ok_or_else(|| {
        let message = format!(
            "{} is neither a number nor a time such as 2026-11-21T10:47:20Z: write a text in quotes",
            sanitize::line(&text)
        );
        ExprError::new(position, message)
    })
}

/// Parses an integer or a finite float.
fn number(text: &str) -> Option<Value> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(Value::Int(number));
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float)
}

#[cfg(test)]
mod tests;
