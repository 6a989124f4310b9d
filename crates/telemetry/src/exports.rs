//! How do the exports fare? What was sent, what was dropped because nobody took it, and how often it
//! failed: the exporter itself must be seen.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::labels::SignalLabels;
use crate::series::Series;

/// How the exports fare. Signals are `traces`, `metrics` and `logs`.
#[derive(Debug, Default)]
pub struct Exports {
    sent: Series<SignalLabels, Counter>,
    dropped: Series<SignalLabels, Counter>,
    failures: Series<SignalLabels, Counter>,
    depth: Gauge,
}

impl Exports {
    pub(crate) fn register(&self, registry: &mut Registry) {
        for series in [&self.sent, &self.dropped, &self.failures] {
            for signal in ["logs", "metrics", "traces"] {
                // a counter that begins at its first event hides it from `increase`
                series.of(&SignalLabels { signal }).inc_by(0);
            }
        }
        registry.register(
            "telemetry_sent",
            "Spans, metrics and log records that the collector took",
            self.sent.family(),
        );
        registry.register(
            "telemetry_dropped",
            "Spans, metrics and log records that were given up",
            self.dropped.family(),
        );
        registry.register(
            "telemetry_failures",
            "Exports that failed, whether tried again or not",
            self.failures.family(),
        );
        registry.register(
            "telemetry_queue_depth",
            "Decisions that wait for an export",
            self.depth.clone(),
        );
    }

    /// Counts what was taken.
    pub fn sent(&self, signal: &'static str, items: u64) {
        self.sent.of(&SignalLabels { signal }).inc_by(items);
    }

    /// Counts what was given up.
    pub fn dropped(&self, signal: &'static str, items: u64) {
        self.dropped.of(&SignalLabels { signal }).inc_by(items);
    }

    /// Counts an export that failed.
    pub fn failed(&self, signal: &'static str) {
        self.failures.of(&SignalLabels { signal }).inc();
    }

    /// How many decisions wait.
    pub fn waiting(&self, decisions: usize) {
        self.depth.set(i64::try_from(decisions).unwrap_or(i64::MAX));
    }
}
