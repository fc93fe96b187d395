//! [`Site`]: what all requests share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ticket_core::{Error, Result, Store, Timestamp};
use tokio::sync::Semaphore;

use crate::access::Access;
use crate::beside::Cache;
use crate::sparks::Sparks;

/// How long one question to the store may take.
pub(crate) const QUESTION_DEADLINE: Duration = Duration::from_millis(800);

/// How long a page may take.
pub(crate) const PAGE_DEADLINE: Duration = Duration::from_millis(900);

/// How long a change may take. A merge takes time in proportion to the occurrences.
pub(crate) const CHANGE_DEADLINE: Duration = Duration::from_secs(30);

/// The number of requests that use the store at the same time. The others wait, and are refused at their deadline.
const CONCURRENT_REQUESTS: usize = 64;

/// The number of lists that are kept up to date. Each of them reads its first page every few seconds.
const CONCURRENT_STREAMS: usize = 64;

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Site(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) access: Access,
    /// What a proxy in front of the application has taken off the path.
    pub(crate) prefix: String,
    pub(crate) permits: Semaphore,
    /// The streams that keep lists up to date.
    pub(crate) streams: Arc<Semaphore>,
    /// What is shown beside lists.
    pub(crate) beside: Cache,
    pub(crate) sparks: Sparks,
    pub(crate) started: Timestamp,
    last_failure: Mutex<Option<Timestamp>>,
}

impl Site {
    pub(crate) fn new(store: Arc<dyn Store>, access: Access, prefix: String) -> Self {
        Self(Arc::new(Inner {
            store,
            access,
            prefix,
            permits: Semaphore::new(CONCURRENT_REQUESTS),
            streams: Arc::new(Semaphore::new(CONCURRENT_STREAMS)),
            beside: Cache::default(),
            sparks: Sparks::default(),
            started: Timestamp::now(),
            last_failure: Mutex::new(None),
        }))
    }
}

impl Inner {
    /// Returns when the store has last failed or not answered in time, as seen by this dashboard.
    pub(crate) fn last_failure(&self) -> Option<Timestamp> {
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the store has failed or not answered in time.
    pub(crate) fn note_failure(&self) {
        let mut last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Timestamp::now());
    }
}

impl std::ops::Deref for Site {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Returns an external prefix without its last slash.
///
/// It becomes the beginning of every link, so it may only be a path.
pub(crate) fn checked_prefix(prefix: &str) -> Result<String> {
    let prefix = prefix.trim_end_matches('/');
    let is_path = prefix.is_empty() || (prefix.starts_with('/') && !prefix.starts_with("//"));
    let is_plain =
        prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte));
    if is_path && is_plain {
        Ok(prefix.to_owned())
    } else {
        Err(Error::config(format!(
            "{prefix:?} is not the path of a prefix: write it with a slash in front, such as /tickets"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_path() {
        for (prefix, expected) in [("", ""), ("/", ""), ("/x", "/x"), ("/x/y-1/", "/x/y-1")] {
            assert_eq!(checked_prefix(prefix).unwrap(), expected);
        }
        for wrong in ["x", "//host", "https://host/x", "/a b", "/a?b", "/\"", "/a\\b"] {
            assert!(
                checked_prefix(wrong).unwrap_err().message().contains("such as /tickets"),
                "{wrong}"
            );
        }
    }
}
