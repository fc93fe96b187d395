//! JSON as traits.

use serde_json::Value as Json;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::DEPTH;
use super::traits::insert;
use crate::{Traits, Value};

/// Adds a JSON value to the traits, under a name.
///
/// An object becomes one trait for each of its values, with dotted names (`user.id`), down to
/// [`DEPTH`]; the values of one without a name are named by their keys alone. What is deeper, an empty
/// object, and an array become text: their JSON. A number is an integer or a float, and text where
/// neither holds it; null is the text `null`; text stays text, even if it looks like a time.
///
/// A name that is taken is numbered, so that `{"a.b": 1, "a": {"b": 2}}` loses nothing.
///
/// ```
/// use ticket_core::{Traits, Value, limits};
///
/// let mut traits = Traits::new();
/// let json = serde_json::json!({"user": {"id": 17, "tags": ["a", "b"]}, "ratio": 0.5});
/// limits::traits_from_json("", &json, &mut traits);
/// assert_eq!(traits["user.id"], Value::Int(17));
/// assert_eq!(traits["user.tags"], Value::from(r#"["a","b"]"#));
/// assert_eq!(traits["ratio"], Value::Float(0.5));
/// ```
pub fn traits_from_json(name: &str, value: &Json, traits: &mut Traits) {
    match value {
        Json::Object(object) if name.is_empty() => {
            for (key, value) in object {
                flatten(key.into(), value, DEPTH - 1, traits);
            }
        }
        _ => flatten(name.into(), value, DEPTH, traits),
    }
}

fn flatten(name: SmolStr, value: &Json, depth: usize, traits: &mut Traits) {
    let value = match value {
        Json::Object(object) if depth > 0 && !object.is_empty() => {
            for (key, value) in object {
                flatten(format_smolstr!("{name}.{key}"), value, depth - 1, traits);
            }
            return;
        }
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => from_number(number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Text(value.to_smolstr()),
    };
    insert(traits, name, value, usize::MAX);
}

fn from_number(number: &serde_json::Number) -> Value {
    if let Some(integer) = number.as_i64() {
        Value::Int(integer)
    } else {
        // An integer beyond the range stays text: a float would round it.
        let float = number.as_f64().filter(|float| number.is_f64() && float.is_finite());
        float.map_or_else(|| Value::Text(number.to_smolstr()), Value::Float)
    }
}
