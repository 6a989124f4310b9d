//! Which proxies may say for whom they connect?

use schemars::JsonSchema;
use serde::Deserialize;

/// The PROXY protocol (versions 1 and 2) on a listener: its header comes first on a connection, before
/// TLS, and names the client.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProxyProtocol {
    /// Networks of the proxies. They must send a header; nobody else may.
    pub(crate) peers: Vec<String>,
    /// Whether nobody else may connect at all.
    #[serde(default = "default_required")]
    pub(crate) required: bool,
}

const fn default_required() -> bool {
    true
}
