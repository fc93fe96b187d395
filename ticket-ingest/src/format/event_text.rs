//! An event of Windows as the Event Viewer copies it: a line `Name: value` for each property, and a description, which goes on
//! to the next event.

use serde_json::Value;

/// The properties in their order, with the names that they have as JSON.
const NAMES: [(&str, &str); 11] = [
    ("Log Name", "Channel"),
    ("Source", "ProviderName"),
    ("Date", "TimeCreated"),
    ("Event ID", "Id"),
    ("Task Category", "TaskDisplayName"),
    ("Level", "LevelDisplayName"),
    ("Keywords", "KeywordsDisplayNames"),
    ("User", "UserId"),
    ("Computer", "MachineName"),
    ("Description", "Message"),
    ("Event Xml", "EventXml"),
];

/// Returns `true` for the first line of an event.
pub(super) fn begins(line: &str) -> bool {
    line.strip_prefix("Log Name:").is_some_and(|rest| rest.starts_with(' '))
}

/// Counts the first properties, see [`Open::change`](super::Open::change). Other lines may begin like an event.
pub(super) fn change(line: &str, open: i64) -> Option<i64> {
    let next = usize::try_from(open).ok().and_then(|open| NAMES.get(open)).map(|(name, _)| *name);
    let is_next = line.split_once(':').is_some_and(|(name, _)| Some(name) == next);
    match (is_event(open), is_next) {
        (true, _) => Some(0),
        (false, true) => Some(1),
        (false, false) => None,
    }
}

/// Returns `true` if the first three properties were read.
pub(super) const fn is_event(open: i64) -> bool {
    open >= 3
}

/// Converts an event to the object that `ConvertTo-Json` writes.
pub(super) fn to_json<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut fields: Vec<(&str, String)> = Vec::new();
    let mut names = NAMES.iter();
    for line in lines {
        let property = line.split_once(':').and_then(|(name, value)| {
            let mut behind = names.clone();
            let (_, key) = behind.find(|(of, _)| *of == name)?;
            names = behind;
            Some((*key, value))
        });
        match (property, fields.last_mut()) {
            (Some((key, value)), _) => fields.push((key, value.trim().to_owned())),
            (None, Some((_, value))) => {
                value.push('\n');
                value.push_str(line);
            }
            (None, None) => {}
        }
    }
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let fields = fields.filter(|(_, value)| !value.is_empty() && value != "N/A");
    Value::Object(fields.map(|(name, value)| (name, value.into())).collect()).to_string()
}
