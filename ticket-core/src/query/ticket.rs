//! Queries for tickets.

use super::Direction;
use super::cursor::{damaged, key, key_to_text, text_to_key};
use super::paging::{Paging, Position, QueryPlan, paged};
use crate::search::fold;
use crate::{Level, Result, StatusKind, Ticket, TicketId, TicketIdPrefix, Timestamp, limits};

/// Selects tickets. A ticket matches if it meets all conditions that are set.
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
    /// The application of the tickets; `None` for all applications.
    pub app_id: Option<String>,
    /// The current status. A ticket whose mute has ended is open.
    pub status: Option<StatusKind>,
    /// The minimum severity.
    pub min_level: Option<Level>,
    /// The exact channel.
    pub channel: Option<String>,
    /// A release that at least one record of the ticket came from. Together with `environment`, one record
    /// must have come from both. Pruning does not affect the result.
    pub release: Option<String>,
    /// An environment that at least one record of the ticket came from.
    pub environment: Option<String>,
    /// The earliest time of the last occurrence, inclusive.
    pub since: Option<Timestamp>,
    /// The latest time of the first occurrence, inclusive.
    pub until: Option<Timestamp>,
    /// A text that the [search text](crate::backend::search_text) contains, already [`fold`]ed to ignore case.
    pub search: Option<String>,
    /// A prefix of the ticket id.
    pub id_prefix: Option<TicketIdPrefix>,
}

impl TicketFilter {
    /// Selects all tickets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects only tickets of this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }

    /// Selects only tickets with this status.
    #[must_use]
    pub fn with_status(mut self, status: StatusKind) -> Self {
        self.status = Some(status);
        self
    }

    /// Selects only tickets of at least this severity.
    #[must_use]
    pub fn with_min_level(mut self, level: Level) -> Self {
        self.min_level = Some(level);
        self
    }

    /// Selects only tickets of this channel.
    #[must_use]
    pub fn with_channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(limits::as_stored(channel, limits::NAME));
        self
    }

    /// Selects only tickets that were seen in this release.
    #[must_use]
    pub fn with_release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(limits::as_stored(release, limits::NAME));
        self
    }

    /// Selects only tickets that were seen in this environment.
    #[must_use]
    pub fn with_environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(limits::as_stored(environment, limits::NAME));
        self
    }

    /// Selects only tickets whose last occurrence is at or after this time.
    #[must_use]
    pub fn with_since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Selects only tickets whose first occurrence is at or before this time.
    #[must_use]
    pub fn with_until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Selects only tickets whose message, location, error chain (types and messages) or request's path
    /// contains this text, ignoring case. The empty text matches every ticket.
    #[must_use]
    pub fn with_search(mut self, text: impl Into<String>) -> Self {
        self.search = Some(fold(&limits::clean(text)));
        self
    }

    /// Selects only tickets whose id starts with this prefix.
    #[must_use]
    pub fn with_id_prefix(mut self, prefix: TicketIdPrefix) -> Self {
        self.id_prefix = Some(prefix);
        self
    }

    /// Returns `true` if a ticket matches at the time `now`. The queries of every backend must agree with this
    /// definition.
    ///
    /// A ticket does not contain all that a filter looks at. `seen` are the distinct pairs of release and
    /// environment of all its records, and `search_text` is the
    /// [search text](crate::backend::NewOccurrence::search_text) of its newest record; pruned records count for
    /// both. The status of `ticket` may be the stored one: `now` decides whether a mute has ended.
    #[must_use]
    pub fn matches<'a>(
        &self,
        ticket: &Ticket,
        seen: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>,
        search_text: &str,
        now: Timestamp,
    ) -> bool {
        let Self {
            app_id,
            status,
            min_level,
            channel,
            release,
            environment,
            since,
            until,
            search,
            id_prefix,
        } = self;
        let is = |asked: &Option<String>, found: Option<&str>| {
            asked.is_none() || asked.as_deref() == found
        };
        is(app_id, Some(&ticket.app_id))
            && status.is_none_or(|status| ticket.status.clone().effective(now).kind() == status)
            && min_level.is_none_or(|level| level <= ticket.level)
            && is(channel, Some(&ticket.channel))
            && since.is_none_or(|since| since <= ticket.last_occurrence_time)
            && until.is_none_or(|until| ticket.first_occurrence_time <= until)
            && search.as_ref().is_none_or(|text| search_text.contains(text))
            && id_prefix.is_none_or(|prefix| prefix.matches(ticket.id))
            && ((release.is_none() && environment.is_none())
                || seen.into_iter().any(|(r, e)| is(release, r) && is(environment, e)))
    }
}

/// The sort key of tickets. Ties are broken by id, in the same direction.
///
/// `LastOccurrence` and `Count` change while occurrences are recorded. Paging by cursor over these two
/// returns every ticket whose key does not change exactly once. A ticket whose key changes in the meantime
/// may be returned at its old position, at its new position, or at both. The other keys do not change under
/// `Stable` grouping.
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
    /// The channel, compared by code point.
    Channel,
}

impl TicketSort {
    /// All sort keys.
    pub const ALL: [Self; 5] =
        [Self::LastOccurrence, Self::FirstOccurrence, Self::Count, Self::Level, Self::Channel];

    /// Returns the name in lower case.
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

    /// Returns the value by which a ticket is sorted.
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

/// The value by which a ticket is sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// A time in microseconds, a count, or the number of a level.
    Number(i64),
    /// A channel name.
    Text(String),
}

/// A query for a page of tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TicketQuery {
    /// The filter that selects the tickets.
    pub filter: TicketFilter,
    /// The sort key; [`TicketSort::LastOccurrence`] by default.
    pub sort: TicketSort,
    /// The direction; [`Direction::Descending`] by default.
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
    /// Queries the 50 tickets with the most recent occurrences.
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

    /// Sets the sort key and the direction.
    #[must_use]
    pub fn with_order(mut self, sort: TicketSort, direction: Direction) -> Self {
        self.sort = sort;
        self.direction = direction;
        self
    }

    /// Validates the query and returns the plan that a backend executes.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if the limit is not between 1 and 1,000, or if
    /// the cursor is damaged or belongs to another order.
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

/// The position of a ticket in the order of a [`TicketQuery`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TicketPosition {
    /// The ticket's sort key.
    pub key: SortKey,
    /// The ticket's id.
    pub id: TicketId,
}

impl TicketPosition {
    /// Returns the position of a ticket among tickets that are sorted by `sort`.
    #[must_use]
    pub fn of(ticket: &Ticket, sort: TicketSort) -> Self {
        Self { key: sort.key(ticket), id: ticket.id }
    }
}

impl Position for TicketPosition {
    type Item = Ticket;
    type Order = TicketOrder;

    fn direction(order: TicketOrder) -> Direction {
        order.direction
    }

    fn order_name(order: TicketOrder) -> String {
        format!("{}-{}", order.sort.as_str(), order.direction.tag())
    }

    fn from_item(ticket: &Ticket, order: TicketOrder) -> Self {
        Self::of(ticket, order.sort)
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
