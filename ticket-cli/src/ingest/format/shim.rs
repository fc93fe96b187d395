//! Until the contract has it.
use serde_json::Value as Json;
use ticket_core::{Traits, Value};
pub(super) fn traits_from_json(json: &Json) -> Traits {
    let mut traits = Traits::new();
    walk("", json, &mut traits);
    traits
}
fn walk(path: &str, json: &Json, traits: &mut Traits) {
    let value = match json {
        Json::Object(map) => {
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(&path, value, traits);
            }
            return;
        }
        Json::Null => return,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or(number.as_u64().map(Value::from))
            .or(number.as_f64().map(Value::from))
            .unwrap_or_else(|| number.to_string().into()),
        Json::String(text) => text.as_str().into(),
        Json::Array(_) => json.to_string().into(),
    };
    traits.insert(path.to_owned(), value);
}
