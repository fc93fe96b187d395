//! Answers that may be longer than a page of the store.

use std::io::{self, Write};

use ticket_core::{Cursor, MAX_LIMIT, Page};

use crate::args::PageArgs;
use crate::context::Context;
use crate::failure;

/// Reads page after page until there are as many items as `--limit` asks for.
///
/// With `--json` each item is written by `json` as its page arrives. Without it, all of them are returned. In
/// both cases the cursor of what is left is returned, see [`hint`].
pub(super) async fn read<T>(
    args: &PageArgs,
    context: &Context,
    out: &mut dyn Write,
    mut fetch: impl AsyncFnMut(u32, Option<Cursor>) -> ticket_core::Result<Page<T>>,
    json: impl Fn(&mut dyn Write, &T) -> io::Result<()>,
) -> anyhow::Result<(Vec<T>, Option<Cursor>)> {
    let (mut left, mut after) = (args.limit, args.after.clone());
    let mut found = Vec::new();
    loop {
        let limit = u32::try_from(left).unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
        let page = fetch(limit, after).await.map_err(failure::of_query)?;
        left -= page.items.len() as u64;
        if context.json {
            page.items.iter().try_for_each(|item| json(&mut *out, item))?;
        } else {
            found.extend(page.items);
        }
        after = page.next;
        if left == 0 || after.is_none() {
            return Ok((found, after));
        }
    }
}

/// Says on standard error how to get the rest, so that standard output holds nothing but the answer.
pub(super) fn hint(next: Option<&Cursor>, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(cursor) = next {
        out.flush()?;
        failure::say(&format!("next page: --after {cursor}"));
    }
    Ok(())
}
