//! What do operators see? Metrics whose labels come from the declaration only, so that no client
//! can make them grow (law 7).

mod upstreams;

use std::fmt;
use std::time::Duration;

use portcullis_model::record::Crossing;
use portcullis_model::{ApiId, BoundaryId, OperationId, Reason};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use self::upstreams::Upstreams;

/// Upper bounds in seconds, as OpenTelemetry recommends for HTTP servers.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Upper bounds in seconds for decisions, which take microseconds.
const DECISION_SECONDS: [f64; 10] =
    [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1];

/// All metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    denied: Family<DeniedLabels, Counter>,
    decision: Histogram,
    crossing: Histogram,
    reloads: Family<ReloadLabels, Counter>,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were turned away because too many were open.
    pub connections_refused: Counter,
    /// How upstreams fare.
    pub upstreams: Upstreams,
    /// Connections that ended in their TLS handshake.
    pub handshakes_failed: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    boundary: Name<BoundaryId>,
    api: Name<ApiId>,
    operation: Name<OperationId>,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DeniedLabels {
    boundary: Name<BoundaryId>,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReloadLabels {
    outcome: &'static str,
}

/// A declared name as a label, shared and not copied; empty where none was found.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Name<T>(Option<T>);

impl<T: fmt::Display + fmt::Debug> EncodeLabelValue for Name<T> {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        use fmt::Write as _;
        match &self.0 {
            Some(name) => write!(encoder, "{name}"),
            None => Ok(()),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("portcullis"),
            requests: Family::default(),
            denied: Family::default(),
            decision: Histogram::new(DECISION_SECONDS),
            crossing: Histogram::new(SECONDS),
            reloads: Family::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            upstreams: Upstreams::default(),
            handshakes_failed: Counter::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("requests", "Decisions", self.requests.clone());
        registry.register("denied", "Refusals by reason", self.denied.clone());
        registry.register_with_unit(
            "decision",
            "Time to decide, facts included",
            Unit::Seconds,
            self.decision.clone(),
        );
        registry.register_with_unit(
            "crossing",
            "From first byte of the request to the end of the answer",
            Unit::Seconds,
            self.crossing.clone(),
        );
        registry.register("reloads", "Reloads, taken or not", self.reloads.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "connections_refused",
            "Connections turned away at the bound",
            self.connections_refused.clone(),
        );
        self.upstreams.register(registry);
        registry.register(
            "handshakes_failed",
            "Connections that ended in their TLS handshake",
            self.handshakes_failed.clone(),
        );
        self
    }

    /// Counts a decision.
    pub fn decided(&self, crossing: &Crossing, refused: Option<Reason>, took: Duration) {
        let labels = RequestLabels {
            boundary: Name(crossing.boundary.clone()),
            api: Name(crossing.api.clone()),
            operation: Name(crossing.operation.clone()),
            outcome: if refused.is_some() { "deny" } else { "allow" },
        };
        self.requests.get_or_create(&labels).inc();
        if let Some(reason) = refused {
            self.failed(crossing, reason);
        }
        self.decision.observe(took.as_secs_f64());
    }

    /// Counts what went wrong with a crossing after it was permitted.
    pub fn failed(&self, crossing: &Crossing, reason: Reason) {
        let boundary = Name(crossing.boundary.clone());
        self.denied.get_or_create(&DeniedLabels { boundary, reason: reason.code() }).inc();
    }

    /// Counts a reload.
    pub fn reloaded(&self, taken: bool) {
        let outcome = if taken { "taken" } else { "refused" };
        self.reloads.get_or_create(&ReloadLabels { outcome }).inc();
    }

    /// Counts the length of a crossing.
    pub fn crossed(&self, took: Duration) {
        self.crossing.observe(took.as_secs_f64());
    }

    /// All of them in the text format of Prometheus (OpenMetrics 1.0).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // writing to a string cannot fail
        let _infallible: Result<(), fmt::Error> = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;
    use portcullis_model::Reason;
    use portcullis_model::record::Crossing;
    use std::time::Duration;

    #[test]
    fn decisions_are_counted_under_declared_names() {
        let metrics = Metrics::default();
        let crossing = Crossing { boundary: Some("web".into()), ..Crossing::default() };
        let took = Duration::from_micros(20);
        metrics.decided(&crossing, Some(Reason::NotPermitted), took);
        metrics.decided(&crossing, None, took);
        let text = metrics.text();
        let denied =
            "portcullis_denied_total{boundary=\"web\",reason=\"authorize.not_permitted\"} 1";
        assert!(text.contains(denied), "{text}");
        assert!(text.contains("outcome=\"allow\"} 1"), "{text}");
        assert!(
            text.contains("portcullis_decision_seconds_bucket{le=\"2.5e-5\"} 2")
                || text.contains("portcullis_decision_seconds_count 2"),
            "{text}"
        );
    }
}
