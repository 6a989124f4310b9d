//! Is it the first of its name? A window of names that each may pass once, until their time is over.
//!
//! Looking and inserting are one step (E17). The memory is bounded: where it is full of names whose
//! time is not over, no further one passes, because a name that was forgotten early could pass twice
//! (E19).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use portcullis_model::Timestamp;

/// Names are forgotten together with the others of their slot, which is this long in milliseconds.
const SLOT_MILLIS: u64 = 8_000;

/// Parts of the window that are locked one by one.
const PARTS: usize = 16;

/// What came of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The name was not there, and is now.
    First,
    /// There is no room for it.
    Full,
    /// It is there already.
    Repeated,
}

/// A window of names; about a hundred bytes each.
#[derive(Debug)]
pub struct Once {
    parts: [Mutex<Part>; PARTS],
}

/// The names of one part, with the slot in which each ends; and the names of each slot.
#[derive(Debug, Default)]
struct Part {
    slots: BTreeMap<[u8; 16], u64>,
    names: BTreeMap<u64, Vec<[u8; 16]>>,
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}

impl Once {
    /// An empty window.
    #[must_use]
    pub fn new() -> Self {
        Self { parts: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Inserts a name that ends at `until`, if it is not there and there is room among `max` names.
    /// Names are hashes: evenly spread, so that each part has its share of the room.
    pub fn insert(&self, name: [u8; 16], until: Timestamp, max: usize, now: Timestamp) -> Seen {
        let [first, ..] = name;
        let Some(part) = self.parts.get(usize::from(first) % PARTS) else { return Seen::Full };
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        part.forget(now);
        if part.slots.contains_key(&name) {
            return Seen::Repeated;
        }
        if part.slots.len() >= (max / PARTS).max(1) {
            return Seen::Full;
        }
        let slot = (until.as_millis() / SLOT_MILLIS).saturating_add(1);
        part.slots.insert(name, slot);
        part.names.entry(slot).or_default().push(name);
        Seen::First
    }

    /// How many names are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        let count =
            |part: &Mutex<Part>| part.lock().unwrap_or_else(PoisonError::into_inner).slots.len();
        self.parts.iter().map(count).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Part {
    /// Forgets the names of slots that are over.
    fn forget(&mut self, now: Timestamp) {
        let slot = now.as_millis() / SLOT_MILLIS;
        while let Some(entry) = self.names.first_entry().filter(|entry| *entry.key() < slot) {
            for name in entry.remove() {
                self.slots.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Once, PARTS, Seen};
    use portcullis_model::Timestamp;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn name(number: usize) -> [u8; 16] {
        let mut name = [0; 16];
        name[0] = u8::try_from(number % 256).unwrap();
        name[8..].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        name
    }

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn e17_of_many_at_once_exactly_one_passes() {
        let (once, passed) = (Once::new(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for number in 0..500 {
                        if once.insert(name(number), at(1060), 1 << 16, at(1000)) == Seen::First {
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(passed.load(Ordering::Relaxed), 500);
        assert_eq!(once.len(), 500);
    }

    #[test]
    fn e19_a_full_window_refuses_until_time_makes_room() {
        let (once, max) = (Once::new(), PARTS * 4);
        for number in 0..max {
            assert_eq!(once.insert(name(number), at(1060), max, at(1000)), Seen::First);
        }
        assert_eq!(once.insert(name(max), at(1060), max, at(1001)), Seen::Full);
        assert_eq!(once.insert(name(3), at(1060), max, at(1059)), Seen::Repeated);
        assert_eq!(once.insert(name(max), at(1060), max, at(1059)), Seen::Full);
        assert_eq!(once.insert(name(max), at(1160), max, at(1080)), Seen::First);
        // room is made where a name comes in
        assert_eq!(once.len(), max - 4 + 1);
    }

    #[test]
    fn b10_a_name_is_remembered_for_all_of_its_time_and_not_much_longer() {
        let once = Once::new();
        for until in [1000_u64, 1001, 1007, 1008, 1015] {
            let one = name(usize::try_from(until).unwrap());
            assert_eq!(once.insert(one, at(until), 1 << 16, at(990)), Seen::First);
            assert_eq!(once.insert(one, at(until), 1 << 16, at(until)), Seen::Repeated, "{until}");
        }
        let one = name(1000);
        assert_eq!(once.insert(one, at(1100), 1 << 16, at(1024)), Seen::First);
    }
}
