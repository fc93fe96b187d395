//! Events by their traits (rules 15 and 16).

use mongodb::bson::{Bson, Document, doc};
use ticket_core::{Comparison, EventFilter, EventQuery, Occurrence, Op, Page, Result, Test};

use super::{behind_event, by_time, occurrences_of, to_i64};
use crate::connection::Connection;
use crate::error::Outcome;
use crate::row::{binary, trait_key, trait_value};

pub(crate) async fn get_events(
    connection: &Connection,
    query: &EventQuery,
) -> Outcome<Page<Occurrence>> {
    let plan = query.plan()?;
    let found = connection.read(list(connection, query)?).await?;
    Ok(plan.page(occurrences_of(&found)?))
}

pub(super) fn list(connection: &Connection, query: &EventQuery) -> Result<Document> {
    let plan = query.plan()?;
    let mut conditions = conditions(&query.filter);
    if let Some(after) = plan.after() {
        conditions.push(behind_event(query.direction, after));
    }
    if conditions.is_empty() {
        conditions.push(Document::new());
    }
    let mut find = doc! {
        "find": connection.names.of("occurrences"),
        "filter": { "$and": conditions.into_iter().map(Bson::from).collect::<Vec<_>>() },
        "sort": by_time(query.direction),
        "skip": to_i64(query.offset),
        "limit": to_i64(plan.fetch()),
    };
    if let Some(index) = index(&query.filter) {
        find.insert("hint", index);
    }
    Ok(find)
}

/// The index that gives the order, or the few events there are. With comparisons MongoDB chooses, by
/// trying the ways there are side by side.
fn index(filter: &EventFilter) -> Option<&'static str> {
    if filter.occurrence_id.is_some() {
        return Some("by_id");
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

/// Names and values are values here, never parts of a command's own words.
fn one_test(name: &str, test: &Test) -> Document {
    let operator = match test.op {
        Op::Eq => "$eq",
        Op::Ne => "$ne",
        Op::Lt => "$lt",
        Op::Le => "$lte",
        Op::Gt => "$gt",
        Op::Ge => "$gte",
    };
    doc! { "r": { "$elemMatch": {
        "k": { "$eq": trait_key(name, test.value.kind()) },
        "v": { operator: trait_value(&test.value) },
    } } }
}
