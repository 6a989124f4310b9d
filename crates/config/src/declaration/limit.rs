//! How often may something happen?

use std::num::NonZeroU32;
use std::time::Duration;

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it counts by.
    pub per: LimitPer,
    /// What it allows.
    pub rule: LimitRule,
}

/// What a limit counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitPer {
    /// Client address.
    Address,
    /// Operation.
    Operation,
    /// Principal.
    Principal,
    /// Tenant; principals without one count by principal.
    Tenant,
}

/// What a limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitRule {
    /// At most this many at once.
    Concurrent(NonZeroU32),
    /// At most this many per window, with `burst` at once.
    Rate {
        /// How many.
        amount: NonZeroU32,
        /// Per how long.
        window: Duration,
        /// How many at once.
        burst: NonZeroU32,
    },
}
