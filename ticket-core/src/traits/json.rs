//! Conversion of JSON values into traits.

use serde_json::Value as Json;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::Traits;
use crate::Value;
use crate::limits::DEPTH;

impl Traits {
    /// Adds a JSON value under a name.
    ///
    /// An object becomes one trait per value, with dotted names such as `user.id`, down to a depth of
    /// [`DEPTH`]; if `name` is empty, its keys alone are the names. Anything deeper, an empty object and
    /// an array become text: their JSON. A number becomes an integer or a float, or text if neither
    /// holds it exactly. Null becomes the text `null`. Text stays text, even if it looks like a time.
    ///
    /// A name that is taken gets a number, so `{"a.b": 1, "a": {"b": 2}}` loses nothing.
    ///
    /// ```
    /// use ticket_core::{Traits, Value};
    ///
    /// let mut traits = Traits::new();
    /// let json = serde_json::json!({"user": {"id": 17, "tags": ["a", "b"]}, "ratio": 0.5});
    /// traits.insert_json("", &json);
    /// assert_eq!(traits["user.id"], Value::Int(17));
    /// assert_eq!(traits["user.tags"], Value::from(r#"["a","b"]"#));
    /// assert_eq!(traits["ratio"], Value::Float(0.5));
    /// ```
    pub fn insert_json(&mut self, name: &str, value: &Json) {
        match value {
            Json::Object(object) if name.is_empty() => {
                for (key, value) in object {
                    self.flatten(key.into(), value, DEPTH - 1);
                }
            }
            _ => self.flatten(name.into(), value, DEPTH),
        }
    }

    fn flatten(&mut self, name: SmolStr, value: &Json, depth: usize) {
        let value = match value {
            Json::Object(object) if depth > 0 && !object.is_empty() => {
                for (key, value) in object {
                    self.flatten(format_smolstr!("{name}.{key}"), value, depth - 1);
                }
                return;
            }
            Json::Bool(yes) => Value::Bool(*yes),
            Json::Number(number) => from_number(number),
            Json::String(text) => Value::from(text.as_str()),
            Json::Null | Json::Array(_) | Json::Object(_) => Value::Text(value.to_smolstr()),
        };
        self.insert_numbered(name, value, usize::MAX);
    }
}

fn from_number(number: &serde_json::Number) -> Value {
    if let Some(integer) = number.as_i64() {
        Value::Int(integer)
    } else {
        // An integer that does not fit into an i64 stays text, because a float would round it.
        let float = number.as_f64().filter(|float| number.is_f64() && float.is_finite());
        float.map_or_else(|| Value::Text(number.to_smolstr()), Value::Float)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flat(name: &str, json: &str) -> Vec<(SmolStr, Value)> {
        let mut traits = Traits::new();
        traits.insert_json(name, &serde_json::from_str(json).unwrap());
        traits.into_iter().collect()
    }

    #[test]
    fn json_becomes_typed_traits() {
        let json = r#"{"i": -3, "f": 1.5, "whole": 2.0, "t": "2026-11-21T10:47:20Z", "n": null, "y": true,
            "u": 18446744073709551615, "list": [1, {"a": 2}], "none": {}, "": {"": 1}}"#;
        let expected = [
            (".", Value::Int(1)),
            ("f", Value::Float(1.5)),
            ("i", Value::Int(-3)),
            ("list", Value::from(r#"[1,{"a":2}]"#)),
            ("n", Value::from("null")),
            ("none", Value::from("{}")),
            ("t", Value::from("2026-11-21T10:47:20Z")),
            ("u", Value::from("18446744073709551615")),
            ("whole", Value::Float(2.0)),
            ("y", Value::Bool(true)),
        ];
        assert_eq!(flat("", json), expected.map(|(name, value)| (name.into(), value)));
        assert_eq!(flat("x", r#"{"a":{"b":1}}"#), [("x.a.b".into(), Value::Int(1))]);
        assert_eq!(flat("x", "7"), [("x".into(), Value::Int(7))]);
        assert_eq!(flat("", "7"), [(SmolStr::default(), Value::Int(7))]);
    }

    #[test]
    fn json_names_that_collide_are_numbered() {
        let both = flat("", r#"{"a.b": 1, "a": {"b": 2}}"#);
        let names: Vec<_> = both.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.b", "a.b#2"]);
        let mut traits = Traits::from([("a".into(), Value::Int(0)), ("a#2".into(), Value::Int(0))]);
        traits.insert_json("a", &serde_json::json!(5));
        assert_eq!(traits["a#3"], Value::Int(5));
    }

    #[test]
    fn json_nested_too_deeply_stays_json_text() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(DEPTH + 2), "}".repeat(DEPTH + 2));
        let name = vec!["a"; DEPTH].join(".");
        assert_eq!(flat("", &deep), [(name.into(), Value::from(r#"{"a":{"a":1}}"#))]);
    }

    proptest! {
        #[test]
        fn no_leaf_of_json_is_lost(entries in prop::collection::vec(("[ab.]{0,3}", "[ab.#2]{0,3}"), 0..12)) {
            let mut json = serde_json::Map::new();
            let mut leaves = 0;
            for (outer, inner) in entries {
                let object = json.entry(outer).or_insert_with(|| serde_json::json!({}));
                if let Some(object) = object.as_object_mut() {
                    leaves += usize::from(object.insert(inner, leaves.into()).is_none());
                }
            }
            let mut traits = Traits::new();
            traits.insert_json("", &json.into());
            prop_assert_eq!(traits.len(), leaves);
        }
    }
}
