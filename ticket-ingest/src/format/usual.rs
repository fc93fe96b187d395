//! Fields by their usual names: the lines of unknown programs, and what the formats of known programs have
//! in common.

use serde_json::Value;
use ticket_core::record::{ErrorCause, Location, Request};

use ticket_core::SmolStr;

use super::fields::Fields;
use crate::draft::Draft;
use crate::level;

/// The names of fields with a level. A name comes before one with a number.
pub(super) const LEVELS: [&str; 28] = [
    "level_name",
    "levelname",
    "severity_text",
    "severityText",
    "SeverityText",
    "level",
    "severity",
    "lvl",
    "sev",
    "Sev",
    "log.level",
    "log_level",
    "loglevel",
    "logLevel",
    "LogLevel",
    "Level",
    "LEVEL",
    "Severity",
    "SEVERITY",
    "@l",
    "lev",
    "levelName",
    "LevelName",
    "log.severity",
    "syslog.severity.name",
    "log_severity",
    "priority",
    "PRIORITY",
];

/// The names of fields with a time.
const TIMES: [&str; 26] = [
    "timestamp",
    "time",
    "@timestamp",
    "ts",
    "t",
    "datetime",
    "date",
    "asctime",
    "eventTime",
    "Timestamp",
    "@t",
    "created_at",
    "Time",
    "TIMESTAMP",
    "timeMillis",
    "instant.epochSecond",
    "time_local",
    "logTime",
    "log_time",
    "eventtime",
    "event_time",
    "timeUnixNano",
    "observedTimestamp",
    "receiveTimestamp",
    "timestampMs",
    "dt",
];

/// The names of fields with a message.
const MESSAGES: [&str; 24] = [
    "message",
    "msg",
    "event",
    "text",
    "log",
    "body",
    "textPayload",
    "@m",
    "RenderedMessage",
    "renderedMessage",
    "Message",
    "@mt",
    "MessageTemplate",
    "jsonPayload.message",
    "jsonPayload.msg",
    "MESSAGE",
    "Msg",
    "log.message",
    "body.stringValue",
    "Body",
    "log_message",
    "logMessage",
    "msg.text",
    "message.text",
];

/// The names of fields that say what happened in a record without a message.
const SUBSTITUTES: [&str; 14] = [
    "reason",
    "description",
    "desc",
    "detail",
    "details",
    "title",
    "summary",
    "error_description",
    "event_text",
    "event_name",
    "eventName",
    "event_type",
    "action",
    "type",
];

/// Reads the fields of an unknown program.
pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.time = fields.time(&TIMES);
    fields.level_into(&LEVELS, &mut draft);
    if draft.level.is_none() && draft.number.is_none() {
        let number = fields.number(&["severityNumber", "SeverityNumber", "severity_number"]);
        draft.level = number.and_then(level::from_opentelemetry);
    }
    if draft.level.is_none() && draft.number.is_none() {
        // Numbers of these names are something else, such as the status of a response.
        draft.level = fields.level(&["status", "at"]);
    }
    let record = &mut draft.record;
    record.message = fields.text(&MESSAGES).unwrap_or_default();
    let is_named = !record.message.is_empty();
    record.channel = fields
        .text(&[
            "logger",
            "target",
            "channel",
            "logger_name",
            "log.logger",
            "category",
            "component",
            "SourceContext",
            "Properties.SourceContext",
            "loggerName",
            "LoggerName",
            "Logger",
            "Category",
            "CategoryName",
            "categoryName",
            "logName",
            "log_name",
            "jsonPayload.logger",
            "scope",
            "subsystem",
        ])
        .unwrap_or_default();
    if record.location.is_empty() {
        record.location = location(&mut fields);
    }
    // Serilog writes the exception as a text.
    for name in ["@x", "Exception", "exception", "thrown", "Error", "errorStack"] {
        if draft.record.error.is_empty() {
            fields.error(name, &mut draft);
        }
    }
    if draft.record.message.is_empty()
        && let Some(Value::String(_)) = fields.0.get("error").or_else(|| fields.0.get("err"))
    {
        // The text of the error is the message, and remains the error.
    } else if draft.record.message.is_empty() && draft.record.error.is_empty() {
        let message = nested(&mut fields).or_else(|| substitute(&mut fields));
        draft.record.message = message.unwrap_or_default();
    }
    draft.is_recognized = draft.time.is_some()
        || draft.level.is_some()
        || draft.number.is_some()
        || !draft.record.error.is_empty()
        || is_named;
    rest(fields, &mut draft);
    draft
}

