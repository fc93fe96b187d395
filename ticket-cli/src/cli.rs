//! The command line.

use clap::{Args, ColorChoice, Parser, Subcommand};

use crate::ingest::IngestArgs;

/// Error tickets in your own database: list them, look into one, solve it.
#[derive(Parser)]
#[command(name = "ticket", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args)]
pub(crate) struct GlobalArgs {
    /// The database, such as sqlite:tickets.db
    #[arg(long, global = true, env = "TICKET_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The application; reading commands read all of them if none is named
    #[arg(long, global = true, env = "TICKET_APP", value_name = "NAME")]
    pub(crate) app: Option<String>,
    /// Write JSON: one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Colour the output; auto is a terminal's wish, and respects NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Ingest(IngestArgs),
}
