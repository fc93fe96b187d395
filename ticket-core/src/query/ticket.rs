//! Questions about tickets.

use super::Direction;
use super::cursor::{damaged, key, key_to_text, text_to_key};
use super::paging::{Paging, Position, QueryPlan, paged};
use crate::search::fold;
use crate::{Level, Result, StatusKind, Ticket, TicketId, TicketIdPrefix, Timestamp, limits};

/// Which tickets; everything that is set has to hold.
///
/// ```
/// use ticket_core::{Level, StatusKind, TicketFilter};
///
/// let filter = TicketFilter::new()
///     .with_app_id("shop")
///     .with_status(StatusKind::Open)
///     .with_min_level(Level::Error)
///     .with_search("timeout");
/// # assert_eq!(filter.app_id.as_deref(), Some("shop"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TicketFilter {
    /// Tickets of this application; of all, if `None`.
    pub app_id: Option<String>,
    /// Tickets of this status, as it is now: one muted until a time that has passed is open.
    pub status: Option<StatusKind>,
    /// Tickets at least this bad.
    pub min_level: Option<Level>,
    /// Tickets of exactly this channel.
    pub channel: Option<String>,
    /// Tickets of which at least one record came from this release; with `environment`, one record
    /// of both. Pruning does not change the answer.
    pub release: Option<String>,
    /// Tickets of which at least one record came from this environment.
    pub environment: Option<String>,
    /// Tickets whose last occurrence is not before this time.
    pub since: Option<Timestamp>,
    /// Tickets whose first occurrence is not after this time.
    pub until: Option<Timestamp>,
    /// Tickets with this text in their message or location, whatever its case ([`fold`]ed already).
    pub search: Option<String>,
    /// Tickets whose id begins so.
    pub id_prefix: Option<TicketIdPrefix>,
}

impl TicketFilter {
    /// All tickets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }

    /// Only this status.
    #[must_use]
    pub fn with_status(mut self, status: StatusKind) -> Self {
        self.status = Some(status);
        self
    }

    /// Only this level and worse.
    #[must_use]
    pub fn with_min_level(mut self, level: Level) -> Self {
        self.min_level = Some(level);
        self
    }

    /// Only this channel.
    #[must_use]
    pub fn with_channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(limits::as_stored(channel, limits::NAME));
        self
    }

    /// Only what was seen on this release.
    #[must_use]
    pub fn with_release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(limits::as_stored(release, limits::NAME));
        self
    }

    /// Only what was seen in this environment.
    #[must_use]
    pub fn with_environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(limits::as_stored(environment, limits::NAME));
        self
    }

    /// Only what happened at this time or later.
    #[must_use]
    pub fn with_since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Only what happened at this time or earlier.
    #[must_use]
    pub fn with_until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Only what has this text in its message or location. The empty text is in every one.
    #[must_use]
    pub fn with_search(mut self, text: impl Into<String>) -> Self {
        self.search = Some(fold(&limits::clean(text)));
        self
    }

    /// Only ids that begin so.
    #[must_use]
    pub fn with_id_prefix(mut self, prefix: TicketIdPrefix) -> Self {
        self.id_prefix = Some(prefix);
        self
    }
}

/// What tickets are ordered by. Ties are broken by id, in the same direction.
///
/// A ticket's last time and count change while others record: a walk by cursor over these two meets
/// each ticket that stays in its place exactly once, and one that moves at its old place, at its new
/// place, or at both. The other keys do not change under `Stable` grouping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TicketSort {
    /// The time of the last occurrence.
    #[default]
    LastOccurrence,
    /// The time of the first occurrence.
    FirstOccurrence,
    /// The number of occurrences.
    Count,
    /// The level.
    Level,
    /// The channel, by code point.
    Channel,
}

impl TicketSort {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::LastOccurrence, Self::FirstOccurrence, Self::Count, Self::Level, Self::Channel];

    /// The name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LastOccurrence => "last",
            Self::FirstOccurrence => "first",
            Self::Count => "count",
            Self::Level => "level",
            Self::Channel => "channel",
        }
    }

    /// The key of a ticket in this order.
    #[must_use]
    pub fn key(self, ticket: &Ticket) -> SortKey {
        match self {
            Self::LastOccurrence => SortKey::Number(ticket.last_occurrence_time.as_micros()),
            Self::FirstOccurrence => SortKey::Number(ticket.first_occurrence_time.as_micros()),
            Self::Count => {
                SortKey::Number(i64::try_from(ticket.occurrence_count).unwrap_or(i64::MAX))
            }
            Self::Level => SortKey::Number(ticket.level.as_u8().into()),
            Self::Channel => SortKey::Text(ticket.channel.clone()),
        }
    }
}

/// What a ticket is sorted by, as a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// Microseconds, a count, or a level's number.
    Number(i64),
    /// A channel.
    Text(String),
}

/// Which tickets, in which order, and which page of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TicketQuery {
    /// Which tickets.
    pub filter: TicketFilter,
    /// What they are ordered by; [`TicketSort::LastOccurrence`] by default.
    pub sort: TicketSort,
    /// Which end comes first; [`Direction::Descending`] by default.
    pub direction: Direction,
    paging: Paging,
}

impl Default for TicketQuery {
    fn default() -> Self {
        Self {
            filter: TicketFilter::new(),
            sort: TicketSort::LastOccurrence,
            direction: Direction::Descending,
            paging: Paging::default(),
        }
    }
}

impl TicketQuery {
    /// The 50 tickets with the newest occurrences.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the filter.
    #[must_use]
    pub fn with_filter(mut self, filter: TicketFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Sets the order.
    #[must_use]
    pub fn with_order(mut self, sort: TicketSort, direction: Direction) -> Self {
        self.sort = sort;
        self.direction = direction;
        self
    }

    /// Checks the query, for a backend to carry out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a limit outside of 1 to 1,000, or a cursor
    /// that is damaged or belongs to another order.
    pub fn plan(&self) -> Result<QueryPlan<TicketPosition>> {
        self.paging.plan(TicketOrder { sort: self.sort, direction: self.direction })
    }
}

paged!(TicketQuery, offset);

/// The order of a [`TicketQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketOrder {
    sort: TicketSort,
    direction: Direction,
}

/// The place of a ticket in an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TicketPosition {
    /// Its sort key.
    pub key: SortKey,
    /// Its id.
    pub id: TicketId,
}

impl Position for TicketPosition {
    type Item = Ticket;
    type Order = TicketOrder;

    fn order_name(order: TicketOrder) -> String {
        format!("{}-{}", order.sort.as_str(), order.direction.tag())
    }

    fn from_item(ticket: &Ticket, order: TicketOrder) -> Self {
        Self { key: order.sort.key(ticket), id: ticket.id }
    }

    fn to_keys(&self) -> Vec<String> {
        let key = match &self.key {
            SortKey::Number(number) => number.to_string(),
            SortKey::Text(text) => text_to_key(text),
        };
        vec![key, self.id.to_string()]
    }

    fn from_keys(order: TicketOrder, keys: &[String]) -> Result<Self> {
        let [sort_key, id] = keys else { return Err(damaged()) };
        let sort_key = match order.sort {
            TicketSort::Channel => SortKey::Text(key_to_text(sort_key)?),
            _ => SortKey::Number(key(sort_key)?),
        };
        Ok(Self { key: sort_key, id: id.parse().map_err(|_| damaged())? })
    }
}
