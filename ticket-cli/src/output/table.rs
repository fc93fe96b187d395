//! Tables that fit the terminal: one line per row, whatever the stored text is.

use std::io::{self, Write};

use anstyle::{AnsiColor, Effects};
use comfy_table::presets::NOTHING;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Row, Table, Width,
};

use super::style::{self, Painter};

/// The smallest width. In less, nothing useful fits, and the terminal wraps the lines.
const MIN_WIDTH: u16 = 40;

/// The width if standard output is not a terminal and `COLUMNS` is not set.
const DEFAULT_WIDTH: u16 = 120;

/// How tables are laid out and coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) width: u16,
    pub(crate) painter: Painter,
}

impl Layout {
    /// Takes the width from `COLUMNS`, otherwise from the terminal.
    pub(crate) fn detect(painter: Painter) -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
        let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0);
        let width = columns.or_else(terminal).unwrap_or(DEFAULT_WIDTH);
        Self { width: width.max(MIN_WIDTH), painter }
    }
}

/// How a column takes its share of the width.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Share {
    /// As wide as its content.
    Content,
    /// As wide as its content, aligned to the right.
    Number,
    /// As wide as its content, up to this many columns.
    UpTo(u16),
    /// All that is left.
    Rest,
}

/// A table without lines, under a bold header.
pub(crate) struct Grid {
    table: Table,
}

impl Grid {
    pub(crate) fn new(layout: Layout, columns: &[(&str, Share)]) -> Self {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(layout.width);
        if layout.painter.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let header = columns.iter().map(|(name, _)| cell(name, style::BOLD));
        table.set_header(one_line(header));
        for ((_, share), column) in columns.iter().zip(table.column_iter_mut()) {
            column.set_padding((0, 2));
            // A cell is cut at the end of the column instead of between words, because no safe text
            // contains this delimiter.
            column.set_delimiter('\0');
            match share {
                Share::Content => column.set_constraint(ColumnConstraint::ContentWidth),
                Share::Number => {
                    column.set_cell_alignment(CellAlignment::Right);
                    column.set_constraint(ColumnConstraint::ContentWidth)
                }
                Share::UpTo(width) => {
                    column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(*width)))
                }
                Share::Rest => column.set_padding((0, 0)),
            };
        }
        Self { table }
    }

    /// Adds a row with a cell for each column. The texts must be sanitized.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = (String, anstyle::Style)>) {
        let cells = cells.into_iter().map(|(text, style)| cell(&text, style));
        self.table.add_row(one_line(cells));
    }

    /// Writes the table without trailing spaces.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
    }
}

fn one_line(cells: impl Iterator<Item = Cell>) -> Row {
    let mut row = Row::from(cells.collect::<Vec<_>>());
    row.max_height(1);
    row
}

fn cell(text: &str, style: anstyle::Style) -> Cell {
    let mut cell = Cell::new(text);
    if let Some(anstyle::Color::Ansi(color)) = style.get_fg_color() {
        cell = cell.fg(named(color));
    }
    for (effect, attribute) in [(Effects::BOLD, Attribute::Bold), (Effects::DIMMED, Attribute::Dim)]
    {
        if style.get_effects().contains(effect) {
            cell = cell.add_attribute(attribute);
        }
    }
    cell
}

/// Returns the table library's name of a terminal colour.
fn named(color: AnsiColor) -> Color {
    match color {
        AnsiColor::Red => Color::DarkRed,
        AnsiColor::Green => Color::DarkGreen,
        AnsiColor::Yellow => Color::DarkYellow,
        AnsiColor::Magenta => Color::DarkMagenta,
        AnsiColor::Cyan => Color::DarkCyan,
        _ => Color::Reset,
    }
}
