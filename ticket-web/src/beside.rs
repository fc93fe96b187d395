//! [`Cache`]: what is shown beside a list, kept for a second; numbers that the page rounds off, for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ticket_core::StatusKind;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::params::Params;

/// How long an answer is shown. A change by another process is seen that much later.
const LIFETIME: Duration = Duration::from_secs(1);

/// How long [`large`](Counts::large) counts are kept.
const LIFETIME_OF_LARGE: Duration = Duration::from_secs(60);

/// The highest number that a page shows. What is higher is shown as `10,000+`.
pub(crate) const MAX_COUNT: u64 = 10_000;

/// The number of answers that are kept: of visitors with different filters.
const MAX_ENTRIES: usize = 64;

/// What is shown beside a list and is the same on each of its pages. Counting costs more than the page itself.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    pub(crate) counts: Counts,
    pub(crate) app_ids: Vec<String>,
}

/// The number of tickets of each status, as far as they could be counted in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts(pub(crate) [Option<u64>; StatusKind::ALL.len()]);

impl Counts {
    /// Leaves out what may get so small within a minute that the page would show another number.
    fn large(self) -> Self {
        Self(self.0.map(|count| count.filter(|count| *count > 2 * MAX_COUNT)))
    }

    /// Returns them with their sum.
    pub(crate) fn and_all(self) -> [Option<u64>; StatusKind::ALL.len() + 1] {
        let mut all = self.0.into_iter().chain([self.0.iter().copied().sum()]);
        std::array::from_fn(|_| all.next().flatten())
    }
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
    /// When its large counts were read: with this answer, or with an earlier one.
    counted: Instant,
    /// The large counts of the answer before, if they are recent.
    known: Counts,
    answer: Arc<OnceCell<Beside>>,
}

impl Entry {
    fn new(now: Instant, before: Option<&Self>) -> Self {
        let recent = before.filter(|entry| now.duration_since(entry.counted) < LIFETIME_OF_LARGE);
        let known = recent.and_then(|entry| entry.answer.get()).map(|beside| beside.counts.large());
        Self {
            begun: now,
            counted: recent.map_or(now, |entry| entry.counted),
            known: known.unwrap_or_default(),
            answer: Arc::default(),
        }
    }
}

impl Cache {
    /// Returns what is kept, or else reads it, except for counts that are known. A failure is not kept.
    pub(crate) async fn get<F>(
        &self,
        key: Key,
        read: impl FnOnce(Counts) -> F,
    ) -> Result<Beside, Failure>
    where
        F: Future<Output = Result<Beside, Failure>>,
    {
        let Entry { known, answer, .. } = self.entry(key);
        answer.get_or_try_init(|| read(known)).await.cloned()
    }

    fn entry(&self, key: Key) -> Entry {
        let mut entries = self.entries();
        let now = Instant::now();
        entries.retain(|_, entry| now.duration_since(entry.begun) < LIFETIME_OF_LARGE);
        let kept = entries.get(&key);
        if let Some(entry) = kept.filter(|entry| now.duration_since(entry.begun) < LIFETIME) {
            return entry.clone();
        }
        let entry = Entry::new(now, kept);
        if entries.len() >= MAX_ENTRIES && kept.is_none() {
            entries.clear();
        }
        entries.insert(key, entry.clone());
        entry
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

    /// Returns the first count that is kept, or else that is known, or else `new`.
    async fn count(cache: &Cache, app_id: Option<&str>, new: u64) -> Option<u64> {
        let app_ids = app_id.map(|app_id| vec![app_id.to_owned()]);
        let key = Key::new(app_ids.as_ref(), &Params::default());
        let read = async |known: Counts| {
            let counts = Counts(known.0.map(|known| known.or(Some(new))));
            Ok(Beside { counts, app_ids: Vec::new() })
        };
        cache.get(key, read).await.unwrap().counts.0[0]
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
    async fn a_count_that_the_page_rounds_off_is_kept_for_a_minute() {
        let cache = Cache::default();
        assert_eq!(count(&cache, None, 98_000).await, Some(98_000));
        // Every second somebody asks, which does not make it last longer.
        for _ in 1..60 {
            tokio::time::advance(LIFETIME).await;
            assert_eq!(count(&cache, None, 1).await, Some(98_000));
        }
        tokio::time::advance(LIFETIME).await;
        assert_eq!(count(&cache, None, 97_000).await, Some(97_000));
        cache.clear();
        assert_eq!(count(&cache, None, 96_000).await, Some(96_000));
        // One that might get small is read again.
        cache.clear();
        assert_eq!(count(&cache, None, 2 * MAX_COUNT).await, Some(2 * MAX_COUNT));
        tokio::time::advance(LIFETIME).await;
        assert_eq!(count(&cache, None, 9_999).await, Some(9_999));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_at_the_same_time_wait_for_one_answer_and_a_failure_is_not_kept() {
        let cache = Cache::default();
        let key = || Key::new(None, &Params::default());
        let failed = cache.get(key(), async |_| Err(Failure::unavailable())).await;
        assert_eq!(failed.unwrap_err(), Failure::unavailable());
        let reads = std::cell::Cell::new(0);
        let ask = || {
            cache.get(key(), async |_| {
                reads.set(reads.get() + 1);
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(Beside { counts: Counts::default(), app_ids: Vec::new() })
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
            let read = async |counts| Ok(Beside { counts, app_ids: Vec::new() });
            cache.get(key, read).await.unwrap();
        }
        assert!(cache.entries().len() <= MAX_ENTRIES);
    }
}
