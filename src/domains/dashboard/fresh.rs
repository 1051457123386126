//! Answers that are computed once and given to everyone for half a minute.

use std::{
    hash::Hash,
    time::{Duration, Instant},
};

use moka::{Expiry, future::Cache};

use crate::http::problem::{Problem, Result};

/// How old an answer may be, counted from the beginning of its computation.
pub const MAX_AGE: Duration = Duration::from_secs(30);

/// Values by key that are never older than [`MAX_AGE`]. Whoever asks for a key while its value is
/// computed waits for that computation; failures are not kept.
pub struct Fresh<K, V>(Cache<K, Dated<V>>);

/// A value, and when its computation began.
#[derive(Clone)]
struct Dated<V> {
    begun: Instant,
    value: V,
}

/// Takes the time of the computation off the time that its value is kept.
struct Age(Duration);

impl<K, V> Expiry<K, Dated<V>> for Age {
    fn expire_after_create(&self, _: &K, dated: &Dated<V>, _: Instant) -> Option<Duration> {
        Some(self.0.saturating_sub(dated.begun.elapsed()))
    }
}

impl<K, V> Fresh<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Keeps the values of at most `keys` keys.
    pub fn new(keys: u64) -> Self {
        Self::aged(keys, MAX_AGE)
    }

    fn aged(keys: u64, most: Duration) -> Self {
        Self(Cache::builder().max_capacity(keys).expire_after(Age(most)).build())
    }

    /// The value of a key, computed by `compute` if there is none that is fresh. The computation
    /// goes on when the client that asked for it goes away: the next one will ask again.
    pub async fn get<F>(&self, key: K, compute: F) -> Result<V>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        if let Some(dated) = self.0.get(&key).await {
            return Ok(dated.value);
        }
        let cache = self.0.clone();
        let computing = tokio::spawn(async move {
            let dated = async {
                let begun = Instant::now();
                compute.await.map(|value| Dated { begun, value })
            };
            cache.try_get_with(key, dated).await
        });
        match computing.await {
            Ok(Ok(dated)) => Ok(dated.value),
            Ok(Err(problem)) => Err(Problem::clone(&problem)),
            Err(panicked) => Err(Problem::internal(panicked)),
        }
    }
}

impl<K, V> std::fmt::Debug for Fresh<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fresh").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// Counts how often it was computed, slowly.
    async fn count(computed: Arc<AtomicUsize>) -> Result<usize> {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok(computed.fetch_add(1, Ordering::SeqCst) + 1)
    }

    #[tokio::test]
    async fn many_who_ask_at_once_share_one_computation() {
        let fresh = Arc::new(Fresh::new(1));
        let computed = Arc::new(AtomicUsize::new(0));
        let asking: Vec<_> = (0..16)
            .map(|_| {
                let (fresh, computed) = (Arc::clone(&fresh), Arc::clone(&computed));
                tokio::spawn(async move { fresh.get((), count(computed)).await.unwrap() })
            })
            .collect();
        for asked in asking {
            assert_eq!(asked.await.unwrap(), 1);
        }
        assert_eq!(fresh.get((), count(Arc::clone(&computed))).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_age_counts_from_the_beginning_of_the_computation() {
        // It takes longer to compute than it may be kept.
        let fresh = Fresh::aged(1, Duration::from_millis(20));
        let computed = Arc::new(AtomicUsize::new(0));
        for expected in 1..4 {
            assert_eq!(fresh.get((), count(Arc::clone(&computed))).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_and_not_kept() {
        let fresh = Fresh::new(1);
        let failed = fresh.get((), async { Err(Problem::not_found("no")) }).await;
        assert_eq!(failed.unwrap_err().status, 404);
        assert_eq!(fresh.get((), async { Ok(1) }).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_computation_outlives_whoever_asked_for_it() {
        let fresh = Arc::new(Fresh::new(1));
        let computed = Arc::new(AtomicUsize::new(0));
        let gone = fresh.get((), count(Arc::clone(&computed)));
        assert!(tokio::time::timeout(Duration::from_millis(5), gone).await.is_err());
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(fresh.get((), count(Arc::clone(&computed))).await.unwrap(), 1);
        assert_eq!(computed.load(Ordering::SeqCst), 1);
    }
}
