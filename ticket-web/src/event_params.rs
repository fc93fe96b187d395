//! The parameters of a list of events, with the same names in pages, exports and the API.

use ticket_core::{Direction, EventFilter, EventQuery, Timestamp};
use ticket_query::ExprError;

use crate::failure::Failure;
use crate::paging::At;
use crate::params::Params;
use crate::ticket_params::{limit, moment, reverse};

/// The parameters that select and page events.
pub(crate) const NAMES: [&str; 9] =
    ["q", "app", "since", "until", "reverse", "limit", "after", "before", "columns"];

/// A list of events as a client asks for it.
#[derive(Clone, Debug)]
pub(crate) struct EventList {
    /// The filter, still without the application.
    pub(crate) filter: EventFilter,
    pub(crate) direction: Direction,
    pub(crate) limit: u32,
    pub(crate) at: At,
}

/// Why parameters are no list.
pub(crate) enum Mistake {
    /// The expression is wrong.
    Expression(ExprError),
    Other(Failure),
}

impl From<Failure> for Mistake {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl From<Mistake> for Failure {
    fn from(mistake: Mistake) -> Self {
        match mistake {
            Mistake::Expression(error) => {
                let (at, message) = (error.position(), error.message());
                Self::bad_request(format!("q: {message} (at byte {at} of the expression)"))
            }
            Mistake::Other(failure) => failure,
        }
    }
}

impl EventList {
    /// Reads the parameters.
    pub(crate) fn parse(
        params: &Params,
        now: Timestamp,
        default_limit: u32,
    ) -> Result<Self, Mistake> {
        let expression = params.get("q").unwrap_or_default();
        let mut filter = ticket_query::parse(expression).map_err(Mistake::Expression)?;
        if let Some(since) = moment(params, "since", now)? {
            filter = filter.with_since(since);
        }
        if let Some(until) = moment(params, "until", now)? {
            filter = filter.with_until(until);
        }
        let direction = if reverse(params)? { Direction::Ascending } else { Direction::Descending };
        Ok(Self { filter, direction, limit: limit(params, default_limit)?, at: At::parse(params)? })
    }

    /// Returns the query for this order or its reverse.
    pub(crate) fn query(&self, is_reversed: bool) -> EventQuery {
        let direction = if is_reversed { self.direction.reversed() } else { self.direction };
        EventQuery::new()
            .with_filter(self.filter.clone())
            .with_direction(direction)
            .with_limit(self.limit)
    }
}
