//! Paging: the page that a query requests, and the validated plan that a backend executes.

use super::cursor::{Cursor, Page};
use super::{DEFAULT_LIMIT, Direction, MAX_LIMIT};
use crate::{Error, Result};

/// The page that a query requests.
///
/// Every paged query has a field of this type. [`paged!`] generates the getters and setters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    pub(super) limit: u32,
    pub(super) offset: u64,
    pub(super) after: Option<Cursor>,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, offset: 0, after: None }
    }
}

impl Paging {
    /// Validates the limit and the cursor.
    pub(super) fn plan<P: Position>(&self, order: P::Order) -> Result<QueryPlan<P>> {
        let after = self
            .after
            .as_ref()
            .map(|cursor| P::from_keys(order, cursor.keys(&P::order_name(order))?));
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return Err(Error::config(format!(
                "the limit {} is not between 1 and {MAX_LIMIT}",
                self.limit
            )));
        }
        Ok(QueryPlan {
            order,
            limit: self.limit as usize,
            offset: self.offset,
            after: after.transpose()?,
        })
    }
}

/// Generates the paging getters and setters of a query with a field `paging`.
///
/// Those for the offset are generated only if `offset` is given, because not every query supports one.
macro_rules! paged {
    ($query:ident $(, $offset:ident)?) => {
        impl $query {
            /// Returns the page size: 1 to [`MAX_LIMIT`](crate::MAX_LIMIT), 50 by default.
            #[must_use]
            pub const fn limit(&self) -> u32 {
                self.paging.limit
            }

            /// Sets the page size.
            #[must_use]
            pub fn with_limit(mut self, limit: u32) -> Self {
                self.paging.limit = limit;
                self
            }

            $($crate::query::paging::paged!(@ $offset);)?

            /// Returns the cursor after which the page starts, if any.
            #[must_use]
            pub const fn after(&self) -> Option<&$crate::Cursor> {
                self.paging.after.as_ref()
            }

            /// Sets the cursor after which the page starts; `None` starts at the beginning.
            #[must_use]
            pub fn with_after(mut self, cursor: impl Into<Option<$crate::Cursor>>) -> Self {
                self.paging.after = cursor.into();
                self
            }
        }
    };
    (@ offset) => {
        /// Returns the number of results to skip, counted from the cursor if there is one.
        #[must_use]
        pub const fn offset(&self) -> u64 {
            self.paging.offset
        }

        /// Skips the first `offset` results, counted from the cursor if there is one.
        #[must_use]
        pub fn with_offset(mut self, offset: u64) -> Self {
            self.paging.offset = offset;
            self
        }
    };
}

pub(super) use paged;

/// The position of a result in the order of its query.
///
/// [`TicketPosition`](super::TicketPosition), [`EventPosition`](super::EventPosition) and
/// [`TraitPosition`](super::TraitPosition) implement this trait, which converts them to and from cursors.
pub trait Position: Sized {
    /// The type of the query's results.
    type Item;

    /// The order of the results.
    type Order: Copy;

    /// Returns the direction of the order.
    fn direction(order: Self::Order) -> Direction;

    /// Returns the name of the order. A cursor carries it, so that a query with another order rejects it.
    fn order_name(order: Self::Order) -> String;

    /// Returns the position of a result in this order.
    fn from_item(item: &Self::Item, order: Self::Order) -> Self;

    /// Returns the keys that a cursor carries. A key must not contain a dot.
    fn to_keys(&self) -> Vec<String>;

    /// Parses the keys of a cursor.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if the keys were not created by
    /// [`to_keys`](Self::to_keys) for this order.
    fn from_keys(order: Self::Order, keys: &[String]) -> Result<Self>;
}

/// A validated query: its limit is in range, and its cursor belongs to its order.
///
/// A backend starts after the position [`after`](Self::after), skips [`offset`](Self::offset) results,
/// reads up to [`fetch`](Self::fetch) more, and passes those to [`page`](Self::page). One that has the positions of all
/// candidates in memory passes them to [`select`](Self::select), which does all of this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryPlan<P: Position> {
    order: P::Order,
    limit: usize,
    offset: u64,
    after: Option<P>,
}

impl<P: Position> QueryPlan<P> {
    /// Returns the position after which the page starts; `None` for the beginning.
    #[must_use]
    pub const fn after(&self) -> Option<&P> {
        self.after.as_ref()
    }

    /// Returns the number of results to skip.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the number of results to read.
    ///
    /// It is one more than the page size: the extra result shows whether there is a next page.
    #[must_use]
    pub const fn fetch(&self) -> usize {
        self.limit + 1
    }

