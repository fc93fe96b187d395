//! Reports of losses and failures on standard error, at most once a minute.
//!
//! They do not go through `tracing` or `log`, which would bring them back as records.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::stats::{Dropped, Stats};
use crate::sync::Instant;

/// The least time between two reports.
pub(crate) const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Reporter {
    last: Option<Instant>,
    lost: u64,
    failing: bool,
}

impl Reporter {
    /// Writes a line if there is news and the last line is at least a minute old.
    pub(crate) fn tick(&mut self, now: Instant, stats: &Stats, out: &mut dyn Write) {
        let lost = stats.dropped.total();
        let failing =
            (!stats.available && stats.last_error.is_some()) || stats.disk_error.is_some();
        if lost == self.lost && (!failing || self.failing) {
            self.failing = failing;
            return;
        }
        if self.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            return;
        }
        (self.last, self.lost, self.failing) = (Some(now), lost, failing);
        // A closed pipe must not become a panic, as `eprintln!` would make it.
        let _ = out.write_all(line("", stats, "").as_bytes());
    }
}

/// Writes one line at the end of the program, however recent the last one is. What waits on disk is not lost.
pub(crate) fn at_the_end(stats: &Stats, spool: Option<&Path>) {
    let spool = spool.filter(|_| stats.disk_error.is_none());
    let place = spool.map(|spool| format!(" in {} for the next start", spool.display()));
    let line = line("at the end ", stats, &place.unwrap_or_default());
    let _ = io::stderr().write_all(line.as_bytes());
}

fn line(when: &str, stats: &Stats, place: &str) -> String {
    let error = stats.last_error.as_deref().unwrap_or("none");
    let waiting = stats.queued;
    let lost = losses(&stats.dropped);
    let line =
        format!("ticket-handler: {when}{waiting} waiting{place}, {lost}; last error: {error}");
    let disk = stats.disk_error.as_ref().map(|error| format!("; spool in memory: {error}"));
    let line = line + &disk.unwrap_or_default();
    // An error's text may quote untrusted input, and control characters would reach the terminal.
    let mut line = line.replace(char::is_control, " ");
    line.push('\n');
    line
}

fn losses(dropped: &Dropped) -> String {
    let reasons: Vec<String> = dropped
        .reasons()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{reason}: {count}"))
        .collect();
    let reasons = reasons.join(", ");
    let total = dropped.total();
    if reasons.is_empty() { "none lost".to_owned() } else { format!("{total} lost ({reasons})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(full: u64, rejected: u64, error: Option<&str>) -> Stats {
        let dropped = Dropped { full, rejected, ..Dropped::default() };
        Stats { dropped, last_error: error.map(str::to_owned), ..Stats::default() }
    }

    #[test]
    fn reports_are_a_minute_apart_and_only_for_news() {
        let (start, mut reporter, mut out) = (Instant::now(), Reporter::default(), Vec::new());
        let mut at = |seconds, stats: &Stats| {
            reporter.tick(start + Duration::from_secs(seconds), stats, &mut out);
            std::mem::take(&mut out).into_iter().filter(|byte| *byte == b'\n').count()
        };
        assert_eq!(at(0, &stats(0, 0, None)), 0);
        assert_eq!(at(1, &stats(3, 0, None)), 1);
        assert_eq!(at(2, &stats(9, 0, None)), 0);
        assert_eq!(at(61, &stats(9, 0, None)), 1);
        assert_eq!(at(200, &stats(9, 0, None)), 0);
        assert_eq!(at(201, &stats(9, 0, Some("away"))), 1);
        assert_eq!(at(300, &stats(9, 0, Some("still away"))), 0);
    }

    #[test]
    fn a_line_names_the_reasons_and_has_no_control_characters() {
        let line = line("", &stats(1, 2, Some("a\nb\u{1b}[31m")), " in spool");
        assert_eq!(
            line,
            "ticket-handler: 0 waiting in spool, 3 lost (full: 1, rejected: 2); \
             last error: a b [31m\n"
        );
    }
}
