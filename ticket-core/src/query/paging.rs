//! Pages of an ordered answer: what a query asks for, and the checked plan that a backend carries out.

use super::cursor::{Cursor, Page};
use super::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::{Error, Result};

/// The part of an ordered answer that a query asks for.
///
/// Every query with pages holds one. [`paged!`] gives the query its getters and setters.
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
    /// Checks the limit and the cursor.
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

/// Gives a query with a field `paging` its getters and setters; `offset` only where the query's contract has one.
macro_rules! paged {
    ($query:ident $(, $offset:ident)?) => {
        impl $query {
            /// Returns the size of the page: 1 to [`MAX_LIMIT`](crate::MAX_LIMIT), and 50 by default.
            #[must_use]
            pub const fn limit(&self) -> u32 {
                self.paging.limit
            }

            /// Sets the size of the page.
            #[must_use]
            pub fn with_limit(mut self, limit: u32) -> Self {
                self.paging.limit = limit;
                self
            }

            $($crate::query::paging::paged!(@ $offset);)?

            /// Returns the cursor after which the page starts.
            #[must_use]
            pub const fn after(&self) -> Option<&$crate::Cursor> {
                self.paging.after.as_ref()
            }

            /// Continues after a cursor; `None` starts from the beginning.
            #[must_use]
            pub fn with_after(mut self, cursor: impl Into<Option<$crate::Cursor>>) -> Self {
                self.paging.after = cursor.into();
                self
            }
        }
    };
    (@ offset) => {
        /// Returns how many answers are skipped, counted from the cursor if there is one.
        #[must_use]
        pub const fn offset(&self) -> u64 {
            self.paging.offset
        }

        /// Skips the first `offset` answers, counted from the cursor if there is one.
        #[must_use]
        pub fn with_offset(mut self, offset: u64) -> Self {
            self.paging.offset = offset;
            self
        }
    };
}

pub(super) use paged;

/// The place of an answer in the order of its query.
///
/// [`TicketPosition`](super::TicketPosition), [`EventPosition`](super::EventPosition) and
/// [`TraitPosition`](super::TraitPosition) implement it; cursors are written and read through it.
pub trait Position: Sized {
    /// The kind of answer that has this position.
    type Item;

    /// What the answers are ordered by.
    type Order: Copy;

    /// Names the order. A cursor carries the name, so that it is rejected under another order.
    fn order_name(order: Self::Order) -> String;

    /// Returns the position of an answer in this order.
    fn from_item(item: &Self::Item, order: Self::Order) -> Self;

    /// Returns the keys that a cursor carries; none of them may contain a dot.
    fn to_keys(&self) -> Vec<String>;

    /// Reads the keys of a cursor back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if they are not those of [`to_keys`](Self::to_keys).
    fn from_keys(order: Self::Order, keys: &[String]) -> Result<Self>;
}

/// A checked query: the limit is within its bounds, and the cursor belongs to the query's order.
///
/// A backend reads up to [`fetch`](Self::fetch) answers after [`after`](Self::after), skips
/// [`offset`](Self::offset) of them first, and hands the rest to [`page`](Self::page).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryPlan<P: Position> {
    order: P::Order,
    limit: usize,
    offset: u64,
    after: Option<P>,
}

impl<P: Position> QueryPlan<P> {
    /// Returns the position after which to continue.
    #[must_use]
    pub const fn after(&self) -> Option<&P> {
        self.after.as_ref()
    }

    /// Returns how many answers to skip.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns how many answers to read: one more than the page holds, which shows whether there is a next page.
    #[must_use]
    pub const fn fetch(&self) -> usize {
        self.limit + 1
    }

    /// Makes the page from up to [`fetch`](Self::fetch) answers.
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
