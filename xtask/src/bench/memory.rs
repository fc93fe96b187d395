//! The peak memory of a burst of errors, compared with the same program with the handler switched off.

use std::process::Command;

use anyhow::Result;

use super::report::Row;
use crate::{artifacts, command};

pub(crate) fn run() -> Result<Vec<Row>> {
    let mut build = command::cargo();
    build.args(["build", "--release", "--package=ticket-benches", "--no-default-features"]);
    build.arg("--bin=memory");
    let programs = artifacts::build(&mut build)?;
    let program = artifacts::executable(&programs, "memory")?;
    // The median of three, in MiB.
    let peak = |handler: &str, on_disk: bool| {
        let mut peaks = Vec::new();
        for _ in 0..3 {
            let folder = tempfile::tempdir()?;
            let mut command = Command::new(program);
            command.arg(handler);
            if on_disk {
                command.arg("--spool").arg(folder.path());
            }
            peaks.push(command::output(&mut command)?.trim().parse::<f64>()? / 1_024.0);
        }
        peaks.sort_by(f64::total_cmp);
        anyhow::Ok(peaks[1])
    };
    let off = peak("off", false)?;
    let mut rows = Vec::new();
    for (case, handler, on_disk) in [
        ("spool in memory, store well", "well", false),
        ("spool in memory, store away", "away", false),
        ("spool on disk, store well", "well", true),
        ("spool on disk, store away", "away", true),
    ] {
        rows.push(Row::new("memory", case, "MiB", [peak(handler, on_disk)?, off]));
    }
    Ok(rows)
}
