//! Paging: the page that a query requests, and the validated plan that a backend executes.

use super::cursor::{Cursor, Page};
use super::{DEFAULT_LIMIT, MAX_LIMIT};
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
/// reads up to [`fetch`](Self::fetch) more, and passes those to [`page`](Self::page).
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
}
