//! mongod's own log. A message's text is constant, with all that varies in `attr`: level, component and
//! message make the ticket, and it takes no more than the contract's own grouping.

use serde_json::Value;
use ticket_core::Level;
use ticket_core::record::ErrorCause;

use super::fields::Fields;
use super::{Entry, level};

pub(super) fn knows(fields: &Fields) -> bool {
    ["t", "s", "c", "msg"].iter().all(|name| fields.has(name))
}

pub(super) fn read(mut fields: Fields) -> Entry {
    let mut entry = Entry::new();
    entry.time = fields.time(&["t"]);
    entry.level = fields.text(&["s"]).and_then(|severity| match severity.as_str() {
        "D1" | "D2" | "D3" | "D4" | "D5" => Some(Level::Debug),
        other => level::parse(other),
    });
    entry.record.channel = match fields.text(&["c"]) {
        Some(component) if component != "-" => format!("mongod.{component}").into(),
        _ => "mongod".into(),
    };
    entry.record.message = fields.text(&["msg"]).unwrap_or_default();
    entry.record.thread = fields.text(&["ctx"]);
    match fields.take("attr") {
        Some(Value::Object(attr)) => {
            let mut attr = Fields(attr);
            error(&mut attr, &mut entry);
            entry.keep_all("attr", attr);
        }
        Some(other) => entry.keep("attr", other.to_string()),
        None => {}
    }
    entry.keep_all("", fields);
    entry
}

/// An error in the attributes: `{code, codeName, errmsg}`, or a text such as
/// `HostUnreachable: Connection refused`.
fn error(attr: &mut Fields, entry: &mut Entry) {
    let name = attr.text(&["error.codeName"]);
    let message = attr.text(&["error.errmsg", "error.reason"]);
    if name.is_some() || message.is_some() {
        entry.record.error.push(ErrorCause::new(name, message.unwrap_or_default()));
    } else if let Some(text) = attr.text(&["error", "errmsg"]) {
        let cause = match text.split_once(": ") {
            Some((name, message)) if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                ErrorCause::new(Some(name.into()), message)
            }
            _ => ErrorCause::new(None, text),
        };
        entry.record.error.push(cause);
    }
}
