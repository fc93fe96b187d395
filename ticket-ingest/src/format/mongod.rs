//! The log of mongod. The text of a message is constant, and all that varies is in `attr`, so the default
//! grouping by level, component and message is right.

use serde_json::Value;
use ticket_core::Level;
use ticket_core::record::ErrorCause;

use super::fields::Fields;
use crate::draft::Draft;
use crate::level;

pub(super) fn knows(fields: &Fields) -> bool {
    ["t", "s", "c", "msg"].iter().all(|name| fields.has(name))
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    draft.time = fields.time(&["t"]);
    draft.level = fields.text(&["s"]).and_then(|severity| match severity.as_str() {
        "D1" | "D2" | "D3" | "D4" | "D5" => Some(Level::Debug),
        other => level::parse(other),
    });
    draft.record.channel = match fields.text(&["c"]) {
        Some(component) if component != "-" => format!("mongod.{component}").into(),
        _ => "mongod".into(),
    };
    draft.record.message = fields.text(&["msg"]).unwrap_or_default();
    draft.record.thread = fields.text(&["ctx"]);
    match fields.take("attr") {
        Some(Value::Object(attr)) => {
            let mut attr = Fields(attr);
            error(&mut attr, &mut draft);
            draft.keep_all("attr", attr);
        }
        Some(other) => draft.keep("attr", other.to_string()),
        None => {}
    }
    draft.keep_all("", fields);
    draft
}

/// Reads an error in the attributes: `{code, codeName, errmsg}`, or a text such as
/// `HostUnreachable: Connection refused`.
fn error(attr: &mut Fields, draft: &mut Draft) {
    let name = attr.text(&["error.codeName"]);
    let message = attr.text(&["error.errmsg", "error.reason"]);
    if name.is_some() || message.is_some() {
        draft.record.error.push(ErrorCause::new(name, message.unwrap_or_default()));
    } else if let Some(text) = attr.text(&["error", "errmsg"]) {
        let cause = match text.split_once(": ") {
            Some((name, message)) if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                ErrorCause::new(Some(name.into()), message)
            }
            _ => ErrorCause::new(None, text),
        };
        draft.record.error.push(cause);
    }
}
