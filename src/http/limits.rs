//! How many requests at once, and how many a second.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, StatusCode};

use super::problem::Problem;

/// A request's place among those being served; leaves it when dropped.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Place {
    /// Takes a place, if fewer than `most` are taken.
    pub fn take(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = Self(Arc::clone(taken));
        // Dropping the place gives it back, also when it was one too many.
        (taken.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One token bucket a client: it holds a second's worth of requests.
#[derive(Debug)]
pub struct RateLimits {
    /// Requests a second; 0: no limit.
    rate: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// What a client may still do.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    rate: u32,
    left: f64,
}

impl RateLimits {
    /// Limits of `rate` requests a second.
    pub fn new(rate: u32) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Whether there is a limit.
    pub fn on(&self) -> bool {
        self.rate > 0
    }

    /// Counts one request of a client.
    pub fn count(&self, client: &str) -> Allowance {
        self.count_at(client, Instant::now())
    }

    fn count_at(&self, client: &str, now: Instant) -> Allowance {
        let full = f64::from(self.rate);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = match buckets.get_mut(client) {
            Some(bucket) => bucket,
            None => buckets.entry(client.to_owned()).or_insert(Bucket { left: full, at: now }),
        };
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * full;
        bucket.left = (bucket.left + gained).min(full);
        bucket.at = now;
        let allowance = Allowance { rate: self.rate, left: bucket.left - 1.0 };
        if allowance.refused().is_none() {
            bucket.left -= 1.0;
        }
        allowance
    }

    /// Forgets clients whose bucket is full again.
    pub fn forget_idle(&self) {
        let now = Instant::now();
        self.buckets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, bucket| now.saturating_duration_since(bucket.at) < Duration::from_secs(2));
    }
}

impl Allowance {
    /// The refusal, where the client was too fast.
    pub fn refused(self) -> Option<Problem> {
        (self.left < 0.0).then(|| Problem {
            retry_after: Some(Duration::from_secs(1)),
            ..Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                format!("More than {} requests a second.", self.rate),
            )
        })
    }

    /// Says so in the response.
    pub fn write(self, headers: &mut HeaderMap) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the rate, a u32"
        )]
        let left = self.left.max(0.0) as u32;
        headers.insert("ratelimit-limit", self.rate.into());
        headers.insert("ratelimit-remaining", left.into());
        headers.insert("ratelimit-reset", 1_u32.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let limits = RateLimits::new(2);
        let start = Instant::now();
        assert!(limits.count_at("a", start).refused().is_none());
        assert!(limits.count_at("a", start).refused().is_none());
        assert!(limits.count_at("a", start).refused().is_some());
        assert!(limits.count_at("b", start).refused().is_none());
        assert!(limits.count_at("a", start + Duration::from_millis(600)).refused().is_none());
    }

    #[test]
    fn places_are_given_back() {
        let taken = Arc::default();
        let first = Place::take(&taken, 1);
        assert!(first.is_some());
        assert!(Place::take(&taken, 1).is_none());
        drop(first);
        assert!(Place::take(&taken, 1).is_some());
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }
}
