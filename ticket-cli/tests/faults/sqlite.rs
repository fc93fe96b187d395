//! SQLite: one file for all processes.

use std::path::PathBuf;

use tempfile::TempDir;

use super::{Case, Outcome, Place, crowd};

pub(crate) const CASES: &[Case] = &[
    ("f07_sqlite_same_tickets", None, || crowd::same_tickets(&Folder::new()?)),
    ("f08_sqlite_same_lines", None, || crowd::same_lines(&Folder::new()?)),
    ("f09_sqlite_64_processes", None, || crowd::first_occurrence(&Folder::new()?)),
    ("f17_sqlite_eight_set_up", None, || crowd::set_up_at_once(&Folder::new()?)),
];

struct Folder(TempDir);

impl Folder {
    fn new() -> Outcome<Self> {
        Ok(Self(TempDir::new()?))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("tickets.db")
    }
}

impl Place for Folder {
    fn url_with_timeout(&self, seconds: u32) -> String {
        format!("sqlite:{}?busy_timeout={seconds}s", self.file().display())
    }
}
