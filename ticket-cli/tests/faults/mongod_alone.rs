//! MongoDB as a standalone server, which has no transactions: crashes between inserting occurrences and
//! updating their tickets (F08).

use std::process::Child;

use mongodb::bson::doc;
use ticket_faults::Outcome;
use ticket_faults::servers::{Kind, Mongod as Servers, until};

use super::mongod::PROGRAM;
use super::ticket::{
    Summary, TICKETS, assert_exact, counts, feed, ingest, line, set_up, start_ingest, successful,
    ticket,
};
use super::{Case, Place as _};

pub(crate) const CASES: &[Case] = &[
    ("f08_mongod_alone_writer_is_killed_before_it_decides", PROGRAM, || undone(Who::Writer)),
    ("f08_mongod_alone_is_killed_before_it_decides", PROGRAM, || undone(Who::Server)),
    ("f08_mongod_alone_writer_is_killed_before_it_counts", PROGRAM, || redone(Who::Writer)),
    ("f08_mongod_alone_is_killed_before_it_counts", PROGRAM, || redone(Who::Server)),
    ("f08_mongod_alone_what_comes_too_late_is_repaired", PROGRAM, repaired),
    ("f08_mongod_alone_what_comes_too_late_is_sent_again", PROGRAM, sent_again),
];

/// The process that is killed.
#[derive(Clone, Copy)]
enum Who {
    Writer,
    Server,
}

/// A server that has stored one line of each ticket, and a writer that is about to store another one of each.
struct Cut {
    servers: Servers,
    url: String,
    writer: Child,
}

/// The total number of these lines.
const LINES: u64 = 2 * TICKETS;

impl Cut {
    /// Blocks the writer at one of its commands.
    fn at(command: &str, collection: &str, skip: i32) -> Outcome<Self> {
        let servers = Servers::new(Kind::Standalone)?;
        let url = servers.url();
        set_up(&url)?;
        ingest(&url, (0..TICKETS).map(line))?;
        servers.hold("held", command, collection, skip)?;
        let mut writer = start_ingest(&format!("{url}&appName=held"))?;
        feed(&mut writer, (TICKETS..LINES).map(line))?;
        Ok(Self { servers, url, writer })
    }

    fn until_stored_and_counted(&self, stored: u64, counted: u64) -> Outcome {
        let expected = (i64::try_from(stored)?, i64::try_from(counted)?);
        until(&format!("{expected:?} are stored and counted"), || {
            Ok(self.servers.stored_and_counted()? == expected)
        })
    }

    fn kill(&mut self, who: Who) -> Outcome {
        if matches!(who, Who::Server) {
            self.servers.kill(0)?;
        }
        self.writer.kill()?;
        self.writer.wait()?;
        if matches!(who, Who::Server) {
            self.servers.start(0)?;
        }
        Ok(())
    }

    /// Returns the sum of the counts of the tickets.
    fn counted(&self) -> Outcome<u64> {
        Ok(counts(&self.url)?.into_iter().sum())
    }

    /// Returns the number of events that are found.
    fn found(&self) -> Outcome<u64> {
        let find = ticket(&self.url, &["find", "--limit", "1000"]).output()?;
        Ok(successful(&find)?.lines().count() as u64)
    }

    /// Sends the same lines again and checks that this many of them are new.
    fn send_again(&self, recorded: u64) -> Outcome {
        let summary = ingest(&self.url, (TICKETS..LINES).map(line))?;
        let known = TICKETS - recorded;
        assert_eq!(summary, Summary { recorded, known, new_tickets: 0 });
        Ok(())
    }

    /// Checks that all counts are exact now and after the blocked commands have run.
    fn assert_exact(&self) -> Outcome {
        assert_exact(&self.url, LINES)?;
        std::thread::sleep(std::time::Duration::from_secs(9));
        assert_exact(&self.url, LINES)
    }
}

fn undone(who: Who) -> Outcome {
    // The first update of the lease begins a batch, and the second one commits it.
    let mut cut = Cut::at("update", "lease", 1)?;
    cut.until_stored_and_counted(LINES, TICKETS)?;
    cut.kill(who)?;
    assert_eq!((cut.counted()?, cut.found()?), (TICKETS, TICKETS), "the batch is undone");
    cut.send_again(TICKETS)?;
    cut.assert_exact()
}

fn redone(who: Who) -> Outcome {
    let mut cut = Cut::at("update", "tickets", 0)?;
    cut.until_stored_and_counted(LINES, TICKETS)?;
    cut.kill(who)?;
    assert_eq!((cut.counted()?, cut.found()?), (LINES, LINES), "the batch is finished");
    cut.send_again(0)?;
    cut.assert_exact()
}

/// Blocks a writer's command until the writer is presumed dead and its batch has been undone.
fn late() -> Outcome<Cut> {
    let mut cut = Cut::at("insert", "occurrences", 0)?;
    until("the writer is about to insert", || {
        let journal = cut.servers.run_in_store(doc! { "count": "ticketing_journal" })?;
        Ok(journal.get_i32("n")? > 0)
    })?;
    // On a busy machine it takes a moment from the journal to the insertion, which must have been sent: a writer that is
    // killed before then sends none.
    std::thread::sleep(std::time::Duration::from_secs(2));
    cut.kill(Who::Writer)?;
    assert_eq!((cut.counted()?, cut.found()?), (TICKETS, TICKETS), "the batch is undone");
    cut.until_stored_and_counted(LINES, TICKETS)?;
    assert_eq!((cut.counted()?, cut.found()?), (TICKETS, LINES), "the command came too late");
    Ok(cut)
}

fn repaired() -> Outcome {
    let cut = late()?;
    let repair = ticket(&cut.url, &["stats", "--repair"]).output()?;
    let said = String::from_utf8_lossy(&repair.stderr).into_owned();
    successful(&repair)?;
    assert!(said.contains(&format!("{TICKETS} occurrences")), "{said}");
    assert_eq!((cut.counted()?, cut.found()?), (TICKETS, TICKETS), "the store is repaired");
    cut.send_again(TICKETS)?;
    cut.assert_exact()
}

fn sent_again() -> Outcome {
    let cut = late()?;
    cut.send_again(TICKETS)?;
    cut.assert_exact()
}
