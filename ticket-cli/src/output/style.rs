//! Colours.

use anstyle::{AnsiColor, Color, Effects, Style};
use ticket_core::{Level, StatusKind};

/// How a level looks.
pub(crate) const fn level(level: Level) -> Style {
    match level {
        Level::Critical => color(AnsiColor::Magenta).bold(),
        Level::Error => color(AnsiColor::Red).bold(),
        Level::Warning => color(AnsiColor::Yellow),
        Level::Notice => color(AnsiColor::Cyan),
        Level::Info => color(AnsiColor::Green),
        Level::Debug | Level::Trace => DIM,
    }
}

/// How a status looks.
pub(crate) const fn status(status: StatusKind) -> Style {
    match status {
        StatusKind::Open => Style::new(),
        StatusKind::Solved => color(AnsiColor::Green),
        StatusKind::Muted => DIM,
    }
}

/// What a person types to see more.
pub(crate) const ID: Style = color(AnsiColor::Cyan);
/// A heading, and what stands out.
pub(crate) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().effects(Effects::DIMMED);

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

/// Whether there is any colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Painter {
    pub(crate) color: bool,
}

impl Painter {
    /// The text in this style, if there is any colour.
    pub(crate) fn paint(self, style: Style, text: impl std::fmt::Display) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}
