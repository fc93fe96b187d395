//! The proptest strategies for sequences of operations.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Union};
use ticket_core::backend::{HistogramScope, ReadPosition, StatusChange};
use ticket_core::{
    Author, BucketWidth, Clause, Comparison, Direction, EventFilter, EventQuery, EventTypeQuery,
    Expiry, Fix, HistogramQuery, HistoryQuery, KeepPerTicket, MAX_LIMIT, Note, OccurrenceQuery,
    Operator, ReleaseQuery, StatusKind, TicketFilter, TicketId, TicketIdPrefix, TicketQuery,
    TicketSort, Timestamp, TraitQuery, TraitTypeQuery, Value,
};

use super::operation::{Operation, Pages};
use super::samples::{self, Draft};
use crate::support::keeping;

const LONGEST: usize = 30;

/// Generates sequences of operations that end by reading everything, and by bringing tickets back that went.
pub(super) fn sequence(with_events: bool) -> impl Strategy<Value = Vec<Operation>> {
    (vec(operation(with_events), 1..=LONGEST), any::<bool>()).prop_map(
        move |(mut operations, expires)| {
            operations.extend(read_everything(with_events));
            if with_events && expires {
                operations.extend(expire_everything());
            }
            operations.extend(bring_everything_back());
            operations
        },
    )
}

/// Solves and expires each ticket whose occurrences are not at the end of time.
fn expire_everything() -> Vec<Operation> {
    let change = StatusChange::Solve { at: Timestamp::MAX, release: None };
    let author = Author::unknown().with_time(samples::times()[0]);
    let solve =
        |ticket| Operation::SetStatus(samples::ticket_id(ticket), change.clone(), author.clone());
    let mut operations: Vec<_> = (0..samples::RECORDED_TICKETS).map(solve).collect();
    operations.push(Operation::ClearExpired(Expiry::before(Timestamp::MAX)));
    operations
}

fn read_everything(with_events: bool) -> Vec<Operation> {
    let start = samples::times()[0];
    let day = std::time::Duration::from_secs(86_400);
    let mut operations = vec![
        Operation::GetTickets(TicketQuery::new().with_limit(MAX_LIMIT), Pages::All),
        Operation::CountOccurrences(HistogramQuery::of_app(
            None,
            BucketWidth::Hour,
            start.saturating_sub(day),
            start.saturating_add(2 * day),
        )),
    ];
    operations.extend((0..samples::RECORDED_TICKETS).map(|ticket| {
        Operation::GetOccurrences(
            samples::ticket_id(ticket),
            OccurrenceQuery::new().with_limit(MAX_LIMIT),
            Pages::All,
        )
    }));
    operations.extend((0..samples::RECORDED_TICKETS).map(|ticket| {
        let query = HistoryQuery::new().with_limit(MAX_LIMIT);
        Operation::GetHistory(samples::ticket_id(ticket), query, Pages::All)
    }));
    if with_events {
        let query = EventQuery::new().with_limit(MAX_LIMIT);
        operations.push(Operation::GetEvents(query, Pages::All));
        operations.extend(samples::SOURCES.map(Operation::ReadPosition));
    }
    operations
}

/// Records each ticket once more without a release and an environment, and reads who has which. A ticket that
/// went, in whatever way, must have taken its own along.
fn bring_everything_back() -> Vec<Operation> {
    let mut operations = vec![
        Operation::GetReleases(ReleaseQuery::new()),
        Operation::Record((0..samples::RECORDED_TICKETS).map(Draft::bare).collect()),
        Operation::GetReleases(ReleaseQuery::new()),
    ];
    let releases = samples::RELEASES.into_iter().flatten();
    let releases = releases.map(|release| TicketFilter::new().with_release(release));
    let environments = samples::ENVIRONMENTS.into_iter().flatten();
    let environments = environments.map(|name| TicketFilter::new().with_environment(name));
    operations.extend(releases.chain(environments).map(Operation::CountTickets));
    operations
}

