//! What time is it, and what is the next record called? The clock and the randomness that pure
//! code may not have.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use portcullis_model::written::hex;
use portcullis_model::{RecordId, Timestamp};

/// Reads the system clock. Before 1970 counts as 1970: every token is then not yet valid.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Makes record ids: 12 hexadecimal digits of milliseconds, 8 random ones per process, 8 of a
/// counter. They sort by time, and two processes do not meet.
#[derive(Debug)]
pub struct RecordIds {
    process: u32,
    counter: AtomicU64,
}

impl RecordIds {
    /// A new series. Without randomness the process part is zero, and ids stay unique per process.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = [0; 4];
        let process = rand::fill(&mut bytes).map_or(0, |()| u32::from_be_bytes(bytes));
        Self { process, counter: AtomicU64::new(0) }
    }

    /// The next id.
    pub fn next(&self, at: Timestamp) -> RecordId {
        let count = self.counter.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff;
        let millis = at.as_millis() & 0xffff_ffff_ffff;
        let (process, count) = (u128::from(self.process), u128::from(count));
        let number = (u128::from(millis) << 64) | (process << 32) | count;
        let [_, _, used @ ..] = number.to_be_bytes();
        RecordId::new(&hex(&used))
    }
}

impl Default for RecordIds {
    fn default() -> Self {
        Self::new()
    }
}
