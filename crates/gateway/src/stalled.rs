//! Does the client take its answers? Over HTTP/2 a client can leave its window closed and keep the
//! connection lively all the same, so every answer under way is marked with when it was last asked
//! for more (attack case B7).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The answers under way on one connection.
#[derive(Debug)]
pub struct Stalls {
    since: Instant,
    marks: Mutex<Vec<Weak<Mark>>>,
}

/// One answer under way.
#[derive(Debug)]
pub struct Mark {
    since: Instant,
    asked_millis: AtomicU64,
    waits_for_upstream: AtomicBool,
}

impl Default for Stalls {
    fn default() -> Self {
        Self { since: Instant::now(), marks: Mutex::default() }
    }
}

impl Stalls {
    /// Watches one more answer.
    #[must_use]
    pub fn watch(&self) -> Arc<Mark> {
        let mark = Arc::new(Mark {
            since: self.since,
            asked_millis: AtomicU64::new(0),
            waits_for_upstream: AtomicBool::new(false),
        });
        mark.asked(false);
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.retain(|mark| mark.strong_count() > 0);
        marks.push(Arc::downgrade(&mark));
        mark
    }

    /// Whether any answer has been ready for the client longer than this.
    #[must_use]
    pub fn has_longer_than(&self, patience: Duration) -> bool {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.iter().filter_map(Weak::upgrade).any(|mark| mark.is_stalled(patience))
    }
}

impl Mark {
    /// The client could take more and asked; whether the upstream had nothing yet.
    pub fn asked(&self, waits_for_upstream: bool) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.asked_millis.store(millis, Ordering::Release);
        self.waits_for_upstream.store(waits_for_upstream, Ordering::Release);
    }

    fn is_stalled(&self, patience: Duration) -> bool {
        let asked = Duration::from_millis(self.asked_millis.load(Ordering::Acquire));
        !self.waits_for_upstream.load(Ordering::Acquire)
            && self.since.elapsed().saturating_sub(asked) > patience
    }
}

#[cfg(test)]
mod tests {
    use super::Stalls;
    use std::time::Duration;

    #[test]
    fn only_an_answer_that_could_be_taken_is_stalled() {
        let stalls = Stalls::default();
        let mark = stalls.watch();
        std::thread::sleep(Duration::from_millis(20));
        assert!(stalls.has_longer_than(Duration::from_millis(5)));
        assert!(!stalls.has_longer_than(Duration::from_secs(60)));
        mark.asked(true);
        std::thread::sleep(Duration::from_millis(20));
        assert!(!stalls.has_longer_than(Duration::from_millis(5)), "the upstream is slow");
        mark.asked(false);
        drop(mark);
        std::thread::sleep(Duration::from_millis(20));
        assert!(!stalls.has_longer_than(Duration::from_millis(5)), "it is over");
    }
}
