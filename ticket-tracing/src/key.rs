//! What decides the ticket of an event, as a hash.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use tracing::{Event, Metadata};

use crate::visit::Fields;

/// Another one in each process: who writes a log's text must not be able to make two keys equal.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Events with equal keys are of one ticket, unless a function of the application's groups them: the key
/// holds the call, and with it level, target and place, the message, the types and texts of the
/// errors, and the fingerprint. The spans around an event, its other fields and its thread decide nothing.
///
/// `normalized` is what a record of the crate `log` says of its place: all of those have the same call.
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
    // Each part of a hash takes its time, and most events have neither.
    if fields.fingerprint.is_some() || !fields.error.is_empty() {
        fields.fingerprint.hash(&mut hasher);
        for cause in &fields.error {
            cause.type_name.hash(&mut hasher);
            cause.message.hash(&mut hasher);
        }
    }
    hasher.finish()
}
