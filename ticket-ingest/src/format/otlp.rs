//! Logs of OpenTelemetry as its collector writes them: an object with the records of a batch, in its JSON encoding of
//! OTLP.
//!
//! Each record becomes an object with the names that other programs use for the same fields, and is read as theirs. That
//! object is also the text of the entry.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::logfmt;

/// The lists of scopes and of records, each with the name that older versions of the encoding gave it.
const SCOPE_LISTS: [&str; 2] = ["scopeLogs", "instrumentationLibraryLogs"];
const RECORD_LISTS: [&str; 2] = ["logRecords", "logs"];

/// The largest number of records in one line. The collector sends 8,192 unless it is told otherwise.
const RECORDS: usize = 10_000;
/// The largest number of bytes of what the records of a line repeat: the names of scopes and the attributes of resources.
const REPEATED: usize = 16 * 1024 * 1024;

/// Returns `true` for an object that is a batch and nothing else, of whose parts none would be left out.
pub(super) fn knows(fields: &Fields) -> bool {
    fields.0.len() == 1
        && fields.0.get("resourceLogs").is_some_and(|list| {
            are_objects(list, |resource| {
                SCOPE_LISTS.iter().any(|name| resource.contains_key(*name))
                    && lists_hold(resource, SCOPE_LISTS, |scope| {
                        lists_hold(scope, RECORD_LISTS, |_| true)
                    })
            })
        })
}

fn lists_hold(
    object: &Map<String, Value>,
    names: [&str; 2],
    is_known: impl Fn(&Map<String, Value>) -> bool,
) -> bool {
    let mut lists = names.iter().filter_map(|name| object.get(*name));
    lists.all(|list| are_objects(list, &is_known))
}

fn are_objects(list: &Value, is_known: impl Fn(&Map<String, Value>) -> bool) -> bool {
    let Some(list) = list.as_array() else { return false };
    list.iter().all(|value| value.as_object().is_some_and(&is_known))
}

/// Returns the records of a batch, or says why there are none.
pub(super) fn records(mut fields: Fields) -> Result<Vec<Fields>, String> {
    let (mut records, mut repeated) = (Vec::new(), 0);
    for mut of_resource in objects(fields.0.remove("resourceLogs")) {
        let resource = shared("resource", of_resource.remove("resource"));
        for mut of_scope in SCOPE_LISTS.iter().flat_map(|name| objects(of_resource.remove(*name))) {
            let scope = ["scope", "instrumentationLibrary"];
            let scope = scope.iter().find_map(|name| of_scope.remove(*name));
            let mut shared = shared("scope", scope);
            shared.extend(resource.iter().cloned());
            let bytes: usize =
                shared.iter().map(|field| field.name.len() + field.value.to_string().len()).sum();
            for record in RECORD_LISTS.iter().flat_map(|name| objects(of_scope.remove(*name))) {
                repeated += bytes;
                if records.len() == RECORDS || repeated > REPEATED {
                    return Err(format!(
                        "more than {RECORDS} log records in one line, or attributes of their resource that \
                         are too long: have the collector send smaller batches"
                    ));
                }
                records.push(Fields(flat(record, &shared)));
            }
        }
    }
    Ok(records)
}

/// A field of an object within a batch.
#[derive(Clone)]
struct Field {
    /// What the object is.
    owner: &'static str,
    name: String,
    value: Value,
}

/// Returns what a resource or a scope says of each of its records.
fn shared(owner: &'static str, object: Option<Value>) -> Vec<Field> {
    let Some(Value::Object(mut object)) = object else { return Vec::new() };
    let mut fields: Vec<Field> = attributes(owner, object.remove("attributes")).collect();
    let name = object.remove("name").map(|value| ("logger".to_owned(), value));
    let version = object.remove("version").map(|value| ("scope.version".to_owned(), value));
    let named = name.into_iter().chain(version).filter(|(_, value)| !is_unknown(value));
    fields.extend(named.map(|(name, value)| Field { owner, name, value }));
    fields
}

