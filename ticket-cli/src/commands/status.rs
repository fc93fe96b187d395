//! `ticket solve`, `ticket reopen` and `ticket mute`.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use ticket_core::{BackendExt, Status, StatusKind, Store, Ticket, TicketIdPrefix};
use ticket_query::duration;

use super::resolve;
use crate::args::{ByArg, IdsArg};
use crate::context::Context;
use crate::failure;
use crate::output::json::{self, TicketView};
use crate::output::{details, style, time};
use ticket_query::sanitize;

/// Solve tickets; a later occurrence reopens a solved ticket, unless it is of a release before the fix
#[derive(Args)]
pub(crate) struct SolveArgs {
    #[command(flatten)]
    ids: IdsArg,
    /// The release that solves the tickets; late occurrences of earlier versions do not reopen them
    #[arg(long, value_name = "RELEASE")]
    release: Option<String>,
    /// The release that solves the tickets is the one after the latest that the application was seen in
    #[arg(long, conflicts_with = "release")]
    next_release: bool,
    #[command(flatten)]
    by: ByArg,
}

/// Reopen tickets
#[derive(Args)]
pub(crate) struct ReopenArgs {
    #[command(flatten)]
    ids: IdsArg,
    #[command(flatten)]
    by: ByArg,
}

/// Mute tickets: they keep counting, but `list` leaves them out
#[derive(Args)]
pub(crate) struct MuteArgs {
    #[command(flatten)]
    ids: IdsArg,
    /// The duration, such as 2h or 7d; without it, the tickets stay muted
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    #[command(flatten)]
    by: ByArg,
}

pub(crate) async fn solve(
    args: &SolveArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    each(&args.ids.ids, context, out, async |store, ticket: &Ticket| {
        let author = args.by.author();
        if !args.next_release {
            return store.solve_ticket(ticket.id, args.release.clone(), author).await;
        }
        let solved = store.solve_ticket_in_next_release(ticket.id, author).await?;
        if let Some(Ticket { status: Status::Solved { release: None, .. }, .. }) = solved {
            failure::say(&format!(
                "note: {} was never seen in a release, so any later occurrence reopens it: set the \
                 application's release",
                ticket.id
            ));
        }
        Ok(solved)
    })
    .await
}

pub(crate) async fn reopen(
    args: &ReopenArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    each(&args.ids.ids, context, out, async |store, ticket: &Ticket| {
        store.reopen_ticket(ticket.id, args.by.author()).await
    })
    .await
}

pub(crate) async fn mute(
    args: &MuteArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    each(&args.ids.ids, context, out, async |store, ticket: &Ticket| {
        store.mute_ticket(ticket.id, args.duration, args.by.author()).await
    })
    .await
}

/// Changes one ticket after the other and reports each. A ticket that cannot be changed does not keep the
/// others from being changed.
async fn each(
    ids: &[TicketIdPrefix],
    context: &Context,
    out: &mut dyn Write,
    change: impl AsyncFn(&dyn Store, &Ticket) -> ticket_core::Result<Option<Ticket>>,
) -> anyhow::Result<ExitCode> {
    let store = context.open().await?;
    let mut code = ExitCode::SUCCESS;
    for &id in ids {
        let changed = async {
            let ticket = resolve::ticket(store.as_ref(), context, id).await?;
            let changed = change(store.as_ref(), &ticket).await?;
            changed.ok_or_else(|| {
                anyhow::anyhow!("{id}: the ticket has just been deleted by somebody else")
            })
        };
        match changed.await {
            Ok(ticket) if context.json => json::write_line(out, &TicketView::from(&ticket))?,
            Ok(ticket) => report(&ticket, context, out)?,
            Err(error) => {
                out.flush()?;
                code = failure::report(&error);
            }
        }
    }
    Ok(code)
}

fn report(ticket: &Ticket, context: &Context, out: &mut dyn Write) -> anyhow::Result<()> {
    let status = match &ticket.status {
        Status::Open => "open".to_owned(),
        Status::Solved { release: Some(fix), .. } => format!("solved {}", details::by(fix)),
        Status::Solved { release: None, .. } => "solved".to_owned(),
        Status::Muted { until: Some(until) } => {
            format!("muted until {}", time::both(*until, context.now))
        }
        Status::Muted { until: None } => "muted".to_owned(),
    };
    let painter = context.painter();
    let kind: StatusKind = ticket.status.kind();
    writeln!(
        out,
        "{}  {}  {}",
        painter.paint(style::ID, &ticket.id.to_string()[..8]),
        painter.paint(style::status(kind), status),
        sanitize::beginning(&ticket.message, 60),
    )?;
    Ok(())
}
