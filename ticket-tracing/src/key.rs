//! The key of an event or a panic: a hash of what decides its ticket.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use ticket_core::Record;
use tracing::{Event, Metadata};

use crate::visit::Fields;

/// Random in each process, so that nobody who controls logged text can make two keys equal.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Returns the key of an event. Events with equal keys belong to one ticket, unless the application groups
/// them by a function of its own.
///
/// The key covers the callsite, which stands for level, target and location, the message, the types and texts
/// of the errors, and the fingerprint. An event's spans, other fields and thread do not decide its ticket.
///
/// `normalized` is the metadata of a record of the crate `log`; all of those have the same callsite.
pub(crate) fn of(event: &Event<'_>, normalized: Option<&Metadata<'_>>, fields: &Fields<'_>) -> u64 {
    let mut hasher = SEED.build_hasher();
    event.metadata().callsite().hash(&mut hasher);
    if let Some(metadata) = normalized {
        metadata.level().as_str().hash(&mut hasher);
        metadata.target().hash(&mut hasher);
        metadata.module_path().hash(&mut hasher);
        (metadata.file(), metadata.line()).hash(&mut hasher);
    }
    fields.message.hash(&mut hasher);
    // Every part of a hash costs time, and most events have neither of these.
    if fields.fingerprint.is_some() || !fields.error.is_empty() {
        fields.fingerprint.hash(&mut hasher);
        for cause in &fields.error {
            cause.type_name.hash(&mut hasher);
            cause.message.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Returns the key of a panic's record: all such records have one level and one channel.
pub(crate) fn of_panic(record: &Record) -> u64 {
    let location = &record.location;
    SEED.hash_one((&location.file, location.line, &record.message))
}
