//! JSON output for programs.

use std::io::{self, Write};

use serde::Serialize;

use ticket_query::sanitize;

mod answers;

pub(crate) use self::answers::{
    CapabilitiesView, ClearedView, CountView, DeletedView, DrainedView, ExpiredView, HealthView,
    LevelView, NotedView, RecentView, SetupView, ShowView, SpoolView, StatsView, TraitTypeView,
    TraitView, TypeView, UnmergedView,
};
pub(crate) use ticket_query::json::{HistoryView, OccurrenceView, ProcessView, TicketView};

/// Writes one object and a line break.
///
/// Characters that would act on a terminal or be invisible there are written as escapes such as `\u001b`: the
/// value is the same, and it is harmless to look at.
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

    /// Writes a payload, which is JSON already. Only its strings contain such characters, so escapes are possible there.
    fn write_raw_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.write_string_fragment(writer, fragment)
    }
}

#[cfg(test)]
mod tests;
