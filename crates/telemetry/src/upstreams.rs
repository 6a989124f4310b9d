//! How do upstreams fare? Counted under their declared names.

use portcullis_model::UpstreamId;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::labels::{BoundLabels, EndpointLabels, Name, UpstreamLabels};
use crate::series::Series;

/// The words for the bounds of a circuit.
const BOUNDS: [&str; 3] = ["pending", "requests", "retries"];

/// The words for the states of an address.
const STATES: [&str; 3] = ["available", "ejected", "unhealthy"];

/// Metrics of all upstreams.
#[derive(Debug, Default)]
pub struct Upstreams {
    endpoints: Series<EndpointLabels, Gauge>,
    ejections: Series<UpstreamLabels, Counter>,
    retries: Series<UpstreamLabels, Counter>,
    bounded: Series<BoundLabels, Counter>,
    refused_addresses: Series<UpstreamLabels, Counter>,
}

impl Upstreams {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "upstream_endpoints",
            "Addresses of an upstream by state",
            self.endpoints.family(),
        );
        registry.register(
            "upstream_ejections",
            "Addresses ejected because they answered badly",
            self.ejections.family(),
        );
        registry.register("upstream_retries", "Requests sent again", self.retries.family());
        registry.register(
            "upstream_bounded",
            "Requests, or retries, refused at a bound of the circuit",
            self.bounded.family(),
        );
        registry.register(
            "upstream_refused_addresses",
            "Lookups that led to an address outside the declared class",
            self.refused_addresses.family(),
        );
    }

    /// How many addresses are in each state: available, ejected, unhealthy. Said of every upstream at first, so its counters begin
    /// here: one that begins at its first event hides that one from `increase`.
    pub fn endpoints(&self, upstream: &str, counts: [usize; 3]) {
        for counter in [&self.ejections, &self.retries, &self.refused_addresses] {
            counter.of(&labels(upstream)).inc_by(0);
        }
        for bound in BOUNDS {
            self.bounded.of(&BoundLabels { upstream: name(upstream), bound }).inc_by(0);
        }
        for (state, count) in STATES.into_iter().zip(counts) {
            let labels = EndpointLabels { upstream: name(upstream), state };
            self.endpoints.of(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// An upstream is not declared any more: it has no addresses of which the last state would stand
    /// for ever. What was counted of it stays counted.
    pub fn gone(&self, upstream: &str) {
        for state in STATES {
            self.endpoints.remove(&EndpointLabels { upstream: name(upstream), state });
        }
    }

    /// An address was ejected.
    pub fn ejected(&self, upstream: &str) {
        self.ejections.of(&labels(upstream)).inc();
    }

    /// A request was sent again.
    pub fn retried(&self, upstream: &str) {
        self.retries.of(&labels(upstream)).inc();
    }

    /// A request, or a retry, was refused at a bound.
    pub fn bounded(&self, upstream: &str, bound: &'static str) {
        let labels = BoundLabels { upstream: name(upstream), bound };
        self.bounded.of(&labels).inc();
    }

    /// A lookup led to an address outside the declared class.
    pub fn refused_address(&self, upstream: &str) {
        self.refused_addresses.of(&labels(upstream)).inc();
    }
}

fn labels(upstream: &str) -> UpstreamLabels {
    UpstreamLabels { upstream: name(upstream) }
}

fn name(upstream: &str) -> Name<UpstreamId> {
    Name(Some(UpstreamId::new(upstream)))
}
