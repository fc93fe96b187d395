//! `ticket setup`.

use std::io::Write;

use clap::Args;

use crate::context::Context;
use crate::output::json::{self, SetupView};

/// Create the database's tables, or bring older ones up to date; harmless any number of times
#[derive(Args)]
pub(crate) struct SetupArgs {
    /// Only print the statements that create the tables, and touch nothing
    #[arg(long)]
    print: bool,
}

pub(crate) async fn run(
    args: &SetupArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if args.print {
        writeln!(out, "{}", context.schema()?.trim_end())?;
    } else {
        let store = context.open_for_writing().await?;
        if context.json {
            json::write_line(out, &SetupView { backend: store.name(), ready: true })?;
        } else {
            writeln!(out, "the {} store is ready", store.name())?;
        }
    }
    Ok(())
}
