//! Graylog's GELF: levels are those of syslog, and fields of the application begin with an underscore.

use super::fields::Fields;
use super::usual;
use crate::draft::Draft;
use crate::level;

pub(super) fn knows(fields: &Fields) -> bool {
    fields.has("short_message")
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    // A number of these is always that of syslog, whatever else the log contains.
    draft.level = fields.number(&["level"]).and_then(level::from_syslog);
    draft.time = fields.time(&["timestamp"]);
    let record = &mut draft.record;
    record.message = fields.text(&["short_message"]).unwrap_or_default();
    record.channel = fields
        .text(&["_logger", "_logger_name", "_facility", "facility", "_category"])
        .unwrap_or_default();
    record.thread = fields.text(&["_thread", "_thread_name", "_threadName"]);
    record.location.file = fields.text(&["_file", "file"]);
    record.location.line = fields.number(&["_line", "line"]);
    record.location.function = fields.text(&["_function"]);
    fields.take("version");
    if let Some(text) = fields.text(&["full_message"]) {
        let trace = crate::trace::read(&text);
        trace.apply(&mut draft);
        draft.keep("full_message", text);
    }
    for name in ["_exception", "_stack_trace", "_stacktrace", "_error"] {
        if draft.record.error.is_empty() {
            fields.error(name, &mut draft);
        }
    }
    usual::rest(fields, &mut draft);
    draft
}
