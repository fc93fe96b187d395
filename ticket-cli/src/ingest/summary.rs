//! What became of the lines.

use std::io::{self, Write};

use serde::Serialize;
use ticket_core::Level;

use crate::output::sanitize;

/// How many lines with faults are remembered.
const REMEMBERED: usize = 100;
/// How many of them a person is shown.
const SHOWN: usize = 10;

/// What reading found.
///
/// Every line is counted once: `read` is the sum of the records and of the lines that are malformed,
/// below the level or joined to another.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// Lines.
    pub(super) read: u64,
    /// Records that are new in the store.
    pub(super) recorded: u64,
    /// Records that the store had already.
    pub(super) already_known: u64,
    /// Records below the level.
    pub(super) below_level: u64,
    /// Lines that are blank or belong to the record of a line before, such as those of a stack trace.
    pub(super) joined: u64,
    /// Lines that cannot be understood.
    pub(super) malformed: u64,
    /// Records that the store refuses.
    pub(super) rejected: u64,
    /// Tickets that did not exist before.
    pub(super) new_tickets: u64,
    /// Solved tickets that occurred again.
    pub(super) reopened_tickets: u64,
    /// The first malformed lines.
    pub(super) malformed_lines: Vec<Fault>,
    /// The first lines of the first refused records.
    pub(super) rejected_lines: Vec<Fault>,
}

/// A line that was not recorded, and why.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    /// The file as it was named; `-` is standard input.
    pub(super) file: String,
    /// The line's number.
    pub(super) line: u64,
    /// What is wrong with it.
    pub(super) reason: String,
}

impl Summary {
    /// Whether something was refused, or nothing that was read could be understood: probably it is no
    /// log, or of another format than was said.
    pub(super) const fn is_failure(&self) -> bool {
        self.rejected > 0 || (self.malformed > 0 && self.malformed == self.read)
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

    /// The same with what another part of the work counted.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.read += other.read;
        self.recorded += other.recorded;
        self.already_known += other.already_known;
        self.below_level += other.below_level;
        self.joined += other.joined;
        self.malformed += other.malformed;
        self.rejected += other.rejected;
        self.new_tickets += other.new_tickets;
        self.reopened_tickets += other.reopened_tickets;
        self.malformed_lines.extend(other.malformed_lines);
        self.rejected_lines.extend(other.rejected_lines);
        self
    }

    /// Writes it for a person.
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
        if self.new_tickets + self.reopened_tickets > 0 {
            write!(out, "{}", counted(self.new_tickets, "new ticket"))?;
            if self.reopened_tickets > 0 {
                write!(out, ", {} reopened", self.reopened_tickets)?;
            }
            writeln!(out)?;
        }
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

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_listed_up_to_a_bound() {
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
