//! The chain: one pure decision over facts, from receive to record.
//!
//! ```text
//! receive ─▶ identify ─▶ assess ─▶ authorize ─▶ inspect ─▶ admit ─▶ Permit ─▶ forward ─▶ record
//! ```
//!
//! Nothing here waits, reads a clock, draws randomness or touches a file: state, facts, snapshot
//! and time go in; the next state, a list of needed facts, or a refusal come out. That is why the
//! gateway, `simulate` and `replay` cannot disagree.

pub mod addresses;
pub mod admit;
pub mod answer;
pub mod assess;
pub mod authorize;
pub mod chain;
pub mod compress;
pub mod cors;
pub mod diff;
pub mod exchange;
pub mod facts;
pub mod forward;
pub mod identify;
pub mod inspect;
pub mod json;
pub mod life;
pub mod mint;
pub mod names;
pub mod profile;
mod protected;
pub mod published;
pub mod receive;
pub mod record;
pub mod refusal;
pub mod reply;
pub mod rewrite;
pub mod sender;
pub mod snapshot;
pub mod span;
pub mod trace;

pub use admit::Permit;
pub use answer::Answer;
pub use chain::{Advance, Allowed, Chain};
pub use refusal::Refusal;
pub use snapshot::Snapshot;
