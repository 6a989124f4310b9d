//! Where are requests carried?

mod rules;
mod signature;
mod tls;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::rules::{Balance, Circuit, Dns, Health, Outlier, Retries};
pub(crate) use self::signature::UpstreamSignature;
pub(crate) use self::tls::{ClientCertificate, UpstreamProtocol, UpstreamTls};
use super::tokens::UpstreamToken;

/// Where requests are carried. Exactly one of `address` and `addresses`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// `host:port`.
    pub(crate) address: Option<String>,
    /// Several `host:port`, which answer alike.
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
    /// Which addresses its names may lead to. Those at which clouds tell machines about themselves
    /// are never among them.
    pub(crate) address_class: Option<AddressClass>,
    /// Networks that its names may lead to, instead of `address_class`.
    #[serde(default)]
    pub(crate) allow_networks: Vec<String>,
    /// When its names are looked up.
    pub(crate) dns: Option<Dns>,
    /// How an address is chosen.
    #[serde(default)]
    pub(crate) balance: Balance,
    /// Which HTTP is spoken.
    #[serde(default)]
    pub(crate) protocol: UpstreamProtocol,
    /// The token that it is sent with each request, signed by the boundary; none if absent.
    pub(crate) token: Option<UpstreamToken>,
    /// How it is encrypted; not at all if absent.
    pub(crate) tls: Option<UpstreamTls>,
    /// How requests to it are signed; not at all if absent.
    pub(crate) signature: Option<UpstreamSignature>,
    /// Longest time to connect, and to wait for a free connection.
    #[serde(default = "default_connect_timeout")]
    pub(crate) connect_timeout: String,
    /// Longest time to the head of the response for one try.
    pub(crate) try_timeout: Option<String>,
    /// Longest time to the head of the response, all tries included.
    #[serde(default = "default_response_timeout")]
    pub(crate) response_timeout: String,
    /// Longest silence within a body.
    #[serde(default = "default_idle_timeout")]
    pub(crate) idle_timeout: String,
    /// Longest time to the last byte of the response.
    pub(crate) overall_timeout: Option<String>,
    /// Most requests at once per worker; over HTTP/1 each has a connection of its own.
    #[serde(default = "default_connections_max")]
    #[schemars(range(min = 1, max = 65_535))]
    pub(crate) connections_max: u32,
    /// How addresses are asked for their health; not at all if absent.
    pub(crate) health: Option<Health>,
    /// When an address that answers badly rests; never if absent.
    pub(crate) outlier: Option<Outlier>,
    /// Most of everything at once, over all workers.
    #[serde(default)]
    pub(crate) circuit: Circuit,
    /// What is sent again.
    #[serde(default)]
    pub(crate) retries: Retries,
    /// Trailers of responses that are passed on besides `grpc-status`, `grpc-message` and
    /// `grpc-status-details-bin`.
    #[serde(default)]
    pub(crate) trailers: Vec<String>,
}

/// Which addresses a name may lead to.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AddressClass {
    /// Any address of one machine.
    Any,
    /// Those used within an organisation or machine (RFC 1918, 4193, 6598, loopback).
    Private,
    /// Those of the public internet.
    Public,
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
