//! Turns a condition into clauses that all have to hold: its conjunctive normal form.
//!
//! Negations move inwards to the comparisons, and alternatives move into the conjunctions:
//!
//! ```text
//! not (a and b)          not a or not b
//! (a and b) or c         (a or c) and (b or c)
//! ```
//!
//! Each `or` may multiply the clauses, so an expression that would become too large is refused, at the word that
//! made it so.

use ticket_core::{Clause, Comparison, MAX_COMPARISONS};

use super::error::ExprError;
use super::parser::{Expr, Part};

/// The comparisons of a clause; at least one of them has to hold.
type Alternatives = Vec<Comparison>;

/// Returns the clauses of conditions that all have to hold.
pub(super) fn of_all(parts: Vec<Part>) -> Result<Vec<Clause>, ExprError> {
    let clauses = all(parts, false)?;
    Ok(clauses.into_iter().filter_map(clause).collect())
}

fn clause(alternatives: Alternatives) -> Option<Clause> {
    let mut comparisons = alternatives.into_iter();
    let first = comparisons.next()?;
    Some(comparisons.fold(first.into(), Clause::or))
}

/// Returns the clauses of a condition, or of its negation.
fn clauses(expr: Expr, is_negated: bool) -> Result<Vec<Alternatives>, ExprError> {
    match expr {
        Expr::Comparison(comparison) => {
            Ok(vec![vec![if is_negated { !comparison } else { comparison }]])
        }
        Expr::Key { position, key } => {
            let name = key.name();
            let message = format!(
                "{name} can be neither negated nor one of several alternatives: write {name}=… and (…), and \
                 search once for each {name}"
            );
            Err(ExprError::new(position, message))
        }
        Expr::Not(expr) => clauses(*expr, !is_negated),
        Expr::All(parts) if is_negated => any(parts, true),
        Expr::Any(parts) if is_negated => all(parts, true),
        Expr::All(parts) => all(parts, false),
        Expr::Any(parts) => any(parts, false),
    }
}

/// Returns the clauses of a conjunction: those of all parts.
fn all(parts: Vec<Part>, is_negated: bool) -> Result<Vec<Alternatives>, ExprError> {
    let mut found = Vec::new();
    for part in parts {
        found.extend(clauses(part.expr, is_negated)?);
        found = simplified(found, part.position)?;
    }
    Ok(found)
}

/// Returns the clauses of alternatives: each combination of one clause of every part.
fn any(parts: Vec<Part>, is_negated: bool) -> Result<Vec<Alternatives>, ExprError> {
    let mut found: Vec<Alternatives> = vec![Vec::new()];
    for part in parts {
        let others = clauses(part.expr, is_negated)?;
        let combine = |one: &Alternatives| {
            let combined = others.iter().map(|other| [one.as_slice(), other].concat());
            combined.collect::<Vec<_>>()
        };
        found = simplified(found.iter().flat_map(combine).collect(), part.position)?;
    }
    Ok(found)
}

/// Leaves out what changes nothing, and refuses what is too large.
fn simplified(clauses: Vec<Alternatives>, position: usize) -> Result<Vec<Alternatives>, ExprError> {
    let mut kept: Vec<Alternatives> = Vec::new();
    for clause in clauses {
        let mut alternatives: Alternatives = Vec::new();
        for comparison in clause {
            if !alternatives.contains(&comparison) {
                alternatives.push(comparison);
            }
        }
        let always_holds =
            alternatives.iter().any(|comparison| alternatives.contains(&!comparison.clone()));
        if always_holds || kept.iter().any(|other| implies(other, &alternatives)) {
            continue;
        }
        kept.retain(|other| !implies(&alternatives, other));
        kept.push(alternatives);
    }
    let count: usize = kept.iter().map(Vec::len).sum();
    if count > MAX_COMPARISONS {
        let message = format!(
            "up to here, the expression becomes {count} comparisons in clauses that are joined by `and`, and \
             at most {MAX_COMPARISONS} are possible: write what all alternatives have in common only once, as \
             in a=1 and (b=2 or c=3), or search once for each alternative"
        );
        return Err(ExprError::new(position, message));
    }
    Ok(kept)
}

/// Returns `true` if the other clause holds whenever this one does.
fn implies(clause: &Alternatives, other: &Alternatives) -> bool {
    clause.iter().all(|comparison| other.contains(comparison))
}
