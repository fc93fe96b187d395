//! The places of a ticket in the sorted lists.
//!
//! For each order a ticket has one place among all tickets and one among those of its application.
//! A place is a text that sorts by status, then key, then id:
//!
//! ```text
//!   shop\0 1 8000018bcfe56800 5f2a...    app_id (or nothing), status, key as 16 hex digits, id
//! ```
//!
//! All places are fields of one subdocument under one wildcard index. One index per order would be
//! simpler, but within a transaction MongoDB 6 reads its catalogue twice for each index of an
//! updated document: with ten indexes that took two thirds of the time of a batch.
//!
//! The last time and the count change with every batch, and changing a place is the most expensive
//! part of a batch. So the places in these two orders are rough: the time changes its place about
//! once a minute, and the count when one of its four highest bits changes. A query in such an order
//! reads along the places until it has found enough tickets, and then sorts all tickets whose
//! places lie before that point. Version 3 had exact places everywhere. They sort among the rough
//! ones and are replaced over time.

use mongodb::bson::{Document, doc};
use ticket_core::backend::SortKey;
use ticket_core::{Direction, Result, StatusKind, TicketId, TicketSort};

use crate::error::corrupt;
use crate::row;

/// The index of all places.
pub(crate) const INDEX: &str = "by_place";

/// The prefix of the fields with places.
const PLACES: &str = "k.";

/// Sorts after everything that can follow the key in a place.
const ABOVE: &str = "~";

/// The sort keys of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) app_id: String,
    pub(crate) status: StatusKind,
    pub(crate) last: i64,
    pub(crate) first: i64,
    pub(crate) count: i64,
    pub(crate) level: i64,
    pub(crate) channel: String,
}

impl Keys {
    /// Reads the keys of a ticket's document, which needs only [these fields](Self::fields).
    pub(crate) fn of(ticket: &Document) -> Result<Self> {
        Ok(Self {
            app_id: row::required_text(ticket, "a")?,
            status: row::status(ticket)?.kind(),
            last: row::integer(ticket, "m")?,
            first: row::integer(ticket, "f")?,
            count: row::integer(ticket, "n")?,
            level: row::integer(ticket, "l")?,
            channel: row::required_text(ticket, "c")?,
        })
    }

    /// Returns the projection of the fields that [`of`](Self::of) reads.
    pub(crate) fn fields() -> Document {
        doc! {
            "a": 1, "s": 1, "st": 1, "solved_release": 1, "solved_after": 1, "m": 1, "f": 1, "n": 1,
            "l": 1, "c": 1,
        }
    }

    fn key(&self, sort: TicketSort) -> SortKey {
        match sort {
            TicketSort::FirstOccurrence => SortKey::Number(self.first),
            TicketSort::Count => SortKey::Number(self.count),
            TicketSort::Level => SortKey::Number(self.level),
            TicketSort::Channel => SortKey::Text(self.channel.clone()),
            // Unknown sort keys of a later version sort like the default.
            _ => SortKey::Number(self.last),
        }
    }

    /// Returns the key as it appears in the place.
    fn rough_key(&self, sort: TicketSort) -> SortKey {
        match self.key(sort) {
            SortKey::Number(number) => SortKey::Number(class(sort, number).0),
            text @ SortKey::Text(_) => text,
        }
    }

    /// Returns the fields of the places that differ from those of the keys `before`.
    pub(crate) fn places(&self, id: TicketId, before: Option<&Self>) -> Document {
        let before = before.filter(|before| before.status == self.status);
        let id = id.to_string();
        let mut fields = Document::new();
        for sort in TicketSort::ALL {
            let key = self.rough_key(sort);
            if before.is_some_and(|before| before.rough_key(sort) == key) {
                continue;
            }
            for app_id in [None, Some(self.app_id.as_str())] {
                let start = start(app_id, self.status.as_u8());
                fields.insert(field(app_id, sort), place(&start, &key, &id));
            }
        }
        fields
    }
}

/// Returns the field of an order, among the tickets of all applications or of one.
pub(crate) fn field(app_id: Option<&str>, sort: TicketSort) -> String {
    let scope = if app_id.is_some() { "app_" } else { "" };
    let order = match sort {
        TicketSort::FirstOccurrence => "first",
        TicketSort::Count => "count",
        TicketSort::Level => "level",
        TicketSort::Channel => "channel",
        _ => "last",
    };
    format!("{PLACES}{scope}{order}")
}

/// Returns the start of the places of a status.
fn start(app_id: Option<&str>, status: u8) -> String {
    app_id.map_or_else(|| format!("{status}"), |app_id| format!("{app_id}\0{status}"))
}

