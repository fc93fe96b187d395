//! The summary at the end of `cargo xtask test`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::output::{Declared, Report, Target};
use crate::stages::minutes;

/// Formats one line per target that has tests, then how many tests were skipped for each reason.
pub(crate) fn table(report: &Report) -> String {
    let with_tests = |target: &&Target| target.passed + target.failed + target.ignored > 0;
    let mut targets: Vec<&Target> = report.targets.iter().filter(with_tests).collect();
    targets.sort_by_key(|target| &target.name);
    let width = targets.iter().map(|target| target.name.chars().count()).max().unwrap_or(0);

    let mut text = format!("\n{:width$}  passed  failed  skipped  min:s\n", "");
    for Target { name, passed, failed, ignored, time, .. } in &targets {
        let time = time.map(|time| format!("  {}", minutes(time))).unwrap_or_default();
        let _ = writeln!(text, "{name:width$}  {passed:6}  {failed:6}  {ignored:7}{time}");
    }
    for target in targets {
        let mut reasons: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for Declared { case, capability, reason } in target.skipped() {
            reasons.entry((capability, reason)).or_default().push(case);
        }
        for ((capability, reason), cases) in reasons {
            let cases = match *cases {
                [case] => format!("`{case}`"),
                _ => format!("{} tests", cases.len()),
            };
            let _ =
                writeln!(text, "skipped: {} {cases}: lacks {capability}: {reason}", target.name);
        }
    }
    text
}

/// `N passed, N failed, N skipped`.
pub(crate) fn closing_line(report: &Report) -> String {
    let (passed, failed, skipped) = (report.passed(), report.failed(), report.ignored());
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_table_is_aligned() {
        let mut report = Report::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/none-1)",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured",
            "     Running tests/a.rs (target/debug/deps/a-1)",
            "ticket-conformance: ignored restart: capability Durable: memory only",
            "test restart ... ignored",
            "test restore ... ignored",
            "ticket-conformance: ignored restore: capability Durable: memory only",
            "test lease ... ignored",
            "ticket-conformance: ignored lease: capability Leases: one process",
            "test result: ok. 10 passed; 0 failed; 3 ignored; 0 measured",
            "     Running tests/long.rs (target/debug/deps/long-1)",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured",
        ] {
            report.read_line(line);
        }
        report.finish();
        report.targets[1].time = Some(Duration::from_secs(75));
        let expected = "
               passed  failed  skipped  min:s
tests/a.rs         10       0        3   1:15
tests/long.rs       1       2        0
skipped: tests/a.rs 2 tests: lacks Durable: memory only
skipped: tests/a.rs `lease`: lacks Leases: one process
";
        assert_eq!(table(&report), expected);
        assert_eq!(closing_line(&report), "11 passed, 2 failed, 3 skipped");
    }
}
