//! Headings and aligned lines.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::output::sanitize;
use crate::output::style::{self, Painter};

/// What a text is written to.
pub(super) struct Sheet<'a> {
    out: &'a mut dyn Write,
    pub(super) painter: Painter,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(out: &'a mut dyn Write, painter: Painter) -> Self {
        Self { out, painter }
    }

    /// A line; its text has to be safe.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// A heading after an empty line.
    pub(super) fn section(&mut self, name: &str) -> io::Result<()> {
        let name = self.painter.paint(style::BOLD, name);
        writeln!(self.out, "\n{name}")
    }

    /// Names and texts below each other. The names are made safe, the texts have to be.
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
