//! What every walk through events needs: positions in the order of time, a range of time, and the
//! types.

use ticket_core::backend::EventPosition;
use ticket_core::{Direction, EventFilter, Result, Timestamp};
use uuid::Uuid;

use super::occurrences::before_all;
use crate::connection::Call;
use crate::row::{get, type_key, uuid_of};

/// Finds all types with one index lookup for each, however many events there are.
pub(super) const TYPES: &str = r#"WITH RECURSIVE types AS (
  (SELECT o.type, o.app_id, o.channel FROM {s}."{p}occurrences" o ORDER BY o.type LIMIT 1)
  UNION ALL
  SELECT next.* FROM types CROSS JOIN LATERAL (
    SELECT o.type, o.app_id, o.channel FROM {s}."{p}occurrences" o
    WHERE o.type > types.type ORDER BY o.type LIMIT 1) next
) SELECT type, app_id, channel FROM types"#;

/// Returns the keys of the types of an application, of a channel, or of both.
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

/// The position of an event in the order of time: its time, its id and its ticket's id.
pub(super) type Place = (i64, Uuid, Uuid);

/// A filter as the statements need it, apart from its clauses.
pub(super) struct Walk<'a> {
    pub(super) filter: &'a EventFilter,
    pub(super) direction: Direction,
    pub(super) after: Place,
    pub(super) since: i64,
    pub(super) until: i64,
    /// The keys of the wanted types; `None` for all of them.
    pub(super) types: Option<Vec<i64>>,
}

impl<'a> Walk<'a> {
    pub(super) async fn new(
        call: &mut Call<'_>,
        filter: &'a EventFilter,
        direction: Direction,
        after: Option<&EventPosition>,
    ) -> Result<Self> {
        let before_all = before_all(direction);
        let types = match (&filter.app_id, &filter.event_type) {
            (None, None) => None,
            (app_id, event_type) => {
                Some(types(call, app_id.as_deref(), event_type.as_deref()).await?)
            }
        };
        Ok(Self {
            filter,
            direction,
            after: after.map_or((before_all.0, before_all.1, before_all.1), |after| {
                (after.time.as_micros(), *after.id.as_uuid(), uuid_of(after.ticket_id))
            }),
            since: filter.since.unwrap_or(Timestamp::MIN).as_micros(),
            until: filter.until.unwrap_or(Timestamp::MAX).as_micros(),
            types,
        })
    }

    /// Returns the position to start after, within the range of time.
    pub(super) const fn start(&self, place: Place) -> Place {
        match self.direction {
            Direction::Ascending if place.0 < self.since => (self.since - 1, LAST, LAST),
            Direction::Descending if place.0 > self.until => (self.until + 1, FIRST, FIRST),
            Direction::Ascending | Direction::Descending => place,
        }
    }

    /// Returns the end of the range of time towards which the walk goes.
    pub(super) const fn end(&self) -> i64 {
        match self.direction {
            Direction::Ascending => self.until,
            Direction::Descending => self.since,
        }
    }

    /// Returns that end, but no more than `window` microseconds from a time.
    pub(super) fn end_within(&self, time: i64, window: u64) -> i64 {
        match self.direction {
            Direction::Ascending => time.saturating_add_unsigned(window).min(self.until),
            Direction::Descending => time.saturating_sub_unsigned(window).max(self.since),
        }
    }
}

const FIRST: Uuid = Uuid::from_bytes([0; 16]);
const LAST: Uuid = Uuid::from_bytes([0xff; 16]);
