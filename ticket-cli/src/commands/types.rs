//! `ticket types` and `ticket traits`.

use std::io::Write;

use clap::Args;
use ticket_core::TraitQuery;

use super::pages;
use crate::cli::PageArgs;
use crate::context::Context;
use crate::failure;
use crate::output::json::{self, TraitTypeView, TraitView, TypeView};
use crate::output::{sanitize, style, text, time};

/// List the traits that events of a type have, or the values of one
#[derive(Args)]
pub(crate) struct TraitsArgs {
    /// The type: the channel of the events
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// List the values of this trait, and which event they belong to
    #[arg(long, value_name = "TRAIT")]
    name: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn types(context: &Context, out: &mut dyn Write) -> anyhow::Result<()> {
    let store = context.open().await?;
    let types = store.event_types(context.app_id.as_deref()).await?;
    if types.is_empty() && !context.json {
        failure::say("no events are stored");
    }
    for name in &types {
        if context.json {
            json::write_line(out, &TypeView { r#type: name })?;
        } else {
            // Lines without a channel have an empty type, and an empty line looks like none.
            writeln!(
                out,
                "{}",
                if name.is_empty() { "\"\"".into() } else { sanitize::line(name) }
            )?;
        }
    }
    Ok(())
}

pub(crate) async fn traits(
    args: &TraitsArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = context.open().await?;
    let app_id = context.app_id.as_deref();
    let Some(name) = &args.name else {
        let traits = store.trait_types(app_id, &args.event_type).await?;
        if traits.is_empty() && !context.json {
            failure::say("no events of this type have traits; `ticket types` lists the types");
        }
        for item in &traits {
            if context.json {
                json::write_line(out, &TraitTypeView { name: &item.name, kind: item.kind })?;
            } else {
                let kind = context.painter().paint(style::DIM, format!("{:5}", item.kind));
                writeln!(out, "{kind}  {}", text::trait_name(&item.name))?;
            }
        }
        return Ok(());
    };
    let mut query = TraitQuery::new(&args.event_type).with_name(name);
    query.app_id = app_id.map(str::to_owned);
    let mut found = false;
    let next = pages::read(
        &args.page,
        async |limit, after| {
            let mut query = query.clone().with_limit(limit);
            query = query.with_after(after);
            store.get_traits(&query).await
        },
        |item| {
            found = true;
            if context.json {
                json::write_line(out, &TraitView::from(&item))?;
            } else {
                let painter = context.painter();
                let time = painter.paint(style::DIM, time::absolute(item.event.time));
                let id = painter.paint(style::ID, &item.event.ticket_id.to_string()[..8]);
                writeln!(out, "{time}  {id}  {}", text::literal(&item.value))?;
            }
            Ok(())
        },
    )
    .await?;
    if !found && !context.json {
        failure::say(
            "no events of this type have this trait; without --name, their traits are listed",
        );
    }
    pages::hint(next.as_ref(), out)
}
