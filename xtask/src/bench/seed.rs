//! Filling a store before a benchmark.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::command;

#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) tickets: u32,
    pub(super) occurrences: u32,
}

/// Fills the store with the program `seed`, unless an earlier run has filled it.
pub(super) fn seed(program: &Path, url: &str, size: Size) -> Result<()> {
    fill(program, url, size, &[])
}

/// The same with occurrences that have no traits.
pub(super) fn seed_without_traits(program: &Path, url: &str, size: Size) -> Result<()> {
    fill(program, url, size, &["--no-traits"])
}

fn fill(program: &Path, url: &str, size: Size, options: &[&str]) -> Result<()> {
    let Size { tickets, occurrences } = size;
    let started = Instant::now();
    let mut command = Command::new(program);
    command.args([url, &format!("--tickets={tickets}"), &format!("--occurrences={occurrences}")]);
    command.args(options);
    command::output(&mut command)?;
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("filled with {tickets} tickets and {occurrences} occurrences after {seconds:.1} s");
    Ok(())
}
