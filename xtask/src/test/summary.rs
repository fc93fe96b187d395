//! The summary at the end of `cargo xtask test`.

use std::fmt::Write as _;

use super::output::{Report, Target};
use crate::stages::minutes;

/// Formats one line per target that has tests, then the skipped cases with their reasons.
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
        for skipped in target.skipped() {
            let _ = writeln!(
                text,
                "skipped: {} `{}`: lacks {}: {}",
                target.name, skipped.case, skipped.capability, skipped.reason
            );
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
            "test result: ok. 10 passed; 0 failed; 1 ignored; 0 measured",
            "     Running tests/long.rs (target/debug/deps/long-1)",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured",
        ] {
            report.read_line(line);
        }
        report.finish();
        report.targets[1].time = Some(Duration::from_secs(75));
        let expected = "
               passed  failed  skipped  min:s
tests/a.rs         10       0        1   1:15
tests/long.rs       1       2        0
skipped: tests/a.rs `restart`: lacks Durable: memory only
";
        assert_eq!(table(&report), expected);
        assert_eq!(closing_line(&report), "11 passed, 2 failed, 1 skipped");
    }
}
