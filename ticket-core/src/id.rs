//! The two identities: of a ticket (its fingerprint) and of an occurrence.

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

/// A ticket's identity: 128 bits of the hash of what makes its records belong together.
///
/// Every writer knows it without asking the database. It is shown as 32 hexadecimal digits; people
/// type a unique prefix, see [`TicketIdPrefix`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId([u8; 16]);

impl TicketId {
    /// The lowest id.
    pub const MIN: Self = Self([0; 16]);
    /// The highest id.
    pub const MAX: Self = Self([0xff; 16]);

    /// The id of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, the most significant first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketId({self})")
    }
}

/// Reads 32 hexadecimal digits.
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

/// The first digits of a ticket id, as a person types them: 1 to 32 hexadecimal digits.
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
    /// The lowest id with this prefix.
    #[must_use]
    pub const fn first(&self) -> TicketId {
        TicketId(self.first)
    }

    /// The highest id with this prefix.
    #[must_use]
    pub const fn last(&self) -> TicketId {
        TicketId(self.last)
    }

    /// Whether the id begins so.
    #[must_use]
    pub fn matches(&self, id: TicketId) -> bool {
        (self.first..=self.last).contains(&id.0)
    }
}

impl fmt::Display for TicketIdPrefix {
    /// The digits, in lower case.
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

/// An occurrence's identity: a UUIDv7, so the record's time (in milliseconds, clamped to what 48 bits
/// hold) and 74 bits that are a counter and random, or made from a text.
///
/// Within a ticket an occurrence id counts once. It is what makes repeating a batch harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OccurrenceId(Uuid);

impl OccurrenceId {
    /// A new id for a record of this time.
    #[must_use]
    pub fn random(time: Timestamp) -> Self {
        Self::build(time, random_bytes(SystemTime::now()))
    }

    /// A new id for a record of this time, which is now.
    pub(crate) fn now(time: Timestamp, now: SystemTime) -> Self {
        Self::build(time, random_bytes(now))
    }

    /// The id that the text `key` has at this time: the same text and time give the same id.
    ///
    /// The key is whatever is unique at the producer: a message id, or a log line's file and offset.
    #[must_use]
    pub fn from_key(time: Timestamp, key: &str) -> Self {
        let hash = Sha256::digest(key.as_bytes());
        let mut random = [0; 16];
        random.copy_from_slice(&hash[..16]);
        Self::build(time, random)
    }

    /// The id of a UUID that came from a store.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }

    /// The bytes; they sort like the ids, and like the times to the millisecond.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    fn build(time: Timestamp, random: [u8; 16]) -> Self {
        // 48 bits reach into the year 10889, so only times before 1970 are clamped.
        let millis = u64::try_from(time.as_micros().div_euclid(1_000)).unwrap_or(0);
        let mut tail = [0; 10];
        tail.copy_from_slice(&random[6..]);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}

/// Bytes that no other call gives, in this process or any other.
///
/// A generator in a thread-local would be gone while a thread ends, where records are made too, and
/// would go on alike in both processes after a fork. So there is one key for the process, a counter that
/// tells its threads apart, and a clock that tells a process from the one it was forked from.
fn random_bytes(now: SystemTime) -> [u8; 16] {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let clock = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut bytes = [0; 16];
    // The first six become those of the time, and of the next two, the counter, twelve bits are taken.
    bytes[6..8].copy_from_slice(&count.to_be_bytes()[6..]);
    bytes[8..].copy_from_slice(&KEY.hash_one((count, clock)).to_le_bytes());
    bytes
}

impl fmt::Display for OccurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a UUID with hyphens.
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
    fn a_prefix_spans_its_ids() {
        let prefix: TicketIdPrefix = "ABC".parse().unwrap();
        assert_eq!(prefix.first().to_string(), format!("abc{}", "0".repeat(29)));
        assert_eq!(prefix.last().to_string(), format!("abc{}", "f".repeat(29)));
        assert!(prefix.matches(prefix.first()) && prefix.matches(prefix.last()));
        assert!(!prefix.matches(TicketId::MIN));
        assert_eq!(prefix.to_string(), "abc");
        assert_eq!(TicketIdPrefix::from(prefix.last()).to_string(), prefix.last().to_string());
    }

    #[test]
    fn bad_ids_are_errors() {
        for text in ["", "xyz", &"0".repeat(33), "é"] {
            assert!(text.parse::<TicketIdPrefix>().is_err(), "{text:?}");
        }
        assert!("abc".parse::<TicketId>().is_err());
    }

    #[test]
    fn an_occurrence_id_is_a_uuid_of_version_7_with_its_time() {
        let time: Timestamp = "2026-11-21T10:47:20.123456Z".parse().unwrap();
        let id = OccurrenceId::random(time);
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(id.as_uuid().get_timestamp().unwrap().to_unix().0, 1_795_258_040);
        assert_ne!(id, OccurrenceId::random(time));
        assert_eq!(id.to_string().parse::<OccurrenceId>().unwrap(), id);
    }

    #[test]
    fn threads_do_not_make_the_same_id_and_one_that_ends_can_still_make_one() {
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
    fn a_key_gives_the_same_id_on_every_machine() {
        let time: Timestamp = "2026-11-21T10:47:20Z".parse().unwrap();
        let id = OccurrenceId::from_key(time, "app.log:17");
        assert_eq!(id, OccurrenceId::from_key(time, "app.log:17"));
        assert_ne!(id, OccurrenceId::from_key(time, "app.log:18"));
        assert_eq!(OccurrenceId::from_key(Timestamp::MIN, "a").as_bytes()[..6], [0; 6]);
    }
}
