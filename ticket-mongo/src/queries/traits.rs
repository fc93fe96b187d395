//! Event types, trait types and traits (rule 17).

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, doc};
use ticket_core::backend::{EventPosition, TraitWalk};
use ticket_core::{
    Direction, EventTrait, EventTypeQuery, Page, Result, TraitQuery, TraitType, TraitTypeQuery,
    ValueKind,
};

use super::{behind_event, by_time, to_i64};
use crate::connection::Connection;
use crate::error::{Outcome, corrupt};
use crate::row::{occurrence, split_trait_key, trait_key};

pub(crate) async fn event_types(
    connection: &Connection,
    query: &EventTypeQuery,
) -> Outcome<Vec<String>> {
    let answer = connection.run(distinct_types(connection, query.app_id.as_deref())).await?;
    let values = answer.get_array("values").map_err(|_| corrupt("the list of types"))?;
    let types = values
        .iter()
        .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| corrupt("the list of types")));
    Ok(types.collect::<Result<BTreeSet<_>>>()?.into_iter().collect())
}

pub(super) fn distinct_types(connection: &Connection, app_id: Option<&str>) -> Document {
    let filter = app_id.map_or_else(Document::new, |app_id| doc! { "a": { "$eq": app_id } });
    doc! { "distinct": connection.names.of("occurrences"), "key": "c", "query": filter }
}

pub(crate) async fn trait_types(
    connection: &Connection,
    query: &TraitTypeQuery,
) -> Outcome<Vec<TraitType>> {
    trait_types_of(connection, query.app_id.as_deref(), &query.event_type).await
}

async fn trait_types_of(
    connection: &Connection,
    app_id: Option<&str>,
    event_type: &str,
) -> Outcome<Vec<TraitType>> {
    let found = connection.read(distinct_traits(connection, app_id, event_type)).await?;
    let types = found.iter().map(|found| {
        let key = found.get_str("_id").map_err(|_| corrupt("a trait's name"))?;
        let (name, kind) = split_trait_key(key)?;
        Ok(TraitType { name: name.to_owned(), kind })
    });
    Ok(types.collect::<Result<BTreeSet<_>>>()?.into_iter().collect())
}

pub(super) fn distinct_traits(
    connection: &Connection,
    app_id: Option<&str>,
    event_type: &str,
) -> Document {
    doc! {
        "aggregate": connection.names.of("occurrences"),
        "pipeline": [
            { "$match": of_type(app_id, event_type) },
            { "$project": { "k": "$r.k" } },
            { "$unwind": "$k" },
            { "$group": { "_id": "$k" } },
        ],
        "hint": index(app_id),
    }
}

fn of_type(app_id: Option<&str>, event_type: &str) -> Document {
    let mut filter = doc! { "c": { "$eq": event_type } };
    if let Some(app_id) = app_id {
        filter.insert("a", doc! { "$eq": app_id });
    }
    filter
}

const fn index(app_id: Option<&str>) -> &'static str {
    if app_id.is_some() { "by_app" } else { "by_type" }
}

/// Walks name after name through the events that have it, until the page is full.
pub(crate) async fn get_traits(
    connection: &Connection,
    query: &TraitQuery,
) -> Outcome<Page<EventTrait>> {
    let traits = TraitWalk::new(query)?;
    let names = match &query.name {
        Some(name) => vec![name.clone()],
        None => {
            let types =
                trait_types_of(connection, query.app_id.as_deref(), &query.event_type).await?;
            let mut names: Vec<String> = types.into_iter().map(|one| one.name).collect();
            // A name with values of two kinds appears twice in a row.
            names.dedup();
            names
        }
    };
    let mut traits = traits.with_names(names);
    while let Some(step) = traits.next_step() {
        let find = with_trait(connection, query, &step.name, step.after.as_ref(), step.limit);
        for found in connection.read(find).await? {
            let event = occurrence(&found)?;
            let value = event.record.traits.get(step.name.as_str()).cloned();
            let (name, event) = (step.name.clone(), EventPosition::of(&event));
            traits.add(value.map(|value| EventTrait { name, value, event }));
        }
    }
    Ok(traits.into_page())
}

pub(super) fn with_trait(
    connection: &Connection,
    query: &TraitQuery,
    name: &str,
    after: Option<&EventPosition>,
    limit: usize,
) -> Document {
    let keys = ValueKind::ALL.map(|kind| Bson::from(trait_key(name, kind))).to_vec();
    let mut conditions = vec![
        Bson::from(of_type(query.app_id.as_deref(), &query.event_type)),
        Bson::from(doc! { "r.k": { "$in": keys } }),
    ];
    conditions.extend(after.map(|after| Bson::from(behind_event(Direction::Ascending, after))));
    doc! {
        "find": connection.names.of("occurrences"),
        "filter": { "$and": conditions },
        "sort": by_time(Direction::Ascending),
        "limit": to_i64(limit),
        "hint": index(query.app_id.as_deref()),
    }
}