/// Brings a record, its attributes and what it shares with others into one object.
fn flat(mut record: Map<String, Value>, shared: &[Field]) -> Map<String, Value> {
    let body = record.remove("body").map(any_value);
    let own = attributes("attributes", record.remove("attributes"));
    record.retain(|_, value| !is_unknown(value));
    if let Some(observed) = record.remove("observedTimeUnixNano") {
        record.entry("timeUnixNano").or_insert(observed);
    }
    let has_level = record.contains_key("severityNumber") || record.contains_key("severityText");
    let body = match body {
        Some(Value::Object(fields)) => fields,
        // A line of a file, which the collector has not looked into.
        Some(Value::String(line)) if !has_level => match fields_in(&line) {
            Some(fields) => fields,
            None => Map::from_iter([("body".to_owned(), line.into())]),
        },
        // A message is a text.
        Some(body @ (Value::Array(_) | Value::Number(_) | Value::Bool(_))) => {
            Map::from_iter([("body".to_owned(), body.to_string().into())])
        }
        Some(body) => Map::from_iter([("body".to_owned(), body)]),
        None => Map::new(),
    };
    let body = body.into_iter().map(|(name, value)| Field { owner: "body", name, value });
    for Field { owner, name, value } in body.chain(own).chain(shared.iter().cloned()) {
        if record.get(&name).is_none_or(|known| *known == value) {
            record.insert(name, value);
        } else {
            record.insert(format!("{owner}.{name}"), value);
        }
    }
    record
}

/// Returns the fields of a line of JSON or logfmt.
fn fields_in(line: &str) -> Option<Map<String, Value>> {
    if line.trim_start().starts_with('{') {
        return match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => Some(fields),
            _ => None,
        };
    }
    logfmt::parse(line).filter(logfmt::is_typical).map(|fields| fields.0)
}

/// Returns `true` for what the encoding writes where there is no value.
fn is_unknown(value: &Value) -> bool {
    matches!(value.as_str(), Some("" | "0")) || value.as_i64() == Some(0)
}

fn objects(value: Option<Value>) -> impl Iterator<Item = Map<String, Value>> {
    let values = match value {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    values.into_iter().filter_map(|value| match value {
        Value::Object(object) => Some(object),
        _ => None,
    })
}

/// Reads `[{"key": "card", "value": {"stringValue": "visa"}}]`.
fn attributes(owner: &'static str, list: Option<Value>) -> impl Iterator<Item = Field> {
    objects(list).filter_map(move |mut pair| match (pair.remove("key"), pair.remove("value")) {
        (Some(Value::String(name)), Some(value)) => {
            Some(Field { owner, name, value: any_value(value) })
        }
        _ => None,
    })
}

/// Reads a value with its type: `{"stringValue": "visa"}`, `{"intValue": "7"}`, `{"kvlistValue": {"values": […]}}`.
fn any_value(value: Value) -> Value {
    let Value::Object(mut object) = value else { return value };
    let Some(kind) = object.keys().next().cloned().filter(|_| object.len() == 1) else {
        return Value::Object(object);
    };
    let Some(inner) = object.remove(&kind) else { return Value::Null };
    let values = |mut inner: Value| inner.as_object_mut().and_then(|list| list.remove("values"));
    match kind.as_str() {
        "stringValue" | "boolValue" | "doubleValue" | "bytesValue" => inner,
        // An integer of 64 bits is a text, since a number of JSON may not hold it.
        "intValue" => match inner.as_str().and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => number.into(),
            None => inner,
        },
        "arrayValue" => match values(inner) {
            Some(Value::Array(values)) => values.into_iter().map(any_value).collect(),
            _ => Value::Array(Vec::new()),
        },
        "kvlistValue" => {
            let fields =
                attributes("", values(inner)).map(|Field { name, value, .. }| (name, value));
            Value::Object(fields.collect())
        }
        _ => {
            object.insert(kind, inner);
            Value::Object(object)
        }
    }
}
