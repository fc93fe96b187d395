//! Parses an expression into a tree.

use ticket_core::Comparison;

use super::comparison::{Key, comparison};
use super::error::ExprError;
use super::lexer::Lexer;

/// A condition, which consists of others or is a single one.
#[derive(Debug)]
pub(super) enum Expr {
    Comparison(Comparison),
    /// What every event has one of.
    Key {
        position: usize,
        key: Key,
    },
    Not(Box<Expr>),
    /// All parts have to hold.
    All(Vec<Part>),
    /// One of the parts has to hold.
    Any(Vec<Part>),
}

/// A condition that is joined to others.
#[derive(Debug)]
pub(super) struct Part {
    /// The byte of the expression where the word is that joins it to the part before it; for the first part,
    /// where it begins.
    pub(super) position: usize,
    pub(super) expr: Expr,
}

/// How many parentheses may be within each other. Each takes a part of the stack.
const DEPTH: usize = 32;

/// Parses an expression; `None` if it is empty.
pub(super) fn parse(text: &str) -> Result<Option<Expr>, ExprError> {
    let mut lexer = Lexer::new(text);
    if lexer.is_at_end() {
        return Ok(None);
    }
    let expr = alternatives(&mut lexer, 0)?;
    if lexer.is_at_end() { Ok(Some(expr)) } else { Err(lexer.unexpected("the end")) }
}

fn alternatives(lexer: &mut Lexer<'_>, depth: usize) -> Result<Expr, ExprError> {
    let parts = joined(lexer, "or", |lexer| {
        let parts = joined(lexer, "and", |lexer| condition(lexer, depth))?;
        Ok(one_or(parts, Expr::All))
    })?;
    Ok(one_or(parts, Expr::Any))
}

/// Parses parts with a word between them.
fn joined(
    lexer: &mut Lexer<'_>,
    word: &str,
    part: impl Fn(&mut Lexer<'_>) -> Result<Expr, ExprError>,
) -> Result<Vec<Part>, ExprError> {
    let mut parts = vec![Part { position: lexer.position(), expr: part(lexer)? }];
    while let Some(position) = lexer.keyword(word) {
        parts.push(Part { position, expr: part(lexer)? });
    }
    Ok(parts)
}

fn one_or(mut parts: Vec<Part>, several: fn(Vec<Part>) -> Expr) -> Expr {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only.expr,
        (_, last) => {
            parts.extend(last);
            several(parts)
        }
    }
}

fn condition(lexer: &mut Lexer<'_>, depth: usize) -> Result<Expr, ExprError> {
    let mut is_negated = false;
    while lexer.keyword("not").is_some() {
        is_negated = !is_negated;
    }
    let expr = match lexer.sign("(") {
        Some(position) if depth == DEPTH => {
            let message = format!("more than {DEPTH} parentheses are within each other");
            return Err(ExprError::new(position, message));
        }
        Some(position) => {
            let expr = alternatives(lexer, depth + 1)?;
            if lexer.is_at_end() {
                let message = "the parenthesis that opens here is not closed";
                return Err(ExprError::new(position, message));
            }
            if lexer.sign(")").is_none() {
                return Err(lexer.unexpected("`)`"));
            }
            expr
        }
        None => comparison(lexer)?,
    };
    Ok(if is_negated { Expr::Not(Box::new(expr)) } else { expr })
}
