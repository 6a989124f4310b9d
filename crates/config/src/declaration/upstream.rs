//! Where are requests carried?

mod rules;
mod signature;
mod tls;

use std::time::Duration;

use ipnet::IpNet;
use portcullis_diagnostics::Span;

pub use self::rules::{Balance, Circuit, Dns, Health, Outlier, Retries};
pub use self::signature::{SigningKey, UpstreamSignature};
use super::tokens::UpstreamToken;

pub use self::tls::{ClientCertificate, MinTls, UpstreamProtocol, UpstreamTls};

/// Where requests are carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Names and addresses, each once; at least one.
    pub addresses: Vec<HostPort>,
    /// Which addresses they may lead to.
    pub class: AddressClass,
    /// When names are looked up.
    pub dns: Dns,
    /// How an address is chosen.
    pub balance: Balance,
    /// Which HTTP is spoken.
    pub protocol: UpstreamProtocol,
    /// The token that it is sent with each request.
    pub token: Option<UpstreamToken>,
    /// How it is encrypted.
    pub tls: Option<UpstreamTls>,
    /// How requests to it are signed.
    pub signature: Option<UpstreamSignature>,
    /// Longest time to connect, and to wait for a free connection.
    pub connect_timeout: Duration,
    /// Longest time to the response's head for one try; shorter than `response_timeout`.
    pub try_timeout: Option<Duration>,
    /// Longest time to the response's head, all tries included.
    pub response_timeout: Duration,
    /// Longest silence between two parts of a body.
    pub idle_timeout: Duration,
    /// Longest time to the response's last byte; not shorter than `response_timeout`.
    pub overall_timeout: Option<Duration>,
    /// Most requests at once per worker.
    pub connections_max: u32,
    /// How addresses are asked for their health.
    pub health: Option<Health>,
    /// When an address that answers badly rests.
    pub outlier: Option<Outlier>,
    /// Most of everything at once, over all workers.
    pub circuit: Circuit,
    /// What is sent again.
    pub retries: Retries,
    /// Trailers of responses that are passed on besides those of gRPC, in lower case.
    pub trailers: Vec<String>,
    /// Where it was declared.
    pub span: Span,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// A name, or an IP address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Which addresses a name may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// Any address of one machine.
    Any,
    /// Those of these networks.
    Networks(Vec<IpNet>),
    /// Those used within an organisation or machine.
    Private,
    /// Those of the public internet.
    Public,
}
