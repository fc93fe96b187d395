//! Event types, trait types and traits (rule 17).

use std::collections::BTreeSet;

use ticket_core::backend::TraitWalk;
use ticket_core::{
    Direction, EventFilter, EventTrait, EventTypeQuery, Page, Result, TraitQuery, TraitType,
    TraitTypeQuery, ValueKind,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::events::{Reader, read};
use super::leads::{Entries, Lead};
use super::walk::{TYPES, Walk, types};
use crate::connection::{Call, Connections};
use crate::error::corrupt;
use crate::row::{get, tested};

/// A name with more entries than this is so common that reading all events in the order of time is
/// faster than following its entries.
const RARE: usize = 30_000;

/// Finds the names and kinds of the type $1 with one index lookup for each, however many traits
/// there are.
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

/// Walks name after name through the events that have it.
pub(crate) async fn get_traits(
    connections: &Connections,
    query: &TraitQuery,
) -> Result<Page<EventTrait>> {
    let traits = TraitWalk::new(query)?;
    let mut call = connections.read().await?.along_indexes();
    let mut filter = EventFilter::new().with_event_type(query.event_type.as_str());
    filter.app_id.clone_from(&query.app_id);
    let types = types(&mut call, query.app_id.as_deref(), Some(&query.event_type)).await?;
    let mut traits = traits.with_names(names(&mut call, query, &types).await?);
    while let Some(step) = traits.next_step() {
        let walk = Walk::new(&mut call, &filter, Direction::Ascending, step.after.as_ref()).await?;
        let entries = Entries::of_name(&step.name, &types);
        let lead = match entries.count(&mut call, RARE).await? {
            Some(_) => Lead::Traits(entries),
            None => Lead::Time(None),
        };
        let mut reader = Reader::new(0, step.limit);
        let make = |row: &Row, event| {
            let value = tested(row)?.traits.remove(step.name.as_str());
            Ok(value.map(|value| EventTrait { name: step.name.clone(), value, event }))
        };
        read(&mut call, &walk, lead, &mut reader, make).await?;
        traits.add(reader.found);
    }
    call.finish().await?;
    Ok(traits.into_page())
}

async fn names(call: &mut Call<'_>, query: &TraitQuery, types: &[i64]) -> Result<Vec<String>> {
    if let Some(name) = &query.name {
        return Ok(vec![name.clone()]);
    }
    let mut names: Vec<String> =
        trait_types_of(call, types).await?.into_iter().map(|found| found.name).collect();
    // A name with values of two kinds appears twice in a row.
    names.dedup();
    Ok(names)
}
