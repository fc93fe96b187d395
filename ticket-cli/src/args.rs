//! Arguments that several commands share.

use std::env;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ColorChoice};
use ticket_core::{Author, Cursor, Level, TicketIdPrefix};

/// The options of every command.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The database, such as sqlite:FILE or postgres://HOST/DATABASE [default: sqlite:tickets.db]
    #[arg(long, global = true, env = "TICKET_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The application [default: all; for ingest: generic]
    #[arg(
        long,
        alias = "application",
        global = true,
        env = "TICKET_APP",
        hide_env_values = true,
        value_name = "NAME"
    )]
    pub(crate) app: Option<String>,
    /// Write JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Colour the output; auto colours it on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
}

/// One ticket.
#[derive(Args)]
pub(crate) struct IdArg {
    /// The id of the ticket, or its first digits if they are unique
    #[arg(value_name = "ID", value_parser = id_prefix)]
    pub(crate) id: TicketIdPrefix,
}

/// Several tickets.
#[derive(Args)]
pub(crate) struct IdsArg {
    /// The ids of the tickets, or their first digits if they are unique
    #[arg(value_name = "ID", required = true, value_parser = id_prefix)]
    pub(crate) ids: Vec<TicketIdPrefix>,
}

/// Who makes a change.
#[derive(Args)]
pub(crate) struct ByArg {
    /// Who makes the change, for the ticket's history [default: your login name]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    by: Option<String>,
}

impl ByArg {
    pub(crate) fn author(&self) -> Author {
        let login =
            || ["LOGNAME", "USER", "USERNAME"].into_iter().find_map(|name| env::var(name).ok());
        self.by.clone().or_else(login).map_or_else(Author::unknown, Author::new)
    }
}

/// The part of a long answer.
#[derive(Args)]
pub(crate) struct PageArgs {
    /// The maximum number of items
    #[arg(long, value_name = "N", default_value_t = 50, allow_negative_numbers = true, value_parser = at_least_one::<u64>)]
    pub(crate) limit: u64,
    /// Continue after the page that ended with this cursor; keep all other options the same
    #[arg(long, value_name = "CURSOR", value_parser = cursor)]
    pub(crate) after: Option<Cursor>,
}

/// Returns a parser of levels. Help texts and completions show their names; aliases work as well.
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

/// Parses a number other than 0.
pub(crate) fn at_least_one<N: FromStr + Default + PartialEq>(text: &str) -> Result<N, String> {
    match text.parse() {
        Ok(number) if number != N::default() => Ok(number),
        _ => Err("write a whole number, 1 or more".to_owned()),
    }
}

/// Parses the first digits of a ticket's id.
pub(crate) fn id_prefix(text: &str) -> Result<TicketIdPrefix, String> {
    text.parse().map_err(|error: ticket_core::Error| error.message().to_owned())
}

fn cursor(text: &str) -> Result<Cursor, String> {
    text.parse().map_err(|error: ticket_core::Error| error.message().to_owned())
}
