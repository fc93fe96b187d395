//! JSON objects around a line: of Docker and log shippers, and of the journal.

use serde_json::{Map, Value};

use super::{Layer, Origin};
use crate::format::Fields;
use crate::level;

/// Reads an object that wraps a line.
pub(super) fn read(text: &str) -> Option<Layer<'static>> {
    // Most objects are no wrappers, and are not parsed twice.
    let is_docker = text.contains("\"log\"") && text.contains("\"stream\"");
    let is_journal = text.contains("\"MESSAGE\"");
    if !is_docker && !is_journal {
        return None;
    }
    let fields = Fields(serde_json::from_str::<Map<String, Value>>(text.trim()).ok()?);
    if is_docker { docker(fields) } else { journal(fields) }
}

/// Reads `{"log": "text\n", "stream": "stderr", "time": …}`. A text without a new line is a part.
fn docker(mut fields: Fields) -> Option<Layer<'static>> {
    let Some(Value::String(mut text)) = fields.take("log") else { return None };
    let stream = fields.text(&["stream"])?;
    let mut origin = Origin {
        time: fields.time(&["time", "@timestamp", "timestamp", "date"]),
        stream: Some(stream),
        source: fields.text(&["kubernetes.pod_name", "container_name"]),
        host: fields.text(&["kubernetes.host"]),
        ..Origin::default()
    };
    let is_whole = text.ends_with('\n');
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    // Shippers add fields of their own, and leave the new line out.
    let is_part = !is_whole && fields.0.is_empty();
    origin.traits.insert_json("", &Value::Object(fields.0));
    Some(Layer { is_part, ..Layer::new(origin, text) })
}

/// Reads an entry of `journalctl -o json`: each value is a text, or a list of bytes if it is not UTF-8.
fn journal(mut fields: Fields) -> Option<Layer<'static>> {
    if !fields.has("__REALTIME_TIMESTAMP") && !fields.has("PRIORITY") {
        return None;
    }
    let message = match fields.take("MESSAGE")? {
        Value::String(text) => text,
        Value::Array(bytes) => {
            let bytes: Vec<u8> =
                bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        other => other.to_string(),
    };
    let program =
        fields.text(&["SYSLOG_IDENTIFIER", "_SYSTEMD_USER_UNIT", "_SYSTEMD_UNIT", "_COMM"]);
    let mut origin = Origin {
        time: fields.time(&["_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"]),
        level: fields.number(&["PRIORITY"]).and_then(level::from_syslog),
        host: fields.text(&["_HOSTNAME"]),
        program,
        process: fields.number(&["_PID", "SYSLOG_PID"]),
        thread: fields.text(&["TID"]),
        ..Origin::default()
    };
    origin.location.file = fields.text(&["CODE_FILE"]);
    origin.location.line = fields.number(&["CODE_LINE"]);
    origin.location.function = fields.text(&["CODE_FUNC"]);
    origin.location.module = fields.text(&["CODE_MODULE"]);
    origin.traits.insert_json("", &Value::Object(fields.0));
    Some(Layer::new(origin, message))
}
