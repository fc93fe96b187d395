//! Fields by their usual names: all there is to go by in an unknown program's lines, and what the known
//! ones have in common.

use serde_json::Value;
use ticket_core::record::Request;

use super::Entry;
use super::fields::Fields;

/// Reads the fields of an unknown program.
pub(super) fn read(mut fields: Fields) -> Entry {
    let mut entry = Entry::new();
    entry.time = fields.time(&[
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
    ]);
    entry.level = fields.level(&[
        "level",
        "severity",
        "lvl",
        "log.level",
        "levelname",
        "log_level",
        "loglevel",
        "logLevel",
        "severity_text",
        "Level",
        "@l",
        "priority",
    ]);
    let record = &mut entry.record;
    record.message = fields
        .text(&[
            "message",
            "msg",
            "event",
            "text",
            "log",
            "body",
            "textPayload",
            "@m",
            "@mt",
            "Message",
        ])
        .unwrap_or_default();
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
        ])
        .unwrap_or_default();
    if record.location.is_empty() {
        record.location.file = fields.text(&["file", "filename", "caller.file"]);
        record.location.line = fields.number(&["line", "lineno", "caller.line"]);
        record.location.function = fields.text(&["function", "func", "funcName"]);
        record.location.module = fields.text(&["module", "module_path"]);
        // Go's loggers: caller=store/db.go:42
        if record.location.file.is_none()
            && let Some(caller) = fields.text(&["caller", "source"])
        {
            match caller.rsplit_once(':').map(|(file, line)| (file, line.parse())) {
                Some((file, Ok(line))) => {
                    record.location.file = Some(file.into());
                    record.location.line = Some(line);
                }
                _ => entry.keep("caller", caller),
            }
        }
    }
    rest(fields, entry)
}

/// Reads what the known programs have in common, and keeps all that is left as traits.
pub(super) fn rest(mut fields: Fields, mut entry: Entry) -> Entry {
    for name in ["err", "error", "exception", "exc_info", "stack_trace", "stacktrace", "stack"] {
        // The first says it best; a stack beside an error belongs to it.
        if entry.record.error.is_empty() {
            fields.error(name, &mut entry);
        } else if entry.record.backtrace.is_empty()
            && let Some(text) = fields.text(&[name])
        {
            entry.record.backtrace = super::stack::read(&text).frames;
            entry.keep(name, text);
        }
    }
    let record = &mut entry.record;
    // A type beside the error's text.
    let kind = fields.text(&["error_type", "exc_type", "error.kind", "exception.type"]);
    let message = fields.text(&["error_message", "exception.message"]);
    match record.error.first_mut() {
        Some(cause) => {
            cause.type_name = cause.type_name.take().or(kind);
        }
        None if kind.is_some() || message.is_some() => {
            record
                .error
                .push(ticket_core::record::ErrorCause::new(kind, message.unwrap_or_default()));
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
    ]));
    if let Some(fingerprint) = fields.text(&["ticket.fingerprint"]) {
        record.fingerprint = Some(fingerprint);
    }
    record.request = request(&mut fields);
    entry.message_from_error();
    entry.keep_all("", fields);
    entry
}

/// The web request, if the fields speak of one: a method or a path under a name that says so.
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
    // Names that many things have mean a request only together.
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
