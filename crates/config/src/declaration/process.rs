//! How does the process itself behave: its guards, its records?

use std::num::NonZeroU32;
use std::time::Duration;

/// Bounds that stand before any decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    /// Largest request head in bytes.
    pub head_bytes_max: u32,
    /// Most headers.
    pub headers_max: u16,
    /// Longest target in bytes.
    pub target_bytes_max: u32,
    /// Longest time for a head.
    pub head_timeout: Duration,
    /// Longest time for a body.
    pub body_timeout: Duration,
    /// Longest idle time between requests.
    pub idle_timeout: Duration,
    /// Most connections in all.
    pub connections_max: u32,
    /// Most connections per address.
    pub connections_per_address_max: u32,
    /// Most requests at once on one connection of HTTP/2.
    pub streams_max: u32,
    /// Requests per address and second, before any cryptography.
    pub address_rate: NonZeroU32,
    /// Refused credentials per address and minute.
    pub failure_rate: NonZeroU32,
    /// Proofs, signatures and webhooks that are remembered at once.
    pub proofs_max: u32,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Folder, relative to the estate.
    pub directory: String,
    /// A file is closed at this size.
    pub rotate_bytes: u64,
    /// Files kept.
    pub keep_files: u32,
    /// File of the key that seals personal facts; made when missing.
    pub seal_key: String,
}
