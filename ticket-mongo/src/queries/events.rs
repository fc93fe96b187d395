//! Events by their traits (rules 15 and 16).

use mongodb::bson::{Bson, DateTime, Document, doc};
use ticket_core::backend::{EventPosition, ValueTest};
use ticket_core::{Comparison, EventFilter, EventQuery, Occurrence, Operator, Page, Result};

use super::{behind_event, by_time, occurrences_of, sign, to_i64};
use crate::connection::Connection;
use crate::error::{Outcome, corrupt};
use crate::row::{binary, block, trait_key, trait_value};
use crate::schema::{EXTERNAL_IDS, TRAITS};

/// Reads events; with comparisons, in two steps. The first follows the index of traits, one block
/// of time after the other, until it has found enough events. These need not be the first in the
/// order of time, but the first ones lie in the same blocks. The second step reads all matching
/// events of those blocks and sorts them.
pub(crate) async fn get_events(
    connection: &Connection,
    query: &EventQuery,
) -> Outcome<Page<Occurrence>> {
    let plan = query.plan()?;
    let filter = &query.filter;
    let has_id = filter.occurrence_id.is_some() || filter.external_id.is_some();
    if filter.traits.is_empty() || has_id || query.offset() > 0 {
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

/// Returns the index that yields the order or the few events with an id of either kind. With comparisons MongoDB
/// chooses, by running the candidates side by side.
fn index(filter: &EventFilter) -> Option<&'static str> {
    if filter.occurrence_id.is_some() {
        return Some("by_id");
    }
    if filter.external_id.is_some() {
        return Some(EXTERNAL_IDS);
    }
    if !filter.traits.is_empty() {
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
    if !filter.traits.is_empty() {
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
    all.extend(filter.traits.iter().map(comparison));
    all
}

fn comparison(comparison: &Comparison) -> Document {
    let tests = comparison.tests().iter().map(|test| Bson::from(one_test(comparison.name(), test)));
    let mut tests: Vec<Bson> = tests.collect();
    match (tests.len(), tests.pop()) {
        (1, Some(Bson::Document(only))) => only,
        (_, last) => {
            tests.extend(last);
            doc! { "$or": tests }
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
