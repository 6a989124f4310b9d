//! How many at once? Counters in a fixed table; whoever enters must leave.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// A fixed table of counters.
#[derive(Debug)]
pub struct Slots {
    cells: Vec<AtomicU32>,
}

impl Slots {
    /// A table of this many counters, at least one; four bytes each.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { cells: (0..capacity.max(1)).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Enters, unless `max` are in already.
    pub fn enter(&self, key: u64, max: NonZeroU32) -> bool {
        let more = |count: u32| (count < max.get()).then(|| count.saturating_add(1));
        self.cell(key).is_some_and(|cell| {
            cell.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok()
        })
    }

    /// Leaves, after a successful [`Self::enter`] with the same key.
    pub fn leave(&self, key: u64) {
        if let Some(cell) = self.cell(key) {
            let less = |count: u32| Some(count.saturating_sub(1));
            // `less` always answers, so this cannot fail
            let _before: u32 =
                cell.fetch_update(Ordering::AcqRel, Ordering::Relaxed, less).unwrap_or_default();
        }
    }

    fn cell(&self, key: u64) -> Option<&AtomicU32> {
        let count = u64::try_from(self.cells.len()).unwrap_or(u64::MAX);
        usize::try_from(key.checked_rem(count)?).ok().and_then(|at| self.cells.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;
    use std::num::NonZeroU32;

    #[test]
    fn as_many_as_declared_and_again_after_leaving() {
        let (slots, two) = (Slots::new(16), NonZeroU32::new(2).unwrap());
        assert!(slots.enter(3, two) && slots.enter(3, two));
        assert!(!slots.enter(3, two));
        slots.leave(3);
        assert!(slots.enter(3, two));
    }
}
