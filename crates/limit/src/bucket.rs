//! May one more pass now? GCRA: each cell holds the theoretical arrival time (TAT) of the next
//! request; a request passes if it does not come earlier than that by more than the burst.
//!
//! Check and increment are one atomic step (F9). Time may run backwards: then a cell only refuses
//! for longer.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis_model::Timestamp;

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub amount: NonZeroU32,
    /// Per how long; at least a millisecond.
    pub window: Duration,
    /// How many at once.
    pub burst: NonZeroU32,
}

impl Quota {
    /// Microseconds that one request uses up.
    fn interval(&self) -> u64 {
        let window = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX);
        (window / u64::from(self.amount.get())).max(1)
    }
}

/// What came of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// One more passes.
    Admitted {
        /// How many more would pass at once.
        remaining: u32,
        /// After which nothing is used up any more.
        reset: Duration,
    },
    /// It does not, and nothing was spent.
    Refused {
        /// After which the next would pass.
        retry_after: Duration,
    },
}

/// A fixed table of cells.
#[derive(Debug)]
pub struct Buckets {
    cells: Vec<AtomicU64>,
}

impl Buckets {
    /// A table of this many cells, at least one; eight bytes each.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { cells: (0..slots.max(1)).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Takes one, or refuses and spends nothing.
    pub fn take(&self, key: u64, quota: &Quota, now: Timestamp) -> Taken {
        let Some(cell) = self.cell(key) else { return full() };
        let mut tat = cell.load(Ordering::Relaxed);
        loop {
            let (verdict, next) = judge(tat, quota, now);
            let Some(next) = next else { return verdict };
            match cell.compare_exchange_weak(tat, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return verdict,
                Err(current) => tat = current,
            }
        }
    }

    /// What a take would answer now.
    #[must_use]
    pub fn peek(&self, key: u64, quota: &Quota, now: Timestamp) -> Taken {
        self.cell(key).map_or_else(full, |cell| judge(cell.load(Ordering::Relaxed), quota, now).0)
    }

    fn cell(&self, key: u64) -> Option<&AtomicU64> {
        let count = u64::try_from(self.cells.len()).unwrap_or(u64::MAX);
        usize::try_from(key.checked_rem(count)?).ok().and_then(|at| self.cells.get(at))
    }
}

/// The answer of a table without cells, which `new` never makes.
const fn full() -> Taken {
    Taken::Refused { retry_after: Duration::from_secs(1) }
}

/// The verdict for a TAT in microseconds, and the next TAT if it admits.
fn judge(tat: u64, quota: &Quota, now: Timestamp) -> (Taken, Option<u64>) {
    let now = now.as_millis().saturating_mul(1000);
    let interval = quota.interval();
    let tolerance = interval.saturating_mul(u64::from(quota.burst.get()));
    let next = tat.max(now).saturating_add(interval);
    let ahead = next.saturating_sub(now);
    if ahead > tolerance {
        let retry_after = Duration::from_micros(ahead.saturating_sub(tolerance));
        return (Taken::Refused { retry_after }, None);
    }
    let remaining = tolerance.saturating_sub(ahead) / interval;
    let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
    (Taken::Admitted { remaining, reset: Duration::from_micros(ahead) }, Some(next))
}

#[cfg(test)]
mod tests {
    use super::{Buckets, Quota, Taken};
    use portcullis_model::Timestamp;
    use proptest::prelude::*;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn quota(amount: u32, secs: u64, burst: u32) -> Quota {
        Quota {
            amount: NonZeroU32::new(amount).unwrap(),
            window: Duration::from_secs(secs),
            burst: NonZeroU32::new(burst).unwrap(),
        }
    }

    fn admitted(taken: Taken) -> bool {
        matches!(taken, Taken::Admitted { .. })
    }

    #[test]
    fn a_burst_passes_then_the_rate() {
        let (buckets, quota) = (Buckets::new(8), quota(10, 10, 3));
        let at = |millis: u64| Timestamp::from_millis(1_000_000 + millis);
        assert_eq!(
            buckets.take(1, &quota, at(0)),
            Taken::Admitted { remaining: 2, reset: Duration::from_secs(1) }
        );
        assert!(admitted(buckets.take(1, &quota, at(0))));
        assert!(admitted(buckets.take(1, &quota, at(0))));
        let refused = Taken::Refused { retry_after: Duration::from_secs(1) };
        assert_eq!(buckets.take(1, &quota, at(0)), refused);
        assert_eq!(buckets.peek(1, &quota, at(0)), refused);
        assert!(admitted(buckets.take(1, &quota, at(1000))));
        assert!(!admitted(buckets.take(1, &quota, at(1000))));
    }

    #[test]
    fn f09_threads_admit_exactly_the_burst() {
        let (buckets, quota) = (Buckets::new(1), quota(100, 1000, 100));
        let admitted: usize = std::thread::scope(|scope| {
            let take = || {
                (0..200)
                    .filter(|_| admitted(buckets.take(7, &quota, Timestamp::from_secs(9))))
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 100);
    }

    #[test]
    fn b10_a_flood_of_keys_is_never_admitted_beyond_its_cells() {
        let (buckets, quota) = (Buckets::new(4), quota(1, 60, 1));
        let passed = (0..10_000)
            .filter(|key| admitted(buckets.take(*key, &quota, Timestamp::from_secs(9))))
            .count();
        assert_eq!(passed, 4);
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate(steps in proptest::collection::vec(0_u64..400, 1..200)) {
            let (buckets, quota) = (Buckets::new(1), quota(5, 1, 4));
            let (mut now, mut passed) = (50_000, 0_u64);
            for step in &steps {
                now += step;
                passed += u64::from(admitted(buckets.take(0, &quota, Timestamp::from_millis(now))));
            }
            prop_assert!(passed <= 4 + (now - 50_000) / 200);
        }
    }
}
