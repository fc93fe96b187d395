//! `ticket ingest`: reads logs of other programs and records them.

use std::process::ExitCode;

use clap::Args;

use crate::context::Context;

/// Read logs of other programs and record them
#[derive(Debug, Args)]
pub(crate) struct IngestArgs {}

/// Records; [`ExitCode::FAILURE`] if something could not be recorded and that was reported.
pub(crate) async fn run(_args: &IngestArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let _store = context.open_for_writing().await?;
    Ok(ExitCode::SUCCESS)
}
