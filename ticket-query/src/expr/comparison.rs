//! Parses one comparison.

use ticket_core::{Comparison, OccurrenceId, Operator, Value};

use super::error::ExprError;
use super::lexer::{Lexer, Token};
use super::parser::Expr;

/// The type or the id of an event.
#[derive(Debug)]
pub(super) enum Key {
    Type(String),
    Id(OccurrenceId),
    /// The id that its producer gave the event.
    ExternalId(String),
}

impl Key {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Type(_) => "type",
            Self::Id(_) | Self::ExternalId(_) => "id",
        }
    }
}

/// Words that cannot be names without quotes.
const KEYWORDS: [&str; 3] = ["and", "or", "not"];

/// Names of what every event has.
const KEYS: [&str; 3] = ["type", "id", "message"];

/// Returns `true` if a name means something else than a trait without quotes.
pub(super) fn is_reserved(name: &str) -> bool {
    KEYS.contains(&name) || KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

pub(super) const QUOTE_THE_NAME: &str =
    "if you mean a trait of this name, write the name in quotes";

pub(super) fn comparison(lexer: &mut Lexer<'_>) -> Result<Expr, ExprError> {
    if lexer.prefix("has") {
        return Ok(Expr::Comparison(Comparison::has(presence(lexer)?)));
    }
    if lexer.prefix("missing") {
        return Ok(Expr::Comparison(Comparison::missing(presence(lexer)?)));
    }
    let name = lexer.token("a name: write a comparison such as user_id>=42")?;
    if !name.quoted {
        refuse_keyword(&name)?;
        match name.text.as_str() {
            "message" => return of_message(lexer).map(Expr::Comparison),
            "type" | "id" => return of_key(lexer, &name),
            _ => {}
        }
    }
    if let Some(position) = lexer.sign("~") {
        let message = r#"~ searches the message of an event, not a trait: write message ~ "text""#;
        return Err(ExprError::new(position, message));
    }
    let (_, op) = lexer.op()?;
    let value = lexer.token("a value: a number, true, false, a time, or text in quotes")?;
    of_trait(name.text, op, value).map(Expr::Comparison)
}

/// Parses the name of a trait after `has` or `missing`.
fn presence(lexer: &mut Lexer<'_>) -> Result<String, ExprError> {
    let name = lexer.token("the name of a trait")?;
    if !name.quoted {
        refuse_keyword(&name)?;
        if KEYS.contains(&name.text.as_str()) {
            let message = format!("every event has {}; {QUOTE_THE_NAME}", name.text);
            return Err(ExprError::new(name.position, message));
        }
    }
    Ok(name.text)
}

fn refuse_keyword(name: &Token) -> Result<(), ExprError> {
    if !KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(&name.text)) {
        return Ok(());
    }
    let message = format!(
        "{} is not a name: write one `and` or `or` between two comparisons, and a trait of this name in quotes",
        name.text
    );
    Err(ExprError::new(name.position, message))
}

fn of_message(lexer: &mut Lexer<'_>) -> Result<Comparison, ExprError> {
    if lexer.sign("~").is_none() {
        let message =
            format!(r#"message can only be searched: write message ~ "text"; {QUOTE_THE_NAME}"#);
        return Err(ExprError::new(lexer.position(), message));
    }
    let text = lexer.token("the text to look for")?;
    Ok(Comparison::message_contains(text.text))
}

fn of_key(lexer: &mut Lexer<'_>, name: &Token) -> Result<Expr, ExprError> {
    let (op_position, op) = lexer.op()?;
    if op != Operator::Eq {
        let message = format!("{} can only be compared with =; {QUOTE_THE_NAME}", name.text);
        return Err(ExprError::new(op_position, message));
    }
    let value = lexer.token("a value")?;
    let key = if name.text == "type" {
        Key::Type(value.text)
    } else {
        // In quotes, a UUID is the id that its producer gave the event.
        match value.text.parse() {
            Ok(id) if !value.quoted => Key::Id(id),
            Ok(_) | Err(_) => Key::ExternalId(value.text),
        }
    };
    Ok(Expr::Key { position: name.position, key })
}

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
            "{text} is neither a number nor a time such as 2026-11-21T10:47:20Z: write a text in quotes"
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
