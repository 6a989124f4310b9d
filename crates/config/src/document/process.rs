//! How does the process itself behave: its guards, its records?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds that stand before any decision.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Guards {
    /// Largest request head.
    pub(crate) head_bytes_max: String,
    /// Most headers.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) headers_max: u16,
    /// Longest target.
    pub(crate) target_bytes_max: String,
    /// Longest time for a head.
    pub(crate) head_timeout: String,
    /// Longest time for a body.
    pub(crate) body_timeout: String,
    /// Longest idle time between requests.
    pub(crate) idle_timeout: String,
    /// Most connections in all.
    #[schemars(range(min = 1))]
    pub(crate) connections_max: u32,
    /// Most connections per address.
    #[schemars(range(min = 1))]
    pub(crate) connections_per_address_max: u32,
    /// Most requests at once on one connection of HTTP/2.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) streams_max: u32,
    /// Requests per address and second, before any cryptography.
    #[schemars(range(min = 1))]
    pub(crate) address_rate: u32,
    /// Refused credentials per address and minute.
    #[schemars(range(min = 1))]
    pub(crate) failure_rate: u32,
    /// Proofs, signatures and webhooks that are remembered at once, so that none passes twice; about
    /// 100 bytes each. Where there is no room, none passes.
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub(crate) proofs_max: u32,
}

/// Where decisions are written down.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Records {
    /// Folder of the record files.
    pub(crate) directory: String,
    /// A file is closed at this size.
    pub(crate) rotate_bytes: String,
    /// Files kept.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) keep_files: u32,
    /// File of the key that seals personal facts; made when missing.
    pub(crate) seal_key: String,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            head_bytes_max: "16KiB".to_owned(),
            headers_max: 64,
            target_bytes_max: "4KiB".to_owned(),
            head_timeout: "10s".to_owned(),
            body_timeout: "30s".to_owned(),
            idle_timeout: "60s".to_owned(),
            connections_max: 10_000,
            connections_per_address_max: 256,
            streams_max: 100,
            address_rate: 1000,
            failure_rate: 60,
            proofs_max: 1 << 18,
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self {
            directory: "state/records".to_owned(),
            rotate_bytes: "64MiB".to_owned(),
            keep_files: 16,
            seal_key: "state/seal.key".to_owned(),
        }
    }
}
