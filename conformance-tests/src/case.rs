//! What a case tells the backend's closure.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Which store is to be opened.
///
/// The closure given to [`Suite::new`](crate::Suite::new) gets one for each handle that a case wants.
/// The same [`namespace`](Self::namespace) and [`directory`](Self::directory) mean the same store, once
/// more: another handle, perhaps from another process. Another namespace in the same directory means
/// another store in the same database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Case {
    namespace: String,
    directory: PathBuf,
    autocreate: bool,
}

impl Case {
    pub(crate) fn new(namespace: String, directory: PathBuf) -> Self {
        Self { namespace, directory, autocreate: true }
    }

    pub(crate) fn with_autocreate(mut self, autocreate: bool) -> Self {
        self.autocreate = autocreate;
        self
    }

    /// A name of this store alone, for a schema or a table prefix: at most 24 of `a` to `z`, `0` to
    /// `9` and `_`, beginning with a letter, unique in every run.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A folder for a store that lives in files. It exists, is empty at first, and is removed after
    /// the case.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the store may create its schema; if not, `setup_backend` only checks (rule 24).
    #[must_use]
    pub fn autocreate(&self) -> bool {
        self.autocreate
    }
}

/// A namespace that no other store has, in this process or in another one at work beside it.
pub(crate) fn unique_namespace() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // A process id may come back after a while, but not within the same second.
    format!("t{:x}_{:x}_{number:x}", std::process::id(), seconds & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_short_plain_and_unique() {
        let (a, b) = (unique_namespace(), unique_namespace());
        assert_ne!(a, b);
        assert!(a.len() <= 24, "{a}");
        assert!(a.starts_with(|c: char| c.is_ascii_lowercase()), "{a}");
        assert!(a.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{a}");
    }
}
