//! Answers that are longer than a page.

use std::io::Write;

use ticket_core::{Cursor, MAX_LIMIT, Page};

use crate::cli::PageArgs;
use crate::failure;

/// Reads page after page until there are as many as were asked for, and gives each item to `each` as it
/// comes. Answers with the cursor of what is left.
pub(super) async fn read<T>(
    args: &PageArgs,
    mut fetch: impl AsyncFnMut(u32, Option<Cursor>) -> ticket_core::Result<Page<T>>,
    mut each: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<Option<Cursor>> {
    let (mut left, mut after) = (args.limit, args.after.clone());
    loop {
        let limit = u32::try_from(left).unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
        let page = fetch(limit, after).await.map_err(failure::of_query)?;
        left -= page.items.len() as u64;
        page.items.into_iter().try_for_each(&mut each)?;
        after = page.next;
        if left == 0 || after.is_none() {
            return Ok(after);
        }
    }
}

/// Says on standard error how to get what is left: standard output has nothing but the answer.
pub(super) fn hint(next: Option<&Cursor>, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(cursor) = next {
        out.flush()?;
        failure::say(&format!("next page: --after {cursor}"));
    }
    Ok(())
}