fn operation(with_events: bool) -> Union<BoxedStrategy<Operation>> {
    let mut operations = vec![
        (24, vec(draft(), 0..6).prop_map(Operation::Record).boxed()),
        (3, ticket_filter().prop_map(Operation::CountTickets).boxed()),
        (10, (ticket_query(), pages()).prop_map(|(q, p)| Operation::GetTickets(q, p)).boxed()),
        (3, ticket().prop_map(Operation::GetTicket).boxed()),
        (
            10,
            (ticket(), change(), author())
                .prop_map(|(id, c, author)| Operation::SetStatus(id, c, author))
                .boxed(),
        ),
        (
            6,
            (neighbour(), neighbour(), author())
                .prop_map(|(into, from, author)| Operation::MergeTickets { into, from, author })
                .boxed(),
        ),
        (
            4,
            (neighbour(), author())
                .prop_map(|(id, author)| Operation::UnmergeTicket(id, author))
                .boxed(),
        ),
        (
            3,
            (ticket(), select(&samples::MESSAGES[..]), author())
                .prop_map(|(id, text, author)| Operation::AddNote(id, Note::new(text, author)))
                .boxed(),
        ),
        (
            3,
            (ticket(), history_query(), pages())
                .prop_map(|(id, q, p)| Operation::GetHistory(id, q, p))
                .boxed(),
        ),
        (2, release_query().prop_map(Operation::GetReleases).boxed()),
        (2, ticket().prop_map(Operation::DeleteTicket).boxed()),
        (
            4,
            (ticket(), occurrence_query(), pages())
                .prop_map(|(id, q, p)| Operation::GetOccurrences(id, q, p))
                .boxed(),
        ),
        (4, histogram_query().prop_map(Operation::CountOccurrences).boxed()),
    ];
    if with_events {
        operations.extend([
            (8, (event_query(), pages()).prop_map(|(q, p)| Operation::GetEvents(q, p)).boxed()),
            (2, event_type_query().prop_map(Operation::EventTypes).boxed()),
            (2, trait_type_query().prop_map(Operation::TraitTypes).boxed()),
            (3, (trait_query(), pages()).prop_map(|(q, p)| Operation::GetTraits(q, p)).boxed()),
            (4, expiry().prop_map(Operation::ClearExpired).boxed()),
            (3, keep_per_ticket().prop_map(Operation::KeepPerTicket).boxed()),
            (1, Just(Operation::Clear).boxed()),
            (
                6,
                (vec(draft(), 0..3), vec(read_position(), 1..3))
                    .prop_map(|(batch, positions)| Operation::RecordRead(batch, positions))
                    .boxed(),
            ),
            (2, select(&samples::SOURCES[..]).prop_map(Operation::ReadPosition).boxed()),
        ]);
    }
    Union::new_weighted(operations)
}

fn draft() -> impl Strategy<Value = Draft> {
    let place = (0..samples::RECORDED_TICKETS, prop_oneof![4 => Just(0_u8), 1 => 1_u8..3], time());
    let count = prop_oneof![4 => Just(1), 1 => 2_u32..4, 1 => Just(u32::MAX)];
    let texts = (
        select(&samples::LEVELS[..]),
        channel(),
        select(&samples::MESSAGES[..]),
        option::of(select(&samples::FILES[..])),
        select(&samples::ERRORS[..]),
        select(&samples::RELEASES[..]),
        select(&samples::ENVIRONMENTS[..]),
    );
    let own = (
        select(&samples::EXTERNAL_IDS[..]),
        select(&samples::PAYLOADS[..]),
        vec(named_value(), 0..4),
    );
    (place, count, texts, own).prop_map(|((ticket, key, time), repeats, texts, own)| {
        let (level, channel, message, file, error, release, environment) = texts;
        let (external_id, payload, traits) = own;
        Draft {
            ticket,
            key,
            time,
            repeats,
            level,
            channel,
            message,
            file,
            error,
            release,
            environment,
            external_id,
            payload,
            traits,
        }
    })
}

fn read_position() -> impl Strategy<Value = ReadPosition> {
    let stored = option::of(select(&samples::POSITIONS[..]));
    let before = prop_oneof![2 => Just(None), 3 => stored.prop_map(Some)];
    let (source, position) = (select(&samples::SOURCES[..]), select(&samples::POSITIONS[..]));
    (source, position, before, time()).prop_map(|(source, position, before, at)| {
        let read = ReadPosition::new(source, position, at);
        match before {
            None => read,
            Some(stored) => read.following(stored.map(str::to_owned)),
        }
    })
}

fn change() -> impl Strategy<Value = StatusChange> {
    let fix = (select(&samples::RELEASES[..]), any::<bool>()).prop_map(|(release, is_after)| {
        let release = release?.to_owned();
        Some(if is_after { Fix::After { release } } else { Fix::In(release) })
    });
    let solve = (time(), fix).prop_map(|(at, release)| StatusChange::Solve { at, release });
    // No time near the present: a ticket that is muted until such a time could be open in one store and
    // still muted in the other.
    let until = select(&[None, Some(Timestamp::MIN), Some(Timestamp::MAX)][..]);
    prop_oneof![
        4 => solve,
        1 => Just(StatusChange::Reopen),
        2 => until.prop_map(|until| StatusChange::Mute { until }),
    ]
}

