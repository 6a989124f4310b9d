//! Where are callers taken in?

use std::net::SocketAddr;

use ipnet::IpNet;
use portcullis_model::ZoneId;

use super::addresses::Addresses;
use super::sender::Advertised;
use super::tls::Tls;

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Protocols that are spoken: at least one, each once, in their order here.
    pub protocols: Vec<Protocol>,
    /// How it speaks TLS; without it, it does not.
    pub tls: Option<Tls>,
    /// How clients reach it, where something in front of it changes that.
    pub advertised: Option<Advertised>,
}

/// Who names the client in front of a connection (PROXY protocol).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyProtocol {
    /// Networks of the proxies; each connection from them begins with a header, no other does.
    pub peers: Vec<IpNet>,
    /// Whether nobody else may connect at all.
    pub required: bool,
}

/// A protocol of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.1 and HTTP/1.0 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
}
