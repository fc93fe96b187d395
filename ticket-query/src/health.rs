//! How processes and stores are doing, in words.

use std::time::Duration;

use ticket_core::{ProcessReport, ReportedRetention, Timestamp};

/// Returns how a process is doing: `running`, `stale` if its next report is overdue, or `ended`.
///
/// ```
/// use ticket_core::{ProcessReport, Timestamp};
///
/// let report = ProcessReport::new("web-1 4711", "shop", Timestamp::UNIX_EPOCH);
/// assert_eq!(ticket_query::state(&report, Timestamp::UNIX_EPOCH), "running");
/// assert_eq!(ticket_query::state(&report, Timestamp::now()), "stale");
/// ```
#[must_use]
pub fn state(report: &ProcessReport, now: Timestamp) -> &'static str {
    match (report.ended, now > report.until) {
        (true, _) => "ended",
        (false, true) => "stale",
        (false, false) => "running",
    }
}

/// Sorts reports for people: those of stale processes first, then those of running ones, then those of ended ones.
pub fn sort_by_state(reports: &mut [ProcessReport], now: Timestamp) {
    reports.sort_by_key(|report| match state(report, now) {
        "stale" => 0,
        "running" => 1,
        _ => 2,
    });
}

/// Returns the retention of a process in words, such as `keeps 90 days, 200 per ticket`.
///
/// ```
/// let retention = ticket_core::ReportedRetention::default();
/// assert_eq!(ticket_query::retention(&retention), "keeps everything");
/// ```
#[must_use]
pub fn retention(retention: &ReportedRetention) -> String {
    let ReportedRetention { max_age, max_per_ticket, max_total } = retention;
    let limits = [
        max_age.map(age),
        max_per_ticket.map(|count| format!("{count} per ticket")),
        max_total.map(|count| format!("{count} in all")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    if limits.is_empty() {
        return "keeps everything".to_owned();
    }
    format!("keeps {}", limits.join(", "))
}

fn age(age: Duration) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = age.as_secs();
    let unit = UNITS.into_iter().find(|(length, _)| seconds.is_multiple_of(*length));
    let (length, name) = unit.filter(|_| seconds > 0).unwrap_or((1, "second"));
    let count = seconds / length;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// Returns the lost records by reason, such as `full: 3, closed: 1`.
#[must_use]
pub fn losses(report: &ProcessReport) -> String {
    let losses: Vec<String> = report
        .lost
        .iter()
        .map(|(reason, count)| format!("{}: {count}", crate::sanitize::line(reason)))
        .collect();
    losses.join(", ")
}

/// Returns a number of bytes with three digits, such as `12.3 MiB`.
///
/// ```
/// assert_eq!(ticket_query::bytes(0), "0 B");
/// assert_eq!(ticket_query::bytes(12_900_000), "12.3 MiB");
/// ```
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // In integers: the tenths of the unit, rounded down.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 {
        tenths /= 1024;
        unit += 1;
    }
    let name = UNITS[unit];
    if tenths < 1_000 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", tenths / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits() {
        let cases = [
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (100 << 10, "100 KiB"),
            ((1 << 20) - 1, "1023 KiB"),
            (1 << 20, "1.0 MiB"),
            (u64::MAX, "15.9 EiB"),
        ];
        for (number, text) in cases {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn a_retention_is_said_in_the_largest_unit_that_is_exact() {
        let seconds = |seconds| ReportedRetention {
            max_age: Some(Duration::from_secs(seconds)),
            ..ReportedRetention::default()
        };
        let cases = [
            (90 * 86_400, "keeps 90 days"),
            (86_400, "keeps 1 day"),
            (90_000, "keeps 25 hours"),
            (61, "keeps 61 seconds"),
            (0, "keeps 0 seconds"),
        ];
        for (age, text) in cases {
            assert_eq!(retention(&seconds(age)), text);
        }
        let all = ReportedRetention { max_per_ticket: Some(3), max_total: Some(9), ..seconds(60) };
        assert_eq!(retention(&all), "keeps 1 minute, 3 per ticket, 9 in all");
    }

    #[test]
    fn stale_processes_come_first_and_an_ended_one_is_not_stale() {
        let now = Timestamp::now();
        let report = |process: &str, ended, until| {
            let mut report = ProcessReport::new(process, "shop", Timestamp::UNIX_EPOCH);
            (report.ended, report.until) = (ended, until);
            report
        };
        let (before, after) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let mut reports = [
            report("a", true, after),
            report("b", false, after),
            report("c", true, before),
            report("d", false, before),
            report("e", false, now),
        ];
        sort_by_state(&mut reports, now);
        let states = reports.each_ref().map(|report| (&*report.process, state(report, now)));
        let expected =
            [("d", "stale"), ("b", "running"), ("e", "running"), ("a", "ended"), ("c", "ended")];
        assert_eq!(states, expected);
    }
}
