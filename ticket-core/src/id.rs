//! The ids of tickets and occurrences.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Error, Timestamp};

/// The id of a ticket: 128 bits of the hash over the fingerprint ingredients of its records.
///
/// Writers compute it without asking the database. It is displayed as 32 hexadecimal digits; people
/// type a unique prefix instead, see [`TicketIdPrefix`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId([u8; 16]);

impl TicketId {
    /// The lowest id.
    pub const MIN: Self = Self([0; 16]);
    /// The highest id.
    pub const MAX: Self = Self([0xff; 16]);

    /// Creates an id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, most significant first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 32];
        f.write_str(Uuid::from_bytes(self.0).simple().encode_lower(&mut digits))
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketId({self})")
    }
}

/// Parses 32 hexadecimal digits.
impl FromStr for TicketId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let prefix: TicketIdPrefix = text.parse()?;
        if prefix.digits == 32 {
            Ok(prefix.first())
        } else {
            Err(Error::config(format!(
                "{text:?} is not a whole ticket id of 32 hexadecimal digits"
            )))
        }
    }
}

impl Serialize for TicketId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TicketId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The first 1 to 32 hexadecimal digits of a ticket id, as typed by a person.
///
/// ```
/// use ticket_core::TicketIdPrefix;
///
/// let prefix: TicketIdPrefix = "5f3a".parse().unwrap();
/// assert!(prefix.first().to_string().starts_with("5f3a0000"));
/// assert!(prefix.last().to_string().starts_with("5f3affff"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TicketIdPrefix {
    first: [u8; 16],
    last: [u8; 16],
    digits: usize,
}

impl TicketIdPrefix {
    /// Returns the lowest id with this prefix.
    #[must_use]
    pub const fn first(&self) -> TicketId {
        TicketId(self.first)
    }

    /// Returns the highest id with this prefix.
    #[must_use]
    pub const fn last(&self) -> TicketId {
        TicketId(self.last)
    }

    /// Returns `true` if the id starts with this prefix.
    #[must_use]
    pub fn matches(&self, id: TicketId) -> bool {
        (self.first..=self.last).contains(&id.0)
    }
}

impl fmt::Display for TicketIdPrefix {
    /// Writes the digits in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first().to_string()[..self.digits])
    }
}

impl FromStr for TicketIdPrefix {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::config(format!(
                "{text:?} is not a ticket id: write its 32 hexadecimal digits, or the first of them"
            ))
        };
        if text.is_empty() || text.len() > 32 {
            return Err(wrong());
        }
        let (mut first, mut last) = ([0_u8; 16], [0xff_u8; 16]);
        for (index, digit) in text.bytes().enumerate() {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                b'A'..=b'F' => digit - b'A' + 10,
                _ => return Err(wrong()),
            };
            let (shift, keep) = if index % 2 == 0 { (4, 0x0f) } else { (0, 0xf0) };
            for bytes in [&mut first, &mut last] {
                bytes[index / 2] = (bytes[index / 2] & keep) | (value << shift);
            }
        }
        Ok(Self { first, last, digits: text.len() })
    }
}

impl From<TicketId> for TicketIdPrefix {
    fn from(id: TicketId) -> Self {
        Self { first: id.0, last: id.0, digits: 32 }
    }
}

/// The id of an occurrence: a UUIDv7 that holds the record's time in milliseconds, clamped to 48 bits,
/// and 74 further bits that are either a counter with random bits or derived from a key.
///
/// A ticket counts each occurrence id once, so a batch can be sent again safely. An id is unique within its
/// ticket, not within the store: a key that begins with the ticket's id lets a store keep all rows of a ticket on
/// one server, where it can check the key without asking the others. A record that is sent again has the same
/// ticket, unless it is grouped in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OccurrenceId(Uuid);

impl OccurrenceId {
    /// Creates a new random id for a record with this time.
    #[must_use]
    pub fn random(time: Timestamp) -> Self {
        Self::build(time, random_bytes(SystemTime::now()))
    }

    /// Creates a new random id for a record whose time is now, without reading the clock again.
    pub(crate) fn now(time: Timestamp, now: SystemTime) -> Self {
        Self::build(time, random_bytes(now))
    }

    /// Derives an id from a time and a key; the same time and key always give the same id.
    ///
    /// Use a key that is unique at the producer, such as a message id or a log line's file and offset. To find the
    /// event by that key later, store it as [`Record::external_id`](crate::Record::external_id) too.
    #[must_use]
    pub fn from_key(time: Timestamp, key: &str) -> Self {
        let hash = Sha256::digest(key.as_bytes());
        let mut random = [0; 16];
        random.copy_from_slice(&hash[..16]);
        Self::build(time, random)
    }

