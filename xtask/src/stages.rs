//! How long each stage of a task took.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// The stages of one run, in the order in which they ended.
#[derive(Debug, Default)]
pub(crate) struct Stages(Vec<(&'static str, Duration)>);

impl Stages {
    /// Runs a stage and notes its time.
    pub(crate) fn time<T>(&mut self, name: &'static str, stage: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = stage();
        self.0.push((name, started.elapsed()));
        result
    }

    /// One line per stage and one for their sum.
    pub(crate) fn table(&self) -> String {
        let total: Duration = self.0.iter().map(|(_, time)| time).sum();
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("total".len());
        let mut text = format!("\n{:width$}  min:s\n", "stage");
        for (name, time) in self.0.iter().copied().chain([("total", total)]) {
            let _ = writeln!(text, "{name:width$}  {}", minutes(time));
        }
        text
    }
}

/// `time` as minutes and seconds, rounded to the nearest second.
pub(crate) fn minutes(time: Duration) -> String {
    let seconds = (time + Duration::from_millis(500)).as_secs();
    format!("{:2}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_with_the_sum() {
        let stages = Stages(vec![
            ("lints", Duration::from_millis(61_700)),
            ("tests", Duration::from_secs(600)),
        ]);
        assert_eq!(stages.table(), "\nstage  min:s\nlints   1:02\ntests  10:00\ntotal  11:02\n");
    }
}
