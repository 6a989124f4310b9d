//! Where does an upstream stand, and which rules hold on the way to it? Equal targets can share
//! connections and state; a reload keeps what did not change.

use std::time::Duration;

use http::HeaderName;

use crate::address::AddressClass;

use super::balance::Balance;
use super::endpoint::Authority;
use super::tls::{Protocol, Tls};
use super::{circuit, health, outlier, resolve, retry};

/// Where, and how patiently.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Names and addresses.
    pub authorities: Vec<Authority>,
    /// Which addresses they may lead to.
    pub class: AddressClass,
    /// When names are looked up.
    pub resolve: resolve::Rule,
    /// How endpoints are chosen.
    pub balance: Balance,
    /// How endpoints are asked for their health.
    pub health: Option<health::Rule>,
    /// When endpoints are ejected.
    pub outlier: Option<outlier::Rule>,
    /// Most of everything at once, over all workers.
    pub circuit: circuit::Rule,
    /// What is sent again.
    pub retries: retry::Rule,
    /// Patience.
    pub timeouts: Timeouts,
    /// Most requests at once, per worker; over HTTP/1 each has a connection of its own.
    pub connections_max: usize,
    /// Which HTTP is spoken.
    pub protocol: Protocol,
    /// How it is encrypted.
    pub tls: Option<Tls>,
    /// Trailers of answers that are passed on besides those of gRPC.
    pub trailers: Vec<HeaderName>,
}

/// Patience with an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Longest time to connect, TLS included, and to wait for a free connection.
    pub connect: Duration,
    /// Longest time to the head of the answer, all tries included.
    pub response: Duration,
    /// Longest silence within the body of the answer.
    pub idle: Duration,
    /// Longest time to the head of the answer for one try.
    pub each_try: Option<Duration>,
    /// Longest time to the last byte of the answer.
    pub overall: Option<Duration>,
}
