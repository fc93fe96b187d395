//! `ticket health`.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use ticket_core::{BucketWidth, Capability, HistogramQuery, ProcessReport, ReportQuery, StoreInfo};
use ticket_query::sanitize;

use crate::context::Context;
use crate::output::json::{self, HealthView, ProcessView, RecentView};
use crate::output::table::{Grid, Share};
use crate::output::{style, time};

/// Show how the store and the processes that record are doing
///
/// The processes report to the store: what waits, what was lost and why, and the last error. A process whose report
/// is overdue is stale: it was killed, or it cannot reach the store.
///
/// The exit code says whether the store could be asked, and nothing about the answer: 0 if it could, 1 if not. A
/// script tests the answer of --json.
#[derive(Args)]
pub(crate) struct HealthArgs {}

pub(crate) async fn run(context: &Context, out: &mut dyn Write) -> anyhow::Result<()> {
    let store = context.open().await?;
    let info = store.store_info().await?;
    let mut query = ReportQuery::new();
    if let Some(app_id) = &context.app_id {
        query = query.with_app_id(app_id);
    }
    let mut reports = match store.capabilities().has(Capability::ProcessReports) {
        true => Some(store.get_reports(&query).await?),
        false => None,
    };
    let from = context.now.saturating_sub(Duration::from_secs(7 * 86_400 - 3_600));
    let to = context.now.saturating_add(Duration::from_micros(1));
    let hours = HistogramQuery::of_app(context.app_id.as_deref(), BucketWidth::Hour, from, to);
    let hours = store.count_occurrences(&hours).await?;
    let last = |count: usize| hours.iter().rev().take(count).map(|hour| hour.count).sum();
    let occurrences =
        RecentView { this_hour: last(1), last_24_hours: last(24), last_7_days: last(7 * 24) };
    if context.json {
        let view = |report: &ProcessReport| ProcessView::new(report, context.now);
        let processes = reports.map(|reports| reports.iter().map(view).collect());
        let backend = store.name();
        let view = HealthView { backend, store: (&info).into(), occurrences, processes };
        json::write_line(out, &view)?;
        return Ok(());
    }
    write_store(context, store.name(), &info, &occurrences, out)?;
    match &mut reports {
        None => writeln!(out, "\nthis store keeps no reports of processes")?,
        Some(reports) if reports.is_empty() => writeln!(out, "\nno process has reported yet")?,
        Some(reports) => {
            ticket_query::sort_by_state(reports, context.now);
            write_processes(context, reports, out)?;
        }
    }
    Ok(())
}

fn write_store(
    context: &Context,
    backend: &str,
    info: &StoreInfo,
    occurrences: &RecentView,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let heading = |text: &str| context.painter().paint(style::BOLD, text);
    let unknown = || "unknown".to_owned();
    writeln!(out, "{}", heading("STORE"))?;
    writeln!(out, "backend         {backend}")?;
    let version = info.schema_version.map_or_else(unknown, |version| version.to_string());
    writeln!(out, "schema version  {version}")?;
    writeln!(out, "size            {}", info.bytes().map_or_else(unknown, ticket_query::bytes))?;
    for part in &info.parts {
        writeln!(out, "  {:>10}  {}", ticket_query::bytes(part.bytes), sanitize::line(&part.name))?;
    }
    writeln!(out, "\n{}", heading("GROWTH IN OCCURRENCES"))?;
    writeln!(out, "this hour       {}", occurrences.this_hour)?;
    writeln!(out, "last 24 hours   {}", occurrences.last_24_hours)?;
    writeln!(out, "last 7 days     {}", occurrences.last_7_days)?;
    Ok(())
}

fn write_processes(
    context: &Context,
    reports: &[ProcessReport],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (layout, painter) = (context.layout(), context.painter());
    let columns = [
        ("PROCESSES", Share::Content),
        ("APPLICATION", Share::UpTo(24)),
        ("PROCESS", Share::UpTo(32)),
        ("REPORTED", Share::Content),
        ("ACCEPTED", Share::Number),
        ("STORED", Share::Number),
        ("WAITING", Share::Number),
        ("SPOOL", Share::Number),
        ("LOST", Share::Number),
    ];
    let mut grid = Grid::new(layout, &columns);
    for report in reports {
        let state = ticket_query::state(report, context.now);
        let (of_state, lost) =
            (if state == "stale" { style::BOLD } else { style::DIM }, report.total_lost());
        let plain = anstyle::Style::new();
        grid.row([
            (state.to_owned(), if state == "running" { plain } else { of_state }),
            (sanitize::line(&report.app_id), plain),
            (place(report), plain),
            (time::relative(report.time, context.now), plain),
            (report.accepted.to_string(), plain),
            (report.stored.to_string(), plain),
            (report.waiting.to_string(), plain),
            (ticket_query::bytes(report.spooled_bytes), plain),
            (lost.to_string(), if lost > 0 { style::BOLD } else { plain }),
        ]);
    }
    writeln!(out)?;
    grid.write(out)?;

    let lossy: Vec<_> = reports.iter().filter(|report| report.total_lost() > 0).collect();
    if !lossy.is_empty() {
        writeln!(out, "\n{}", painter.paint(style::BOLD, "LOSSES"))?;
    }
    for report in lossy {
        writeln!(out, "{}: {}", place(report), ticket_query::losses(report))?;
    }
    let failed: Vec<_> = reports.iter().filter(|report| report.last_error.is_some()).collect();
    if !failed.is_empty() {
        writeln!(out, "\n{}", painter.paint(style::BOLD, "LAST ERRORS OF THE STORE"))?;
    }
    for report in failed {
        let Some(error) = &report.last_error else { continue };
        let when = time::both(error.time, context.now);
        writeln!(out, "{}: {when}: {}", place(report), sanitize::line(&error.text))?;
    }
    writeln!(out, "\n{}", painter.paint(style::BOLD, "RETENTION"))?;
    let of = |report: &ProcessReport| {
        let retention = ticket_query::retention(&report.retention);
        format!("{}: {retention}", sanitize::line(&report.app_id))
    };
    for line in reports.iter().map(of).collect::<BTreeSet<String>>() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Returns the host and the process id, or what distinguishes the process if there is neither.
fn place(report: &ProcessReport) -> String {
    match (&report.host, report.pid) {
        (Some(host), Some(pid)) => format!("{} {pid}", sanitize::line(host)),
        (None, Some(pid)) => pid.to_string(),
        (_, None) => sanitize::line(&report.process),
    }
}
