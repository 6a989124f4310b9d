//! What do operators see, where is it sent, and whose traces are continued?

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// What operators see. Metrics are always on the admin socket.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// A collector that traces, metrics and decisions are sent to.
    pub(crate) otlp: Option<Otlp>,
    /// A TCP address at which Prometheus may ask for the metrics too.
    pub(crate) prometheus: Option<Prometheus>,
}

/// A collector: OTLP over HTTP, in protobuf.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Otlp {
    /// `https`, or `http` to a loopback address; `/v1/traces` and its like are added to its path.
    pub(crate) endpoint: String,
    /// Headers of every export, by name in lower case; their values are secrets.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Secret>,
    /// File of the certificates (PEM) that the collector's must lead to; the public ones where it is
    /// not given.
    #[serde(default)]
    pub(crate) roots: Option<String>,
    /// Networks that may be connected to besides public addresses.
    #[serde(default)]
    pub(crate) allow_addresses: Vec<String>,
    /// What is sent.
    #[serde(default = "default_signals")]
    pub(crate) signals: Vec<Signal>,
    /// One of so many traces is kept, where the caller's is not continued. Records are never sampled.
    #[serde(default = "default_sample_one_in")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) sample_one_in: u32,
    /// Longest time between two exports.
    #[serde(default = "default_interval")]
    pub(crate) interval: String,
    /// Longest time for one export, and for the last ones when the gateway stops.
    #[serde(default = "default_timeout")]
    pub(crate) timeout: String,
    /// Most decisions that wait for an export; beyond it the oldest are dropped, and counted.
    #[serde(default = "default_queue_max")]
    #[schemars(range(min = 64, max = 65_536))]
    pub(crate) queue_max: u32,
}

/// What is sent.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Signal {
    /// A span for each crossing.
    Traces,
    /// The metrics that Prometheus gets.
    Metrics,
    /// A log record for each decision.
    Logs,
}

/// A TCP address for metrics. Whoever can reach it can read them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prometheus {
    /// IP address and port.
    pub(crate) address: String,
}

/// What is believed about traces.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tracing {
    /// What becomes of the trace that a caller names in `traceparent`.
    pub(crate) context: Context,
    /// Keys of `baggage` that are carried on; all others stay outside.
    pub(crate) baggage: Vec<String>,
}

/// What becomes of a caller's trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Context {
    /// A new trace begins, with a link to the caller's.
    #[default]
    Restart,
    /// It goes on: callers are trusted to name it, and to say whether it is kept.
    Continue,
}

fn default_signals() -> Vec<Signal> {
    vec![Signal::Traces, Signal::Metrics, Signal::Logs]
}

const fn default_sample_one_in() -> u32 {
    1
}

fn default_interval() -> String {
    "5s".to_owned()
}

fn default_timeout() -> String {
    "5s".to_owned()
}

const fn default_queue_max() -> u32 {
    2048
}
