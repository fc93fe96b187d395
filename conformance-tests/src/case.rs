//! [`Case`]: tells the closure of a [`Suite`](crate::Suite) which store to open.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Describes the store that a case wants opened.
///
/// The closure given to [`Suite::new`](crate::Suite::new) receives one for each handle, possibly in
/// another process. Two cases with the same [`namespace`](Self::namespace) and
/// [`directory`](Self::directory) describe the same store. Two namespaces in one directory are two stores
/// in the same database.
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

    /// Returns the unique name of this store, to be used as a schema or a table prefix.
    ///
    /// It has at most 24 characters from `a` to `z`, `0` to `9` and `_`, and starts with a letter.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns a folder for stores that are made of files.
    ///
    /// It exists, starts empty, and is removed after the case.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns `true` if the store may create its schema. Otherwise `setup_backend` only checks it
    /// (rule 24).
    #[must_use]
    pub fn autocreate(&self) -> bool {
        self.autocreate
    }
}

/// Returns a namespace that no other store has, even one of a process that runs at the same time.
pub(crate) fn unique_namespace() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // A process id may be reused, but not within the same second.
    format!("t{:x}_{:x}_{number:x}", std::process::id(), seconds & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_short_plain_and_unique() {
        let (a, b) = (unique_namespace(), unique_namespace());
        assert_ne!(a, b);
        assert!(a.len() <= 24, "{a}");
        assert!(a.starts_with(|c: char| c.is_ascii_lowercase()), "{a}");
        assert!(a.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{a}");
    }
}
