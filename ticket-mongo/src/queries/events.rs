//! Events by their traits and messages (rules 15 and 16).

use mongodb::bson::{Bson, DateTime, Document, doc};
use ticket_core::backend::{EventPosition, Subject, ValueTest};
use ticket_core::{
    Clause, Comparison, EventFilter, EventQuery, Occurrence, Operator, Page, Result,
};

use super::{behind_event, by_time, occurrences_of, sign, to_i64};
use crate::connection::Connection;
use crate::error::{Outcome, corrupt};
use crate::row::{binary, block, trait_key, trait_value};
use crate::schema::{EXTERNAL_IDS, TRAITS};

/// The number of events that are read at a time to test their messages.
const TESTED: u32 = 500;

pub(crate) async fn get_events(
    connection: &Connection,
    query: &EventQuery,
) -> Outcome<Page<Occurrence>> {
    if !query.filter.clauses.iter().any(searches_message) {
        return by_conditions(connection, query).await;
    }
    // The server stores a message only as a part of the record, and folds text differently. So it finds
    // what matches all other clauses, and those about messages are tested here.
    let plan = query.plan()?;
    let mut candidates = query.clone().with_offset(0).with_limit(TESTED);
    candidates.filter.clauses.retain(|clause| !searches_message(clause));
    let (mut found, mut skip) = (Vec::new(), query.offset());
    loop {
        let page = by_conditions(connection, &candidates).await?;
        for event in page.items {
            if found.len() < plan.fetch() && query.filter.matches(&event.record) {
                if skip > 0 {
                    skip -= 1;
                } else {
                    found.push(event);
                }
            }
        }
        match page.next {
            Some(next) if found.len() < plan.fetch() => candidates = candidates.with_after(next),
            Some(_) | None => return Ok(plan.page(found)),
        }
    }
}

fn searches_message(clause: &Clause) -> bool {
    clause.comparisons().iter().any(|one| trait_tests(one).is_none())
}

/// Returns the trait that a comparison is about and the tests of its value; `None` if it is about something
/// else.
fn trait_tests(comparison: &Comparison) -> Option<(&str, &[ValueTest])> {
    match comparison.subject() {
        Subject::Trait { name, tests } => Some((name, tests)),
        _ => None,
    }
}

/// Reads the events that match all clauses about traits. If an index of traits can answer one of the
/// clauses, this takes two steps. The first follows that index, one block of time after the other, until it
/// has found enough events. These need not be the first in the order of time, but the first ones lie in the
/// same blocks. The second step reads all matching events of those blocks and sorts them.
async fn by_conditions(connection: &Connection, query: &EventQuery) -> Outcome<Page<Occurrence>> {
    let plan = query.plan()?;
    let filter = &query.filter;
    let has_id = filter.occurrence_id.is_some() || filter.external_id.is_some();
    if !has_indexed_clause(filter) || has_id || query.offset() > 0 {
        let found = connection.read(list(connection, query, None)?).await?;
        return Ok(plan.page(occurrences_of(&found)?));
    }
    loop {
        let found = connection.read(by_blocks(connection, query)?).await?;
        let last = found.get(plan.fetch() - 1).map(|last| last.get_datetime("d").copied());
        let Some(last) = last else {
            let mut found = occurrences_of(&found)?;
            found.sort_by(|a, b| {
                query.direction.apply(EventPosition::of(a).cmp(&EventPosition::of(b)))
            });
            return Ok(plan.page(found));
        };
        let last = last.map_err(|_| corrupt("an occurrence's block"))?;
        let found = connection.read(list(connection, query, Some(last))?).await?;
        // Fewer events than in the first step: some are being deleted, so try again.
        if found.len() == plan.fetch() {
            return Ok(plan.page(occurrences_of(&found)?));
        }
    }
}

/// Returns the command that finds events in the order of their blocks.
pub(super) fn by_blocks(connection: &Connection, query: &EventQuery) -> Result<Document> {
    let plan = query.plan()?;
    let (_, _, order) = sign(query.direction);
    Ok(doc! {
        "find": connection.names.of("occurrences"),
        "filter": { "$and": all_conditions(query, None)? },
        "sort": { "d": order },
        "limit": to_i64(plan.fetch()),
        "hint": TRAITS,
    })
}

