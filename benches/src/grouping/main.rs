//! Measures how well and how fast templates group labelled logs, compared with replacing each word that
//! contains a digit.

mod accuracy;
mod csv;

use std::borrow::Cow;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use ticket_benches::{Measured, median};
use ticket_grouping::template;

use self::accuracy::Accuracy;

/// How often all lines are grouped to measure the speed.
const ROUNDS: usize = 21;

/// Measure how well and how fast templates group labelled logs and print one JSON object per case
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder of the logs: CSV files with the columns Content and EventId
    folder: PathBuf,
}

/// The lines of one file, with the label of the statement that wrote each of them.
struct Log {
    name: String,
    lines: Vec<String>,
    labels: Vec<String>,
}

impl Log {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let mut rows = csv::rows(&text);
        let header = rows.next().context("the file is empty")?;
        let column = |name: &str| {
            let found = header.iter().position(|field| field == name);
            found.with_context(|| format!("the first line has no column {name}"))
        };
        let (content, label) = (column("Content")?, column("EventId")?);
        let (mut lines, mut labels) = (Vec::new(), Vec::new());
        for (number, row) in rows.enumerate() {
            ensure!(row.len() == header.len(), "row {} has {} fields", number + 2, row.len());
            lines.push(row[content].clone());
            labels.push(row[label].clone());
        }
        ensure!(!lines.is_empty(), "there are no rows");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, lines, labels })
    }

    fn accuracy(&self, group: impl Fn(&str) -> String) -> Accuracy {
        let groups: Vec<String> = self.lines.iter().map(|line| group(line)).collect();
        Accuracy::of(&groups, &self.labels)
    }
}

/// Replaces each word that contains a digit.
fn without_digits(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let varies = word.bytes().any(|byte| byte.is_ascii_digit());
        if varies { Cow::Borrowed("<*>") } else { Cow::Borrowed(word) }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Returns lines per second and core.
fn speed(logs: &[Log], group: impl Fn(&str) -> String) -> f64 {
    let lines = || logs.iter().flat_map(|log| &log.lines);
    let rounds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        lines().for_each(|line| drop(black_box(group(black_box(line)))));
        lines().count() as f64 / started.elapsed().as_secs_f64()
    });
    median(rounds.collect())
}

fn main() -> Result<()> {
    let Arguments { folder } = Arguments::parse();
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
    paths.sort();
    ensure!(!paths.is_empty(), "{} has no file that ends in .csv", folder.display());
    let read =
        |path: &PathBuf| Log::read(path).with_context(|| format!("cannot read {}", path.display()));
    let logs = paths.iter().map(read).collect::<Result<Vec<_>>>()?;

    let accuracies: Vec<[Accuracy; 2]> =
        logs.iter().map(|log| [log.accuracy(template), log.accuracy(without_digits)]).collect();
    for (log, [ours, base]) in logs.iter().zip(&accuracies) {
        Measured::print(format!("{}, lines", log.name), "", [ours.lines, base.lines])?;
        Measured::print(format!("{}, groups", log.name), "", [ours.groups, base.groups])?;
    }
    let average = |of: fn(&Accuracy) -> f64| {
        [0, 1].map(|side| {
            accuracies.iter().map(|sides| of(&sides[side])).sum::<f64>() / logs.len() as f64
        })
    };
    Measured::print("average, lines".to_owned(), "", average(|accuracy| accuracy.lines))?;
    Measured::print("average, groups".to_owned(), "", average(|accuracy| accuracy.groups))?;
    let speeds = [speed(&logs, template), speed(&logs, without_digits)];
    let speeds = speeds.map(|speed| speed / 1e6);
    Measured::print("lines per second and core".to_owned(), "M/s", speeds)?;
    Ok(())
}
