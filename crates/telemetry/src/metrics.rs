//! What is counted? Everything that a process tells operators in numbers, under labels that come
//! from the declaration only, so that no client can make them grow (law 7).
//!
//! What a request waits for is counted here and then; what its record says as well (stages,
//! upstreams) is counted by whoever writes the record, off the request's path.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portcullis_model::record::{Crossing, RecordKind};
use portcullis_model::{Reason, Record, Stage};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::exports::Exports;
use crate::labels::{
    CallLabels, DeniedLabels, Name, ReloadLabels, RequestLabels, StageLabels, UpstreamLabels,
};
use crate::levels::Levels;
use crate::process::Process;
use crate::series::Series;
use crate::upstreams::Upstreams;

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
    process: Process,
    requests: Series<RequestLabels, Counter>,
    denied: Series<DeniedLabels, Counter>,
    stages: Series<StageLabels, Histogram>,
    /// The series of each stage: a closed set, looked up once.
    staged: Vec<(Stage, Histogram)>,
    verdict: Histogram,
    crossing: Histogram,
    calls: Series<CallLabels, Counter>,
    heads: Series<UpstreamLabels, Histogram>,
    reloads: Series<ReloadLabels, Counter>,
    bundle_rejected: Counter,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were turned away because too many were open.
    pub connections_refused: Counter,
    /// How upstreams fare.
    pub upstreams: Upstreams,
    /// Connections that ended in their TLS handshake.
    pub handshakes_failed: Counter,
    /// How things stand.
    pub levels: Levels,
    /// How the exports fare.
    pub exports: Exports,
}

impl Default for Metrics {
    fn default() -> Self {
        let stages: Series<StageLabels, Histogram> =
            Series::new(|| Histogram::new(DECISION_SECONDS));
        let series =
            |stage: &Stage| (*stage, stages.of(&StageLabels { stage: stage.as_str() }).clone());
        let metrics = Self {
            staged: Stage::ALL.iter().map(series).collect(),
            registry: Registry::default(),
            process: Process::default(),
            requests: Series::default(),
            denied: Series::default(),
            stages,
            verdict: Histogram::new(DECISION_SECONDS),
            crossing: Histogram::new(SECONDS),
            calls: Series::default(),
            heads: Series::new(|| Histogram::new(SECONDS)),
            reloads: Series::default(),
            bundle_rejected: Counter::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            upstreams: Upstreams::default(),
            handshakes_failed: Counter::default(),
            levels: Levels::default(),
            exports: Exports::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        self.process.register(&mut self.registry);
        let registry = self.registry.sub_registry_with_prefix("portcullis");
        registry.register("requests", "Decisions", self.requests.family());
        registry.register("denied", "Refusals by reason", self.denied.family());
        registry.register("upstream_calls", "Requests to upstreams", self.calls.family());
        registry.register("reloads", "Reloads, taken or not", self.reloads.family());
        registry.register("bundle_rejected", "Reloads not taken", self.bundle_rejected.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        let turned_away = "Connections turned away at the bound";
        registry.register("connections_refused", turned_away, self.connections_refused.clone());
        let handshakes = "Connections that ended in their TLS handshake";
        registry.register("handshakes_failed", handshakes, self.handshakes_failed.clone());
        let mut seconds = |name: &str, help: &str, metric: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
        };
        seconds("verdict", "Time to decide, all stages and facts included", &self.verdict);
        let whole = "From first byte of the request to the end of the answer";
        seconds("crossing", whole, &self.crossing);
        registry.register_with_unit(
            "decision",
            "Time of each stage, facts included; `forward` is the upstream's",
            Unit::Seconds,
            self.stages.family(),
        );
        registry.register_with_unit(
            "upstream",
            "From sending a request to the head of its answer",
            Unit::Seconds,
            self.heads.family(),
        );
        self.upstreams.register(registry);
        self.levels.register(registry);
        self.exports.register(registry);
        self
    }

    /// Counts a decision; `template` is the path template of its operation.
    pub fn decided(
        &self,
        crossing: &Crossing,
        template: Option<&str>,
        refused: Option<Reason>,
        took: Duration,
    ) {
        let labels = RequestLabels {
            boundary: Name(crossing.boundary.clone()),
            api: Name(crossing.api.clone()),
            operation: Name(crossing.operation.clone()),
            route: Name(template.map(Arc::from)),
            outcome: if refused.is_some() { "deny" } else { "allow" },
        };
        self.requests.of(&labels).inc();
        if let Some(reason) = refused {
            self.failed(crossing, reason);
        }
        self.verdict.observe(took.as_secs_f64());
    }

    /// Counts what went wrong with a crossing after it was permitted.
    pub fn failed(&self, crossing: &Crossing, reason: Reason) {
        let boundary = Name(crossing.boundary.clone());
        self.denied.of(&DeniedLabels { boundary, reason: reason.code() }).inc();
    }

    /// Counts the length of a crossing.
    pub fn crossed(&self, took: Duration) {
        self.crossing.observe(took.as_secs_f64());
    }

    /// Counts what a record says of stages and upstreams.
    pub fn recorded(&self, record: &Record) {
        if record.kind != RecordKind::Outcome {
            return;
        }
        let mut seen = None;
        for note in &record.stages {
            // a stage that said something and then refused has two notes of the same time
            if seen.replace(note.stage) == Some(note.stage) {
                continue;
            }
            let seconds = Duration::from_micros(note.micros).as_secs_f64();
            if let Some((_, series)) = self.staged.iter().find(|(stage, _)| *stage == note.stage) {
                series.observe(seconds);
            }
            if note.stage == Stage::Forward {
                self.called(record, seconds);
            }
        }
    }

    fn called(&self, record: &Record, seconds: f64) {
        let upstream = Name(record.crossing.upstream.clone());
        self.heads.of(&UpstreamLabels { upstream: upstream.clone() }).observe(seconds);
        let status = record.outcome.as_ref().and_then(|outcome| outcome.upstream_status);
        let outcome = match status {
            Some(100..200) => "1xx",
            Some(200..300) => "2xx",
            Some(300..400) => "3xx",
            Some(400..500) => "4xx",
            Some(_) => "5xx",
            None => record.reason.map_or("none", Reason::code),
        };
        self.calls.of(&CallLabels { upstream, outcome }).inc();
    }

    /// Counts a reload.
    pub fn reloaded(&self, taken: bool) {
        let outcome = if taken { "taken" } else { "refused" };
        self.reloads.of(&ReloadLabels { outcome }).inc();
        if !taken {
            self.bundle_rejected.inc();
        }
    }

    /// All of them in the text format of Prometheus (OpenMetrics 1.0).
    #[must_use]
    pub fn text(&self) -> String {
        self.process.read();
        self.levels.read();
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
        metrics.decided(&crossing, Some("/a/{id}"), Some(Reason::NotPermitted), took);
        metrics.decided(&crossing, Some("/a/{id}"), None, took);
        let text = metrics.text();
        let denied =
            "portcullis_denied_total{boundary=\"web\",reason=\"authorize.not_permitted\"} 1";
        assert!(text.contains(denied), "{text}");
        assert!(text.contains("outcome=\"allow\"} 1"), "{text}");
        assert!(
            text.contains("portcullis_verdict_seconds_bucket{le=\"2.5e-5\"} 2")
                || text.contains("portcullis_verdict_seconds_count 2"),
            "{text}"
        );
    }
}
