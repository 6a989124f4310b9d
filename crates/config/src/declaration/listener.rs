//! Where are callers taken in?

use std::net::SocketAddr;

use ipnet::IpNet;
use portcullis_model::ZoneId;

use super::addresses::Addresses;

/// A listening socket.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where to listen.
    pub address: SocketAddr,
    /// The zone that callers arriving here are in.
    pub zone: ZoneId,
    /// How many proxies of ours stand in front, counted from the right of `X-Forwarded-For`.
    pub trusted_hops: u8,
    /// Peers from which forwarded headers are believed; required when `trusted_hops` > 0.
    pub trusted_peers: Vec<IpNet>,
    /// Proxies that name the client in front of each connection.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Client addresses that may come in here.
    pub addresses: Option<Addresses>,
}

/// Who names the client in front of a connection (PROXY protocol).
#[derive(Clone, Debug)]
pub struct ProxyProtocol {
    /// Networks of the proxies; each connection from them begins with a header, no other does.
    pub peers: Vec<IpNet>,
    /// Whether nobody else may connect at all.
    pub required: bool,
}