/// Generates an author, whose time need not be later than that of the author before.
fn author() -> impl Strategy<Value = Author> {
    (time(), any::<bool>()).prop_map(|(time, is_known)| {
        let author = if is_known { Author::new("ada") } else { Author::unknown() };
        author.with_time(time)
    })
}

fn history_query() -> impl Strategy<Value = HistoryQuery> {
    (direction(), limit(), offset()).prop_map(|(direction, limit, offset)| {
        HistoryQuery::new().with_direction(direction).with_limit(limit).with_offset(offset)
    })
}

fn ticket_query() -> impl Strategy<Value = TicketQuery> {
    let order = (select(&TicketSort::ALL[..]), direction());
    (rarely(ticket_filter()), order, limit(), offset()).prop_map(
        |(filter, (sort, direction), limit, offset)| {
            TicketQuery::new()
                .with_filter(filter.unwrap_or_default())
                .with_order(sort, direction)
                .with_limit(limit)
                .with_offset(offset)
        },
    )
}

fn ticket_filter() -> impl Strategy<Value = TicketFilter> {
    let ticket = (
        rarely(select(&StatusKind::ALL[..])),
        rarely(select(&samples::LEVELS[..])),
        rarely(channel()),
        rarely(select(&samples::SEARCHES[..])),
        rarely(id_prefix()),
    );
    let records = (
        app(),
        rarely(select(&samples::RELEASES[..])),
        rarely(select(&samples::ENVIRONMENTS[..])),
        rarely(time()),
        rarely(time()),
    );
    (ticket, records).prop_map(
        |((status, level, channel, search, prefix), (app, release, environment, since, until))| {
            let mut filter = TicketFilter::new();
            filter.app_id = app;
            filter.status = status;
            filter.min_level = level;
            filter.channel = channel.map(str::to_owned);
            filter.release = release.flatten().map(str::to_owned);
            filter.environment = environment.flatten().map(str::to_owned);
            filter.since = since;
            filter.until = until;
            filter.id_prefix = prefix;
            match search {
                Some(search) => filter.with_search(search),
                None => filter,
            }
        },
    )
}

fn id_prefix() -> impl Strategy<Value = TicketIdPrefix> {
    (ticket(), select(&[1_usize, 2, 31, 32][..])).prop_map(|(id, digits)| {
        // The first digits of an id are a valid prefix.
        id.to_string()[..digits].parse().unwrap_or_else(|_| id.into())
    })
}

fn occurrence_query() -> impl Strategy<Value = OccurrenceQuery> {
    (direction(), limit(), offset()).prop_map(|(direction, limit, offset)| {
        OccurrenceQuery::new().with_direction(direction).with_limit(limit).with_offset(offset)
    })
}

fn histogram_query() -> impl Strategy<Value = HistogramQuery> {
    let scope = prop_oneof![
        ticket().prop_map(HistogramScope::Ticket),
        app().prop_map(HistogramScope::App),
    ];
    let step = select(&[BucketWidth::Hour, BucketWidth::Day][..]);
    (scope, step, time(), time()).prop_map(|(scope, step, a, b)| match scope {
        // The range of a ticket is in order; that of an application may be empty.
        HistogramScope::Ticket(id) => HistogramQuery::of_ticket(id, step, a.min(b), a.max(b)),
        HistogramScope::App(app) => HistogramQuery::of_app(app.as_deref(), step, a, b),
    })
}

fn event_query() -> impl Strategy<Value = EventQuery> {
    (event_filter(), direction(), limit(), offset()).prop_map(
        |(filter, direction, limit, offset)| {
            EventQuery::new()
                .with_filter(filter)
                .with_direction(direction)
                .with_limit(limit)
                .with_offset(offset)
        },
    )
}

fn event_filter() -> impl Strategy<Value = EventFilter> {
    let id = (time(), 0_u8..2).prop_map(|(time, key)| samples::occurrence_id(time, key));
    let clauses = prop_oneof![
        2 => Just(Vec::new()),
        3 => vec(clause(), 1),
        1 => vec(clause(), 2),
    ];
    let ids = (rarely(id), rarely(select(&samples::EXTERNAL_IDS[..])));
    (app(), rarely(channel()), ids, rarely(time()), rarely(time()), clauses).prop_map(
        |(app, event_type, (id, external_id), since, until, clauses)| {
            let mut filter = EventFilter::new();
            filter.app_id = app;
            filter.event_type = event_type.map(str::to_owned);
            filter.occurrence_id = id;
            filter.external_id = external_id.flatten().map(str::to_owned);
            filter.since = since;
            filter.until = until;
            filter.clauses = clauses;
            filter
        },
    )
}

