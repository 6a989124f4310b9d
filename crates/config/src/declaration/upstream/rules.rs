//! How are the addresses of an upstream chosen, watched and spared?

use std::time::Duration;

/// When names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dns {
    /// How often.
    pub refresh: Duration,
    /// How long the last good answer counts; not shorter than `refresh`.
    pub keep_for: Duration,
}

/// How an address is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Every principal has its address.
    ByPrincipal,
    /// Every tenant has its address.
    ByTenant,
    /// Of two that chance picks, the less busy one.
    LeastRequest,
}

/// How addresses are asked for their health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Path of the question.
    pub path: String,
    /// How often.
    pub interval: Duration,
    /// Longest time for an answer; not longer than `interval`.
    pub timeout: Duration,
    /// Bad answers one after another until an address takes no more requests.
    pub unhealthy_after: u32,
    /// Good answers one after another until it takes requests again.
    pub healthy_after: u32,
    /// Good answers; 200 to 599.
    pub statuses: Vec<u16>,
}

/// When an address that answers badly rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlier {
    /// Failures one after another.
    pub consecutive_failures: u32,
    /// How long for the first time; twice as long each further time.
    pub eject_for: Duration,
    /// How long at most; not shorter than `eject_for`.
    pub eject_for_max: Duration,
    /// Largest share of the addresses that rests at once, in percent.
    pub ejected_percent_max: u8,
}

/// Most of everything at once, over all workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Requests under way.
    pub requests_max: u32,
    /// Requests that wait for a free connection.
    pub pending_max: u32,
    /// Requests that are being sent again.
    pub retries_max: u32,
}

/// What is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often at most.
    pub attempts_max: u32,
    /// Answers that count as none; of 502, 503, 504.
    pub statuses: Vec<u16>,
    /// As a share of all requests, in percent.
    pub budget_percent: u8,
}
