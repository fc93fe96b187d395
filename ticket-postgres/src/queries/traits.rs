//! Which types and traits there are (rule 17).

use std::collections::BTreeSet;

use ticket_core::{
    Direction, EventFilter, EventTrait, EventTypeQuery, Page, Result, TraitQuery, TraitType,
    TraitTypeQuery, ValueKind,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::events::{Reader, Walk, only_traits, read};
use super::leads::{Entries, Lead};
use crate::connection::{Call, Connections};
use crate::error::corrupt;
use crate::row::{get, type_key};

/// More entries of a name than this do not lead: so many events have it that each may be read.
const RARE: usize = 30_000;

/// One step along the index for each type, whatever the number of its events.
pub(super) const TYPES: &str = r#"WITH RECURSIVE types AS (
  (SELECT o.type, o.app_id, o.channel FROM {s}."{p}occurrences" o ORDER BY o.type LIMIT 1)
  UNION ALL
  SELECT next.* FROM types CROSS JOIN LATERAL (
    SELECT o.type, o.app_id, o.channel FROM {s}."{p}occurrences" o
    WHERE o.type > types.type ORDER BY o.type LIMIT 1) next
) SELECT type, app_id, channel FROM types"#;

/// One step for each name and kind of the type $1.
pub(super) const TRAIT_TYPES: &str = r#"WITH RECURSIVE kinds AS (
  (SELECT x.name, substr(x.value, 1, 1) AS kind FROM {s}."{p}traits" x
   WHERE x.type = $1 ORDER BY x.name, x.value LIMIT 1)
  UNION ALL
  SELECT next.* FROM kinds CROSS JOIN LATERAL (
    SELECT x.name, substr(x.value, 1, 1) AS kind FROM {s}."{p}traits" x
    WHERE x.type = $1
      AND (x.name, x.value) >= (kinds.name, set_byte(kinds.kind, 0, get_byte(kinds.kind, 0) + 1))
    ORDER BY x.name, x.value LIMIT 1) next
) SELECT name, get_byte(kind, 0)::int2 FROM kinds"#;

/// The numbers of the types of an application, of a channel, or of both.
pub(super) async fn types(
    call: &mut Call<'_>,
    app_id: Option<&str>,
    channel: Option<&str>,
) -> Result<Vec<i64>> {
    if let (Some(app_id), Some(channel)) = (app_id, channel) {
        return Ok(vec![type_key(app_id, channel)]);
    }
    let mut found = Vec::new();
    for row in call.query(&call.names().sql(TYPES), &[]).await? {
        let is = |asked: Option<&str>, column| {
            get::<&str>(&row, column).map(|text| asked.is_none_or(|asked| asked == text))
        };
        if is(app_id, 1)? && is(channel, 2)? {
            found.push(get(&row, 0)?);
        }
    }
    Ok(found)
}

pub(crate) async fn event_types(
    connections: &Connections,
    query: &EventTypeQuery,
) -> Result<Vec<String>> {
    let call = connections.read().await?.along_indexes();
    let sql = call.names().sql(TYPES);
    let mut channels = BTreeSet::new();
    for row in call.only(&sql, &[]).await? {
        let app: &str = get(&row, 1)?;
        if query.app_id.as_ref().is_none_or(|asked| asked == app) {
            channels.insert(get::<String>(&row, 2)?);
        }
    }
    Ok(channels.into_iter().collect())
}

pub(crate) async fn trait_types(
    connections: &Connections,
    query: &TraitTypeQuery,
) -> Result<Vec<TraitType>> {
    let mut call = connections.read().await?.along_indexes();
    let types = types(&mut call, query.app_id.as_deref(), Some(&query.event_type)).await?;
    let found = trait_types_of(&mut call, &types).await?;
    call.finish().await?;
    Ok(found.into_iter().collect())
}

async fn trait_types_of(call: &mut Call<'_>, types: &[i64]) -> Result<BTreeSet<TraitType>> {
    let mut found = BTreeSet::new();
    for event_type in types {
        let sql = call.names().sql(TRAIT_TYPES);
        for row in call.query(&sql, &[(event_type, Type::INT8)]).await? {
            let kind = u8::try_from(get::<i16>(&row, 1)?).ok().and_then(ValueKind::from_u8);
            let kind = kind.ok_or_else(|| corrupt("a trait's type"))?;
            found.insert(TraitType { name: get(&row, 0)?, kind });
        }
    }
    Ok(found)
}

/// Name after name, each as a walk through the events that have it.
pub(crate) async fn get_traits(
    connections: &Connections,
    query: &TraitQuery,
) -> Result<Page<EventTrait>> {
    let plan = query.plan()?;
    let mut call = connections.read().await?.along_indexes();
    let mut filter = EventFilter::new().with_event_type(query.event_type.as_str());
    filter.app_id.clone_from(&query.app_id);
    let types = types(&mut call, query.app_id.as_deref(), Some(&query.event_type)).await?;
    let mut traits = Vec::new();
    for name in names(&mut call, query, &types, plan.after().map(|after| &after.name)).await? {
        let after = plan.after().filter(|after| after.name == name).map(|after| &after.event);
        let walk = Walk::new(&mut call, &filter, Direction::Ascending, after).await?;
        let entries = Entries::of_name(&name, &types);
        let lead = match entries.count(&mut call, RARE).await? {
            Some(_) => Lead::Traits(entries),
            None => Lead::Time(None),
        };
        let mut reader = Reader::new(0, plan.fetch() - traits.len());
        let make = |row: &Row, event| {
            let value = only_traits(row)?.remove(name.as_str());
            Ok(value.map(|value| EventTrait { name: name.clone(), value, event }))
        };
        read(&mut call, &walk, lead, &mut reader, make).await?;
        traits.append(&mut reader.found);
        if traits.len() >= plan.fetch() {
            break;
        }
    }
    call.finish().await?;
    Ok(plan.page(traits))
}

async fn names(
    call: &mut Call<'_>,
    query: &TraitQuery,
    types: &[i64],
    after: Option<&String>,
) -> Result<BTreeSet<String>> {
    if let Some(name) = &query.name {
        return Ok(after
            .is_none_or(|after| after <= name)
            .then(|| name.clone())
            .into_iter()
            .collect());
    }
    let found = trait_types_of(call, types).await?.into_iter().map(|found| found.name);
    Ok(found.filter(|name| after.is_none_or(|after| after <= name)).collect())
}
