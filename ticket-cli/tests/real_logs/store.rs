//! The command on its own store.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::server::output;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A folder with an SQLite file.
#[derive(Debug)]
pub(crate) struct Store {
    folder: TempDir,
}

/// The fields of a ticket that the tests check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) level: String,
    pub(crate) channel: String,
    pub(crate) error_type: String,
    pub(crate) message: String,
    pub(crate) count: u64,
}

impl Store {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { folder: TempDir::new()? })
    }

    fn ticket(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ticket"));
        command.current_dir(self.folder.path()).args(["--url", "sqlite:tickets.db", "--json"]);
        let output = output(command.args(arguments))?;
        let lines = std::str::from_utf8(&output.stdout)?.lines();
        Ok(lines.map(serde_json::from_str).collect::<std::result::Result<_, _>>()?)
    }

    /// Ingests a file and returns the summary.
    pub(crate) fn ingest(&self, log: &Path) -> Result<Value> {
        let log = log.to_str().ok_or("a path in UTF-8")?;
        Ok(self.ticket(&["ingest", log])?.remove(0))
    }

    /// Returns all tickets, sorted.
    pub(crate) fn tickets(&self) -> Result<Vec<Ticket>> {
        let text =
            |ticket: &Value, name: &str| ticket[name].as_str().unwrap_or_default().to_owned();
        let tickets = self.ticket(&["list", "--status", "all", "--limit", "1000"])?;
        let mut tickets: Vec<Ticket> = tickets
            .iter()
            .map(|ticket| Ticket {
                level: text(ticket, "level"),
                channel: text(ticket, "channel"),
                error_type: text(ticket, "error_type"),
                message: text(ticket, "message"),
                count: ticket["occurrence_count"].as_u64().unwrap_or_default(),
            })
            .collect();
        tickets.sort();
        Ok(tickets)
    }

    /// Ingests a log twice, and once more under the name that a rotation gives it, and checks that nothing is
    /// counted twice. Prints the tickets and returns them.
    pub(crate) fn ingest_twice(&self, log: &Path) -> Result<Vec<Ticket>> {
        let first = self.ingest(log)?;
        let tickets = self.tickets()?;
        println!("{}: {first}", log.display());
        for ticket in &tickets {
            let Ticket { level, channel, error_type, message, count } = ticket;
            println!("{count:5} {level:8} {channel:16} {error_type:28} {message}");
        }
        let recorded: u64 = tickets.iter().map(|ticket| ticket.count).sum();
        assert_eq!(first["recorded"], recorded);
        assert_eq!(first["malformed"], 0);

        let second = self.ingest(log)?;
        assert_eq!((&second["recorded"], &second["already_known"]), (&0.into(), &0.into()));
        let mut rotated = log.as_os_str().to_owned();
        rotated.push(".1");
        std::fs::rename(log, &rotated)?;
        assert_eq!(self.ingest(rotated.as_ref())?["recorded"], 0);
        assert_eq!(self.tickets()?, tickets);
        Ok(tickets)
    }
}
