//! What can be asked: filters, orders, pages and cursors.
//!
//! Every query is a value with defaults and `with_*` setters; the setters bring texts within the limits,
//! as recording does, so that what was stored can be asked for on every backend. Limits and cursors are checked
//! here and not in the backends: each takes what [`TicketQuery::plan`] and its siblings return.

mod comparison;
mod cursor;
mod event;
mod expiry;
mod histogram;
mod keep;
mod occurrence;
mod paging;
mod tally;
mod ticket;
mod traits;
mod types;

pub use self::comparison::{Comparison, Operator, ValueTest};
pub use self::cursor::{Cursor, Page};
pub use self::event::{EventFilter, EventOrder, EventPosition, EventQuery};
pub use self::expiry::{Expired, Expiry};
pub use self::histogram::{Bucket, BucketWidth, HistogramQuery, HistogramScope};
pub use self::keep::KeepPerTicket;
pub use self::occurrence::OccurrenceQuery;
pub use self::paging::{Position, QueryPlan};
pub use self::tally::Tally;
pub use self::ticket::{
    SortKey, TicketFilter, TicketOrder, TicketPosition, TicketQuery, TicketSort,
};
pub use self::traits::{EventTrait, TraitPosition, TraitQuery, TraitType};
pub use self::types::{EventTypeQuery, TraitTypeQuery};

/// The most that one page can hold.
pub const MAX_LIMIT: u32 = 1_000;

/// The size of a page if nothing else is said.
pub const DEFAULT_LIMIT: u32 = 50;

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

impl Direction {
    /// The other way round.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// Applies the direction to the result of a comparison.
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
