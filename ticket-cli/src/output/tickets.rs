//! The table of tickets.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use ticket_core::{StatusKind, Ticket, TicketId, Timestamp};

use super::table::{Grid, Layout, Share};
use super::{style, text, time};
use ticket_query::sanitize;

/// The number of characters after which a text is cut before the table is laid out: more than any terminal
/// is wide.
const MAX_MESSAGE: usize = 400;

/// Returns `true` if there is room for a chart beside a readable message.
pub(crate) const fn has_room_for_charts(layout: Layout) -> bool {
    layout.width >= 100
}

/// Writes one line per ticket, with the columns that say something about these tickets.
pub(crate) fn write(
    out: &mut dyn Write,
    tickets: &[Ticket],
    charts: &HashMap<TicketId, String>,
    layout: Layout,
    now: Timestamp,
) -> io::Result<()> {
    let several_apps = tickets.iter().any(|ticket| ticket.app_id != tickets[0].app_id);
    let several_statuses = tickets.iter().any(|ticket| ticket.status.kind() != StatusKind::Open);
    let (wide, narrow) = (layout.width >= 80, layout.width < 60);
    let digits = unique_digits(tickets);

    let mut columns = vec![("ID", Share::Content), ("LEVEL", Share::Content)];
    let mut add = |shown: bool, column| {
        if shown {
            columns.push(column);
        }
    };
    add(several_statuses, ("STATUS", Share::Content));
    add(true, ("COUNT", Share::Number));
    add(!narrow, ("LAST", Share::Content));
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

/// Returns how many digits tell these tickets apart, at least 8.
///
/// In a store of a hundred thousand tickets 8 digits are almost certainly unique. If they are not, the command
/// that gets them says so.
fn unique_digits(tickets: &[Ticket]) -> usize {
    let ids: Vec<String> = tickets.iter().map(|ticket| ticket.id.to_string()).collect();
    let is_unique = |digits: &usize| {
        let mut seen = HashSet::new();
        ids.iter().all(|id| seen.insert(&id[..*digits]))
    };
    (8..32).find(is_unique).unwrap_or(32)
}

#[cfg(test)]
mod tests {
    use ticket_core::{Level, Status, TicketId};
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::output::samples;
    use crate::output::style::Painter;

    fn sample(index: u8, level: Level, status: Status, message: &str) -> Ticket {
        let mut ticket = samples::ticket(status);
        ticket.id = TicketId::from_bytes([index; 16]);
        ticket.level = level;
        ticket.message = message.to_owned();
        ticket.occurrence_count = 10_u64.pow(index.into());
        ticket
    }

    fn samples() -> Vec<Ticket> {
        let now = samples::record().time;
        let solved = Status::Solved { at: now, release: None };
        let mut other =
            sample(4, Level::Warning, solved, "日本語のとても長いメッセージ".repeat(20).as_str());
        other.app_id = "billing".into();
        vec![
            sample(
                1,
                Level::Critical,
                Status::Open,
                "panicked at 'index out of bounds'\nnote: run it again",
            ),
            sample(2, Level::Error, Status::Open, "\u{1b}[31mred\u{1b}[0m \u{202e}txt.exe"),
            sample(3, Level::Info, Status::Muted { until: None }, &"a-very-long-word".repeat(50)),
            other,
        ]
    }

    fn table(tickets: &[Ticket], width: u16, color: bool) -> String {
        let now = samples::record().time.saturating_add(std::time::Duration::from_secs(200));
        let layout = Layout { width, painter: Painter { color } };
        let mut charts = HashMap::new();
        if has_room_for_charts(layout) {
            charts.insert(tickets[0].id, "··▁▂█·······".to_owned());
        }
        let mut out = Vec::new();
        write(&mut out, tickets, &charts, layout, now).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_has_one_line_per_ticket_and_fits_the_width() {
        for width in 40..200 {
            let table = table(&samples(), width, false);
            assert_eq!(table.lines().count(), 5, "{width}:\n{table}");
            for line in table.lines() {
                assert!(line.width() <= width.into(), "{width}:\n{table}");
            }
        }
    }

    #[test]
    fn tables() {
        insta::assert_snapshot!("wide", table(&samples(), 120, false));
        insta::assert_snapshot!("narrow", table(&samples(), 60, false));
        insta::assert_snapshot!("all_open", table(&samples()[..2], 80, false));
    }

    #[test]
    fn colour_changes_nothing_else() {
        let colored = table(&samples(), 120, true);
        assert!(colored.contains("\u{1b}["), "{colored:?}");
        let mut plain = String::new();
        let mut parts = colored.split("\u{1b}[");
        plain.extend(parts.next());
        for part in parts {
            plain.extend(part.split_once('m').map(|(_, text)| text));
        }
        let trimmed: Vec<&str> = plain.lines().map(str::trim_end).collect();
        assert_eq!(trimmed, table(&samples(), 120, false).lines().collect::<Vec<_>>());
    }

    #[test]
    fn ids_are_long_enough_to_be_unique() {
        let mut tickets = samples();
        assert_eq!(unique_digits(&tickets), 8);
        let mut id = [1; 16];
        id[5] = 2;
        tickets[1].id = TicketId::from_bytes(id);
        assert_eq!(unique_digits(&tickets), 12);
    }
}