/// Reads the place at which a record was logged.
fn location(fields: &mut Fields) -> Location {
    // Loggers of Go write both in one text: caller=store/db.go:42
    fn place(text: &str) -> Option<(SmolStr, u32)> {
        let (file, line) = text.rsplit_once(':')?;
        Some((file.into(), line.parse().ok()?))
    }
    let mut location = Location::default();
    location.file = fields.text(&["file", "filename", "code.filepath", "code.file.path"]);
    location.line = fields.number(&["line", "lineno", "code.lineno", "code.line.number"]);
    location.function =
        fields.text(&["function", "func", "funcName", "code.function", "code.function.name"]);
    location.module = fields.text(&["module", "module_path", "code.namespace"]);
    // Objects of their own, as Go's `slog` and Google's logging write them.
    for [object, file, line, function] in [
        ["source", "source.file", "source.line", "source.function"],
        ["caller", "caller.file", "caller.line", "caller.function"],
        ["sourceLocation", "sourceLocation.file", "sourceLocation.line", "sourceLocation.function"],
    ] {
        if location.file.is_none() {
            location.file = fields.text(&[file]);
            location.line = location.line.or(fields.number(&[line]));
            location.function = location.function.or(fields.text(&[function]));
        }
        if location.file.is_none()
            && let Some(Value::String(text)) = fields.0.get(object)
            && place(text).is_some()
        {
            location.file = fields.text(&[object]);
        }
    }
    if location.line.is_none()
        && let Some((file, line)) = location.file.as_deref().and_then(place)
    {
        (location.file, location.line) = (Some(file), Some(line));
    }
    location
}

/// Takes the message of an object within the object, as platforms write it: `"properties": {"message": …}`.
fn nested(fields: &mut Fields) -> Option<SmolStr> {
    let is_message = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let message = |object: &Value| {
        ["message", "msg", "Message"]
            .into_iter()
            .find(|name| object.get(name).is_some_and(is_message))
    };
    let path = fields.0.iter().find_map(|(outer, value)| {
        if let Some(name) = message(value) {
            return Some(format!("{outer}.{name}"));
        }
        let mut inner = value.as_object()?.iter();
        inner.find_map(|(inner, value)| Some(format!("{outer}.{inner}.{}", message(value)?)))
    })?;
    fields.text(&[&path])
}

/// Takes the field that says the most about what happened: one with a usual name, or else the first with words.
fn substitute(fields: &mut Fields) -> Option<SmolStr> {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| text.contains(' '));
    if let Some(text) = fields.text(&SUBSTITUTES[..9]) {
        return Some(text);
    }
    let name = fields
        .0
        .iter()
        .find(|(name, value)| {
            is_text(value) && !["user_agent", "userAgent", "ua"].contains(&name.as_str())
        })
        .map(|(name, _)| name.clone());
    match name {
        Some(name) => fields.text(&[&name]),
        None => fields.text(&SUBSTITUTES[9..]),
    }
}

