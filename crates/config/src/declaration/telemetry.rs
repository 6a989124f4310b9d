//! What do operators see, where is it sent, and whose traces are continued?

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::SecretRef;

/// What operators see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// A collector.
    pub otlp: Option<Otlp>,
    /// A TCP address at which the metrics can be read.
    pub metrics_address: Option<SocketAddr>,
}

/// A collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// `https`, or `http` to a loopback address; without a slash at its end.
    pub endpoint: String,
    /// Headers of every export, by name in lower case.
    pub headers: BTreeMap<String, SecretRef>,
    /// File of the certificates that the collector's must lead to, relative to the estate; the
    /// public ones where there is none.
    pub roots: Option<String>,
    /// Networks that may be connected to besides public addresses.
    pub allow_addresses: Vec<IpNet>,
    /// What is sent; never empty.
    pub signals: BTreeSet<Signal>,
    /// One of so many traces that begin here is kept; at least 1.
    pub sample_one_in: u32,
    /// Longest time between two exports.
    pub interval: Duration,
    /// Longest time for one export.
    pub timeout: Duration,
    /// Most decisions that wait for an export.
    pub queue_max: u32,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// A log record for each decision.
    Logs,
    /// The metrics that Prometheus gets.
    Metrics,
    /// A span for each crossing.
    Traces,
}

/// What a boundary believes about traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracing {
    /// Whether a caller's trace goes on; else a new one begins, with a link.
    pub continues: bool,
    /// Keys of `baggage` that are carried on.
    pub baggage: Vec<String>,
}
