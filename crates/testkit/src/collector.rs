//! A collector that keeps what it is sent, read with the types that OpenTelemetry generates from its
//! own definitions.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;

use crate::upstream::{Behaviour, Seen, Upstream};

pub use opentelemetry_proto::tonic::logs::v1::LogRecord;
pub use opentelemetry_proto::tonic::metrics::v1::Metric;
pub use opentelemetry_proto::tonic::trace::v1::Span;

/// Longest wait for something to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that arrived.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// Spans.
    pub spans: Vec<Span>,
    /// Log records.
    pub logs: Vec<LogRecord>,
    /// Metrics, again with every export.
    pub metrics: Vec<Metric>,
    /// Attributes of the resource, of the last export.
    pub resource: Vec<KeyValue>,
    /// The exports, as requests.
    pub exports: Vec<Seen>,
}

/// A collector of the test.
#[derive(Clone, Debug)]
pub struct Collector {
    /// The server that it is.
    pub server: Upstream,
    arrived: Arc<Mutex<Arrived>>,
}

impl Collector {
    /// Listens on a free port of this machine and takes everything.
    #[must_use]
    pub fn start() -> Self {
        let collector = Self { server: Upstream::start(), arrived: Arc::default() };
        collector.take_everything();
        collector
    }

    /// Takes everything from now on.
    pub fn take_everything(&self) {
        self.answer("200 OK");
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: &str) {
        let kind = "content-type: application/x-protobuf";
        let head = format!("HTTP/1.1 {status}\r\n{kind}\r\ncontent-length: 0\r\n\r\n");
        self.server.behave(Behaviour::Bytes(head));
    }

    /// Where it listens, as an endpoint.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Everything so far.
    #[must_use]
    pub fn arrived(&self) -> Arrived {
        let mut arrived = self.arrived.lock().unwrap();
        for seen in self.server.take() {
            arrived.read(&seen);
            arrived.exports.push(seen);
        }
        arrived.clone()
    }

    /// Waits until what has arrived is enough.
    pub fn wait_for<T>(&self, find: impl Fn(&Arrived) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let arrived = self.arrived();
            if let Some(found) = find(&arrived) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "it did not arrive; this did: {arrived:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Arrived {
    fn read(&mut self, seen: &Seen) {
        let path = seen.head.split(' ').nth(1).unwrap();
        assert_eq!(seen.values("content-type"), ["application/x-protobuf"]);
        let body = seen.body.as_slice();
        if path.ends_with("/v1/traces") {
            for one in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                self.resource = one.resource.unwrap().attributes;
                self.spans.extend(one.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        } else if path.ends_with("/v1/logs") {
            for one in ExportLogsServiceRequest::decode(body).unwrap().resource_logs {
                self.resource = one.resource.unwrap().attributes;
                self.logs.extend(one.scope_logs.into_iter().flat_map(|scope| scope.log_records));
            }
        } else {
            assert!(path.ends_with("/v1/metrics"), "{path}");
            for one in ExportMetricsServiceRequest::decode(body).unwrap().resource_metrics {
                self.resource = one.resource.unwrap().attributes;
                self.metrics.extend(one.scope_metrics.into_iter().flat_map(|scope| scope.metrics));
            }
        }
    }
}

/// An attribute as text; whole numbers too.
#[must_use]
pub fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|one| one.key == key)?.value.as_ref()?.value.as_ref()?;
    match value {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("an attribute of another kind: {other:?}"),
    }
}

/// An id in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
