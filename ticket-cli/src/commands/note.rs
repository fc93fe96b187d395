//! `ticket note`.

use std::io::Write;

use clap::Args;
use ticket_core::Note;
use ticket_redact::Redaction;

use super::resolve;
use crate::args::{ByArg, IdArg};
use crate::context::Context;
use crate::output::json::{self, NotedView};
use crate::output::style;
use ticket_query::sanitize;

/// Write a note on a ticket; `show` shows it
#[derive(Args)]
pub(crate) struct NoteArgs {
    #[command(flatten)]
    id: IdArg,
    /// The text of the note; passwords, tokens and other secrets are replaced by `<redacted>`
    #[arg(value_name = "TEXT", value_parser = text)]
    text: String,
    #[command(flatten)]
    by: ByArg,
}

fn text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("write what is to be noted".to_owned());
    }
    Ok(text.to_owned())
}

pub(crate) async fn run(
    args: &NoteArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = context.open().await?;
    let ticket = resolve::ticket(store.as_ref(), context, args.id.id).await?;
    let note = Note::new(Redaction::new().text(&args.text), args.by.author());
    if !store.add_note(ticket.id, note).await? {
        anyhow::bail!("{}: the ticket has just been deleted by somebody else", args.id.id);
    }
    if context.json {
        json::write_line(out, &NotedView { id: ticket.id, noted: true })?;
    } else {
        let id = context.painter().paint(style::ID, &ticket.id.to_string()[..8]);
        writeln!(out, "{id}  noted  {}", sanitize::beginning(&ticket.message, 60))?;
    }
    Ok(())
}
