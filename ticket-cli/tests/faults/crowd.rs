//! Many processes at once, on any backend.

use std::process::Child;
use std::time::Duration;

use super::ticket::{
    Summary, TICKETS, assert_exact, counts, finish_ingest, ingest, line, lines, set_up,
    start_ingest, ticket, tickets,
};
use super::{Outcome, Place};

/// F07: eight processes record different lines of the same tickets, every second one in the opposite order.
pub(crate) fn same_tickets(place: &impl Place) -> Outcome {
    const WRITERS: u64 = 8;
    let lines = lines()? / 4;
    let url = place.url();
    set_up(&url)?;
    let ingest_of = |writer: u64| -> Outcome<Summary> {
        let numbers = (0..lines).filter(move |number| number / TICKETS % WRITERS == writer);
        let numbers: Vec<u64> = match writer % 2 {
            0 => numbers.collect(),
            _ => numbers.rev().collect(),
        };
        ingest(&url, numbers.into_iter().map(line))
    };
    let summaries = at_once(0..WRITERS, ingest_of)?;
    let sum = |of: fn(&Summary) -> u64| summaries.iter().map(of).sum::<u64>();
    assert_eq!(sum(|summary| summary.recorded), lines, "{summaries:?}");
    assert_eq!(sum(|summary| summary.known), 0, "{summaries:?}");
    assert_eq!(sum(|summary| summary.new_tickets), TICKETS, "{summaries:?}");
    assert_exact(&url, lines)
}

/// F08: two processes record the same lines at once, one of them backwards, while a third process with these
/// lines is killed. Afterwards all lines are sent again.
pub(crate) fn same_lines(place: &impl Place) -> Outcome {
    let lines = lines()? / 4;
    let url = place.url();
    set_up(&url)?;
    let killed = start_ingest(&url)?;
    let ingest_of = |writer: u64| -> Outcome<Summary> {
        let numbers = 0..lines;
        match writer {
            0 => ingest(&url, numbers.map(line)),
            _ => ingest(&url, numbers.rev().map(line)),
        }
    };
    let (pid, feeder) = feed_until_killed(killed, lines);
    let watcher = {
        let url = url.clone();
        std::thread::spawn(move || -> Result<(), String> {
            ticket_faults::servers::until("something is recorded", || {
                Ok(counts(&url)?.iter().sum::<u64>() > 0)
            })
            .map_err(|error| error.to_string())?;
            ticket_faults::servers::signal("KILL", pid).map_err(|error| error.to_string())
        })
    };
    let summaries = at_once(0..2, ingest_of)?;
    watcher.join().map_err(|_| "the watcher panicked")??;
    let was_killed = feeder.join().map_err(|_| "the feeder panicked")?;
    assert!(was_killed, "the third process ended before it was killed");
    for summary in &summaries {
        assert_eq!(summary.recorded + summary.known, lines, "{summaries:?}");
    }
    // The killed process recorded the rest.
    let recorded: u64 = summaries.iter().map(|summary| summary.recorded).sum();
    assert!(recorded <= lines, "{summaries:?}");
    assert_exact(&url, lines)
}

/// Feeds a process until it takes no more lines. The thread returns `true` if a signal ended the process.
fn feed_until_killed(mut child: Child, lines: u64) -> (u32, std::thread::JoinHandle<bool>) {
    use std::io::Write as _;
    use std::os::unix::process::ExitStatusExt as _;
    let pid = child.id();
    let feeder = std::thread::spawn(move || {
        if let Some(mut pipe) = child.stdin.take() {
            // The pipe stays open, so that the process does not end by itself.
            let _ = (0..lines).try_for_each(|number| writeln!(pipe, "{}", line(number)));
            return child.wait().is_ok_and(|status| status.signal().is_some());
        }
        false
    });
    (pid, feeder)
}

/// F09: 64 processes record the first occurrence of a ticket at once.
pub(crate) fn first_occurrence(place: &impl Place) -> Outcome {
    const WRITERS: u64 = 64;
    let url = place.url();
    set_up(&url)?;
    // All of them are ready before the first one gets its line.
    let ready: Vec<(u64, Child)> =
        (0..WRITERS).map(|writer| Ok((writer, start_ingest(&url)?))).collect::<Outcome<_>>()?;
    let summaries = at_once(ready, |(writer, child): (u64, Child)| {
        finish_ingest(child, std::iter::once(line(writer * TICKETS)))
    })?;
    let sum = |of: fn(&Summary) -> u64| summaries.iter().map(of).sum::<u64>();
    assert_eq!(sum(|summary| summary.recorded), WRITERS, "{summaries:?}");
    assert_eq!(sum(|summary| summary.new_tickets), 1, "one of them is the first: {summaries:?}");
    let tickets = tickets(&url)?;
    assert_eq!(tickets.len(), 1, "{tickets:?}");
    assert_eq!(tickets[0]["occurrence_count"], WRITERS);
    assert_eq!(tickets[0]["first_occurrence_time"], "2026-11-21T10:00:00.000000Z");
    assert_eq!(tickets[0]["last_occurrence_time"], "2026-11-21T10:00:03.150000Z");
    Ok(())
}

/// F17: eight processes set up a store at once, and a process is killed while it sets one up.
pub(crate) fn set_up_at_once(place: &impl Place) -> Outcome {
    for round in 0..(lines()? / 10_000).clamp(1, 20) {
        let url = format!("{}&table_prefix=at_once_{round}_", place.url());
        at_once(0..8, |_| set_up(&url))?;
        ingest(&url, (0..TICKETS).map(line))?;
        set_up(&url)?;
        assert_exact(&url, TICKETS)?;

        // At a different moment in each round.
        let url = format!("{}&table_prefix=killed_{round}_", place.url());
        let mut killed = ticket(&url, &["setup"]).spawn()?;
        std::thread::sleep(Duration::from_millis(20 + round * 37 % 400));
        // The process may have ended already.
        let _ = killed.kill();
        killed.wait()?;
        set_up(&url)?;
        ingest(&url, (0..TICKETS).map(line))?;
        assert_exact(&url, TICKETS)?;
    }
    Ok(())
}

/// Calls a function with each of the values, all at the same time.
fn at_once<A: Send, T: Send>(
    all: impl IntoIterator<Item = A>,
    what: impl Fn(A) -> Outcome<T> + Sync,
) -> Outcome<Vec<T>> {
    std::thread::scope(|scope| {
        let what = &what;
        let threads: Vec<_> = all
            .into_iter()
            .map(|one| scope.spawn(move || what(one).map_err(|error| error.to_string())))
            .collect();
        let joined = threads
            .into_iter()
            .map(|thread| Ok(thread.join().map_err(|_| "a thread panicked")??));
        joined.collect()
    })
}
