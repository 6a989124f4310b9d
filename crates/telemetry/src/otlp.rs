//! What is it called at OpenTelemetry? Records become spans and log records, numbers become data
//! points, in the messages of OTLP 1.x and under the names of its semantic conventions.
//!
//! Nothing personal goes out: no path and no query (a route is a template), no address, no user
//! agent, no principal, and none of a record's facts. Whoever may see more opens the record, whose id
//! every span and log record has.

mod attributes;
mod log_records;
mod messages;
mod numbers;
mod origin;
mod spans;

use portcullis_model::Record;
use prost::Message as _;

use messages::{ExportAnswer, Resource};

pub use origin::Origin;

/// One export.
#[derive(Clone, Debug)]
pub struct Export {
    /// The message, in protobuf.
    pub body: Vec<u8>,
    /// How many spans, log records or metrics it has.
    pub items: u64,
}

/// The spans of records, those that are kept; `None` where there is none.
#[must_use]
pub fn traces(origin: &Origin, records: &[Record]) -> Option<Export> {
    let spans: Vec<_> = records.iter().flat_map(|record| spans::of(origin, record)).collect();
    let items = spans.len();
    (items > 0).then(|| export(&messages::traces(resource(origin), spans), items))
}

/// A log record for each record.
#[must_use]
pub fn logs(origin: &Origin, records: &[Record]) -> Option<Export> {
    let logs: Vec<_> = records.iter().filter_map(log_records::of).collect();
    let items = logs.len();
    (items > 0).then(|| export(&messages::logs(resource(origin), logs), items))
}

/// The metrics of a text that Prometheus would get, at this time in nanoseconds since 1970.
#[must_use]
pub fn metrics(origin: &Origin, text: &str, at_nanos: u64) -> Option<Export> {
    let families = crate::exposition::families(text);
    let metrics: Vec<_> =
        families.iter().filter_map(|one| numbers::of(one, origin.start_nanos, at_nanos)).collect();
    let items = metrics.len();
    (items > 0).then(|| export(&messages::metrics(resource(origin), metrics), items))
}

/// How many items of a successful export the collector says that it did not take.
#[must_use]
pub fn rejected(answer: &[u8]) -> u64 {
    let answer = ExportAnswer::decode(answer).unwrap_or_default();
    let rejected = answer.partial_success.map_or(0, |partial| partial.rejected);
    u64::try_from(rejected).unwrap_or(0)
}

fn export(message: &impl prost::Message, items: usize) -> Export {
    Export { body: message.encode_to_vec(), items: u64::try_from(items).unwrap_or(u64::MAX) }
}

fn resource(origin: &Origin) -> Resource {
    let mut all = attributes::Attributes::default();
    all.text("service.name", "portcullis");
    all.text("service.namespace", &origin.estate);
    all.text("service.instance.id", &origin.instance);
    all.text("service.version", env!("CARGO_PKG_VERSION"));
    Resource { attributes: all.into_list() }
}

#[cfg(test)]
mod tests;
