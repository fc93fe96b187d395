//! Queries: filters, orders, pages and cursors.
//!
//! Every query is a plain value with defaults and `with_*` setters. The setters cut text to the same limits
//! as recording does, so a query for a long text finds what was stored for it. Page sizes and cursors are
//! validated here, once for all backends: a backend works with the result of [`TicketQuery::plan`] and the
//! `plan` methods of the other queries.

mod clause;
mod comparison;
mod cursor;
mod event;
mod expiry;
mod histogram;
mod history;
mod keep;
mod occurrence;
mod paging;
mod tally;
mod ticket;
mod traits;
mod types;

pub use self::clause::{Clause, Tested};
pub use self::comparison::{Comparison, Operator, Subject, ValueTest};
pub use self::cursor::{Cursor, Page};
pub use self::event::{EventFilter, EventOrder, EventPosition, EventQuery};
pub use self::expiry::{Expired, Expiry};
pub use self::histogram::{Bucket, BucketWidth, HistogramQuery, HistogramScope};
pub use self::history::{HistoryPosition, HistoryQuery};
pub use self::keep::KeepPerTicket;
pub use self::occurrence::OccurrenceQuery;
pub use self::paging::{Position, QueryPlan};
pub use self::tally::Tally;
pub use self::ticket::{
    SortKey, TicketFilter, TicketOrder, TicketPosition, TicketQuery, TicketSort,
};
pub use self::traits::{EventTrait, TraitPosition, TraitQuery, TraitType};
pub use self::types::{EventTypeQuery, ReleaseQuery, ReportQuery, TraitTypeQuery};

/// The maximum size of a page.
pub const MAX_LIMIT: u32 = 1_000;

/// The maximum number of comparisons in the clauses of an [`EventFilter`].
pub const MAX_COMPARISONS: usize = 32;

/// The default size of a page.
pub const DEFAULT_LIMIT: u32 = 50;

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Direction {
    /// Returns the opposite direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// Applies the direction to an ordering: `Descending` reverses it.
    #[must_use]
    pub const fn apply(self, ordering: std::cmp::Ordering) -> std::cmp::Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }

    const fn tag(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}
