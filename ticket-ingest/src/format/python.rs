//! The JSON of structlog and python-json-logger.

use serde_json::Value;
use ticket_core::record::{ErrorCause, Frame};

use super::fields::Fields;
use super::usual;
use crate::draft::Draft;
use crate::level;

pub(super) fn knows(fields: &Fields) -> bool {
    let one_of = |names: &[&str]| names.iter().any(|name| fields.has(name));
    one_of(&["levelname", "asctime", "levelno", "exc_info", "funcName"])
        || (fields.has("event") && one_of(&["level", "log_level", "logger", "timestamp"]))
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    draft.time = fields.time(&["timestamp", "asctime", "created", "time"]);
    let number = fields.number(&["levelno"]).and_then(level::from_python);
    fields.level_into(&["levelname", "level", "log_level"], &mut draft);
    if draft.level.is_none() {
        draft.level = number;
    }
    let record = &mut draft.record;
    record.message = fields.text(&["message", "event", "msg"]).unwrap_or_default();
    record.channel = fields.text(&["name", "logger", "logger_name"]).unwrap_or_default();
    record.location.file = fields.text(&["pathname", "filename"]);
    record.location.line = fields.number(&["lineno"]);
    record.location.function = fields.text(&["funcName", "func_name"]);
    record.location.module = fields.text(&["module"]);
    record.process = fields.number(&["process"]);
    record.thread = fields.text(&["threadName", "thread_name", "thread"]);
    // A flag says only that there is an error; its text is in another field.
    if fields.0.get("exc_info").is_some_and(|flag| !flag.is_string()) {
        fields.take("exc_info");
    }
    if let Some(Value::Array(exceptions)) = fields.0.get("exception")
        && !exceptions.is_empty()
        && let Some(Value::Array(exceptions)) = fields.take("exception")
    {
        structured(exceptions, &mut draft);
    }
    usual::rest(fields, &mut draft);
    draft
}

/// Reads the `dict_tracebacks` of structlog: the outermost exception comes first, and its innermost frame
/// last.
fn structured(exceptions: Vec<Value>, draft: &mut Draft) {
    for exception in exceptions {
        let Value::Object(exception) = exception else { continue };
        let mut exception = Fields(exception);
        let kind = exception.text(&["exc_type"]);
        let message = exception.text(&["exc_value"]).unwrap_or_default();
        draft.record.error.push(ErrorCause::new(kind, message));
        let frames = exception.take("frames");
        if let Some(Value::Array(frames)) = frames
            && draft.record.backtrace.is_empty()
        {
            draft.record.backtrace = frames.into_iter().rev().filter_map(frame).collect();
        }
    }
}

fn frame(value: Value) -> Option<Frame> {
    let Value::Object(frame) = value else { return None };
    let mut fields = Fields(frame);
    let mut frame = Frame::new(fields.text(&["name"]).unwrap_or_default());
    frame.file = fields.text(&["filename"]);
    frame.line = fields.number(&["lineno"]);
    frame.in_app = frame.file.as_deref().is_some_and(|file| !file.contains("/site-packages/"));
    Some(frame)
}
