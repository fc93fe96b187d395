//! Tables of occurrences.

use std::io::{self, Write};

use anstyle::Style;
use ticket_core::{Occurrence, Timestamp};

use super::table::{Grid, Layout, Share};
use super::{style, text, time};
use ticket_query::sanitize;

/// The number of characters after which a text is cut before the table is laid out: more than any terminal
/// is wide.
const MAX_TEXT: usize = 400;

/// Writes events of any ticket.
pub(crate) fn write(
    out: &mut dyn Write,
    events: &[Occurrence],
    layout: Layout,
    now: Timestamp,
) -> io::Result<()> {
    table(out, events, layout, now, &["TIME", "LEVEL", "TICKET", "TYPE"])
}

/// Writes occurrences of one ticket, which all have the same level and type.
pub(crate) fn write_of_ticket(
    out: &mut dyn Write,
    occurrences: &[Occurrence],
    layout: Layout,
    now: Timestamp,
) -> io::Result<()> {
    table(out, occurrences, layout, now, &["TIME", "AGO"])
}

fn table(
    out: &mut dyn Write,
    events: &[Occurrence],
    layout: Layout,
    now: Timestamp,
    first: &[&'static str],
) -> io::Result<()> {
    let mut columns: Vec<(&str, Share)> = first
        .iter()
        .filter(|name| layout.width >= 80 || **name != "TYPE")
        .map(|name| {
            (*name, if *name == "TYPE" { Share::UpTo(layout.width / 5) } else { Share::Content })
        })
        .collect();
    if events.iter().any(|event| event.repeats > 1) {
        columns.push(("TIMES", Share::Number));
    }
    if events.iter().any(|event| event.record.release.is_some()) && layout.width >= 100 {
        columns.push(("RELEASE", Share::UpTo(16)));
    }
    columns.push(("MESSAGE AND TRAITS", Share::Rest));

    let mut grid = Grid::new(layout, &columns);
    for event in events {
        let record = &event.record;
        let plain = Style::new();
        grid.row(columns.iter().map(|(name, _)| match *name {
            "TIME" => (time::absolute(record.time), style::DIM),
            "AGO" => (time::relative(record.time, now), plain),
            "LEVEL" => (record.level.to_string(), style::level(record.level)),
            "TICKET" => (event.ticket_id.to_string()[..8].to_owned(), style::ID),
            "TYPE" => (sanitize::beginning(&record.channel, MAX_TEXT), plain),
            "TIMES" => (event.repeats.to_string(), plain),
            "RELEASE" => {
                (sanitize::beginning(record.release.as_deref().unwrap_or(""), MAX_TEXT), plain)
            }
            _ => {
                let message = sanitize::beginning(&record.message, MAX_TEXT);
                let traits = sanitize::beginning(&text::traits(&record.traits), MAX_TEXT);
                (format!("{message}  {traits}"), plain)
            }
        }));
    }
    grid.write(out)
}
