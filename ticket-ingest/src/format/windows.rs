//! The Windows event log, as `Get-WinEvent | ConvertTo-Json` and log shippers write it.

use super::fields::Fields;
use super::usual;
use crate::draft::Draft;
use crate::level;

pub(super) fn knows(fields: &Fields) -> bool {
    let one_of = |names: &[&str]| names.iter().any(|name| fields.has(name));
    one_of(&["ProviderName", "SourceName", "Source", "Provider"])
        && one_of(&["Level", "LevelDisplayName", "EntryType", "Severity"])
        && one_of(&["Id", "EventID", "EventId", "EventRecordID", "RecordId", "InstanceId"])
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    let named = fields.level(&["LevelDisplayName", "EntryType", "Severity"]);
    let number = fields.number(&["Level"]).and_then(level::from_windows);
    draft.level = named.or(number).or_else(|| fields.level(&["Level"]));
    draft.time = fields.time(&[
        "TimeCreated",
        "TimeGenerated",
        "EventTime",
        "TimeWritten",
        "@timestamp",
        "EventReceivedTime",
    ]);
    let record = &mut draft.record;
    record.channel =
        fields.text(&["ProviderName", "SourceName", "Source", "Provider"]).unwrap_or_default();
    record.message = fields.text(&["Message", "message", "RenderedMessage"]).unwrap_or_default();
    record.host = fields.text(&["MachineName", "Computer", "Hostname", "ComputerName"]);
    record.process = fields.number(&["ProcessId", "ProcessID", "ExecutionProcessID"]);
    record.thread = fields.text(&["ThreadId", "ThreadID", "ExecutionThreadID"]);
    usual::rest(fields, &mut draft);
    draft
}