/// Returns a place, or a bound of places if `rest` is not an id.
fn place(start: &str, key: &SortKey, rest: &str) -> String {
    match key {
        // Flipping the sign bit sorts negative numbers first.
        SortKey::Number(number) => {
            format!("{start}{:016x}{rest}", u64::from_be_bytes(number.to_be_bytes()) ^ (1 << 63))
        }
        // No text contains NUL, and nothing sorts before it.
        SortKey::Text(text) => format!("{start}{text}\0{rest}"),
    }
}

/// Returns the first and the last key that share a place with this one; see [the module](self).
fn class(sort: TicketSort, key: i64) -> (i64, i64) {
    // 2^26 µs are about a minute.
    const TIME: u32 = 26;
    // A count keeps its four highest bits.
    const COUNT: u32 = 4;
    let low = match sort {
        TicketSort::FirstOccurrence | TicketSort::Level | TicketSort::Channel => 0,
        TicketSort::Count => (i64::BITS - key.max(0).leading_zeros()).saturating_sub(COUNT),
        _ => TIME,
    };
    let rest = (1 << low) - 1;
    (key & !rest, key | rest)
}

/// Returns `true` if tickets with different keys may share a place in this order.
pub(crate) const fn is_rough(sort: TicketSort) -> bool {
    !matches!(sort, TicketSort::FirstOccurrence | TicketSort::Level | TicketSort::Channel)
}

/// A range of places of one status. Where places are rough it may contain more tickets than asked
/// for.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    sort: TicketSort,
    field: String,
    start: String,
    above: String,
    below: String,
}

impl Range {
    /// Returns the range of all places of a status.
    pub(crate) fn of(app_id: Option<&str>, sort: TicketSort, status: StatusKind) -> Self {
        let start_of = |status| start(app_id, status);
        let start = start_of(status.as_u8());
        let below = start_of(status.as_u8() + 1);
        Self { sort, field: field(app_id, sort), above: start.clone(), start, below }
    }

    /// Restricts the range to keys from this one on.
    pub(crate) fn from(self, key: &SortKey) -> Self {
        let place = place(&self.start, &self.end_of_class(key, false), "");
        Self { above: self.above.max(place), ..self }
    }

    /// Restricts the range to keys up to this one.
    pub(crate) fn to(self, key: &SortKey) -> Self {
        let place = place(&self.start, &self.end_of_class(key, true), ABOVE);
        Self { below: self.below.min(place), ..self }
    }

    /// Restricts the range to the places after a ticket.
    pub(crate) fn behind(self, direction: Direction, key: &SortKey, id: TicketId) -> Self {
        if !self.is_whole(key) {
            return match direction {
                Direction::Ascending => self.from(key),
                Direction::Descending => self.to(key),
            };
        }
        let place = place(&self.start, key, &id.to_string());
        self.behind_place(direction, place)
    }

    /// Restricts the range to those after a place.
    pub(crate) fn behind_place(self, direction: Direction, place: String) -> Self {
        match direction {
            Direction::Ascending => Self { above: self.above.max(place), ..self },
            Direction::Descending => Self { below: self.below.min(place), ..self },
        }
    }

    /// Restricts the range to the places up to and including a ticket, in a direction.
    pub(crate) fn reaching(self, direction: Direction, key: &SortKey, id: TicketId) -> Self {
        if !self.is_whole(key) {
            return match direction {
                Direction::Ascending => self.to(key),
                Direction::Descending => self.from(key),
            };
        }
        let mut place = place(&self.start, key, &id.to_string());
        match direction {
            Direction::Ascending => place.push_str(ABOVE),
            // Below the place itself, and above nearly all places below it.
            Direction::Descending => drop(place.pop()),
        }
        self.behind_place(direction.reversed(), place)
    }

    fn end_of_class(&self, key: &SortKey, is_last: bool) -> SortKey {
        match key {
            SortKey::Number(number) => {
                let (first, last) = class(self.sort, *number);
                SortKey::Number(if is_last { last } else { first })
            }
            SortKey::Text(_) => key.clone(),
        }
    }

    /// Returns `true` if all tickets that share the place of a key have this key.
    fn is_whole(&self, key: &SortKey) -> bool {
        self.end_of_class(key, false) == self.end_of_class(key, true)
    }

    /// Returns the field of the places.
    pub(crate) fn field(&self) -> &str {
        &self.field
    }

    /// Returns the place of a ticket's document.
    pub(crate) fn place_of(&self, ticket: &Document) -> Result<String> {
        let name = self.field.trim_start_matches(PLACES);
        let place = ticket.get_document("k").ok().and_then(|places| places.get_str(name).ok());
        place.map(str::to_owned).ok_or_else(|| corrupt("a ticket's place"))
    }

    /// Returns the condition. Both bounds are exclusive: a bound is either no complete place or
    /// that of a ticket that is not wanted.
    pub(crate) fn condition(&self) -> Document {
        doc! { &self.field: { "$gt": &self.above, "$lt": &self.below } }
    }

