//! The command line.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ColorChoice, Parser, Subcommand};
use ticket_core::{Cursor, Level, TicketIdPrefix};

use crate::commands::delete::DeleteArgs;
use crate::commands::expire::ExpireArgs;
use crate::commands::find::FindArgs;
use crate::commands::generate::{CompletionsArgs, ManArgs};
use crate::commands::list::ListArgs;
use crate::commands::occurrences::OccurrencesArgs;
use crate::commands::setup::SetupArgs;
use crate::commands::show::ShowArgs;
use crate::commands::spool::SpoolArgs;
use crate::commands::stats::StatsArgs;
use crate::commands::status::{MuteArgs, ReopenArgs, SolveArgs};
use crate::commands::types::TraitsArgs;
use crate::ingest::IngestArgs;

/// Error tickets in your own database: list them, look into one, solve it.
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
  ticket ingest app.log           read a log, and make tickets of its errors
  ticket list                     open tickets, the newest trouble first
  ticket show 5f3a                all about one; the first digits of its id are enough
  ticket solve 5f3a               done; it opens again by itself when it comes back

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// What every command takes.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The database, such as sqlite:FILE or postgres://HOST/DATABASE [default: sqlite:tickets.db]
    #[arg(long, global = true, env = "TICKET_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The application [default: all of them; for ingest: generic]
    #[arg(long, global = true, env = "TICKET_APP", hide_env_values = true, value_name = "NAME")]
    pub(crate) app: Option<String>,
    /// Write JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Colour the output; auto does so on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
}

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
    Delete(DeleteArgs),
    Stats(StatsArgs),
    Expire(ExpireArgs),
    Setup(SetupArgs),
    Spool(SpoolArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// One ticket, by the first digits of its id.
#[derive(Args)]
pub(crate) struct IdArg {
    /// The ticket's id, or as many of its first digits as are unique
    #[arg(value_name = "ID", value_parser = id_prefix)]
    pub(crate) id: TicketIdPrefix,
}

/// Several tickets.
#[derive(Args)]
pub(crate) struct IdsArg {
    /// The tickets' ids, or as many of their first digits as are unique
    #[arg(value_name = "ID", required = true, value_parser = id_prefix)]
    pub(crate) ids: Vec<TicketIdPrefix>,
}

/// Which part of a long answer.
#[derive(Args)]
pub(crate) struct PageArgs {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, allow_negative_numbers = true, value_parser = at_least_one::<u64>)]
    pub(crate) limit: u64,
    /// Go on after the page that ended with this cursor; keep all other options as they were
    #[arg(long, value_name = "CURSOR", value_parser = cursor)]
    pub(crate) after: Option<Cursor>,
}

/// Reads a level; the names are shown in help texts and completions, other names are known too.
pub(crate) fn level_parser() -> impl TypedValueParser<Value = Level> {
    let names = Level::ALL.map(|level| {
        let aliases: &[&str] = match level {
            Level::Warning => &["warn"],
            Level::Error => &["err"],
            Level::Critical => &["crit", "fatal"],
            Level::Trace | Level::Debug | Level::Info | Level::Notice => &[],
        };
        PossibleValue::new(level.as_str()).aliases(aliases.iter().copied())
    });
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Level>())
}

/// Reads a number that cannot be 0.
pub(crate) fn at_least_one<N: FromStr + Default + PartialEq>(text: &str) -> Result<N, String> {
    match text.parse() {
        Ok(number) if number != N::default() => Ok(number),
        _ => Err("write a whole number from 1 on".to_owned()),
    }
}

fn id_prefix(text: &str) -> Result<TicketIdPrefix, String> {
    text.parse().map_err(|error: ticket_core::Error| error.message().to_owned())
}

fn cursor(text: &str) -> Result<Cursor, String> {
    text.parse().map_err(|error: ticket_core::Error| error.message().to_owned())
}
