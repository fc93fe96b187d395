//! Pages of a list, in both directions.

use ticket_core::backend::{Position, QueryPlan};
use ticket_core::{Cursor, Page};

use crate::failure::Failure;
use crate::params::Params;

/// Where a page begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    First,
    After(Cursor),
    /// The page ends before the item of this cursor. The cursor belongs to the reversed order.
    Before(Cursor),
}

impl At {
    /// Reads the parameters `after` and `before`.
    pub(crate) fn parse(params: &Params) -> Result<Self, Failure> {
        match (params.get("after"), params.get("before")) {
            (None, None) => Ok(Self::First),
            (Some(after), None) => Ok(Self::After(after.parse()?)),
            (None, Some(before)) => Ok(Self::Before(before.parse()?)),
            (Some(_), Some(_)) => {
                Err(Failure::bad_request("Write either after or before, not both."))
            }
        }
    }
}

/// A page with the cursors of its neighbours.
pub(crate) struct Turned<T> {
    pub(crate) items: Vec<T>,
    pub(crate) previous: Option<Cursor>,
    pub(crate) next: Option<Cursor>,
}

/// Reads a page.
///
/// `read` reads a page of the order or of its reverse, after a cursor of the same. `plan` plans a query of the order or of
/// its reverse.
pub(crate) async fn turn<T, P, F>(
    at: &At,
    read: impl Fn(bool, Option<Cursor>) -> F,
    plan: impl Fn(bool) -> ticket_core::Result<QueryPlan<P>>,
) -> Result<Turned<T>, Failure>
where
    T: Clone,
    P: Position<Item = T>,
    F: Future<Output = Result<Page<T>, Failure>>,
{
    let cursor = |item: Option<&T>, is_reversed| {
        item.and_then(|item| cursor(&plan(is_reversed).ok()?, item))
    };
    if let At::Before(before) = at {
        let mut page = read(true, Some(before.clone())).await?;
        page.items.reverse();
        if page.next.is_some() {
            let next = cursor(page.items.last(), false);
            return Ok(Turned { items: page.items, previous: page.next, next });
        }
        // There is no full page before this one: the first page is the one to show.
    }
    let after = match at {
        At::After(after) => Some(after.clone()),
        At::First | At::Before(_) => None,
    };
    let is_first = after.is_none();
    let page = read(false, after).await?;
    let previous = if is_first { None } else { cursor(page.items.first(), true) };
    Ok(Turned { items: page.items, previous, next: page.next })
}

/// Returns the cursor of an item: the one with which a page of this item alone ends.
pub(crate) fn cursor<P: Position>(plan: &QueryPlan<P>, item: &P::Item) -> Option<Cursor>
where
    P::Item: Clone,
{
    // One more than fits makes the plan say where to go on.
    plan.page(vec![item.clone(); plan.fetch()]).next
}
