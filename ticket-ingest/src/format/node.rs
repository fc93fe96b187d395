//! The JSON of bunyan and pino: levels are numbers, and an error is an object with a stack.

use super::fields::Fields;
use super::usual;
use crate::draft::Draft;

pub(super) fn knows(fields: &Fields) -> bool {
    fields.has("msg")
        && fields.has("time")
        && fields.0.get("level").is_some_and(|level| level.is_number())
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    draft.time = fields.time(&["time"]);
    fields.level_into(&["level"], &mut draft);
    let record = &mut draft.record;
    record.message = fields.text(&["msg"]).unwrap_or_default();
    let component = fields.text(&["component", "module"]);
    let name = fields.text(&["name"]);
    record.channel = match (name, component) {
        (Some(name), Some(component)) => format!("{name}.{component}").into(),
        (name, component) => name.or(component).unwrap_or_default(),
    };
    // The place that bunyan writes with `src: true`.
    record.location.file = fields.text(&["src.file"]);
    record.location.line = fields.number(&["src.line"]);
    record.location.function = fields.text(&["src.func"]);
    // Both write the version of the format, which is of no use as a trait.
    if fields.0.get("v").is_some_and(|version| version.is_number()) {
        fields.take("v");
    }
    usual::rest(fields, &mut draft);
    draft
}
