//! The description of the parameters that several addresses share.

use ticket_core::{Level, MAX_LIMIT, TicketSort};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::ticket_params::STATUSES;

const MOMENT: &str = "a duration back from now such as 24h, a time, or a date";

/// The parameters that select tickets.
pub(crate) struct TicketFilters;

/// The parameters that order and page tickets.
pub(crate) struct Order;

/// The parameters that select events.
pub(crate) struct EventFilters;

/// The parameter that selects an application.
pub(crate) struct App;

/// The parameter that selects a type of events.
pub(crate) struct EventType;

/// The parameter that selects a trait.
pub(crate) struct TraitName;

/// The parameters that page a list that is ordered by time.
pub(crate) struct Paging;

/// The parameters that page a list that is read forwards only.
pub(crate) struct Forwards;

/// The parameters of a histogram.
pub(crate) struct TimeRange;

fn parameter(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema.build()))
        .build()
}

fn text(name: &str, description: &str) -> Parameter {
    parameter(name, description, ObjectBuilder::new().schema_type(Type::String))
}

/// Describes a parameter with a value that stands for others like it.
fn text_like(name: &str, description: &str, example: &str) -> Parameter {
    ParameterBuilder::from(text(name, description)).example(Some(example.into())).build()
}

fn choice<'a>(
    name: &str,
    description: &str,
    choices: impl IntoIterator<Item = &'a str>,
) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(choices));
    parameter(name, description, schema)
}

fn since_until(since: &str, until: &str) -> [Parameter; 2] {
    [
        text_like("since", &format!("{since}: {MOMENT}."), "24h"),
        text_like("until", &format!("{until}: {MOMENT}."), "1h"),
    ]
}

fn app() -> Parameter {
    text_like("app", "The application; all without it.", "shop")
}

fn limit() -> Parameter {
    let limit =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_LIMIT));
    parameter("limit", "The number of items on a page; 50 without it.", limit)
}

fn after() -> Parameter {
    text("after", "The cursor `next` of the page before; keep all other parameters the same.")
}

fn paging() -> [Parameter; 4] {
    let before = "The cursor `previous` of the page after; keep all other parameters the same.";
    [
        choice("reverse", "Whether to reverse the order.", ["true", "false"]),
        limit(),
        after(),
        text("before", before),
    ]
}

impl IntoParams for TicketFilters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let [since, until] = since_until(
            "The earliest time of the last occurrence",
            "The latest time of the first occurrence",
        );
        vec![
            app(),
            choice("status", "The status; open without it.", STATUSES),
            choice("level", "The minimum severity.", Level::ALL.map(Level::as_str)),
            text_like("channel", "The channel.", "checkout"),
            text_like("release", "A release in which the ticket was seen.", "1.4.0"),
            text_like("environment", "An environment in which the ticket was seen.", "production"),
            since,
            until,
            text_like(
                "search",
                "A text in the message, the place, the errors or the path, ignoring case.",
                "refused",
            ),
            parameter(
                "id",
                "The first digits of the id.",
                ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-fA-F]{1,32}$")),
            ),
        ]
    }
}

impl IntoParams for Order {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let sort = choice(
            "sort",
            "The key: the latest (without it), the most frequent or the most severe first, channels from A to Z.",
            TicketSort::ALL.map(TicketSort::as_str),
        );
        std::iter::once(sort).chain(paging()).collect()
    }
}

impl IntoParams for EventFilters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let [since, until] = since_until("The earliest time", "The latest time");
        let q = text_like("q", "A condition as in `ticket find`.", "type=checkout and user_id>=42");
        vec![q, app(), since, until]
    }
}

impl IntoParams for App {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![app()]
    }
}

impl IntoParams for EventType {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The type of the events; those without a type if it is missing.";
        vec![text_like("type", description, "checkout")]
    }
}

impl IntoParams for TraitName {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![text_like("name", "The name of the trait; all without it.", "user_id")]
    }
}

impl IntoParams for Forwards {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![limit(), after()]
    }
}

impl IntoParams for Paging {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        paging().into()
    }
}

impl IntoParams for TimeRange {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let [since, until] =
            since_until("The start; a day before the end without it", "The end; now without it");
        vec![
            choice("step", "The width of a bucket; hour without it.", ["hour", "day"]),
            since,
            until,
        ]
    }
}
