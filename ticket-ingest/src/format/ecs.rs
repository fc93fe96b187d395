//! The Elastic Common Schema: names with dots, flat or as nested objects.

use super::fields::Fields;
use super::usual;
use crate::draft::Draft;

pub(super) fn knows(fields: &Fields) -> bool {
    fields.has("@timestamp")
        && ["log.level", "ecs.version", "ecs", "log", "log.logger"]
            .iter()
            .any(|name| fields.has(name))
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    draft.time = fields.time(&["@timestamp"]);
    fields.level_into(&["log.level"], &mut draft);
    let record = &mut draft.record;
    record.message = fields.text(&["message"]).unwrap_or_default();
    record.channel =
        fields.text(&["log.logger", "event.dataset", "service.name"]).unwrap_or_default();
    record.location.file = fields.text(&["log.origin.file.name"]);
    record.location.line = fields.number(&["log.origin.file.line"]);
    record.location.function = fields.text(&["log.origin.function"]);
    record.release = fields.text(&["service.version"]);
    record.environment = fields.text(&["service.environment"]);
    usual::rest(fields, &mut draft);
    draft
}
