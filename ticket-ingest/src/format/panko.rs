//! The events of Panko and Ceilometer, as their API and their publishers write them.
//!
//! ```text
//! {"message_id": "…", "event_type": "…", "generated": "…", "traits": [{"name", "type", "value"}, …], "raw": {…}}
//! ```
//!
//! `message_id` becomes the external id, and `raw` the payload. A trait may also be an array of its name, the number of its type, and its value. An event has no level.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_json::value::RawValue;
use ticket_core::record::Payload;
use ticket_core::{SmolStr, Value};

use super::Parsed;
use super::fields::Fields;
use crate::draft::Draft;
use crate::time;

pub(super) fn parse(line: &str) -> Parsed {
    let fields = match serde_json::from_str(line.trim()) {
        Ok(Json::Object(fields)) => Fields(fields),
        Ok(Json::Array(_)) => {
            return malformed(
                "it is an array: write one event per line, for example with `jq -c '.[]'`",
            );
        }
        Ok(_) => return malformed("it is not an object"),
        Err(error) => return malformed(&super::json_error(&error)),
    };
    match read(fields, line) {
        Ok(draft) => Parsed::Draft(Box::new(draft)),
        Err(reason) => malformed(&reason),
    }
}

fn malformed(reason: &str) -> Parsed {
    Parsed::Malformed(format!("not an event of Panko: {reason}"))
}

/// Returns the field `raw` as it is written: parsed, its keys would have another order.
fn raw(line: &str) -> Option<Payload> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(line.trim()).ok()?;
    fields.get("raw")?.get().parse().ok()
}

fn read(mut fields: Fields, line: &str) -> Result<Draft, String> {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    let event_type = fields.text(&["event_type"]).ok_or("it has no event_type")?;
    draft.time = Some(fields.time(&["generated"]).ok_or("it has no time in generated")?);
    draft.key = fields.text(&["message_id"]);
    draft.record.external_id = draft.key.clone();
    draft.record.payload = fields.take("raw").and_then(|_| raw(line));
    draft.record.message = event_type.clone();
    draft.record.channel = event_type;
    match fields.take("traits") {
        None => {}
        Some(Json::Array(traits)) => {
            for one in traits {
                let (name, value) = read_trait(&one)?;
                draft.keep(&name, value);
            }
        }
        Some(_) => return Err("its traits are not an array".into()),
    }
    draft.keep_all("", fields);
    Ok(draft)
}

fn read_trait(one: &Json) -> Result<(SmolStr, Value), String> {
    let (name, kind, value) = match one {
        Json::Object(object) => (
            object.get("name"),
            object.get("type").or_else(|| object.get("dtype")),
            object.get("value"),
        ),
        Json::Array(parts) => (parts.first(), parts.get(1), parts.get(2)),
        _ => (None, None, None),
    };
    let (Some(Json::String(name)), Some(value)) = (name, value) else {
        return Err("a trait has no name or no value".into());
    };
    let text = match value {
        Json::String(text) => text.as_str().into(),
        other => SmolStr::from(other.to_string()),
    };
    let value = match kind {
        Some(Json::String(kind)) => typed(kind, &text),
        Some(Json::Number(kind)) => match kind.as_u64() {
            Some(2) => typed("integer", &text),
            Some(3) => typed("float", &text),
            Some(4) => typed("datetime", &text),
            _ => typed("string", &text),
        },
        _ => typed("string", &text),
    };
    // Without the value, which may be a secret.
    let value =
        value.ok_or_else(|| format!("the value of the trait {name:?} is not of its type"))?;
    Ok((name.as_str().into(), value))
}

/// Returns a value of one of Panko's types, which its API writes as text. A type that Panko does not have is
/// text as well.
fn typed(kind: &str, text: &SmolStr) -> Option<Value> {
    match kind {
        "integer" | "int" => text.parse().ok().map(Value::Int),
        "float" => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        "datetime" => time::parse(text).map(Value::Time),
        "boolean" | "bool" => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
        _ => Some(Value::Text(text.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(line: &str) -> Draft {
        match parse(line) {
            Parsed::Draft(draft) => *draft,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_of_the_api_is_read() {
        let draft = draft(
            r#"{"message_id":"dc0e5a7c-8e2e","event_type":"compute.instance.create.end","generated":"2026-11-21T10:47:20.123456","traits":[{"name":"tenant_id","type":"string","value":"17"},{"name":"memory_mb","type":"integer","value":"512"},{"name":"load","type":"float","value":"0.5"},{"name":"launched_at","type":"datetime","value":"2026-11-21T10:47:19"}],"raw":{"host":"web1", "b":[1,null]}}"#,
        );
        assert_eq!(draft.record.external_id.as_deref(), Some("dc0e5a7c-8e2e"));
        let payload = draft.record.payload.as_ref().map(Payload::as_str);
        assert_eq!(payload, Some(r#"{"host":"web1","b":[1,null]}"#));
        assert_eq!(draft.key.as_deref(), Some("dc0e5a7c-8e2e"));
        assert_eq!(draft.record.channel, "compute.instance.create.end");
        assert_eq!(draft.record.message, "compute.instance.create.end");
        assert_eq!(draft.time, Some("2026-11-21T10:47:20.123456Z".parse().unwrap()));
        let traits = &draft.record.traits;
        assert_eq!(traits["tenant_id"], Value::from("17"));
        assert_eq!(traits["memory_mb"], Value::Int(512));
        assert_eq!(traits["load"], Value::Float(0.5));
        assert_eq!(traits["launched_at"], Value::Time("2026-11-21T10:47:19Z".parse().unwrap()));
        assert_eq!(traits.len(), 4);
    }

    #[test]
    fn an_event_of_a_publisher_is_read() {
        let draft = draft(
            r#"{"message_id":"a","event_type":"e","generated":"2026-11-21T10:47:20+00:00","traits":[["n",2,7],["f",3,1.5],["t",4,"2026-11-21T10:47:19"],["s",1,"x"]]}"#,
        );
        let traits = &draft.record.traits;
        assert_eq!((&traits["n"], &traits["f"]), (&Value::Int(7), &Value::Float(1.5)));
        assert_eq!((traits["t"].kind().as_str(), &traits["s"]), ("time", &Value::from("x")));
    }

    #[test]
    fn the_error_says_what_is_missing() {
        for (line, says) in [
            (r#"[{"event_type":"e"}]"#, "jq -c"),
            ("{", "EOF"),
            ("7", "not an object"),
            (r#"{"generated":"2026-11-21T10:47:20"}"#, "no event_type"),
            (r#"{"event_type":"e","generated":"soon"}"#, "no time in generated"),
            (r#"{"event_type":"e","generated":"2026-11-21T10:47:20","traits":{}}"#, "not an array"),
            (
                r#"{"event_type":"e","generated":"2026-11-21T10:47:20","traits":[{"name":"n","type":"integer","value":"hunter2"}]}"#,
                "the trait \"n\" is not of its type",
            ),
            (
                r#"{"event_type":"e","generated":"2026-11-21T10:47:20","traits":[{"value":"x"}]}"#,
                "no name",
            ),
        ] {
            let Parsed::Malformed(reason) = parse(line) else { panic!("{line}") };
            assert!(
                reason.starts_with("not an event of Panko: ") && reason.contains(says),
                "{reason}"
            );
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
