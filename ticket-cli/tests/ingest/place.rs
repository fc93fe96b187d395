//! A folder with a store and logs.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let mut file =
            fs::OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ticket"));
        command.current_dir(self.folder.path()).env_remove("TICKET_URL").env_remove("TICKET_APP");
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[&["--json"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs `ticket ingest` with these arguments and returns its summary.
    pub(crate) fn ingest(&self, arguments: &[&str]) -> Value {
        let summary = self.json(&[&["ingest"], arguments].concat()).remove(0);
        let sum = ["recorded", "already_known", "below_level", "joined", "malformed", "rejected"];
        let sum: u64 = sum.iter().map(|name| summary[name].as_u64().unwrap()).sum();
        assert_eq!(summary["read"], sum, "every line is accounted for: {summary}");
        summary
    }

    /// Returns how many records were new to the store, and how many it held already.
    pub(crate) fn counts(&self, arguments: &[&str]) -> (u64, u64) {
        let summary = self.ingest(arguments);
        let count = |name: &str| summary[name].as_u64().unwrap();
        (count("recorded"), count("already_known"))
    }

    /// Does the same with a text on standard input.
    pub(crate) fn pipe(&self, text: &str) -> (u64, u64) {
        self.write("piped", text);
        let file = fs::File::open(self.path("piped")).unwrap();
        let output = self.command(&["--json", "ingest", "-"]).stdin(file).output().unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        let count = |name: &str| summary[name].as_u64().unwrap();
        (count("recorded"), count("already_known"))
    }

    /// Returns the message and count of every ticket, sorted.
    pub(crate) fn tickets(&self) -> Vec<(String, u64)> {
        let tickets = self.json(&["list", "--status", "all", "--limit", "1000"]);
        let mut tickets: Vec<_> = tickets
            .iter()
            .map(|ticket| {
                let message = ticket["message"].as_str().unwrap().to_owned();
                (message, ticket["occurrence_count"].as_u64().unwrap())
            })
            .collect();
        tickets.sort();
        tickets
    }

    /// Returns all stored occurrences of the first ticket.
    pub(crate) fn occurrences(&self) -> Vec<Value> {
        let ticket = self.json(&["list", "--status", "all"]).remove(0);
        self.json(&["occurrences", ticket["id"].as_str().unwrap()])
    }
}
