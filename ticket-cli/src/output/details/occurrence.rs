//! One occurrence in full.

use std::io;

use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use ticket_core::{Occurrence, Record, SmolStr, Timestamp};

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
        page.pairs(self::request(request))?;
    }
    breadcrumbs(page, record)?;
    spans(page, &record.spans)?;
    backtrace(page, &record.backtrace)
}

fn origin(newest: &Occurrence, now: Timestamp) -> Vec<(&'static str, String)> {
    let record = &newest.record;
    let repeats = (newest.repeats > 1).then(|| format!("{} records", newest.repeats));
    let text = |text: &Option<SmolStr>| text.as_deref().map(sanitize::line);
    let pairs = [
        ("id", Some(record.id.to_string())),
        ("time", Some(time::both(record.time, now))),
        ("stands for", repeats),
        ("release", text(&record.release)),
        ("environment", text(&record.environment)),
        ("host", text(&record.host)),
        ("process", record.process.map(|process| process.to_string())),
        ("thread", text(&record.thread)),
        ("trace", text(&record.trace_id)),
        ("span", text(&record.span_id)),
        ("fingerprint", text(&record.fingerprint)),
        ("external id", text(&record.external_id)),
    ];
    known(pairs)
}

fn request(request: &Request) -> Vec<(&'static str, String)> {
    let text = |text: &Option<SmolStr>| text.as_deref().map(sanitize::line);
    known([
        ("method", text(&request.method)),
        ("path", text(&request.path)),
        ("route", text(&request.route)),
        ("status", request.status.map(|status| status.to_string())),
        ("from", text(&request.remote_address)),
        ("user", text(&request.user)),
        ("request id", text(&request.request_id)),
    ])
}

fn known<const N: usize>(
    pairs: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    pairs.into_iter().filter_map(|(name, text)| text.map(|text| (name, text))).collect()
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
