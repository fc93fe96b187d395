//! Colours.

use anstyle::{AnsiColor, Color, Effects, Style};
use ticket_core::{Level, StatusKind};

/// Returns the style of a level.
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

/// Returns the style of a status.
pub(crate) const fn status(status: StatusKind) -> Style {
    match status {
        StatusKind::Open => Style::new(),
        StatusKind::Solved => color(AnsiColor::Green),
        StatusKind::Muted => DIM,
    }
}

/// The style of what a person types to see more.
pub(crate) const ID: Style = color(AnsiColor::Cyan);
/// The style of headings and of what stands out.
pub(crate) const BOLD: Style = Style::new().bold();
/// The style of what matters less.
pub(crate) const DIM: Style = Style::new().effects(Effects::DIMMED);

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

/// Applies styles, if the output is coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Painter {
    pub(crate) color: bool,
}

impl Painter {
    /// Returns the text in this style, or as it is if the output is not coloured.
    pub(crate) fn paint(self, style: Style, text: impl std::fmt::Display) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}
