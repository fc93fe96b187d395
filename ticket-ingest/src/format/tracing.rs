//! The JSON of `tracing-subscriber`, plain and flattened.

use serde_json::Value;
use ticket_core::record::Span;

use super::fields::Fields;
use super::usual;
use crate::draft::Draft;

pub(super) fn knows(fields: &Fields) -> bool {
    fields.has("target")
        && fields.has("level")
        && ["fields", "timestamp", "span", "spans"].iter().any(|name| fields.has(name))
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    draft.time = fields.time(&["timestamp"]);
    fields.level_into(&["level"], &mut draft);
    let record = &mut draft.record;
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

    // If flattened, the fields of the event are next to those of the format.
    let mut own = match fields.take("fields") {
        Some(Value::Object(own)) => {
            draft.keep_all("", fields);
            Fields(own)
        }
        _ => fields,
    };
    draft.record.message = own.text(&["message"]).unwrap_or_default();
    // For an event from the `log` bridge, the place of the event is that of the bridge, and the real one is
    // in these fields.
    if let Some(target) = own.text(&["log.target"]) {
        draft.record.channel = target;
        let location = &mut draft.record.location;
        location.module = own.text(&["log.module_path"]);
        location.file = own.text(&["log.file"]).or(location.file.take());
        location.line = own.number(&["log.line"]).or(location.line);
    }
    usual::rest(own, &mut draft);
    draft
}

fn read_span(value: Value) -> Option<Span> {
    let Value::Object(object) = value else { return None };
    let mut fields = Fields(object);
    let mut span = Span::new(fields.text(&["name"]).unwrap_or_default());
    span.traits.insert_json("", &Value::Object(fields.0));
    Some(span)
}