    /// Creates the page from up to [`fetch`](Self::fetch) results.
    #[must_use]
    pub fn page(&self, mut items: Vec<P::Item>) -> Page<P::Item> {
        let has_next = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().filter(|_| has_next).map(|last| {
            Cursor::new(P::order_name(self.order), P::from_item(last, self.order).to_keys())
        });
        Page { items, next }
    }

    /// Creates the page from all results, or from all items that may be results, in any order.
    ///
    /// Each candidate comes with its position, and no two positions are equal. `read` returns the result of a candidate, or
    /// `None` if it is none. It is called in the order of the results, until the page is full, so a store that only
    /// has an index reads no more than it needs.
    ///
    /// ```
    /// use ticket_core::backend::HistoryPosition;
    /// use ticket_core::{Error, HistoryEntry, HistoryEvent, HistoryQuery, Timestamp};
    ///
    /// let entry = |number| HistoryEntry {
    ///     number,
    ///     time: Timestamp::UNIX_EPOCH,
    ///     by: None,
    ///     event: HistoryEvent::Recurred,
    /// };
    /// let plan = HistoryQuery::new().with_limit(2).plan()?;
    /// let numbers = [2, 1, 3].map(|number| (HistoryPosition(number), number));
    /// let page = plan.select(numbers, |number| Ok::<_, Error>(Some(entry(number))))?;
    /// assert_eq!(page.items, [entry(3), entry(2)]);
    /// assert!(page.next.is_some());
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the first error of `read`.
    pub fn select<T, E>(
        &self,
        candidates: impl IntoIterator<Item = (P, T)>,
        mut read: impl FnMut(T) -> Result<Option<P::Item>, E>,
    ) -> Result<Page<P::Item>, E>
    where
        P: Ord,
    {
        let order = |a: &P, b: &P| P::direction(self.order).apply(a.cmp(b));
        let is_next = |place: &P| self.after().is_none_or(|after| order(place, after).is_gt());
        let mut candidates: Vec<_> =
            candidates.into_iter().filter(|(place, _)| is_next(place)).collect();
        candidates.sort_unstable_by(|(a, _), (b, _)| order(a, b));
        let (mut skip, mut items) = (self.offset, Vec::new());
        for (_, candidate) in candidates {
            let Some(item) = read(candidate)? else { continue };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            items.push(item);
            if items.len() == self.fetch() {
                break;
            }
        }
        Ok(self.page(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::HistoryPosition;
    use crate::{HistoryEntry, HistoryEvent, HistoryQuery, Timestamp};

    fn entry(number: u64) -> HistoryEntry {
        let (time, event) = (Timestamp::UNIX_EPOCH, HistoryEvent::Recurred);
        HistoryEntry { number, time, by: None, event }
    }

    /// Selects those of the entries 1 to 9 that have an odd number. Returns their numbers and how many were read.
    fn odd(query: &HistoryQuery) -> (Vec<u64>, Option<Cursor>, usize) {
        let mut read = 0;
        let places = [5, 9, 1, 3, 2, 4, 7, 6, 8].map(|number| (HistoryPosition(number), number));
        let page = query.plan().unwrap().select(places, |number| {
            read += 1;
            Ok::<_, Error>(Some(entry(number)).filter(|entry| entry.number % 2 == 1))
        });
        let Page { items, next } = page.unwrap();
        (items.iter().map(|entry| entry.number).collect(), next, read)
    }

    #[test]
    fn a_page_is_selected_from_candidates_in_any_order() {
        for (direction, first, second) in
            [(Direction::Ascending, [1, 3], [5, 7]), (Direction::Descending, [9, 7], [5, 3])]
        {
            let query = HistoryQuery::new().with_direction(direction).with_limit(2);
            let (numbers, next, read) = odd(&query);
            // The third result shows that there is a next page, and nothing is read after it.
            assert_eq!((numbers.as_slice(), read), (&first[..], 5));
            let (numbers, next, _) = odd(&query.clone().with_after(next));
            assert_eq!(numbers, second);
            let (numbers, last, read) = odd(&query.clone().with_after(next));
            assert_eq!((numbers.len(), last, read), (1, None, 2));
            assert_eq!(odd(&query.with_offset(2)).0, second, "an offset counts results");
        }
    }

    #[test]
    fn a_candidate_that_cannot_be_read_fails_the_page() {
        let plan = HistoryQuery::new().plan().unwrap();
        let failed = plan.select([(HistoryPosition(1), ())], |()| Err(Error::config("damaged")));
        assert_eq!(failed.unwrap_err().message(), "damaged");
    }
}