/// Reads what all programs have in common, and keeps the remaining fields as traits.
pub(super) fn rest(mut fields: Fields, draft: &mut Draft) {
    for name in [
        "err",
        "error",
        "exception",
        "exceptions",
        "throwable",
        "context.exception",
        "exc_info",
        "stack_trace",
        "stackTrace",
        "stacktrace",
        "stack",
        "StackTrace",
    ] {
        // The first of these names says the most. A stack next to an error belongs to that error.
        if draft.record.error.is_empty() {
            fields.error(name, draft);
        } else if draft.record.backtrace.is_empty()
            && let Some(text) = fields.text(&[name])
        {
            draft.record.backtrace = crate::trace::read(&text).frames;
            draft.keep(name, text);
        }
    }
    let record = &mut draft.record;
    // A type in a field next to the text of the error.
    let kind = fields.text(&[
        "error_type",
        "error_class",
        "exc_type",
        "error.kind",
        "exception.type",
        "errorType",
        "exceptionType",
        "properties.exceptionType",
        "attributes.exception.type",
        "Attributes.exception.type",
    ]);
    let message = fields.text(&[
        "error_message",
        "exception.message",
        "errorMessage",
        "attributes.exception.message",
        "Attributes.exception.message",
    ]);
    match record.error.first_mut() {
        Some(cause) => {
            cause.type_name = cause.type_name.take().or(kind);
        }
        None if kind.is_some() || message.is_some() => {
            record.error.push(ErrorCause::new(kind, message.unwrap_or_default()));
        }
        None => {}
    }
    record.host =
        record.host.take().or(fields.text(&["hostname", "host.name", "host.hostname", "host"]));
    record.process = record.process.or(fields.number(&["pid", "process.pid", "process_id"]));
    record.thread = record.thread.take().or(fields.text(&[
        "thread",
        "thread_name",
        "threadName",
        "process.thread.name",
        "thread.name",
        "process.thread.id",
    ]));
    record.trace_id = record.trace_id.take().or(fields.text(&[
        "trace_id",
        "trace.id",
        "traceId",
        "trace_flags.trace_id",
    ]));
    record.span_id = record.span_id.take().or(fields.text(&["span_id", "span.id", "spanId"]));
    record.release =
        record.release.take().or(fields.text(&["release", "service.version", "version"]));
    record.environment = record.environment.take().or(fields.text(&[
        "environment",
        "env",
        "service.environment",
        "deployment.environment",
        "deployment.environment.name",
    ]));
    if let Some(fingerprint) = fields.text(&["ticket.fingerprint"]) {
        record.fingerprint = Some(fingerprint);
    }
    record.request = record.request.take().or(request(&mut fields));
    draft.message_from_error();
    draft.keep_all("", fields);
}

/// Reads the HTTP request, if there is a method or a path under a name that means a request.
fn request(fields: &mut Fields) -> Option<Request> {
    let mut request = Request::default();
    request.method =
        fields.text(&["http.request.method", "http.method", "req.method", "request.method"]);
    request.path = fields.text(&[
        "url.path",
        "http.target",
        "http.path",
        "url.original",
        "req.url",
        "request.path",
        "http.url",
        "request.url",
    ]);
    // These names are common, and mean a request only together.
    let plain_path = ["path", "uri", "url"]
        .iter()
        .find(|name| fields.0.get(**name).is_some_and(Value::is_string));
    if request.method.is_none()
        && request.path.is_none()
        && fields.0.get("method").is_some_and(Value::is_string)
        && let Some(path) = plain_path
    {
        request.path = fields.text(&[path]);
        request.method = fields.text(&["method"]);
    }
    if request == Request::default() {
        return None;
    }
    request.route = fields.text(&["http.route", "route", "request.route"]);
    request.status = fields.number(&[
        "http.response.status_code",
        "http.status_code",
        "http.status",
        "res.statusCode",
        "status_code",
        "response.status",
        "status",
    ]);
    request.remote_address = fields.text(&[
        "client.address",
        "client.ip",
        "source.ip",
        "req.remoteAddress",
        "remote_addr",
        "remoteAddress",
        "remote_ip",
        "ip",
    ]);
    request.user = fields.text(&["user.id", "user.name", "enduser.id", "user"]);
    request.request_id =
        fields.text(&["http.request.id", "request_id", "req.id", "requestId", "req_id"]);
    Some(request)
}
