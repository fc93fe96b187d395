//! The command line as a whole.

use clap::{Parser, Subcommand};

use crate::args::GlobalArgs;
use crate::commands::clear::ClearArgs;
use crate::commands::delete::DeleteArgs;
use crate::commands::expire::ExpireArgs;
use crate::commands::find::FindArgs;
#[cfg(feature = "generate")]
use crate::commands::generate::{CompletionsArgs, ManArgs};
use crate::commands::health::HealthArgs;
use crate::commands::list::ListArgs;
use crate::commands::merge::{MergeArgs, UnmergeArgs};
use crate::commands::note::NoteArgs;
use crate::commands::occurrences::OccurrencesArgs;
#[cfg(feature = "serve")]
use crate::commands::serve::ServeArgs;
use crate::commands::setup::SetupArgs;
use crate::commands::show::ShowArgs;
use crate::commands::spool::SpoolArgs;
use crate::commands::stats::StatsArgs;
use crate::commands::status::{MuteArgs, ReopenArgs, SolveArgs};
use crate::commands::types::TraitsArgs;
use crate::ingest::IngestArgs;

/// Error tickets in your own database: list them, inspect one, solve it.
#[derive(Parser)]
#[command(name = "ticket", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ticket ingest app.log           read a log and make tickets of its errors
  ticket list                     list the open tickets, the latest first
  ticket show 5f3a                show one ticket; the first digits of its id are enough
  ticket solve 5f3a               solve it; if the error comes back, it reopens by itself

Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Subcommand)]
pub(crate) enum Command {
    Ingest(IngestArgs),
    List(ListArgs),
    Show(ShowArgs),
    Occurrences(OccurrencesArgs),
    Find(FindArgs),
    /// List the types of the stored events: their channels
    Types,
    Traits(TraitsArgs),
    Solve(SolveArgs),
    Reopen(ReopenArgs),
    Mute(MuteArgs),
    Note(NoteArgs),
    Merge(MergeArgs),
    Unmerge(UnmergeArgs),
    Delete(DeleteArgs),
    Stats(StatsArgs),
    Health(HealthArgs),
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    Expire(ExpireArgs),
    Clear(ClearArgs),
    Setup(SetupArgs),
    /// Show what the backend of the store is capable of
    Capabilities,
    Spool(SpoolArgs),
    #[cfg(feature = "generate")]
    Completions(CompletionsArgs),
    #[cfg(feature = "generate")]
    Man(ManArgs),
}
