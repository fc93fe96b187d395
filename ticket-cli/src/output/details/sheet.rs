//! Headings and aligned lines.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::output::style::{self, Painter};
use ticket_query::sanitize;

/// Writes a text of sections.
pub(super) struct Sheet<'a> {
    out: &'a mut dyn Write,
    pub(super) painter: Painter,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(out: &'a mut dyn Write, painter: Painter) -> Self {
        Self { out, painter }
    }

    /// Writes a line. Its text must be sanitized.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Writes a heading after an empty line.
    pub(super) fn section(&mut self, name: &str) -> io::Result<()> {
        let name = self.painter.paint(style::BOLD, name);
        writeln!(self.out, "\n{name}")
    }

    /// Writes names and texts in two columns. The names are sanitized here, the texts must be already.
    pub(super) fn pairs<'n>(
        &mut self,
        pairs: impl IntoIterator<Item = (&'n str, String)>,
    ) -> io::Result<()> {
        let pairs: Vec<(String, String)> =
            pairs.into_iter().map(|(name, text)| (sanitize::beginning(name, 60), text)).collect();
        let width = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
        for (name, text) in pairs {
            let gap = " ".repeat(width - name.width() + 2);
            let name = self.painter.paint(style::DIM, name);
            writeln!(self.out, "{name}{gap}{text}")?;
        }
        Ok(())
    }
}
