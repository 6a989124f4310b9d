//! Do the messages say to others what they mean here? Read back with the types that OpenTelemetry
//! generates from its own definitions.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use portcullis_model::Record;
use portcullis_model::record::Crossing;
use prost::Message as _;

use super::{Origin, logs, metrics, rejected, traces};
use crate::Metrics;

fn record() -> Record {
    serde_json::from_value(serde_json::json!({
        "v": 1, "id": "0199aa", "kind": "outcome", "at": 1_700_000_000_000_u64, "revision": "abc",
        "listener": "web",
        "request": {"method": "GET", "host": "api.shop.example", "template": "/v1/orders/{id}",
            "digest": null, "body_bytes": null, "body_digest": null, "stripped": []},
        "crossing": {"from": "public", "to": "services", "boundary": "web-to-services",
            "api": "orders", "operation": "getOrder", "upstream": "orders"},
        "caller": {"principal": "h-alice", "kind": "user", "tenant": "acme", "credential": "k1"},
        "span": {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331",
            "call_id": "00f067aa0ba902b7", "parent_span_id": null,
            "link": ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b8"], "sampled": true},
        "decision": "allow", "stage": "admit", "reason": null, "detail": null,
        "stages": [{"stage": "receive", "said": "x", "micros": 10},
            {"stage": "admit", "said": "x", "micros": 20}, {"stage": "forward", "said": "x", "micros": 300}],
        "facts": [{"name": "message", "as_of": 0, "value": {"clear": "/v1/orders/secret-path"}}],
        "digest": "", "outcome": {"status": 200, "upstream_status": 200, "response_bytes": 7,
            "micros": 400, "intent_durable": true},
    }))
    .unwrap()
}

fn origin() -> Origin {
    Origin {
        estate: "shop".to_owned(),
        upstreams: [("orders".into(), ("orders.internal".to_owned(), 8443))].into(),
        ..Origin::default()
    }
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match &attributes.iter().find(|one| one.key == key)?.value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => Some(text),
        _ => None,
    }
}

#[test]
fn a_crossing_is_two_spans_with_a_link() {
    let export = traces(&origin(), &[record()]).unwrap();
    assert_eq!(export.items, 2);
    let read = ExportTraceServiceRequest::decode(export.body.as_slice()).unwrap();
    let resource = read.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(text(&resource.attributes, "service.namespace"), Some("shop"));
    let spans = &read.resource_spans[0].scope_spans[0].spans;
    let (server, client) = (&spans[0], &spans[1]);
    assert_eq!((server.name.as_str(), server.kind), ("GET /v1/orders/{id}", 2));
    assert_eq!(server.end_time_unix_nano - server.start_time_unix_nano, 400_000);
    assert_eq!(server.links[0].span_id, 0x00f0_67aa_0ba9_02b8_u64.to_be_bytes());
    assert_eq!((server.events.len(), server.parent_span_id.len(), server.flags), (3, 0, 1));
    assert_eq!((client.kind, &client.parent_span_id), (3, &server.span_id));
    assert_eq!(client.start_time_unix_nano - server.start_time_unix_nano, 30_000);
    assert_eq!(client.events[0].time_unix_nano - client.start_time_unix_nano, 300_000);
    assert_eq!(text(&client.attributes, "server.address"), Some("orders.internal"));
    assert_eq!(text(&server.attributes, "http.route"), Some("/v1/orders/{id}"));
    assert!(server.status.is_none() && text(&server.attributes, "error.type").is_none());
}

#[test]
fn nothing_personal_goes_out() {
    let mut unsampled = record();
    unsampled.span.as_mut().unwrap().sampled = false;
    assert!(traces(&origin(), &[unsampled.clone()]).is_none(), "it is not kept");
    let mut bodies = logs(&origin(), &[unsampled]).unwrap().body;
    bodies.extend(traces(&origin(), &[record()]).unwrap().body);
    let all = String::from_utf8_lossy(&bodies).into_owned();
    for personal in ["secret-path", "h-alice", "acme", "k1\u{0}"] {
        assert!(!all.contains(personal), "{personal}");
    }
}

#[test]
fn a_decision_is_a_log_record_with_its_trace() {
    let mut refused = record();
    refused.decision = portcullis_model::Decision::Deny;
    refused.reason = Some(portcullis_model::Reason::NotPermitted);
    let export = logs(&origin(), &[refused]).unwrap();
    let read = ExportLogsServiceRequest::decode(export.body.as_slice()).unwrap();
    let log = &read.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!((log.event_name.as_str(), log.severity_number), ("portcullis.decision", 13));
    assert_eq!(text(&log.attributes, "portcullis.reason"), Some("authorize.not_permitted"));
    assert_eq!(log.trace_id.len(), 16);
}

#[test]
fn numbers_are_those_of_prometheus() {
    let counted = Metrics::default();
    let crossing = Crossing { boundary: Some("a\"b\\c".into()), ..Crossing::default() };
    for micros in [20, 20, 80, 400_000] {
        counted.decided(&crossing, Some("/a"), None, Duration::from_micros(micros));
    }
    counted.recorded(&record());
    let export = metrics(&origin(), &counted.text(), 9).unwrap();
    let read = ExportMetricsServiceRequest::decode(export.body.as_slice()).unwrap();
    let all = &read.resource_metrics[0].scope_metrics[0].metrics;
    let named = |name: &str| all.iter().find(|one| one.name == name).unwrap();
    let Some(Data::Sum(requests)) = &named("portcullis_requests").data else { panic!("no sum") };
    assert!(requests.is_monotonic && requests.aggregation_temporality == 2);
    assert_eq!(text(&requests.data_points[0].attributes, "boundary"), Some("a\"b\\c"));
    let verdict = named("portcullis_verdict_seconds");
    let Some(Data::Histogram(took)) = &verdict.data else { panic!("no histogram") };
    let point = &took.data_points[0];
    assert_eq!((verdict.unit.as_str(), point.count), ("s", 4));
    assert_eq!(point.bucket_counts, [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(point.explicit_bounds.len() + 1, point.bucket_counts.len());
    let Some(Data::Histogram(stages)) = &named("portcullis_decision_seconds").data else {
        panic!("no histogram")
    };
    // every stage has its series from the start
    assert_eq!(stages.data_points.len(), portcullis_model::Stage::ALL.len());
    assert_eq!(stages.data_points.iter().filter(|point| point.count > 0).count(), 3);
    assert!(matches!(named("portcullis_build_info").data, Some(Data::Gauge(_))));
}

#[test]
fn what_the_collector_did_not_take_is_known() {
    let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "no".to_owned() };
    let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
    assert_eq!((rejected(&answer.encode_to_vec()), rejected(b""), rejected(b"\xff")), (3, 0, 0));
}
