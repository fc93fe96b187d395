//! One occurrence in full.

use std::io;

use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Span};
use ticket_core::{Occurrence, Record, Timestamp};

use super::sheet::Sheet;
use crate::output::{style, text, time};
use ticket_query::sanitize;

pub(super) fn write(page: &mut Sheet<'_>, newest: &Occurrence, now: Timestamp) -> io::Result<()> {
    let record = &newest.record;
    page.section("NEWEST OCCURRENCE")?;
    page.pairs(origin(newest, now))?;
    errors(page, &record.error)?;
    if !record.traits.is_empty() {
        page.section("TRAITS")?;
        let traits = record.traits.iter();
        page.pairs(traits.map(|(name, value)| (name.as_str(), ticket_query::literal(value))))?;
    }
    if let Some(payload) = &record.payload {
        page.section("PAYLOAD")?;
        ticket_query::indented(payload).iter().try_for_each(|line| page.line(line))?;
    }
    if let Some(request) = &record.request {
        page.section("REQUEST")?;
        page.pairs(ticket_query::request(request))?;
    }
    breadcrumbs(page, record)?;
    spans(page, &record.spans)?;
    backtrace(page, &record.backtrace)
}

fn origin(newest: &Occurrence, now: Timestamp) -> Vec<(&'static str, String)> {
    let record = &newest.record;
    let mut pairs = vec![("id", record.id.to_string()), ("time", time::both(record.time, now))];
    if newest.repeats > 1 {
        pairs.push(("stands for", format!("{} records", newest.repeats)));
    }
    pairs.extend(ticket_query::origin(record));
    pairs
}

fn errors(page: &mut Sheet<'_>, chain: &[ErrorCause]) -> io::Result<()> {
    if chain.is_empty() {
        return Ok(());
    }
    page.section("ERROR")?;
    for (depth, cause) in chain.iter().enumerate() {
        let lead = if depth == 0 { "" } else { "caused by  " };
        let name = cause.type_name.as_deref().map(sanitize::line).unwrap_or_default();
        let gap = if name.is_empty() { "" } else { ": " };
        let mut lines = sanitize::lines(&cause.message);
        let name = page.painter.paint(style::BOLD, name);
        page.line(&format!("{lead}{name}{gap}{}", lines.next().unwrap_or_default()))?;
        for line in lines {
            page.line(&format!("    {line}"))?;
        }
    }
    Ok(())
}

fn breadcrumbs(page: &mut Sheet<'_>, record: &Record) -> io::Result<()> {
    if record.breadcrumbs.is_empty() {
        return Ok(());
    }
    page.section("BREADCRUMBS")?;
    for Breadcrumb { time, level, channel, message, traits, .. } in &record.breadcrumbs {
        let before = (record.time.as_micros() - time.as_micros()).max(0);
        let before = format!("-{}.{:03}s", before / 1_000_000, before % 1_000_000 / 1_000);
        let painter = page.painter;
        let time = painter.paint(style::DIM, format!("{before:>9}"));
        let level = painter.paint(style::level(*level), format!("{level:<8}"));
        let channel = painter.paint(style::DIM, sanitize::line(channel));
        let (message, traits) = (sanitize::line(message), text::traits(traits));
        page.line(format!("{time}  {level}  {channel}  {message}  {traits}").trim_end())?;
    }
    Ok(())
}

fn spans(page: &mut Sheet<'_>, spans: &[Span]) -> io::Result<()> {
    if spans.is_empty() {
        return Ok(());
    }
    page.section("SPANS")?;
    for (depth, span) in spans.iter().enumerate() {
        let name = page.painter.paint(style::BOLD, sanitize::line(&span.name));
        let target = page.painter.paint(style::DIM, sanitize::line(&span.target));
        let traits = text::traits(&span.traits);
        let indent = "  ".repeat(depth);
        page.line(format!("{indent}{name}  {target}  {traits}").trim_end())?;
    }
    Ok(())
}

fn backtrace(page: &mut Sheet<'_>, frames: &[Frame]) -> io::Result<()> {
    if frames.is_empty() {
        return Ok(());
    }
    page.section("BACKTRACE (▶ is the application's own code)")?;
    for frame in frames {
        let (mark, look) = if frame.in_app { ('▶', style::BOLD) } else { (' ', style::DIM) };
        let function = page.painter.paint(look, sanitize::line(&frame.function));
        let file = frame.file.as_deref().map(sanitize::line).unwrap_or_default();
        let line = frame.line.map(|line| format!(":{line}")).unwrap_or_default();
        page.line(format!("{mark} {function}  {file}{line}").trim_end())?;
    }
    Ok(())
}