fn clause() -> impl Strategy<Value = Clause> {
    (comparison(), vec(comparison(), 0..3))
        .prop_map(|(first, others)| others.into_iter().fold(first.into(), Clause::or))
}

fn comparison() -> impl Strategy<Value = Comparison> {
    let parts = (named_value(), select(&Operator::ALL[..]), any::<bool>());
    let of_value = parts.prop_map(|((name, value), op, as_number)| {
        let typed = Comparison::new(name, op, value.clone());
        if as_number { Comparison::number(name, op, value).unwrap_or(typed) } else { typed }
    });
    let comparison = prop_oneof![
        6 => of_value,
        1 => select(&samples::TRAITS[..]).prop_map(Comparison::has),
        1 => select(&samples::SEARCHES[..]).prop_map(Comparison::message_contains),
    ];
    (comparison, prop_oneof![4 => Just(false), 1 => Just(true)])
        .prop_map(|(comparison, negated)| if negated { !comparison } else { comparison })
}

fn release_query() -> impl Strategy<Value = ReleaseQuery> {
    app().prop_map(|app| {
        let mut query = ReleaseQuery::new();
        query.app_id = app;
        query
    })
}

fn event_type_query() -> impl Strategy<Value = EventTypeQuery> {
    app().prop_map(|app| {
        let mut query = EventTypeQuery::new();
        query.app_id = app;
        query
    })
}

fn trait_type_query() -> impl Strategy<Value = TraitTypeQuery> {
    (app(), channel()).prop_map(|(app, event_type)| {
        let mut query = TraitTypeQuery::new(event_type);
        query.app_id = app;
        query
    })
}

fn keep_per_ticket() -> impl Strategy<Value = KeepPerTicket> {
    (app(), 1_u32..4).prop_map(|(app, count)| {
        let mut keep = keeping(count);
        keep.app_id = app;
        keep
    })
}

fn trait_query() -> impl Strategy<Value = TraitQuery> {
    (channel(), app(), rarely(select(&samples::TRAITS[..])), limit()).prop_map(
        |(event_type, app, name, limit)| {
            let mut query = TraitQuery::new(event_type).with_limit(limit);
            query.app_id = app;
            query.name = name.map(str::to_owned);
            query
        },
    )
}

fn expiry() -> impl Strategy<Value = Expiry> {
    (app(), time(), option::of(0_u64..4)).prop_map(|(app, before, max_count)| {
        let mut expiry = Expiry::before(before);
        expiry.app_id = app;
        expiry.max_count = max_count;
        expiry
    })
}

fn pages() -> impl Strategy<Value = Pages> {
    prop_oneof![3 => Just(Pages::First), 1 => Just(Pages::Resumed), 2 => Just(Pages::All)]
}

fn ticket() -> impl Strategy<Value = TicketId> {
    (0..samples::TICKETS.len()).prop_map(samples::ticket_id)
}

/// Generates a ticket, usually one of the three of an application, which can be merged.
fn neighbour() -> impl Strategy<Value = TicketId> {
    prop_oneof![5 => (0..3_usize).prop_map(samples::ticket_id), 1 => ticket()]
}

fn app() -> impl Strategy<Value = Option<String>> {
    rarely(select(&samples::APPS[..]).prop_map(str::to_owned))
}

fn channel() -> impl Strategy<Value = &'static str> {
    select(&samples::CHANNELS[..])
}

fn time() -> impl Strategy<Value = Timestamp> {
    select(samples::times())
}

/// Generates a trait. Most names have values of a single type, so that comparisons find values of their type.
fn named_value() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        2 => (Just("n"), select(samples::numbers())),
        2 => (Just("a.b"), select(samples::texts())),
        1 => (Just("$n"), select(samples::others())),
        1 => (select(&samples::TRAITS[..]), select([samples::numbers(), samples::texts(), samples::others()].concat())),
    ]
}

fn direction() -> impl Strategy<Value = Direction> {
    select(&[Direction::Descending, Direction::Ascending][..])
}

fn limit() -> impl Strategy<Value = u32> {
    prop_oneof![20 => 1_u32..5, 5 => Just(MAX_LIMIT), 1 => Just(0), 1 => Just(MAX_LIMIT + 1)]
}

fn offset() -> impl Strategy<Value = u64> {
    prop_oneof![20 => Just(0_u64), 6 => 1_u64..4, 1 => Just(u64::MAX)]
}

fn rarely<S: Strategy>(value: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    option::weighted(0.25, value)
}
