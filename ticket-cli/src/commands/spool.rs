//! `ticket spool`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use ticket_core::ErrorKind;
use ticket_handler::spool::{self, Contents};

use crate::context::Context;
use crate::failure::{self, Usage};
use crate::output::json::{self, DrainedView, SpoolView};
use crate::output::style;
use crate::output::table::{Grid, Share};
use ticket_query::sanitize;

/// Inspect the folder in which the records of an application wait for the database, and record them
#[derive(Args)]
pub(crate) struct SpoolArgs {
    #[command(subcommand)]
    command: SpoolCommand,
}

#[derive(Subcommand)]
enum SpoolCommand {
    /// List what each process has in the folder
    Ls(DirArg),
    /// Record what dead processes have left
    ///
    /// The records of a running process are left to it. The application records what its dead processes
    /// have left when it starts; use this command if it does not start again soon. The command may be
    /// interrupted and repeated: nothing is counted twice. Exit codes: 0 done; 1 the database or the folder
    /// failed, or a record was refused (it is in dead-letter.jsonl in the folder, which `ticket ingest`
    /// reads); 2 wrong usage.
    Drain(DirArg),
}

#[derive(Args)]
struct DirArg {
    /// The folder that the application passes to `with_spool`
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) async fn run(
    args: &SpoolArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    match &args.command {
        SpoolCommand::Ls(args) => list(&args.dir, context, out).map(|()| ExitCode::SUCCESS),
        SpoolCommand::Drain(args) => drain(&args.dir, context, out).await,
    }
}

fn list(dir: &Path, context: &Context, out: &mut dyn Write) -> anyhow::Result<()> {
    let all = spool::list(dir).map_err(failure::of_query)?;
    if context.json {
        for contents in &all {
            json::write_line(out, &SpoolView::from(contents))?;
        }
        return Ok(());
    }
    if all.is_empty() {
        writeln!(out, "nothing is waiting")?;
        return Ok(());
    }
    let columns = [
        ("PROCESS", Share::Content),
        ("STATE", Share::Content),
        ("RECORDS", Share::Number),
        ("SEGMENTS", Share::Number),
        ("BYTES", Share::Number),
        ("DAMAGED", Share::Number),
        ("OTHER VERSION", Share::Number),
    ];
    let mut grid = Grid::new(context.layout(), &columns);
    for contents in &all {
        let Contents { records, segments, bytes, damaged, foreign, .. } = contents;
        let name = contents.path.file_name().unwrap_or_default().to_string_lossy();
        let plain = anstyle::Style::new();
        let state = if contents.live { ("live", plain) } else { ("dead", style::BOLD) };
        let numbers = [*records, *segments as u64, *bytes, *damaged, *foreign as u64];
        let numbers = numbers.map(|number| (number.to_string(), plain));
        let name = (sanitize::line(&name), plain);
        grid.row([name, (state.0.to_owned(), state.1)].into_iter().chain(numbers));
    }
    grid.write(out)?;
    Ok(())
}

async fn drain(dir: &Path, context: &Context, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    // This comes first, so that a wrong folder does not create a database.
    spool::list(dir).map_err(failure::of_query)?;
    let store = context.open_for_writing().await?;
    let drained = spool::drain(dir, &store).await.map_err(|error| {
        if error.kind() == ErrorKind::Config {
            return Usage(error.message().to_owned()).into();
        }
        anyhow::Error::new(error)
            .context("not everything was recorded; the rest stays in the spool")
    })?;
    if context.json {
        json::write_line(out, &DrainedView::from(&drained))?;
    } else {
        write!(out, "recorded {}", drained.recorded)?;
        for (count, what) in [
            (drained.duplicates, "already known"),
            (drained.rejected, "refused"),
            (drained.torn, "torn"),
            (drained.damaged, "damaged"),
        ] {
            if count > 0 {
                write!(out, ", {count} {what}")?;
            }
        }
        writeln!(out)?;
        if drained.damaged > 0 {
            let dir = sanitize::line(&dir.to_string_lossy());
            writeln!(out, "set aside: what cannot be read is in {dir}/*.corrupt")?;
        }
        for left in &drained.left {
            let name = left.file_name().unwrap_or_default().to_string_lossy();
            writeln!(
                out,
                "left: {} (in use, or written by another version)",
                sanitize::line(&name)
            )?;
        }
    }
    Ok(if drained.rejected > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
