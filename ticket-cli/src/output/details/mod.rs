//! Everything about a ticket, for a person.

mod occurrence;
mod sheet;

use std::io::{self, Write};

use ticket_core::{Bucket, Occurrence, Status, Ticket, Timestamp};

use self::sheet::Sheet;
use super::table::Layout;
use super::{chart, events, sanitize, style, time};

/// What is shown.
pub(crate) struct Details<'a> {
    pub(crate) ticket: &'a Ticket,
    /// The newest, the first of which is shown whole.
    pub(crate) occurrences: &'a [Occurrence],
    /// How many of them are listed.
    pub(crate) listed: usize,
    pub(crate) hours: &'a [Bucket],
    pub(crate) days: &'a [Bucket],
}

/// Writes it.
pub(crate) fn write(
    out: &mut dyn Write,
    details: &Details<'_>,
    layout: Layout,
    now: Timestamp,
) -> io::Result<()> {
    let mut page = Sheet::new(out, layout.painter);
    head(&mut page, details.ticket, now)?;
    charts(&mut page, details)?;
    page.section("WHY THESE BELONG TOGETHER")?;
    page.pairs(
        details.ticket.ingredients.iter().map(|(name, value)| (name, sanitize::line(value))),
    )?;
    match details.occurrences.first() {
        Some(newest) => occurrence::write(&mut page, newest, now)?,
        None => {
            page.line("\nNo occurrence is stored any more: they have expired, the counts stay.")?
        }
    }
    let listed = &details.occurrences[..details.listed.min(details.occurrences.len())];
    if !listed.is_empty() {
        page.section("NEWEST OCCURRENCES")?;
        events::write_of_ticket(out, listed, layout, now)?;
    }
    Ok(())
}

fn head(page: &mut Sheet<'_>, ticket: &Ticket, now: Timestamp) -> io::Result<()> {
    let painter = page.painter;
    let level = painter.paint(style::level(ticket.level), ticket.level.as_str());
    let mut lines = sanitize::lines(&ticket.message);
    let first = painter.paint(style::BOLD, lines.next().unwrap_or_default());
    page.line(&format!("{level}  {first}"))?;
    for line in lines {
        page.line(&format!("  {line}"))?;
    }
    page.line("")?;
    let release = |release: &Option<String>| match release {
        Some(release) => format!(", release {}", sanitize::line(release)),
        None => String::new(),
    };
    let mut pairs = vec![
        ("ticket", painter.paint(style::ID, ticket.id)),
        ("status", status(ticket, now)),
        ("occurrences", ticket.occurrence_count.to_string()),
        ("first", time::both(ticket.first_occurrence_time, now) + &release(&ticket.first_release)),
        ("last", time::both(ticket.last_occurrence_time, now) + &release(&ticket.last_release)),
    ];
    let location = sanitize::line(&ticket.location.to_string());
    let error_type = ticket.error_type.as_deref().map(sanitize::line).unwrap_or_default();
    let known = [
        ("application", sanitize::line(&ticket.app_id)),
        ("channel", sanitize::line(&ticket.channel)),
        ("location", location),
        ("error type", error_type),
    ];
    pairs.extend(known.into_iter().filter(|(_, text)| !text.is_empty()));
    page.pairs(pairs)
}

fn status(ticket: &Ticket, now: Timestamp) -> String {
    let mut text = match &ticket.status {
        Status::Open => "open".to_owned(),
        Status::Solved { at, release } => {
            let release =
                release.as_ref().map(|release| format!(", by release {}", sanitize::line(release)));
            format!("solved {}{}", time::both(*at, now), release.unwrap_or_default())
        }
        Status::Muted { until: Some(until) } => format!("muted until {}", time::both(*until, now)),
        Status::Muted { until: None } => "muted".to_owned(),
    };
    match ticket.reopened_count {
        0 => {}
        1 => text.push_str(", came back once after it was solved"),
        times => text += &format!(", came back {times} times after it was solved"),
    }
    text
}

fn charts(page: &mut Sheet<'_>, details: &Details<'_>) -> io::Result<()> {
    page.section("HOW OFTEN")?;
    let painter = page.painter;
    let chart = |buckets: &[Bucket], unit: &str| {
        let sum: u64 = buckets.iter().map(|bucket| bucket.count).sum();
        let most = buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0);
        let line = painter.paint(style::ID, chart::sparkline(buckets, 1));
        format!("{line}  {sum}, at most {most} {unit}")
    };
    page.pairs([
        ("24 hours", chart(details.hours, "an hour")),
        ("30 days", chart(details.days, "a day")),
    ])
}
