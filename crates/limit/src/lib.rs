//! How much, how often? Rates and concurrency in fixed memory, given a time.
//!
//! - [`Buckets`]: the generic cell rate algorithm (GCRA) over a fixed table
//! - [`Slots`]: requests at once over a fixed table
//! - [`Once`]: what may pass once within its time
//! - [`key()`]: what is counted, as a keyed 64-bit hash; [`client`]: whose address it is
//!
//! Tables never grow with what clients send. Two keys that meet in a cell are counted together,
//! which can refuse too much and never too little.

pub mod bucket;
pub mod key;
pub mod once;
pub mod slot;

pub use bucket::{Buckets, Quota, Taken};
pub use key::{client, key};
pub use once::{Once, Seen};
pub use slot::Slots;
