//! Sorting and paging (rules 10 and 11).

use ticket_core::Direction;

/// Sorts items by their distinct positions, and returns those after the cursor's position and the offset.
///
/// `fetch` is the size of the page plus 1: the extra item shows that there is a next page.
pub(crate) fn page_of<K: Ord, T>(
    items: impl Iterator<Item = (K, T)>,
    direction: Direction,
    after: Option<&K>,
    offset: u64,
    fetch: usize,
) -> impl Iterator<Item = T> {
    let behind = |place: &K| after.is_none_or(|after| direction.apply(place.cmp(after)).is_gt());
    let mut items: Vec<(K, T)> = items.filter(|(place, _)| behind(place)).collect();
    items.sort_unstable_by(|(a, _), (b, _)| direction.apply(a.cmp(b)));
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    items.into_iter().skip(offset).take(fetch).map(|(_, item)| item)
}
