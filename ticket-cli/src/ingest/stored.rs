//! What a store already holds of a file.
//!
//! Lines are identified by [`FileIdentity`]. Two things do not follow from the line alone, and are
//! therefore stored as traits of its record:
//!
//! - [`UNDATED`]: a line before the first time in a file takes the modification time of the file, which
//!   changes. The ids of all such lines are made from the time that the file had when one of them was
//!   first recorded.
//! - [`OPEN_END`]: the last record of a file may be incomplete: a stack trace, or a line whose end is not
//!   written yet. It is recorded as it is. When the rest has come, it must not be recorded again, possibly
//!   under another ticket, since what makes the ticket may be in the rest. The trait says how much of
//!   its first line was there.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use ticket_core::{
    Comparison, ErrorKind, EventFilter, EventQuery, MAX_LIMIT, OccurrenceId, Operator, Store,
    Timestamp, Value,
};
use ticket_ingest::FileIdentity;

/// The trait with the key of the file of a record without a time.
pub(super) const UNDATED: &str = "ingest.undated";
/// The trait with the place of a record that was the last one of its file, as `KEY:OFFSET:LENGTH`.
pub(super) const OPEN_END: &str = "ingest.open_end";

/// The identities of the lines of a file.
#[derive(Clone, Debug)]
pub(super) struct FileLines {
    identity: FileIdentity,
    key: String,
    stored: Stored,
}

/// What is stored of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Stored {
    /// The time in the ids of records without a time, to the millisecond.
    undated: Option<Timestamp>,
    /// The records that were once the last one, by the byte at which they begin: the length of the first
    /// line then, and the id that this gave.
    open_ends: HashMap<u64, Vec<(usize, OccurrenceId)>>,
}

impl FileLines {
    /// Returns the identities of a file that exists, of which nothing is stored.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let identity = FileIdentity::new(path)?;
        let key = identity.key();
        Ok(Self { identity, key, stored: Stored::default() })
    }

    /// Asks the store what it holds of the file.
    pub(super) async fn look_up(
        &self,
        store: &dyn Store,
        app_id: &str,
    ) -> ticket_core::Result<Stored> {
        let mut stored = Stored::default();
        let filter = || EventFilter::new().with_app_id(app_id);
        let of_file = Comparison::new(UNDATED, Operator::Eq, self.key.as_str());
        let query = EventQuery::new().with_filter(filter().with_comparison(of_file)).with_limit(1);
        let page = match store.get_events(&query).await {
            Ok(page) => page,
            // A store without events cannot be asked. Then the last record of a growing file counts twice.
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(stored),
            Err(error) => return Err(error),
        };
        stored.undated = page.items.first().and_then(|event| time_of(event.record.id));

        // All traits that begin with `KEY:`, since `;` follows `:`.
        let from = Comparison::new(OPEN_END, Operator::Ge, format!("{}:", self.key));
        let to = Comparison::new(OPEN_END, Operator::Lt, format!("{};", self.key));
        let filter = filter().with_comparison(from).with_comparison(to);
        let mut query = EventQuery::new().with_filter(filter).with_limit(MAX_LIMIT);
        loop {
            let page = store.get_events(&query).await?;
            for event in &page.items {
                if let Some(Value::Text(place)) = event.record.traits.get(OPEN_END)
                    && let Some((offset, length)) = parse_open_end(place)
                {
                    stored.open_ends.entry(offset).or_default().push((length, event.record.id));
                }
            }
            match page.next {
                Some(next) => query = query.with_after(next),
                None => return Ok(stored),
            }
        }
    }

    /// Sets what [`look_up`](Self::look_up) has found.
    pub(super) fn set_stored(&mut self, stored: Stored) {
        self.stored = stored;
    }

    /// Returns `true` if the record that begins here was stored when its first line was shorter. The time
    /// is that of its id.
    pub(super) fn is_stored_in_part(&self, time: Timestamp, offset: u64, text: &str) -> bool {
        self.stored.open_ends.get(&offset).is_some_and(|stored| {
            stored.iter().any(|(length, id)| {
                text.get(..*length)
                    .is_some_and(|part| self.occurrence_id(time, offset, part) == *id)
            })
        })
    }

    /// Returns the id of the record that begins here.
    pub(super) fn occurrence_id(&self, time: Timestamp, offset: u64, text: &str) -> OccurrenceId {
        self.identity.occurrence_id(time, offset, text)
    }

    /// Returns the time for the ids of records without a time: `now` for the first one, and the same for
    /// all others.
    pub(super) fn undated(&mut self, now: Timestamp) -> Timestamp {
        *self.stored.undated.get_or_insert(now)
    }

    /// Returns the value of the trait [`UNDATED`].
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Returns the value of the trait [`OPEN_END`] for a record that begins here.
    pub(super) fn open_end(&self, offset: u64, text: &str) -> String {
        format!("{}:{offset}:{}", self.key, text.len())
    }
}

/// Returns the offset and the length.
fn parse_open_end(place: &str) -> Option<(u64, usize)> {
    let mut parts = place.rsplit(':');
    let length = parts.next()?.parse().ok()?;
    Some((parts.next()?.parse().ok()?, length))
}

/// Returns the time in an id.
fn time_of(id: OccurrenceId) -> Option<Timestamp> {
    let (seconds, nanos) = id.as_uuid().get_timestamp()?.to_unix();
    let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(micros + i64::from(nanos / 1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_has_grown_is_recognized_by_its_beginning() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut lines = FileLines::new(file.path()).unwrap();
        let time = Timestamp::from_micros(1_000_000);
        let (offset, length) = parse_open_end(&lines.open_end(7, "ERROR no")).unwrap();
        assert_eq!((offset, length), (7, 8));
        let id = lines.occurrence_id(time, 7, "ERROR no");
        lines.stored.open_ends.insert(offset, vec![(length, id)]);
        assert!(lines.is_stored_in_part(time, 7, "ERROR no such user"));
        assert!(lines.is_stored_in_part(time, 7, "ERROR no"));
        assert!(!lines.is_stored_in_part(time, 7, "ERROR yes"));
        assert!(!lines.is_stored_in_part(time, 8, "ERROR no"));
        assert!(!lines.is_stored_in_part(time, 7, "ERROR n\u{fffd}\u{fffd}"));
    }

    #[test]
    fn an_id_holds_its_time() {
        let time = Timestamp::from_micros(1_795_258_040_123_000);
        assert_eq!(time_of(OccurrenceId::from_key(time, "x")), Some(time));
    }
}
