//! Orders and pages (rules 10 and 11).

use ticket_core::Direction;

/// The items of one page and the one after it: sorted by their places, which are all different, from
/// behind the cursor's place on.
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
