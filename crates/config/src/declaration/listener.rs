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
    /// Client addresses that may come in here.
    pub addresses: Option<Addresses>,
}
