//! [`Cache`]: what is shown beside a list, kept for a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::params::Params;

/// How long an answer is shown. A change by another process is seen that much later.
const LIFETIME: Duration = Duration::from_secs(1);

/// The number of answers that are kept: of visitors with different filters.
const MAX_ENTRIES: usize = 64;

/// What is shown beside a list and is the same on each of its pages. Counting costs more than the page itself.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    /// The number of tickets of each status, and of all, as far as they could be counted in time.
    pub(crate) counts: [Option<u64>; 4],
    pub(crate) app_ids: Vec<String>,
}

/// What the answer depends on: the applications that the visitor sees, and the filter without the status.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    app_ids: Option<Vec<String>>,
    filter: String,
}

impl Key {
    pub(crate) fn new(app_ids: Option<&Vec<String>>, filter: &Params) -> Self {
        Self { app_ids: app_ids.cloned(), filter: filter.to_string() }
    }
}

/// Requests that ask for the same at the same time wait for one answer.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<Key, Entry>>);

#[derive(Clone)]
struct Entry {
    begun: Instant,
    answer: Arc<OnceCell<Beside>>,
}

impl Cache {
    /// Returns what is kept, or else reads it. A failure is not kept.
    pub(crate) async fn get(
        &self,
        key: Key,
        read: impl Future<Output = Result<Beside, Failure>>,
    ) -> Result<Beside, Failure> {
        let answer = self.entry(key);
        answer.get_or_try_init(|| read).await.cloned()
    }

    fn entry(&self, key: Key) -> Arc<OnceCell<Beside>> {
        let mut entries = self.entries();
        let now = Instant::now();
        entries.retain(|_, entry| now.duration_since(entry.begun) < LIFETIME);
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(&key) {
            entries.clear();
        }
        let entry = entries.entry(key);
        Arc::clone(&entry.or_insert_with(|| Entry { begun: now, answer: Arc::default() }).answer)
    }

    /// Forgets all answers, since something has changed: who has changed it must see it. An answer that is being read is
    /// only for those who have asked before.
    pub(crate) fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(count: u64) -> Beside {
        Beside { counts: [Some(count); 4], app_ids: Vec::new() }
    }

    async fn count(cache: &Cache, app_id: Option<&str>, new: u64) -> Option<u64> {
        let app_ids = app_id.map(|app_id| vec![app_id.to_owned()]);
        let key = Key::new(app_ids.as_ref(), &Params::default());
        cache.get(key, async { Ok(beside(new)) }).await.unwrap().counts[0]
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_a_second_and_for_one_restriction() {
        let cache = Cache::default();
        assert_eq!(count(&cache, None, 1).await, Some(1));
        assert_eq!(count(&cache, None, 2).await, Some(1));
        assert_eq!(count(&cache, Some("shop"), 3).await, Some(3));
        cache.clear();
        assert_eq!(count(&cache, None, 4).await, Some(4));
        tokio::time::advance(LIFETIME).await;
        assert_eq!(count(&cache, None, 5).await, Some(5));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_at_the_same_time_wait_for_one_answer_and_a_failure_is_not_kept() {
        let cache = Cache::default();
        let key = || Key::new(None, &Params::default());
        let failed = cache.get(key(), async { Err(Failure::unavailable()) }).await;
        assert_eq!(failed.unwrap_err(), Failure::unavailable());
        let reads = std::cell::Cell::new(0);
        let ask = || {
            cache.get(key(), async {
                reads.set(reads.get() + 1);
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(beside(1))
            })
        };
        futures::future::join_all((0..50).map(|_| ask())).await;
        assert_eq!(reads.get(), 1);
    }

    #[tokio::test]
    async fn few_answers_are_kept() {
        let cache = Cache::default();
        for number in 0..1_000_u32 {
            let key = Key::new(None, &Params::default().with("search", &number));
            cache.get(key, async { Ok(beside(1)) }).await.unwrap();
        }
        assert!(cache.entries().len() <= MAX_ENTRIES);
    }
}
