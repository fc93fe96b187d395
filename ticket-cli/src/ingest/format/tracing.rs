//! The JSON of `tracing-subscriber`, plain and flattened.

use serde_json::Value;
use ticket_core::record::Span;

use super::fields::Fields;
use super::{Entry, usual};

pub(super) fn knows(fields: &Fields) -> bool {
    fields.has("target")
        && fields.has("level")
        && ["fields", "timestamp", "span", "spans"].iter().any(|name| fields.has(name))
}

pub(super) fn read(mut fields: Fields) -> Entry {
    let mut entry = Entry::new();
    entry.time = fields.time(&["timestamp"]);
    entry.level = fields.level(&["level"]);
    let record = &mut entry.record;
    record.channel = fields.text(&["target"]).unwrap_or_default();
    record.location.file = fields.text(&["filename"]);
    record.location.line = fields.number(&["line_number"]);
    record.thread = fields.text(&["threadName", "threadId"]);

    let spans = fields.take("spans");
    let span = fields.take("span");
    record.spans = match (spans, span) {
        (Some(Value::Array(spans)), _) => spans.into_iter().filter_map(read_span).collect(),
        (_, span) => span.into_iter().filter_map(read_span).collect(),
    };

    // Flattened, an event's fields are beside those of the format.
    let mut own = match fields.take("fields") {
        Some(Value::Object(own)) => {
            entry.keep_all("", fields);
            Fields(own)
        }
        _ => fields,
    };
    entry.record.message = own.text(&["message"]).unwrap_or_default();
    // What the bridge from `log` knows better than the macro that it went through.
    if let Some(target) = own.text(&["log.target"]) {
        entry.record.channel = target;
        let location = &mut entry.record.location;
        location.module = own.text(&["log.module_path"]);
        location.file = own.text(&["log.file"]).or(location.file.take());
        location.line = own.number(&["log.line"]).or(location.line);
    }
    usual::rest(own, entry)
}

fn read_span(value: Value) -> Option<Span> {
    let Value::Object(object) = value else { return None };
    let mut fields = Fields(object);
    let mut span = Span::new(fields.text(&["name"]).unwrap_or_default());
    span.traits.insert_json("", &Value::Object(fields.0));
    Some(span)
}
