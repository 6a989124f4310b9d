//! Where are callers taken in?

use schemars::JsonSchema;
use serde::Deserialize;

use super::addresses::Addresses;
use super::proxied::ProxyProtocol;

/// A listening socket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listener {
    /// IP address and port, such as `127.0.0.1:8080`; port 0 takes a free one.
    pub(crate) address: String,
    /// The zone of whoever arrives here.
    pub(crate) zone: String,
    /// Proxies of ours in front, counted from the right of `X-Forwarded-For`.
    #[serde(default)]
    pub(crate) trusted_hops: u8,
    /// Networks of these proxies.
    #[serde(default)]
    pub(crate) trusted_peers: Vec<String>,
    /// Proxies that name the client in front of each connection.
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    /// Client addresses that may come in here.
    pub(crate) addresses: Option<Addresses>,
}
