//! The journal of systemd, as `journalctl -o json` writes it: each value is a text, or a list of bytes if it is
//! not UTF-8.

use serde_json::Value;

use super::fields::Fields;
use super::{Parsed, looks_like_json};
use crate::draft::Draft;
use crate::level;

pub(super) fn knows(fields: &Fields) -> bool {
    fields.has("__REALTIME_TIMESTAMP") || (fields.has("MESSAGE") && fields.has("PRIORITY"))
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let message = message(&mut fields);
    // The message of a service that logs JSON says more than the fields of the journal.
    let mut draft = match looks_like_json(&message).then(|| super::json(&message)) {
        Some(Parsed::Draft(draft)) => *draft,
        _ => {
            let mut draft = Draft::new();
            draft.record.message = message.into();
            draft
        }
    };
    let time = fields.time(&["_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"]);
    draft.time = draft.time.or(time);
    let priority = fields.number(&["PRIORITY"]).and_then(level::from_syslog);
    draft.level = draft.level.or(priority);

    let record = &mut draft.record;
    let channel =
        fields.text(&["SYSLOG_IDENTIFIER", "_SYSTEMD_USER_UNIT", "_SYSTEMD_UNIT", "_COMM"]);
    if record.channel.is_empty() {
        record.channel = channel.unwrap_or_default();
    }
    record.host = record.host.take().or(fields.text(&["_HOSTNAME"]));
    record.process = record.process.or(fields.number(&["_PID", "SYSLOG_PID"]));
    record.thread = record.thread.take().or(fields.text(&["TID"]));
    if record.location.is_empty() {
        record.location.file = fields.text(&["CODE_FILE"]);
        record.location.line = fields.number(&["CODE_LINE"]);
        record.location.function = fields.text(&["CODE_FUNC"]);
        record.location.module = fields.text(&["CODE_MODULE"]);
    }
    draft.keep_all("", fields);
    draft
}

/// Takes the message: a text, or bytes if it is not UTF-8.
fn message(fields: &mut Fields) -> String {
    match fields.take("MESSAGE") {
        Some(Value::String(text)) => text,
        Some(Value::Array(bytes)) => {
            let bytes: Vec<u8> =
                bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
