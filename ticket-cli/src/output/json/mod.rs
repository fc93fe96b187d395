//! JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::sanitize;

mod answers;
mod views;

pub(crate) use self::answers::{
    CountView, DeletedView, DrainedView, ExpiredView, LatelyView, LevelView, SetupView, ShowView,
    SpoolView, StatsView, TraitTypeView, TraitView, TypeView,
};
pub(crate) use self::views::{OccurrenceView, TicketView};

/// Writes one object and a line break.
///
/// What would act on a terminal or not be seen there is escaped, `\u001b` for example: the value is the
/// same, and looking at it is harmless.
pub(crate) fn write_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Escaping);
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

struct Escaping;

impl serde_json::ser::Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut written = 0;
        for (index, c) in fragment.char_indices().filter(|(_, c)| sanitize::is_unsafe(*c)) {
            writer.write_all(&fragment.as_bytes()[written..index])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            written = index + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

#[cfg(test)]
mod tests;
