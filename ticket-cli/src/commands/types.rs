//! `ticket types` and `ticket traits`.

use std::io::Write;

use clap::Args;
use ticket_core::{EventTypeQuery, TraitQuery, TraitTypeQuery};

use super::pages;
use crate::args::PageArgs;
use crate::context::Context;
use crate::failure;
use crate::output::json::{self, TraitTypeView, TraitView, TypeView};
use crate::output::{style, time};
use ticket_query::sanitize;

/// List the traits of a type of events, or the values of one trait
#[derive(Args)]
pub(crate) struct TraitsArgs {
    /// The type of the events: their channel
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// List the values of this trait with the events that they belong to
    #[arg(long, value_name = "TRAIT")]
    name: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn types(context: &Context, out: &mut dyn Write) -> anyhow::Result<()> {
    let store = context.open().await?;
    let mut query = EventTypeQuery::new();
    if let Some(app_id) = &context.app_id {
        query = query.with_app_id(app_id);
    }
    let types = store.event_types(&query).await?;
    if types.is_empty() && !context.json {
        failure::say("no events are stored");
    }
    for name in &types {
        if context.json {
            json::write_line(out, &TypeView { r#type: name })?;
        } else {
            // The type of records without a channel is empty. It is quoted, since an empty line would look
            // like a mistake.
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
    let Some(name) = &args.name else {
        let mut query = TraitTypeQuery::new(&args.event_type);
        if let Some(app_id) = &context.app_id {
            query = query.with_app_id(app_id);
        }
        let traits = store.trait_types(&query).await?;
        if traits.is_empty() && !context.json {
            failure::say("no events of this type have traits; `ticket types` lists the types");
        }
        for item in &traits {
            if context.json {
                json::write_line(out, &TraitTypeView { name: &item.name, kind: item.kind })?;
            } else {
                let kind = context.painter().paint(style::DIM, format!("{:5}", item.kind));
                writeln!(out, "{kind}  {}", ticket_query::trait_name(&item.name))?;
            }
        }
        return Ok(());
    };
    let mut query = TraitQuery::new(&args.event_type).with_name(name);
    if let Some(app_id) = &context.app_id {
        query = query.with_app_id(app_id);
    }
    let (found, next) = pages::read(
        &args.page,
        context,
        out,
        async |limit, after| {
            let mut query = query.clone().with_limit(limit);
            query = query.with_after(after);
            store.get_traits(&query).await
        },
        |out, item| json::write_line(out, &TraitView::from(item)),
    )
    .await?;
    if found.is_empty() && !context.json {
        failure::say(
            "no events of this type have this trait; without --name, their traits are listed",
        );
    }
    let painter = context.painter();
    for item in &found {
        let time = painter.paint(style::DIM, time::absolute(item.event.time));
        let id = painter.paint(style::ID, &item.event.ticket_id.to_string()[..8]);
        writeln!(out, "{time}  {id}  {}", ticket_query::literal(&item.value))?;
    }
    pages::hint(next.as_ref(), out)
}