    /// Creates an id from a UUID read from a store.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Creates an id from its bytes, as [`as_bytes`](Self::as_bytes) returns them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Returns the UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }

    /// Returns the bytes, which sort like the ids and therefore by time in milliseconds.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    fn build(time: Timestamp, random: [u8; 16]) -> Self {
        // 48 bits of milliseconds last until the year 10889, so only times before 1970 are clamped.
        let millis = u64::try_from(time.as_micros().div_euclid(1_000)).unwrap_or(0);
        let mut tail = [0; 10];
        tail.copy_from_slice(&random[6..]);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}

/// Returns bytes that differ between all calls, in this process and in others.
///
/// A thread-local generator would not do: it is already destroyed when another thread-local's destructor
/// logs, and after a fork both processes would continue the same sequence. Instead, the bytes are a hash
/// under one random key per process of a counter, which distinguishes calls and threads, and of the clock,
/// which distinguishes a forked process from its parent.
fn random_bytes(now: SystemTime) -> [u8; 16] {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let clock = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut bytes = [0; 16];
    // Layout of a UUIDv7: bytes 0..6 are the time, which the caller sets; bytes 6..8 hold 12 bits of the
    // counter below the version; bytes 8.. hold the hash below the variant.
    bytes[6..8].copy_from_slice(&count.to_be_bytes()[6..]);
    bytes[8..].copy_from_slice(&KEY.hash_one((count, clock)).to_le_bytes());
    bytes
}

impl fmt::Display for OccurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Parses a UUID with hyphens.
impl FromStr for OccurrenceId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().map(Self).map_err(|_| {
            Error::config(format!("{text:?} is not an occurrence id: write a UUID with hyphens"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_matches_the_ids_between_its_first_and_last() {
        let prefix: TicketIdPrefix = "ABC".parse().unwrap();
        assert_eq!(prefix.first().to_string(), format!("abc{}", "0".repeat(29)));
        assert_eq!(prefix.last().to_string(), format!("abc{}", "f".repeat(29)));
        assert!(prefix.matches(prefix.first()) && prefix.matches(prefix.last()));
        assert!(!prefix.matches(TicketId::MIN));
        assert_eq!(prefix.to_string(), "abc");
        assert_eq!(TicketIdPrefix::from(prefix.last()).to_string(), prefix.last().to_string());
    }

    #[test]
    fn invalid_ids_are_rejected() {
        for text in ["", "xyz", &"0".repeat(33), "é"] {
            assert!(text.parse::<TicketIdPrefix>().is_err(), "{text:?}");
        }
        assert!("abc".parse::<TicketId>().is_err());
    }

    #[test]
    fn an_occurrence_id_is_a_uuid_v7_that_contains_the_time() {
        let time: Timestamp = "2026-11-21T10:47:20.123456Z".parse().unwrap();
        let id = OccurrenceId::random(time);
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(id.as_uuid().get_timestamp().unwrap().to_unix().0, 1_795_258_040);
        assert_ne!(id, OccurrenceId::random(time));
        assert_eq!(id.to_string().parse::<OccurrenceId>().unwrap(), id);
        assert_eq!(OccurrenceId::from_bytes(*id.as_bytes()), id);
    }

    #[test]
    fn ids_are_unique_across_threads_and_can_be_created_while_a_thread_ends() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                let _ = OccurrenceId::random(Timestamp::UNIX_EPOCH);
            }
        }
        std::thread_local!(static LATE: Late = const { Late });
        let make = || {
            LATE.with(|_| ());
            (0..10_000).map(|_| OccurrenceId::random(Timestamp::UNIX_EPOCH)).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let ids: std::collections::HashSet<_> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 40_000);
    }

    #[test]
    fn the_same_time_and_key_give_the_same_id() {
        let time: Timestamp = "2026-11-21T10:47:20Z".parse().unwrap();
        let id = OccurrenceId::from_key(time, "app.log:17");
        assert_eq!(id, OccurrenceId::from_key(time, "app.log:17"));
        assert_ne!(id, OccurrenceId::from_key(time, "app.log:18"));
        assert_eq!(OccurrenceId::from_key(Timestamp::MIN, "a").as_bytes()[..6], [0; 6]);
    }
}
