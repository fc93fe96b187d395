//! What a log is expected to become.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use ticket_core::{Level, Timestamp};
use ticket_ingest::{Format, Item, Reader};

use super::Outcome;
use super::store::{Store, Ticket};

/// A ticket that a log is expected to give: its level, its channel, the type of its error, and a part of its message.
pub(crate) type Expected = (&'static str, &'static str, &'static str, &'static str);

/// Whether the lines of a log state their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Stated,
    Missing,
}

/// Checks that a log gives exactly these tickets with two occurrences each, and the time of each record.
pub(crate) fn exactly(log: &Path, times: Times, expected: &[Expected]) -> Outcome {
    let tickets = tickets(log, times, expected)?;
    if tickets.len() != expected.len() {
        return Err(format!(
            "{} tickets instead of {}: {tickets:#?}",
            tickets.len(),
            expected.len()
        )
        .into());
    }
    Ok(())
}

/// As [`exactly`], of a log that may have more tickets, such as warnings at the start of a server.
pub(crate) fn tickets(
    log: &Path,
    times: Times,
    expected: &[Expected],
) -> Result<Vec<Ticket>, Box<dyn std::error::Error>> {
    check_times(log, times)?;
    let tickets = Store::new()?.ingest_twice(log)?;
    for &(level, channel, error_type, part) in expected {
        let is = |ticket: &&Ticket| {
            (ticket.level.as_str(), ticket.channel.as_str(), ticket.error_type.as_str())
                == (level, channel, error_type)
                && ticket.message.contains(part)
        };
        let counts: Vec<u64> = tickets.iter().filter(is).map(|ticket| ticket.count).collect();
        if counts != [2] {
            let wanted = (level, channel, error_type, part);
            return Err(format!("{counts:?} instead of [2] of {wanted:?} in {tickets:#?}").into());
        }
    }
    Ok(tickets)
}

/// Checks the times that the log states for errors, without the command.
fn check_times(log: &Path, times: Times) -> Outcome {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let now = Timestamp::now();
    for item in Reader::new(File::open(log)?, Format::Auto) {
        let Item::Entry(entry) = item? else { continue };
        if entry.record.level < Level::Warning {
            continue;
        }
        let is_right = match entry.time {
            Some(time) => {
                times == Times::Stated && now.as_micros().abs_diff(time.as_micros()) < micros(DAY)
            }
            None => times == Times::Missing,
        };
        if !is_right {
            return Err(format!("the time is {:?} of {:?}", entry.time, entry.text).into());
        }
    }
    Ok(())
}

fn micros(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000
}
