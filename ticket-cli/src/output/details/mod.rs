//! Everything about a ticket, for a person.

mod history;
mod occurrence;
mod sheet;

use std::io::{self, Write};

use ticket_core::{Bucket, Fix, HistoryEntry, Occurrence, Status, Ticket, Timestamp};

use self::sheet::Sheet;
use super::table::Layout;
use super::{chart, events, style, time};
use ticket_query::sanitize;

/// A ticket and what is shown with it.
pub(crate) struct Details<'a> {
    pub(crate) ticket: &'a Ticket,
    /// The newest entries of its history.
    pub(crate) history: &'a [HistoryEntry],
    /// The newest occurrences. The first of them is shown in full.
    pub(crate) occurrences: &'a [Occurrence],
    /// How many of the occurrences are listed.
    pub(crate) listed: usize,
    pub(crate) hours: &'a [Bucket],
    pub(crate) days: &'a [Bucket],
}

/// Writes the details of a ticket.
pub(crate) fn write(
    out: &mut dyn Write,
    details: &Details<'_>,
    layout: Layout,
    now: Timestamp,
) -> io::Result<()> {
    let mut page = Sheet::new(out, layout.painter);
    head(&mut page, details.ticket, now)?;
    charts(&mut page, details)?;
    if !details.history.is_empty() {
        history::write(&mut page, details.history, now)?;
    }
    page.section("GROUPED BY")?;
    page.pairs(
        details.ticket.ingredients.iter().map(|(name, value)| (name, sanitize::line(value))),
    )?;
    match details.occurrences.first() {
        Some(newest) => occurrence::write(&mut page, newest, now)?,
        None => page.line(
            "\nNo occurrences are stored any more: they have expired, but the counts stay.",
        )?,
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

/// Says which release fixes a ticket.
pub(crate) fn by(fix: &Fix) -> String {
    match fix {
        Fix::In(release) => format!("by release {}", sanitize::line(release)),
        Fix::After { release } => format!("by the release after {}", sanitize::line(release)),
    }
}

fn status(ticket: &Ticket, now: Timestamp) -> String {
    let mut text = match &ticket.status {
        Status::Open => "open".to_owned(),
        Status::Solved { at, release } => {
            let release = release.as_ref().map(|fix| format!(", {}", by(fix)));
            format!("solved {}{}", time::both(*at, now), release.unwrap_or_default())
        }
        Status::Muted { until: Some(until) } => format!("muted until {}", time::both(*until, now)),
        Status::Muted { until: None } => "muted".to_owned(),
    };
    match ticket.reopened_count {
        0 => {}
        1 => text.push_str(", reopened once after it was solved"),
        times => text += &format!(", reopened {times} times after it was solved"),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ticket_core::record::Span;
    use ticket_core::{HistoryEvent, Value};

    use super::*;
    use crate::output::samples;
    use crate::output::style::Painter;

    fn shown(ticket: &Ticket, history: &[HistoryEntry], occurrences: &[Occurrence]) -> String {
        let now = samples::record().time.saturating_add(Duration::from_secs(200));
        let hours: Vec<Bucket> = (0..24)
            .map(|hour| Bucket {
                start: Timestamp::from_hour(hour),
                count: u64::from(hour == 23) * 3,
            })
            .collect();
        let layout = Layout { width: 100, painter: Painter { color: false } };
        let days = &hours[..20];
        let details = Details { ticket, history, occurrences, listed: 5, hours: &hours, days };
        let mut out = Vec::new();
        write(&mut out, &details, layout, now).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_ticket_is_shown_with_all_its_details() {
        insta::assert_snapshot!(shown(
            &samples::ticket(Status::Open),
            &samples::history(),
            &[samples::occurrence(), samples::occurrence()]
        ));
    }

    #[test]
    fn a_ticket_without_occurrences_says_that_they_have_expired() {
        let shown = shown(&samples::ticket(Status::Muted { until: None }), &[], &[]);
        assert!(shown.contains("they have expired"), "{shown}");
        assert!(shown.contains("muted, reopened once after it was solved"), "{shown}");
    }

    #[test]
    fn no_stored_text_reaches_the_terminal_unsanitized() {
        let evil = "\u{1b}[2Jx\u{202e}y\u{9b}z\u{200b}\u{7}";
        let mut occurrence = samples::occurrence();
        let record = &mut occurrence.record;
        for text in [&mut record.message, &mut record.channel, &mut record.app_id] {
            *text = evil.into();
        }
        for text in [
            &mut record.release,
            &mut record.environment,
            &mut record.host,
            &mut record.thread,
            &mut record.trace_id,
            &mut record.span_id,
            &mut record.fingerprint,
            &mut record.external_id,
            &mut record.location.file,
            &mut record.location.module,
            &mut record.location.function,
        ] {
            *text = Some(evil.into());
        }
        record.error[0].message = evil.into();
        record.error[0].type_name = Some(evil.into());
        record.backtrace[0].function = evil.into();
        record.backtrace[0].file = Some(evil.into());
        record.traits.insert(evil.into(), Value::from(evil));
        record.payload = Some(serde_json::Value::from(evil).into());
        record.breadcrumbs[0].message = evil.into();
        record.breadcrumbs[0].channel = evil.into();
        record.breadcrumbs[0].traits = record.traits.clone();
        let mut span = Span::new(evil);
        span.target = evil.into();
        span.traits = record.traits.clone();
        record.spans.push(span);
        if let Some(request) = &mut record.request {
            for text in [
                &mut request.method,
                &mut request.path,
                &mut request.route,
                &mut request.remote_address,
                &mut request.user,
                &mut request.request_id,
            ] {
                *text = Some(evil.into());
            }
        }
        let mut ticket = samples::ticket(Status::Solved {
            at: occurrence.record.time,
            release: Some(Fix::After { release: evil.to_owned() }),
        });
        for text in [&mut ticket.message, &mut ticket.channel, &mut ticket.app_id] {
            *text = evil.into();
        }
        for text in [&mut ticket.first_release, &mut ticket.last_release, &mut ticket.error_type] {
            *text = Some(evil.to_owned());
        }
        ticket.location = occurrence.record.location.clone();
        ticket.ingredients = ticket.ingredients.with(evil, evil);
        let entry = |event| HistoryEntry {
            number: 1,
            time: occurrence.record.time,
            by: Some(evil.to_owned()),
            event,
        };
        let history = [
            entry(HistoryEvent::Status(ticket.status.clone())),
            entry(HistoryEvent::Note(evil.to_owned())),
        ];
        let shown = shown(&ticket, &history, &[occurrence]);
        let raw = shown.replace('\n', "");
        assert!(!raw.contains(sanitize::is_unsafe), "{raw:?}");
        // Each of the texts is shown, so none is safe only because it was left out.
        assert_eq!(shown.matches("\\u{9b}").count(), 45, "{shown}");
    }
}
