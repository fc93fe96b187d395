//! The results of a benchmark, for people and for programs.

use std::borrow::Cow;
use std::fmt::Write as _;

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// One measured case.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) bench: &'static str,
    pub(crate) case: String,
    pub(crate) value: f64,
    pub(crate) unit: Cow<'static, str>,
    /// The value to compare with, measured in the same run.
    pub(crate) baseline: f64,
    pub(crate) ratio: f64,
}

impl Row {
    pub(crate) fn new(
        bench: &'static str,
        case: impl Into<String>,
        unit: impl Into<Cow<'static, str>>,
        [value, baseline]: [f64; 2],
    ) -> Self {
        Self {
            bench,
            case: case.into(),
            value,
            unit: unit.into(),
            baseline,
            ratio: value / baseline,
        }
    }
}

/// A line that a measuring program prints: a case with its unit, its value, and the value to compare with.
#[derive(Debug, Deserialize)]
pub(crate) struct Measured {
    case: String,
    unit: String,
    value: f64,
    baseline: f64,
}

impl Measured {
    /// Returns the rows that a program has printed.
    pub(crate) fn rows(bench: &'static str, output: &str) -> Result<Vec<Row>> {
        output
            .lines()
            .map(|line| {
                let Self { case, unit, value, baseline } = serde_json::from_str(line)?;
                Ok(Row::new(bench, case, unit, [value, baseline]))
            })
            .collect()
    }
}

/// Formats the rows as one JSON object per line.
pub(crate) fn json(rows: &[Row]) -> Result<String> {
    rows.iter().map(|row| Ok(serde_json::to_string(row)? + "\n")).collect()
}

pub(crate) fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.case.chars().count()).max().unwrap_or(0).max(4);
    let mut text = format!(
        "{:width$}  {:>10}  {:>10}  {:4}  {:>6}\n",
        "case", "value", "baseline", "", "ratio"
    );
    for Row { case, value, unit, baseline, ratio, .. } in rows {
        let _ =
            writeln!(text, "{case:width$}  {value:10.2}  {baseline:10.2}  {unit:4}  {ratio:6.2}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_ratio_in_both_forms() {
        let rows = [Row::new("list", "ticket list", "ms", [12.0, 8.0])];
        assert_eq!(
            json(&rows).unwrap(),
            "{\"bench\":\"list\",\"case\":\"ticket list\",\"value\":12.0,\"unit\":\"ms\",\
             \"baseline\":8.0,\"ratio\":1.5}\n"
        );
        assert_eq!(
            table(&rows),
            "case              value    baseline         ratio\n\
             ticket list       12.00        8.00  ms      1.50\n"
        );
    }
}
