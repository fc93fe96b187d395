//! Reports of failing handlers on standard error, at most once a minute for each.
//!
//! They do not go through `tracing` or `log`, which might bring them to the handler that failed.

use std::io::{self, Write};
use std::time::Duration;

use crate::stats::{HandlerStats, Stats};
use crate::sync::Instant;

/// The least time between two reports.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Reporter {
    last: Option<Instant>,
    /// The failures and skipped starts reported so far.
    reported: u64,
}

impl Reporter {
    /// Writes a line if there is news and the last line is at least a minute old.
    pub(crate) fn tick(&mut self, now: Instant, stats: &HandlerStats, out: &mut dyn Write) {
        let count = stats.failures() + stats.skipped();
        let is_recent = self.last.is_some_and(|last| now.duration_since(last) < PAUSE);
        if count == self.reported || is_recent {
            return;
        }
        (self.last, self.reported) = (Some(now), count);
        // A closed pipe must not become a panic, as `eprintln!` would make it.
        let _ = out.write_all(line(stats).as_bytes());
    }
}

/// Writes what the handlers did not get done by the end of the program.
pub(crate) fn at_the_end(stats: &Stats) {
    for handler in stats.handlers.iter().filter(|handler| handler.queued > 0) {
        let _ = io::stderr().write_all(line(handler).as_bytes());
    }
}

fn line(stats: &HandlerStats) -> String {
    let HandlerStats { handler, errors, panics, timeouts, queued, .. } = stats;
    let HandlerStats { skipped_requests, skipped_events, .. } = stats;
    let error = stats.last_error.as_deref().unwrap_or("none");
    let line = format!(
        "ticket-audit: {handler}: {errors} errors, {panics} panics, {timeouts} timeouts, \
         {skipped_requests} requests and {skipped_events} events skipped, {queued} queued; \
         last error: {error}"
    );
    // An error's text may quote untrusted input, and control characters would reach the terminal.
    let mut line = line.replace(char::is_control, " ");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_a_minute_apart_and_only_for_news() {
        let (start, mut reporter, mut out) = (Instant::now(), Reporter::default(), Vec::new());
        let mut at = |seconds, errors| {
            let stats = HandlerStats { errors, ..HandlerStats::default() };
            reporter.tick(start + Duration::from_secs(seconds), &stats, &mut out);
            !std::mem::take(&mut out).is_empty()
        };
        assert!(!at(0, 0));
        assert!(at(1, 3));
        assert!(!at(2, 9));
        assert!(at(61, 9));
        assert!(!at(200, 9));
    }

    #[test]
    fn a_line_has_no_control_characters() {
        let last_error = Some("a\nb\u{1b}[31m".to_owned());
        let stats =
            HandlerStats { handler: "Log", errors: 1, last_error, ..HandlerStats::default() };
        assert_eq!(
            line(&stats),
            "ticket-audit: Log: 1 errors, 0 panics, 0 timeouts, 0 requests and 0 events skipped, \
             0 queued; last error: a b [31m\n"
        );
    }
}
