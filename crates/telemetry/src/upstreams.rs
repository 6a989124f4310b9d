//! How do upstreams fare? Counted under their declared names.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Metrics of all upstreams.
#[derive(Debug, Default)]
pub struct Upstreams {
    endpoints: Family<StateLabels, Gauge>,
    ejections: Family<UpstreamLabels, Counter>,
    retries: Family<UpstreamLabels, Counter>,
    bounded: Family<BoundLabels, Counter>,
    refused_addresses: Family<UpstreamLabels, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct UpstreamLabels {
    upstream: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabels {
    upstream: String,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BoundLabels {
    upstream: String,
    bound: &'static str,
}

impl Upstreams {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "upstream_endpoints",
            "Addresses of an upstream by state",
            self.endpoints.clone(),
        );
        registry.register(
            "upstream_ejections",
            "Addresses ejected because they answered badly",
            self.ejections.clone(),
        );
        registry.register("upstream_retries", "Requests sent again", self.retries.clone());
        registry.register(
            "upstream_bounded",
            "Requests, or retries, refused at a bound of the circuit",
            self.bounded.clone(),
        );
        registry.register(
            "upstream_refused_addresses",
            "Lookups that led to an address outside the declared class",
            self.refused_addresses.clone(),
        );
    }

    /// How many addresses are in each state.
    pub fn endpoints(&self, upstream: &str, states: &[(&'static str, usize)]) {
        for (state, count) in states {
            let labels = StateLabels { upstream: upstream.to_owned(), state };
            self.endpoints.get_or_create(&labels).set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
    }

    /// An address was ejected.
    pub fn ejected(&self, upstream: &str) {
        self.ejections.get_or_create(&labels(upstream)).inc();
    }

    /// A request was sent again.
    pub fn retried(&self, upstream: &str) {
        self.retries.get_or_create(&labels(upstream)).inc();
    }

    /// A request, or a retry, was refused at a bound.
    pub fn bounded(&self, upstream: &str, bound: &'static str) {
        let labels = BoundLabels { upstream: upstream.to_owned(), bound };
        self.bounded.get_or_create(&labels).inc();
    }

    /// A lookup led to an address outside the declared class.
    pub fn refused_address(&self, upstream: &str) {
        self.refused_addresses.get_or_create(&labels(upstream)).inc();
    }
}

fn labels(upstream: &str) -> UpstreamLabels {
    UpstreamLabels { upstream: upstream.to_owned() }
}
