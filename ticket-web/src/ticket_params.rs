//! The parameters of a list of tickets, with the same names in pages and in the API.

use std::fmt::Display;

use ticket_core::{
    Direction, Level, StatusKind, TicketFilter, TicketIdPrefix, TicketQuery, TicketSort, Timestamp,
};
use ticket_query::Moment;

use crate::failure::Failure;
use crate::paging::At;
use crate::params::Params;

/// The parameters that select tickets.
pub(crate) const FILTERS: [&str; 10] = [
    "app",
    "status",
    "level",
    "channel",
    "release",
    "environment",
    "since",
    "until",
    "search",
    "id",
];

/// The parameters that order and page tickets.
pub(crate) const ORDER: [&str; 5] = ["sort", "reverse", "limit", "after", "before"];

/// The parameters that say which page of a list it is.
pub(crate) const PAGE: [&str; 2] = ["after", "before"];

/// The names of the possible states of the parameter `status`.
pub(crate) const STATUSES: [&str; 4] = ["open", "solved", "muted", "all"];

/// A list of tickets as a client asks for it.
#[derive(Clone, Debug)]
pub(crate) struct TicketList {
    /// The filter, still without the application.
    pub(crate) filter: TicketFilter,
    pub(crate) sort: TicketSort,
    pub(crate) direction: Direction,
    pub(crate) limit: u32,
    pub(crate) at: At,
}

impl TicketList {
    /// Reads the parameters.
    pub(crate) fn parse(
        params: &Params,
        now: Timestamp,
        default_limit: u32,
    ) -> Result<Self, Failure> {
        let sort = match params.get("sort") {
            None => TicketSort::default(),
            Some(text) => one_of("sort", text, TicketSort::ALL, TicketSort::as_str)?,
        };
        let direction = natural_direction(sort);
        Ok(Self {
            filter: filter(params, now)?,
            sort,
            direction: if reverse(params)? { direction.reversed() } else { direction },
            limit: limit(params, default_limit)?,
            at: At::parse(params)?,
        })
    }

    /// Returns the query for this order or its reverse.
    pub(crate) fn query(&self, is_reversed: bool) -> TicketQuery {
        let direction = if is_reversed { self.direction.reversed() } else { self.direction };
        TicketQuery::new()
            .with_filter(self.filter.clone())
            .with_order(self.sort, direction)
            .with_limit(self.limit)
    }
}

/// Reads the parameter `reverse`.
pub(crate) fn reverse(params: &Params) -> Result<bool, Failure> {
    match params.get("reverse") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(wrong("reverse", other, "true or false")),
    }
}

/// Reads the parameter `limit`. The plan of the query checks its range.
pub(crate) fn limit(params: &Params, default: u32) -> Result<u32, Failure> {
    match params.get("limit") {
        None => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| wrong("limit", text, "a whole number from 1 to 1000"))
        }
    }
}

/// Returns the direction of a sort key without `reverse`.
pub(crate) const fn natural_direction(sort: TicketSort) -> Direction {
    match sort {
        TicketSort::Channel => Direction::Ascending,
        _ => Direction::Descending,
    }
}

/// Reads the parameters that select tickets, but for the application.
pub(crate) fn filter(params: &Params, now: Timestamp) -> Result<TicketFilter, Failure> {
    let mut filter = TicketFilter::new();
    match params.get("status") {
        Some("all") => {}
        None => filter = filter.with_status(StatusKind::Open),
        Some(text) => {
            let kind = StatusKind::ALL.into_iter().find(|kind| kind.as_str() == text);
            let kind = kind.ok_or_else(|| wrong("status", text, STATUSES.join(", ")))?;
            filter = filter.with_status(kind);
        }
    }
    if let Some(level) = params.get("level") {
        filter = filter.with_min_level(one_of("level", level, Level::ALL, Level::as_str)?);
    }
    if let Some(channel) = params.get("channel") {
        filter = filter.with_channel(channel);
    }
    if let Some(release) = params.get("release") {
        filter = filter.with_release(release);
    }
    if let Some(environment) = params.get("environment") {
        filter = filter.with_environment(environment);
    }
    if let Some(since) = moment(params, "since", now)? {
        filter = filter.with_since(since);
    }
    if let Some(until) = moment(params, "until", now)? {
        filter = filter.with_until(until);
    }
    if let Some(text) = params.get("search") {
        filter = filter.with_search(text);
    }
    if let Some(id) = params.get("id") {
        filter = filter.with_id_prefix(id.parse::<TicketIdPrefix>()?);
    }
    Ok(filter)
}

/// Reads a moment: a duration back from now, a time, or a date.
pub(crate) fn moment(
    params: &Params,
    name: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = params.get(name) else { return Ok(None) };
    match text.parse::<Moment>() {
        Ok(moment) => Ok(Some(moment.resolve(now))),
        Err(message) => Err(Failure::bad_request(format!("{name}: {message}"))),
    }
}

fn one_of<T: Copy, const N: usize>(
    name: &str,
    text: &str,
    all: [T; N],
    as_str: impl Fn(T) -> &'static str,
) -> Result<T, Failure> {
    let found = all.into_iter().find(|one| as_str(*one) == text);
    found.ok_or_else(|| wrong(name, text, all.map(as_str).join(", ")))
}

/// Returns the failure for a parameter with a wrong value.
pub(crate) fn wrong(name: &str, value: &str, possible: impl Display) -> Failure {
    let value: String = value.chars().take(100).collect();
    Failure::bad_request(format!("{name}: {value:?} is not possible: write {possible}."))
}
