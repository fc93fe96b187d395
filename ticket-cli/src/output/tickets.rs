//! The table of tickets.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use ticket_core::{StatusKind, Ticket, TicketId, Timestamp};

use super::table::{Grid, Layout, Share};
use super::{sanitize, style, text, time};

/// What is cut off before the table is laid out: more than any terminal is wide.
const MAX_MESSAGE: usize = 400;

/// Whether there is room for a chart beside a readable message.
pub(crate) const fn has_room_for_charts(layout: Layout) -> bool {
    layout.width >= 100
}

/// One line for each ticket, the columns that say something only.
pub(crate) fn write(
    out: &mut dyn Write,
    tickets: &[Ticket],
    charts: &HashMap<TicketId, String>,
    layout: Layout,
    now: Timestamp,
) -> io::Result<()> {
    let several_apps = tickets.iter().any(|ticket| ticket.app_id != tickets[0].app_id);
    let several_statuses = tickets.iter().any(|ticket| ticket.status.kind() != StatusKind::Open);
    let wide = layout.width >= 80;
    let digits = unique_digits(tickets);

    let mut columns = vec![("ID", Share::Content), ("LEVEL", Share::Content)];
    let mut add = |shown: bool, column| {
        if shown {
            columns.push(column);
        }
    };
    add(several_statuses, ("STATUS", Share::Content));
    add(true, ("COUNT", Share::Number));
    add(true, ("LAST", Share::Content));
    add(!charts.is_empty(), ("24 HOURS", Share::Content));
    add(several_apps && wide, ("APP", Share::UpTo(16)));
    add(wide, ("CHANNEL", Share::UpTo(layout.width / 5)));
    add(true, ("MESSAGE", Share::Rest));

    let mut grid = Grid::new(layout, &columns);
    for ticket in tickets {
        let plain = anstyle::Style::new();
        let level = style::level(ticket.level);
        let status = ticket.status.kind();
        let cells = columns.iter().map(|(name, _)| match *name {
            "ID" => (ticket.id.to_string()[..digits].to_owned(), style::ID),
            "LEVEL" => (ticket.level.to_string(), level),
            "STATUS" => (status.as_str().to_owned(), style::status(status)),
            "COUNT" => (ticket.occurrence_count.to_string(), plain),
            "LAST" => (time::relative(ticket.last_occurrence_time, now), style::DIM),
            "24 HOURS" => (charts.get(&ticket.id).cloned().unwrap_or_default(), style::ID),
            "APP" => (sanitize::beginning(&ticket.app_id, MAX_MESSAGE), plain),
            "CHANNEL" => (text::place(&ticket.channel, &ticket.location), style::DIM),
            _ => (sanitize::beginning(&ticket.message, MAX_MESSAGE), plain),
        });
        grid.row(cells);
    }
    grid.write(out)
}

/// How many digits tell these tickets apart, at least 8: in a store of a hundred thousand tickets
/// so many are unique with near certainty, and if not, the command that is given them says so.
fn unique_digits(tickets: &[Ticket]) -> usize {
    let ids: Vec<String> = tickets.iter().map(|ticket| ticket.id.to_string()).collect();
    let is_unique = |digits: &usize| {
        let mut seen = HashSet::new();
        ids.iter().all(|id| seen.insert(&id[..*digits]))
    };
    (8..32).find(is_unique).unwrap_or(32)
}
