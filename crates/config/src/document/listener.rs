//! Where are callers taken in?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::Tls;

use super::addresses::Addresses;
use super::proxied::ProxyProtocol;
use super::sender::Advertised;

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
    /// Protocols that are spoken; without TLS a client says by its first bytes which it speaks.
    #[serde(default = "default_protocols")]
    pub(crate) protocols: Vec<Protocol>,
    /// How it speaks TLS; without it, it does not.
    #[serde(default)]
    pub(crate) tls: Option<Tls>,
    /// How clients reach it, where something in front of it changes that.
    pub(crate) advertised: Option<Advertised>,
}

/// A protocol of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    /// HTTP/1.1 and HTTP/1.0 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
}

fn default_protocols() -> Vec<Protocol> {
    vec![Protocol::Http1, Protocol::Http2]
}
