//! May this be logged once more? What strangers can cause as often as they like is logged a bounded
//! number of times a minute; the next line that is logged says how many were not.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a count goes on.
const WINDOW: Duration = Duration::from_secs(60);

/// Lines in that time.
const LINES_MAX: u32 = 60;

/// Counts lines.
#[derive(Debug)]
pub struct Seldom {
    count: Mutex<Count>,
}

#[derive(Debug)]
struct Count {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Default for Seldom {
    fn default() -> Self {
        Self { count: Mutex::new(Count { since: Instant::now(), lines: 0, left_out: 0 }) }
    }
}

impl Seldom {
    /// How many lines were left out before this one; `None` where it is left out too.
    #[must_use]
    pub fn turn(&self, now: Instant) -> Option<u64> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(count.since) >= WINDOW {
            (count.since, count.lines) = (now, 0);
        }
        if count.lines >= LINES_MAX {
            count.left_out = count.left_out.saturating_add(1);
            return None;
        }
        count.lines = count.lines.saturating_add(1);
        Some(std::mem::take(&mut count.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES_MAX, Seldom, WINDOW};
    use std::time::Instant;

    #[test]
    fn a_flood_is_counted_and_not_logged() {
        let seldom = Seldom::default();
        let now = Instant::now();
        let logged = (0..1000).filter(|_| seldom.turn(now).is_some()).count();
        assert_eq!(logged, usize::try_from(LINES_MAX).unwrap());
        assert_eq!(seldom.turn(now + WINDOW), Some(1000 - u64::from(LINES_MAX)));
        assert_eq!(seldom.turn(now + WINDOW), Some(0));
    }
}
