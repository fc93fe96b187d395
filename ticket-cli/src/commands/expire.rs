//! `ticket expire`.

use std::io::Write;

use clap::{ArgGroup, Args};
use ticket_core::{EventStore, EventStoreExt, Expired, Expiry, KeepPerTicket};
use ticket_query::Moment;

use crate::args::at_least_one;
use crate::context::Context;
use crate::failure;
use crate::output::json::{self, ExpiredView};

/// Delete old occurrences; tickets keep their counts
#[derive(Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("what").required(true).multiple(true))]
#[group(skip)]
pub(crate) struct ExpireArgs {
    /// Delete occurrences older than a duration such as 90s, 15m, 24h, 30d or 2w, or from before a time or
    /// a date, which means midnight UTC; also solved tickets without later occurrences
    #[arg(long, value_name = "WHEN", group = "what")]
    older_than: Option<Moment>,
    /// Delete at most N of these occurrences, the oldest first
    #[arg(long, value_name = "N", requires = "older_than")]
    max: Option<u64>,
    /// Keep only the newest N occurrences of the application, or of all applications; delete also solved
    /// tickets that are left without any
    #[arg(long, value_name = "N", group = "what", value_parser = at_least_one::<u64>)]
    max_total: Option<u64>,
    /// Keep only the first occurrence and the newest N-1 of each ticket
    #[arg(long, value_name = "N", group = "what", value_parser = at_least_one::<u32>)]
    keep_per_ticket: Option<u32>,
}

const EXAMPLES: &str = "\
Examples:
  ticket expire --older-than 30d
  ticket expire --older-than 90d --max 10000 --keep-per-ticket 100
  ticket expire --app shop --max-total 1000000";

pub(crate) async fn run(
    args: &ExpireArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = context.open().await?;
    let mut done = ExpiredView::default();
    if let Some(older_than) = args.older_than {
        let mut expiry = Expiry::before(older_than.resolve(context.now));
        if let Some(app_id) = &context.app_id {
            expiry = expiry.with_app_id(app_id);
        }
        if let Some(max) = args.max {
            expiry = expiry.with_max_count(max);
        }
        add(&mut done, store.clear_expired(&expiry).await.map_err(failure::of_query)?);
    }
    if let Some(newest) = args.max_total {
        let expiry = store.expiry_beyond(context.app_id.as_deref(), newest).await;
        if let Some(expiry) = expiry.map_err(failure::of_query)? {
            add(&mut done, store.clear_expired(&expiry).await.map_err(failure::of_query)?);
        }
    }
    if let Some(keep) = args.keep_per_ticket {
        let mut keep = KeepPerTicket::new(keep).map_err(failure::of_query)?;
        if let Some(app_id) = &context.app_id {
            keep = keep.with_app_id(app_id);
        }
        let pruned = store.keep_per_ticket(&keep).await;
        done.pruned_occurrences = pruned.map_err(failure::of_query)?;
    }
    if context.json {
        json::write_line(out, &done)?;
        return Ok(());
    }
    if args.older_than.is_some() || args.max_total.is_some() {
        writeln!(
            out,
            "deleted {} expired occurrences and {} solved tickets",
            done.expired_occurrences, done.expired_tickets
        )?;
    }
    if args.keep_per_ticket.is_some() {
        writeln!(
            out,
            "deleted {} occurrences beyond those that each ticket keeps",
            done.pruned_occurrences
        )?;
    }
    Ok(())
}

fn add(done: &mut ExpiredView, expired: Expired) {
    done.expired_occurrences += expired.occurrences;
    done.expired_tickets += expired.tickets;
}
