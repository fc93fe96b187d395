//! Expressions: `type=checkout and (user_id>=42 or missing user_id)`.
//!
//! ```text
//! expression   = [ alternatives ]
//! alternatives = conditions { "or" conditions }
//! conditions   = condition { "and" condition }
//! condition    = { "not" } ( "(" alternatives ")" | comparison )
//! comparison   = name operator value | "has" name | "missing" name | "message" "~" value
//! name         = word | quoted          a quoted name is always that of a trait
//! operator     = "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
//! value        = word | quoted          a quoted value is always text
//! ```
//!
//! The names `type` and `id` mean the type and the id of the event, and `message` its message. An id that is a UUID is the
//! occurrence's, and any other value, or a UUID in quotes, is the external id. A value that is a word is a number, `true`
//! or `false`, a time in RFC 3339 (in UTC if it has no offset), a date, or a text that begins with neither a digit nor a
//! sign.
//!
//! A filter is a conjunction of clauses, so [`clauses`] turns each expression into one.

mod clauses;
mod comparison;
mod error;
mod lexer;
mod parser;

use ticket_core::EventFilter;

use self::comparison::Key;
pub use self::error::ExprError;
use self::parser::{Expr, Part};

/// Parses an expression into a filter.
///
/// # Errors
///
/// Returns what is wrong with the expression, and where.
pub fn parse(text: &str) -> Result<EventFilter, ExprError> {
    let mut parts = Vec::new();
    if let Some(expr) = parser::parse(text)? {
        conjunction(Part { position: 0, expr }, &mut parts);
    }
    let mut filter = EventFilter::new();
    let mut conditions = Vec::new();
    for part in parts {
        match part.expr {
            Expr::Key { position, key } => filter = with_key(filter, position, key)?,
            expr => conditions.push(Part { position: part.position, expr }),
        }
    }
    for clause in clauses::of_all(conditions)? {
        filter = filter.with_clause(clause);
    }
    Ok(filter)
}

/// Collects the conditions that all have to hold.
fn conjunction(part: Part, parts: &mut Vec<Part>) {
    match part.expr {
        Expr::All(all) => all.into_iter().for_each(|part| conjunction(part, parts)),
        _ => parts.push(part),
    }
}

fn with_key(filter: EventFilter, position: usize, key: Key) -> Result<EventFilter, ExprError> {
    let taken = match key {
        Key::Type(_) => filter.event_type.is_some(),
        Key::Id(_) | Key::ExternalId(_) => {
            filter.occurrence_id.is_some() || filter.external_id.is_some()
        }
    };
    if taken {
        let name = key.name();
        let message = format!(
            "{name} is given twice, but an event has only one; {}",
            comparison::QUOTE_THE_NAME
        );
        return Err(ExprError::new(position, message));
    }
    Ok(match key {
        Key::Type(event_type) => filter.with_event_type(event_type),
        Key::Id(id) => filter.with_occurrence_id(id),
        Key::ExternalId(id) => filter.with_external_id(id),
    })
}

/// Returns `true` if the name of a trait needs no quotes.
#[must_use]
pub fn is_trait_name(name: &str) -> bool {
    lexer::is_word(name) && !comparison::is_reserved(name)
}

#[cfg(test)]
mod tests;
