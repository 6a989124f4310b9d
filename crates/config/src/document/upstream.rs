//! Where are requests carried?

use schemars::JsonSchema;
use serde::Deserialize;

/// Where requests are carried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// `host:port`.
    pub(crate) address: String,
    /// Longest time to connect.
    #[serde(default = "default_connect_timeout")]
    pub(crate) connect_timeout: String,
    /// Longest time to the head of the response.
    #[serde(default = "default_response_timeout")]
    pub(crate) response_timeout: String,
    /// Longest silence within a body.
    #[serde(default = "default_idle_timeout")]
    pub(crate) idle_timeout: String,
    /// Most connections per worker.
    #[serde(default = "default_connections_max")]
    #[schemars(range(min = 1, max = 65_535))]
    pub(crate) connections_max: u32,
}

fn default_connect_timeout() -> String {
    "1s".to_owned()
}

fn default_response_timeout() -> String {
    "10s".to_owned()
}

fn default_idle_timeout() -> String {
    "10s".to_owned()
}

const fn default_connections_max() -> u32 {
    64
}
