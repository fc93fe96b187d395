//! What happened to the lines.

use std::io::{self, Write};

use serde::Serialize;
use ticket_core::Level;

use ticket_query::sanitize;

/// The number of faults that are kept.
const REMEMBERED: usize = 100;
/// The number of faults that are shown to a person.
const SHOWN: usize = 10;

/// What happened to the lines.
///
/// Every line that was read is counted once: `read` is the sum of the records and of the lines that are malformed, below
/// the level, or joined to another line.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// All lines that were read.
    pub(super) read: u64,
    /// Lines that were not read, because an earlier run has read them.
    pub(super) read_before: u64,
    /// Records that are new to the store.
    pub(super) recorded: u64,
    /// Records that the store held already.
    pub(super) already_known: u64,
    /// Records below the level.
    pub(super) below_level: u64,
    /// Lines that are blank or continue a record, such as those of a stack trace.
    pub(super) joined: u64,
    /// Lines that could not be parsed.
    pub(super) malformed: u64,
    /// Records that the store refused.
    pub(super) rejected: u64,
    /// Tickets that were created.
    pub(super) new_tickets: u64,
    /// Solved tickets that were reopened.
    pub(super) reopened_tickets: u64,
    /// Records of which the form of the line was known.
    pub(super) recognized: u64,
    /// The first lines of files in which no line had a form that is known.
    pub(super) unrecognized_files: Vec<Fault>,
    /// The first malformed lines.
    pub(super) malformed_lines: Vec<Fault>,
    /// The first lines of the first refused records.
    pub(super) rejected_lines: Vec<Fault>,
}

/// A line that was not recorded, and why.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    /// The file as the person named it; `-` is standard input.
    pub(super) file: String,
    /// The number of the line.
    pub(super) line: u64,
    /// Why it was not recorded.
    pub(super) reason: String,
}

impl Summary {
    /// Returns `true` if a record was refused, if no line could be parsed, or if none was recognised: then the input is
    /// probably not a log, or has another format than the one given.
    pub(super) const fn is_failure(&self) -> bool {
        let is_unreadable = self.malformed > 0 && self.malformed == self.read;
        let is_unknown = !self.unrecognized_files.is_empty() && self.recognized == 0;
        self.rejected > 0 || ((is_unreadable || is_unknown) && self.read_before == 0)
    }

    pub(super) fn malformed(&mut self, fault: Fault) {
        self.malformed += 1;
        if self.malformed_lines.len() < REMEMBERED {
            self.malformed_lines.push(fault);
        }
    }

    pub(super) fn rejected(&mut self, fault: Fault) {
        self.rejected += 1;
        if self.rejected_lines.len() < REMEMBERED {
            self.rejected_lines.push(fault);
        }
    }

    /// Adds what the other half of the work counted.
    pub(super) fn with(mut self, other: Self) -> Self {
        let Self {
            read,
            read_before,
            recorded,
            already_known,
            below_level,
            joined,
            malformed,
            rejected,
            new_tickets,
            reopened_tickets,
            recognized,
            unrecognized_files,
            malformed_lines,
            rejected_lines,
        } = other;
        self.read += read;
        self.read_before += read_before;
        self.recorded += recorded;
        self.already_known += already_known;
        self.below_level += below_level;
        self.joined += joined;
        self.malformed += malformed;
        self.rejected += rejected;
        self.new_tickets += new_tickets;
        self.reopened_tickets += reopened_tickets;
        self.recognized += recognized;
        self.unrecognized_files.extend(unrecognized_files);
        self.malformed_lines.extend(malformed_lines);
        self.rejected_lines.extend(rejected_lines);
        self
    }

    /// Writes the summary for a person.
    pub(super) fn write(&self, out: &mut dyn Write, level: Level) -> io::Result<()> {
        write!(
            out,
            "read {}: {} recorded, {} below {level}, {} malformed",
            counted(self.read, "line"),
            self.recorded,
            self.below_level,
            self.malformed
        )?;
        for (count, what) in [
            (self.already_known, "already known"),
            (self.rejected, "rejected"),
            (self.joined, "joined or blank"),
        ] {
            if count > 0 {
                write!(out, ", {count} {what}")?;
            }
        }
        writeln!(out)?;
        if self.read_before > 0 {
            let before = counted(self.read_before, "line");
            let verb = if self.read_before == 1 { "was" } else { "were" };
            writeln!(out, "{before} {verb} read by earlier runs (--again reads from the start)")?;
        }
        if self.new_tickets + self.reopened_tickets > 0 {
            write!(out, "{}", counted(self.new_tickets, "new ticket"))?;
            if self.reopened_tickets > 0 {
                write!(out, ", {} reopened", self.reopened_tickets)?;
            }
            writeln!(out)?;
        }
        let unknown = self.unrecognized_files.len() as u64;
        write_faults(out, "not recognized", unknown, &self.unrecognized_files)?;
        write_faults(out, "malformed", self.malformed, &self.malformed_lines)?;
        write_faults(out, "rejected", self.rejected, &self.rejected_lines)
    }
}

fn write_faults(out: &mut dyn Write, what: &str, count: u64, faults: &[Fault]) -> io::Result<()> {
    for Fault { file, line, reason } in faults.iter().take(SHOWN) {
        let file = sanitize::line(file);
        writeln!(out, "{what}: {file}:{line}: {}", sanitize::line(reason))?;
    }
    let shown = faults.len().min(SHOWN) as u64;
    if count > shown {
        writeln!(out, "{what}: and {} more", count - shown)?;
    }
    Ok(())
}

pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_faults_are_listed() {
        let mut summary = Summary { read: 200, recorded: 1, new_tickets: 1, ..Summary::default() };
        for line in 1..=150 {
            let fault = Fault { file: "a\u{1b}.log".into(), line, reason: "not JSON".into() };
            summary.malformed(fault);
        }
        assert_eq!(summary.malformed_lines.len(), REMEMBERED);
        let mut out = Vec::new();
        summary.write(&mut out, Level::Warning).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(
            "read 200 lines: 1 recorded, 0 below warning, 150 malformed\n1 new ticket\n"
        ));
        assert!(text.contains("malformed: a\\u{1b}.log:10: not JSON\n"), "{text}");
        assert!(text.ends_with("malformed: and 140 more\n"), "{text}");
    }
}
