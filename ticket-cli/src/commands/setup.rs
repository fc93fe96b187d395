//! `ticket setup`.

use std::io::Write;

use clap::Args;

use crate::context::Context;
use crate::output::json::{self, SetupView};

/// Create the tables of the database or migrate older ones; may be repeated safely
#[derive(Args)]
pub(crate) struct SetupArgs {
    /// Print the statements that create the tables, and change nothing
    #[arg(long)]
    print: bool,
    /// With --print: also distribute the tables over several servers
    #[cfg(feature = "postgres")]
    #[arg(long, value_enum, requires = "print", value_name = "ENGINE")]
    engine: Option<Engine>,
}

/// What distributes the tables over several servers.
#[cfg(feature = "postgres")]
#[derive(Clone, Copy, clap::ValueEnum)]
enum Engine {
    /// Citus 12 or newer, each schema on one server: use one schema per application
    Citus,
    /// Citus, rows by the id of their ticket: for reading and moving data, not for recording
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
