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
    /// With --print: distribute the tables too
    #[cfg(feature = "postgres")]
    #[arg(long, value_enum, requires = "print", value_name = "ENGINE")]
    engine: Option<Engine>,
}

/// What spreads the tables over several servers.
#[cfg(feature = "postgres")]
#[derive(Clone, Copy, clap::ValueEnum)]
enum Engine {
    /// Citus 12 or newer, each schema on one server: one schema for each application
    Citus,
    /// Citus, the rows by the id of their ticket: for reading and moving data, not for recording
    CitusByTicket,
}

pub(crate) async fn run(
    args: &SetupArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if args.print {
        writeln!(out, "{}", schema(args, context)?.trim_end())?;
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

#[cfg(feature = "postgres")]
fn schema(args: &SetupArgs, context: &Context) -> anyhow::Result<String> {
    use ticket_postgres::Distribution;

    let distribution = match args.engine {
        None => return context.schema(),
        Some(Engine::Citus) => Distribution::CitusBySchema,
        Some(Engine::CitusByTicket) => Distribution::CitusByTicket,
    };
    context.distributed_schema(distribution)
}

#[cfg(not(feature = "postgres"))]
fn schema(_: &SetupArgs, context: &Context) -> anyhow::Result<String> {
    context.schema()
}