/// Returns the command that finds events in the order of time, up to and including a block if one
/// is given.
pub(super) fn list(
    connection: &Connection,
    query: &EventQuery,
    last: Option<DateTime>,
) -> Result<Document> {
    let plan = query.plan()?;
    let mut find = doc! {
        "find": connection.names.of("occurrences"),
        "filter": { "$and": all_conditions(query, last)? },
        "sort": by_time(query.direction),
        "skip": to_i64(plan.offset()),
        "limit": to_i64(plan.fetch()),
    };
    if let Some(index) = index(&query.filter) {
        find.insert("hint", index);
    }
    Ok(find)
}

fn has_indexed_clause(filter: &EventFilter) -> bool {
    filter.clauses.iter().any(Clause::is_indexed)
}

/// Returns the index that yields the order or the few events with an id of either kind. If an index of traits can answer
/// a clause, MongoDB chooses, by running the candidates side by side.
fn index(filter: &EventFilter) -> Option<&'static str> {
    if filter.occurrence_id.is_some() {
        return Some("by_id");
    }
    if filter.external_id.is_some() {
        return Some(EXTERNAL_IDS);
    }
    if has_indexed_clause(filter) {
        return None;
    }
    Some(match (&filter.app_id, &filter.event_type) {
        (Some(_), Some(_)) => "by_app",
        (None, Some(_)) => "by_type",
        (_, None) => "by_time",
    })
}

/// Returns the conditions, of which there is at least one.
fn all_conditions(query: &EventQuery, last: Option<DateTime>) -> Result<Vec<Bson>> {
    let (plan, filter) = (query.plan()?, &query.filter);
    let mut all = conditions(filter);
    let after = plan.after().map(|after| after.time);
    if has_indexed_clause(filter) {
        let (after, (_, beyond, _)) = (after.map(block), sign(query.direction));
        let (_, within, _) = sign(query.direction.reversed());
        let ends = [("$gte", filter.since.map(block)), ("$lte", filter.until.map(block))];
        let ends = ends.into_iter().chain([(beyond, after), (within, last)]);
        all.extend(ends.filter_map(|(op, end)| Some(doc! { "d": { op: end? } })));
    }
    all.extend(plan.after().map(|after| behind_event(query.direction, after)));
    if all.is_empty() {
        all.push(Document::new());
    }
    Ok(all.into_iter().map(Bson::from).collect())
}

fn conditions(filter: &EventFilter) -> Vec<Document> {
    let mut all = Vec::new();
    if let Some(app_id) = &filter.app_id {
        all.push(doc! { "a": { "$eq": app_id } });
    }
    if let Some(event_type) = &filter.event_type {
        all.push(doc! { "c": { "$eq": event_type } });
    }
    if let Some(id) = filter.occurrence_id {
        all.push(doc! { "_id.i": binary(id.as_bytes()) });
    }
    if let Some(id) = &filter.external_id {
        all.push(doc! { "x": { "$eq": id } });
    }
    if let Some(since) = filter.since {
        all.push(doc! { "m": { "$gte": since.as_micros() } });
    }
    if let Some(until) = filter.until {
        all.push(doc! { "m": { "$lte": until.as_micros() } });
    }
    all.extend(filter.clauses.iter().map(alternatives));
    all
}

/// Returns the condition for a clause. All alternatives are on one level, so that the server can follow the
/// index for each and merge what it finds.
fn alternatives(clause: &Clause) -> Document {
    let traits = clause.comparisons().iter().filter_map(|one| Some((one, trait_tests(one)?)));
    let ways = traits.flat_map(|(comparison, (name, tests))| {
        let tests = tests.iter().map(|test| one_test(name, test));
        if comparison.is_negated() {
            let tests: Vec<Bson> = tests.map(Bson::from).collect();
            vec![doc! { "$nor": tests }]
        } else {
            tests.collect()
        }
    });
    let mut ways: Vec<Document> = ways.collect();
    match (ways.len(), ways.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            ways.extend(last);
            doc! { "$or": ways }
        }
    }
}

/// `$eq` and `$elemMatch` keep names and values of callers from being taken for operators.
fn one_test(name: &str, test: &ValueTest) -> Document {
    let operator = match test.op {
        Operator::Eq => "$eq",
        Operator::Ne => "$ne",
        Operator::Lt => "$lt",
        Operator::Le => "$lte",
        Operator::Gt => "$gt",
        Operator::Ge => "$gte",
    };
    doc! { "r": { "$elemMatch": {
        "k": { "$eq": trait_key(name, test.value.kind()) },
        "v": { operator: trait_value(&test.value) },
    } } }
}