    /// Returns the order, ascending or descending.
    pub(crate) fn sort(&self, order: i32) -> Document {
        doc! { &self.field: order }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let channel = "shop".to_owned();
        let app_id = "app".to_owned();
        Keys { app_id, status: StatusKind::Open, last: 5, first: -5, count: 2, level: 40, channel }
    }

    #[test]
    fn places_sort_like_status_key_and_id() {
        let (low, high) = (TicketId::MIN.to_string(), TicketId::from_bytes([1; 16]).to_string());
        let number = |status: StatusKind, number, id: &str| {
            place(&start(None, status.as_u8()), &SortKey::Number(number), id)
        };
        let open = StatusKind::Open;
        let rising = [
            number(open, i64::MIN, &high),
            number(open, -1, &high),
            number(open, 0, &low),
            number(open, 0, &high),
            number(open, 255, &low),
            number(open, 256, &low),
            number(open, i64::MAX, &low),
            number(StatusKind::Solved, i64::MIN, &low),
        ];
        assert!(rising.is_sorted_by(|a, b| a < b), "{rising:?}");
        let text = |text: &str, id: &str| place("1", &SortKey::Text(text.to_owned()), id);
        let rising = [text("", &high), text("a", &low), text("a", &high), text("a\u{1}", &low)];
        assert!(rising.is_sorted_by(|a, b| a < b), "{rising:?}");
    }

    #[test]
    fn only_places_that_change_are_set() {
        let (before, id) = (keys(), TicketId::MIN);
        assert_eq!(before.places(id, None).len(), 10);
        assert!(before.places(id, Some(&before)).is_empty());
        let later = Keys { last: 6, ..before.clone() };
        assert!(later.places(id, Some(&before)).is_empty(), "in the same minute");
        let counted = Keys { count: 3, ..before.clone() }.places(id, Some(&before));
        assert_eq!(counted.keys().collect::<Vec<_>>(), ["k.count", "k.app_count"]);
        let solved = Keys { status: StatusKind::Solved, ..before.clone() };
        assert_eq!(solved.places(id, Some(&before)).len(), 10);
    }

    #[test]
    fn a_range_holds_what_it_says() {
        let (low, high) = (TicketId::MIN, TicketId::from_bytes([0xff; 16]));
        let all = Range::of(Some("app"), TicketSort::Level, StatusKind::Open);
        let holds = |range: &Range, key, id: TicketId| {
            let place = place(&range.start, &SortKey::Number(key), &id.to_string());
            range.above < place && place < range.below
        };
        let five = SortKey::Number(5);
        assert!(holds(&all, i64::MIN, low) && holds(&all, i64::MAX, high));
        let from = all.clone().from(&five);
        assert!(holds(&from, 5, low) && !holds(&from, 4, high));
        let to = all.clone().to(&five);
        assert!(holds(&to, 5, high) && !holds(&to, 6, low));
        let up = all.clone().behind(Direction::Ascending, &five, low);
        assert!(!holds(&up, 5, low) && holds(&up, 5, high) && !holds(&up, 4, high));
        let down = all.clone().behind(Direction::Descending, &five, high);
        assert!(!holds(&down, 5, high) && holds(&down, 5, low) && !holds(&down, 6, low));
        let up = all.clone().reaching(Direction::Ascending, &five, low);
        assert!(holds(&up, 5, low) && holds(&up, 4, high) && !holds(&up, 5, high));
        let down = all.reaching(Direction::Descending, &five, high);
        assert!(holds(&down, 5, high) && holds(&down, 6, low) && !holds(&down, 5, low));
    }

    #[test]
    fn a_range_of_rough_places_holds_at_least_what_it_says() {
        let id = TicketId::from_bytes([7; 16]);
        for sort in [TicketSort::LastOccurrence, TicketSort::Count] {
            for key in [-1 << 30, -1, 0, 1, 31, 32, 33, 1_000, 123_456_789_012, i64::MAX] {
                let all = Range::of(None, sort, StatusKind::Open);
                let (first, last) = class(sort, key);
                assert!(first <= key && key <= last);
                let key = SortKey::Number(key);
                let ranges = [
                    all.clone().from(&key),
                    all.clone().to(&key),
                    all.clone().reaching(Direction::Ascending, &key, id),
                    all.clone().reaching(Direction::Descending, &key, id),
                ];
                // Rough places as they are written now, and exact ones as version 3 wrote them.
                let whole = key.clone();
                for number in [SortKey::Number(first), whole, SortKey::Number(last)] {
                    let place = place(&all.start, &number, &id.to_string());
                    for range in &ranges {
                        assert!(range.above < place && place < range.below, "{sort:?} {key:?}");
                    }
                }
            }
        }
        assert_eq!(class(TicketSort::Count, 15), (15, 15), "small counts are exact");
        assert_eq!(class(TicketSort::Count, 1_000), (960, 1_023));
    }
}
